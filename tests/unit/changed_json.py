"""A right configuration with changes in it, and what is said of its problems."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from backend.agentfile.generate import as_json

REMOVED = object()
Change = tuple[tuple["str | int", ...], object]


def changed(good: Mapping[str, Any], *changes: Change) -> str:
    """Return a document with changes, each a path and a value, as text."""
    document: Any = copy.deepcopy(good)
    for path, value in changes:
        inside = document
        for key in path[:-1]:
            inside = inside[key]
        if value is REMOVED:
            del inside[path[-1]]
        elif isinstance(inside, list) and path[-1] == len(inside):
            inside.append(value)
        else:
            inside[path[-1]] = value
    return as_json(document).decode()


def texts(problems: Iterable[Any]) -> list[tuple[str, str]]:
    """Return weight and text of each problem; each must be a line with a remedy."""
    found = list(problems)
    for one in found:
        assert one.remedy
        assert one.sentence("/f").isprintable()
        assert one.sentence("/f").startswith(f"/f:{one.line}: {one.weight}: ")
    return [(one.weight, one.text) for one in found]
