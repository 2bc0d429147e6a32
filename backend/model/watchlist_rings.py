"""Rings among things that wait for each other. Pure."""

from collections.abc import Mapping, Sequence


def rings(graph: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return rings that share no member, until none is left; each begins anywhere in itself."""
    left = dict(graph)
    found = []
    while ring := _ring(left):
        found.append(ring)
        left = {name: after for name, after in left.items() if name not in ring}
    return found


def _ring(graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return one ring, or nothing; walks with a list of its own, since chains may be long."""
    done: set[str] = set()
    for start in graph:
        if start in done:
            continue
        way, ahead = [start], [iter(graph[start])]
        while way:
            step = next(ahead[-1], None)
            if step is None:
                done.add(way.pop())
                ahead.pop()
            elif step in way:
                return tuple(way[way.index(step) :])
            elif step in graph and step not in done:
                way.append(step)
                ahead.append(iter(graph[step]))
    return ()
