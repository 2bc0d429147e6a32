"""Where a netplan file gives an interface an address. Pure.

This is no YAML reader: it follows the indentation of what netplan(5) documents and what installers
write, and says of anything else that it cannot be edited here.
"""

import re
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from backend.addressing.text import Found, Line, lines, pattern
from backend.clone.image_facts import NetworkSystem

_KEY = re.compile(r"(?P<quote>[\"']?)(?P<key>[A-Za-z0-9_.:/ *-]+?)(?P=quote)[ \t]*:(?:[ \t]+|$)")
_DASHES = re.compile(r"(?:-[ \t]+)*(?:-$)?")
_STRANGE = re.compile(
    r"^[ \t]*(?:- +)?(?:<<[ \t]*:|\? )|[:\-,\[{][ \t]+[&*!][A-Za-z!<]|:[ \t]+[|>]"
)
_ITEM = re.compile(r"[ \t]*([\"']?)[0-9.]+(?:/(?P<prefix>[0-9]{1,2}))?\1[ \t]*(?P<more>:?)[ \t]*")
_FLOW = re.compile(r"\[(?P<items>[^\[\]{}]*)\][ \t]*")
_SAY = "Write the list as one line for each address:  - ADDRESS/PREFIX"
_KINDS = 4  # network / ethernets / NAME / addresses


@dataclass(slots=True)
class _File:
    """What was read so far."""

    path: list[tuple[int, str]] = field(default_factory=list)  # (indentation, key), outermost first
    scalars: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for _indent, key in self.path)

    def leave(self, indent: int, *, item: bool) -> None:
        """Forget keys that end where something is written at this indentation."""
        # A list may stand at the same indentation as its key.
        while self.path and (
            self.path[-1][0] > indent or (self.path[-1][0] == indent and not item)
        ):
            self.path.pop()


def find(text: str, file: Path, address: IPv4Address) -> list[Found]:
    """Return every place of the file that gives an interface this address."""
    wanted = pattern(address)
    state, found, others = _File(), [], []
    strange = 0
    for line in lines(text):
        content = _without_comment(line.text)
        if not content.strip() or content.startswith(("---", "...", "%")):
            continue
        if "\t" in content[: len(content) - len(content.lstrip())] or _STRANGE.search(content):
            strange = strange or line.number
        rest = _enter(state, content)
        for match in wanted.finditer(content):
            new = Found(
                NetworkSystem.NETPLAN, file, line.start + match.start(), line.start + match.end(),
                line.number,
            )  # fmt: skip
            judged = _judged(new, state.keys, rest, content, line)
            found += judged
            others += [] if judged else [new]
    if strange:  # where the tree is not understood, any use may be the address of a card
        problem = f"line {strange} is YAML of a kind that is not edited here"
        remedy = "Write it without anchors, aliases, tags, tabs and blocks of text."
        every = [*(one for one, _keys in found), *others]
        return [replace(one, problem=problem, remedy=remedy) for one in every]
    return [_named(one, keys, state.scalars) for one, keys in found]


def _without_comment(text: str) -> str:
    """Return a line up to its comment: a "#" at the start or after a blank, not inside quotes."""
    quote = ""
    for number, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and (number == 0 or text[number - 1] in " \t"):
            return text[:number].rstrip()
    return text.rstrip()


def _enter(state: _File, content: str) -> str:
    """Follow a line into the tree; returns what stands behind its dashes and its key."""
    indent = len(content) - len(content.lstrip())
    rest = content[indent:]
    dashes = _DASHES.match(rest)
    width = len(dashes[0]) if dashes else 0
    state.leave(indent, item=width > 0)
    rest, indent = rest[width:], indent + width
    key = _KEY.match(rest)
    if key is None or rest.startswith(("[", "{")):
        return rest
    state.path.append((indent, key["key"]))
    value = rest[key.end() :].strip()
    if value and value[0] not in "[{":
        state.scalars[state.keys] = value.strip("\"'")
    return rest[key.end() :]


def _judged(
    new: Found, keys: tuple[str, ...], rest: str, content: str, line: Line
) -> list[tuple[Found, tuple[str, ...]]]:
    """Return the place with the keys that lead to it, or nothing when it is no address of a card."""
    at = new.start - line.start
    # "- 10.0.0.1/24:" opens the options of an address: the address itself is the innermost key.
    outer = keys[:-1] if keys and _ITEM.match(keys[-1]) else keys
    if "{" in content[:at] and re.search(r"\baddresses\b", content[:at]):
        return [(replace(new, problem="it is written inside { }", remedy=_SAY), keys)]
    if len(outer) != _KINDS or outer[0] != "network" or outer[3] != "addresses":
        return []
    if rest.lstrip().startswith("["):
        return [(_flow(new, rest), outer)]
    item = _ITEM.match(content, _item_start(content))
    if item is None or item.end() != len(content) or "-" not in content[:at]:
        return [(replace(new, problem="the list goes over several lines", remedy=_SAY), outer)]
    return [(replace(new, prefix=int(item["prefix"]) if item["prefix"] else None), outer)]


def _item_start(content: str) -> int:
    indent = len(content) - len(content.lstrip())
    dashes = _DASHES.match(content, indent)
    return dashes.end() if dashes else indent


def _flow(new: Found, rest: str) -> Found:
    """Judge ``[10.0.0.1/24, "10.0.0.2/24"]``; the rest of a line begins with the bracket."""
    flow = _FLOW.fullmatch(rest.strip())
    if flow is None:
        return replace(new, problem="the list goes over several lines", remedy=_SAY)
    return new


def _named(found: Found, keys: tuple[str, ...], scalars: dict[tuple[str, ...], str]) -> Found:
    """Return the place with the interface it is for and the renderer, as the whole file says."""
    card = keys[:3]
    match = {key[-1]: value for key, value in scalars.items() if key[:-1] == (*card, "match")}
    renderer = scalars.get((*card, "renderer")) or scalars.get(("network", "renderer"), "")
    new_name = scalars.get((*card, "set-name"))
    names: tuple[str, ...] = card[2:3]
    if match:
        names = tuple(filter(None, (new_name or match.get("name"),)))
    mac = match.get("macaddress", "").lower()
    return replace(found, names=names, macs=(mac,) if mac else (), renderer=renderer)
