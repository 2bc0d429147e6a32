"""Writes a site into the text of the site file, leaving alone what did not change.

The text is cut into blocks, one for each header with the comments directly above it. Blocks whose
values are still right stay as they are, letter by letter; in the others tomlkit changes single
keys. Entries of a list are found again by their name; those below an entry, which have none, by
what they say, or else by their place.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from backend.errors import HaoscarError
from backend.model.site import Site
from backend.site.build import repeated_values, single_values
from backend.site.build_watch import Values
from backend.site.draft import Draft, Table
from backend.site.keys import Section
from backend.site.locate import locate
from backend.site.match import found_again
from backend.site.schema import REPEATED, SINGLE, VERSION

OPENING = f"""\
# The site: networks, heads, images and nodes of this cluster, for HA-OSCAR.
# Every key is explained in docs/site-file.md. Check it after editing: haoscar site check
version = {VERSION}
"""


def fresh(site: Site) -> str:
    """Return the text of a new site file."""
    single, repeated = single_values(site), repeated_values(site)
    parts = [OPENING]
    for section in SINGLE:
        values = single[section.path]
        if values is not None:
            parts.append(_new_block(section, values))
    for section in REPEATED:
        parts += [_new_block(section, values) for values in repeated[section.path[0]]]
    return "\n".join(parts)


def edited(site: Site, text: str, draft: Draft) -> str | None:
    """Return ``text`` changed so that it says ``site``; None when it is laid out too strangely.

    ``draft`` holds the values of ``text``, which has no errors and "\\n" as line ends.
    """
    blocks = _split(text if text.endswith("\n") else text + "\n")
    derived = {"prefix": site.private.network.prefixlen}
    single, repeated = single_values(site), repeated_values(site)
    try:
        for section in SINGLE:
            _edit_single(section, blocks, draft, single[section.path], derived)
        for section in REPEATED:
            name = section.path[0]
            _edit_list(section, blocks, draft.repeated[name], repeated[name], derived)
    except (TOMLKitError, _Strange, KeyError, TypeError, AttributeError):
        return None
    return "".join(block.whole for block in blocks)


class _Strange(HaoscarError):
    """A valid file whose layout this module does not edit, such as a list written in one line."""


@dataclass(slots=True, eq=False)
class _Block:
    """A header with what is below it; the first block has none."""

    header: tuple[str, ...] | None
    array: bool
    text: str
    below: list["_Block"] = field(default_factory=list)  # of an entry: its [[lists.of.tables]]

    @property
    def whole(self) -> str:
        """The text with that of what is below."""
        return self.text + "".join(one.whole for one in self.below)

    @property
    def last(self) -> "_Block":
        """The block whose text ends the whole."""
        return self.below[-1].last if self.below else self

    def cut(self) -> tuple[str, str]:
        """Return the text up to the last key, and the comments and blank lines after it."""
        end = locate(self.text).last_end
        return self.text[:end], self.text[end:]


def _split(text: str) -> list[_Block]:
    headers = locate(text).headers
    ends = [*(one.start for one in headers[1:]), len(text)]
    first = headers[0].start if headers else len(text)
    blocks = [_Block(None, False, text[:first])]
    for header, end in zip(headers, ends, strict=False):
        block = _Block(header.path, header.array, text[header.start : end])
        _place_of(block, blocks).append(block)
    return blocks


def _place_of(block: _Block, blocks: list[_Block]) -> list[_Block]:
    """Return the list that a further block belongs in: that of the entry whose header it extends."""
    last = blocks[-1] if blocks else None
    if last is None or not last.array or last.header is None or block.header is None:
        return blocks
    if len(block.header) > len(last.header) and block.header[: len(last.header)] == last.header:
        return _place_of(block, last.below)
    return blocks


def _literal(value: object) -> str:
    return str(tomlkit.item(_plain(value)).as_string())


def _plain(value: object) -> Any:
    """Return a value as tomlkit takes it: pairs are an inline table, other tuples a list."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, tuple):
        return str(value)
    if value and isinstance(value[0], tuple):
        table = tomlkit.inline_table()
        table.update(value)
        return table
    return [_plain(one) for one in value]


def _new_block(section: Section, values: Values) -> str:
    lines = [section.header]
    for key in section.keys:
        value = values[key.name]
        if value is not None and (key.default is None or value != key.default):
            lines.append(f"{key.name} = {_literal(value)}")
    text = "\n".join(lines) + "\n"
    for child in section.children:
        text += "".join("\n" + _new_block(child, one) for one in values[child.path[-1]])
    return text


