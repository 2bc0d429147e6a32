"""Writes a site into the text of the site file, leaving alone what did not change.

The text is cut into blocks, one for each header with the comments directly above it. Blocks whose
values are still right stay as they are, letter by letter; in the others tomlkit changes single
keys. Entries of a list are found again by their name.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from backend.errors import HaoscarError
from backend.model.site import Site
from backend.site.build import Values, repeated_values, single_values
from backend.site.draft import Draft
from backend.site.keys import Section
from backend.site.locate import locate
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
            _edit_list(section, blocks, draft, repeated[section.path[0]], derived)
    except (TOMLKitError, _Strange, KeyError, TypeError, AttributeError):
        return None
    return "".join(block.text for block in blocks)


class _Strange(HaoscarError):
    """A valid file whose layout this module does not edit, such as a list written in one line."""


@dataclass(slots=True, eq=False)
class _Block:
    """A header with what is below it; the first block has none."""

    header: tuple[str, ...] | None
    array: bool
    text: str

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
        blocks.append(_Block(header.path, header.array, text[header.start : end]))
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
    return "\n".join(lines) + "\n"


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
    if after.text and not after.text.endswith("\n\n"):
        after.text += "\n"
    number = blocks.index(after) + 1
    for block in new if number < len(blocks) else new[:-1]:
        block.text += "\n"
    blocks[number:number] = new


def _remove(blocks: list[_Block], block: _Block) -> None:
    """Drop a block; comments that stand apart below it stay."""
    _, tail = block.cut()
    number = blocks.index(block)
    if "#" in tail:
        blocks[number - 1].text += tail.lstrip("\n")
    blocks.remove(block)


def _edit_list(
    section: Section, blocks: list[_Block], draft: Draft, wanted: list[Values], derived: Values
) -> None:
    present = draft.repeated[section.path[0]]
    mine = [one for one in blocks if one.array and one.header == section.path]
    if len(mine) != len(present):
        raise _Strange
    by_name = {str(table.values["name"]): number for number, table in enumerate(present)}
    names = [str(values["name"]) for values in wanted]
    for name, number in by_name.items():
        if name not in names:
            _remove(blocks, mine[number])
    order: list[_Block] = []
    new: list[_Block] = []
    for name, values in zip(names, wanted, strict=True):
        if name in by_name:
            block, table = mine[by_name[name]], present[by_name[name]]
            changes = _changes(section, table.values, values, derived)
            _edit(block, section.path, changes, entry=True)
        else:
            block = _Block(section.path, True, _new_block(section, values))
            new.append(block)
        order.append(block)
    _insert(blocks, _last_of(blocks, order), new)
    _arrange(blocks, order)


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
        if id(block) in ids and not block.text.endswith("\n\n"):
            block.text += "\n"
