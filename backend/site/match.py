"""Finds the entries of a list of tables again among those that are there. Pure."""

from collections.abc import Sequence

from backend.site.build_watch import Values
from backend.site.draft import Table
from backend.site.keys import Section

Found = list[int | None]


def found_again(section: Section, present: Sequence[Table], wanted: Sequence[Values]) -> Found:
    """Return for each wanted entry the number of the present one that becomes it; None: a new one.

    Entries with an identity are found by it. Others are found by saying the same; of those that are
    left, the first becomes the first, and so on.
    """
    if section.identity:
        numbers = {_identity(section, one.values): n for n, one in enumerate(present)}
        return [numbers.get(_identity(section, values)) for values in wanted]
    left = list(range(len(present)))
    found: Found = [None] * len(wanted)
    for place, values in enumerate(wanted):
        same = next((n for n in left if says(section, present[n], values)), None)
        if same is not None:
            found[place] = same
            left.remove(same)
    for place, number in enumerate(found):
        if number is None and left:
            found[place] = left.pop(0)
    return found


def _identity(section: Section, values: Values) -> tuple[str, ...]:
    return tuple(str(values[key]) for key in section.identity)


def says(section: Section, table: Table, values: Values) -> bool:
    """Whether a table of the file says these values, with all that is below it."""
    if any(table.values.get(key.name, key.default) != values[key.name] for key in section.keys):
        return False
    for child in section.children:
        name = child.path[-1]
        below, wanted = table.children[name], values[name]
        if len(below) != len(wanted):
            return False
        if not all(says(child, one, more) for one, more in zip(below, wanted, strict=True)):
            return False
    return True
