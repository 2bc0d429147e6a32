"""What has changed between two JSON objects, so that only that is sent to the other head. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEEPEST = 6
Change = list[Any]  # [path] : it is gone; [path, value] : it is this now


def changes(
    old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...] = ()
) -> list[Change]:
    """Return what makes ``old`` into ``new``; objects in them are compared key by key."""
    found: list[Change] = [[[*path, key]] for key in old if key not in new]
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value:
            continue
        deeper = isinstance(before, Mapping) and isinstance(value, Mapping)
        if deeper and before and len(path) + 1 < DEEPEST:
            found += changes(before, value, (*path, key))
        else:
            found.append([[*path, key], value])
    return found


def apply(state: dict[str, Any], news: object) -> None:
    """Apply changes; raises ValueError when they do not fit the state."""
    if not isinstance(news, Sequence) or isinstance(news, str):
        raise ValueError("there are no changes")
    for change in news:
        if not isinstance(change, list) or len(change) not in (1, 2):
            raise ValueError("a change is none")
        path = change[0]
        if not isinstance(path, list) or not 1 <= len(path) <= DEEPEST:
            raise ValueError("a change has no place")
        place: Any = state
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if not isinstance(place, dict) or not isinstance(path[-1], str):
            raise ValueError("a change has no place here")
        if len(change) == 1:
            place.pop(path[-1], None)
        else:
            place[path[-1]] = change[1]