def _changes(
    section: Section, present: Mapping[str, Any], wanted: Values, derived: Values
) -> dict[str, Any]:
    """Return the keys to set, and with None those to remove."""
    changes: dict[str, Any] = {}
    for key in section.keys:
        value = wanted[key.name]
        if key.name in present:
            if present[key.name] != value:
                # An empty list and an empty table look alike: the default takes their place.
                changes[key.name] = None if value == () == key.default else value
        elif value is not None and value != derived.get(key.name, key.default):
            changes[key.name] = value
    return changes


def _edit(block: _Block, path: tuple[str, ...], changes: Mapping[str, Any], *, entry: bool) -> None:
    """Change keys of the table at ``path`` in a block, or of its first entry."""
    if not changes:
        return
    body, tail = block.cut()
    document = tomlkit.parse(body)
    table: Any = document
    for key in path:
        table = table[key]
    if entry:
        table = table[0]
    for name, value in changes.items():
        if value is None:
            del table[name]
        else:
            table[name] = _plain(value)
    block.text = document.as_string() + tail


def _edit_single(
    section: Section, blocks: list[_Block], draft: Draft, wanted: Values | None, derived: Values
) -> None:
    path = section.path
    table = draft.single.get(path)
    if table is None:
        if wanted is not None:
            block = _Block(path, False, _new_block(section, wanted))
            _insert(blocks, _last_single(blocks), [block])
        return
    found = next((one for one in blocks if not one.array and locate(one.text).holds(path)), None)
    if found is None:
        raise _Strange
    if wanted is not None:
        _edit(found, path, _changes(section, table.values, wanted, derived), entry=False)
    elif found.header == path:
        _remove(blocks, found)
    else:
        raise _Strange


def _last_single(blocks: list[_Block]) -> _Block:
    """Return the last block before the lists begin."""
    return next((before for before, one in itertools.pairwise(blocks) if one.array), blocks[-1])


def _insert(blocks: list[_Block], after: _Block, new: list[_Block]) -> None:
    """Add blocks, each with a blank line around it."""
    if not new:
        return
    if after.whole and not after.whole.endswith("\n\n"):
        after.last.text += "\n"
    number = blocks.index(after) + 1
    for block in new if number < len(blocks) else new[:-1]:
        block.text += "\n"
    blocks[number:number] = new


def _remove(blocks: list[_Block], block: _Block) -> None:
    """Drop a block; comments that stand apart below it stay."""
    _, tail = block.last.cut()
    number = blocks.index(block)
    if "#" in tail:
        blocks[number - 1].last.text += tail.lstrip("\n")
    blocks.remove(block)


def _edit_list(
    section: Section,
    blocks: list[_Block],
    present: list[Table],
    wanted: list[Values],
    derived: Values,
) -> None:
    mine = [one for one in blocks if one.array == section.repeated and one.header == section.path]
    if len(mine) != len(present):
        raise _Strange
    known = found_again(section, present, wanted)
    for number, block in enumerate(mine):
        if number not in known:
            _remove(blocks, block)
    order: list[_Block] = []
    new: list[_Block] = []
    for place, values in zip(known, wanted, strict=True):
        if place is not None:
            block, table = mine[place], present[place]
            changes = _changes(section, table.values, values, derived)
            _edit(block, section.path, changes, entry=section.repeated)
            _edit_below(section, block, table, values)
        else:
            block = _Block(section.path, section.repeated, _new_block(section, values))
            new.append(block)
        order.append(block)
    _insert(blocks, _last_of(blocks, order), new)
    _arrange(blocks, order)


def _edit_below(section: Section, block: _Block, table: Table, wanted: Values) -> None:
    """Change the lists of tables below an entry."""
    for child in section.children:
        name = child.path[-1]
        parts = [_Block(None, False, block.text), *block.below]
        _edit_list(child, parts, table.children[name], wanted[name], {})
        block.text, block.below = parts[0].text, parts[1:]


def _last_of(blocks: list[_Block], some: list[_Block]) -> _Block:
    """Return the last block that is one of ``some``, or else the last of all."""
    ids = set(map(id, some))
    return next((one for one in reversed(blocks) if id(one) in ids), blocks[-1])


def _arrange(blocks: list[_Block], order: list[_Block]) -> None:
    """Put the blocks of one list into order, in the places that they take together."""
    ids = set(map(id, order))
    places = [number for number, block in enumerate(blocks) if id(block) in ids]
    for number, block in zip(places, order, strict=True):
        blocks[number] = block
    for block in blocks[:-1]:
        if id(block) in ids and not block.whole.endswith("\n\n"):
            block.last.text += "\n"
