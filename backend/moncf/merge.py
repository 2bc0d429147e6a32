"""Two watch lists become one. Pure."""

from dataclasses import replace

from backend.model.watchlist import Ref, WatchList


def merged(old: WatchList, new: WatchList) -> WatchList:
    """Return the old list with the new one's groups, periods and services, which take the place of those of the same names."""
    refs = {one.ref: one for one in new.services}
    kept: list[Ref] = [one.ref for one in old.services]
    services = [refs.get(one.ref, one) for one in old.services]
    known = set(kept)
    services += [one for one in new.services if one.ref not in known]
    groups = {one.name: one for one in (*old.groups, *new.groups)}
    periods = {one.name: one for one in (*old.periods, *new.periods)}
    return replace(
        old,
        groups=tuple(groups.values()),
        periods=tuple(periods.values()),
        services=tuple(services),
    )
