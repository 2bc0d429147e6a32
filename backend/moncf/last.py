"""Lines of which the last one counts. Pure."""

from collections.abc import Iterable

from backend.moncf.blocks import Item
from backend.moncf.findings import Findings


def last_of(items: Iterable[Item], findings: Findings) -> dict[str, Item]:
    """Return the last item of each key; mon forgets those before it, which is said."""
    last: dict[str, Item] = {}
    for item in items:
        before = last.get(item.key)
        if before is not None:
            why = f"Line {item.line} says it again, and mon takes the last one."
            findings.left(before.line, str(before), why)
        last[item.key] = item
    return last
