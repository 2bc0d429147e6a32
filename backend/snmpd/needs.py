"""Which tables of snmpd the watch list asks on a head, and what the site says about them. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from backend.agentfile.members import PRIVATE, participants
from backend.model.agent import ResourceKind
from backend.model.recovery import RecoveryKind
from backend.model.site import Site
from backend.model.watchlist import HostGroup

PROC, LOAD, DISK = "proc", "load", "disk"  # the directives, and the tables that they fill
TABLES = {
    "netsnmp-proc.monitor": PROC,
    "netsnmp-loadaverage.monitor": LOAD,
    "netsnmp-freespace.monitor": DISK,
}
USUAL_FILE = "/etc/haoscar/snmp"


class Wish(NamedTuple):
    """What one head's snmpd is asked for."""

    tables: frozenset[str]
    address: str  # of this head, on the private network
    askers: tuple[str, ...]  # addresses that may ask: those of both heads
    mounts: tuple[str, ...] = ()  # file systems that move with the role
    moving: tuple[str, ...] = ()  # units that move with the role
    healed: tuple[str, ...] = ()  # units that the watch list restarts
    file: str = USUAL_FILE  # with the credentials


def wish_of(site: Site, name: str) -> Wish | None:
    """Return what the snmpd of the head ``name`` is asked for; None when nobody asks it anything."""
    heads = [one for one in participants(site) if one.head]
    me = next(one for one in heads if one.name == name)
    own = {str(one) for one in me.addresses.values()}
    names = {me.name.casefold(), f"{me.name}.{site.domain}".casefold(), "localhost", *own}
    looked_at = {one.name for one in site.watch.groups if _is_meant(one, names)}
    tables = frozenset(
        TABLES[one.monitor]
        for one in site.watch.services
        if one.monitor in TABLES and one.group in looked_at
    )
    if not tables:
        return None
    return Wish(
        tables=tables,
        address=str(me.addresses[PRIVATE]),
        askers=tuple(str(one) for head in heads for one in head.addresses.values()),
        mounts=tuple(_options(site, ResourceKind.MOUNT, "directory")),
        moving=tuple(_options(site, ResourceKind.UNIT, "unit")),
        healed=tuple(_healed(site)),
        file=_file(site),
    )


def _is_meant(group: HostGroup, names: set[str]) -> bool:
    """Whether a group's hosts include the head; a group without hosts means both heads."""
    return not group.hosts or any(one.casefold() in names for one in group.hosts)


def _options(site: Site, kind: ResourceKind, key: str) -> Iterable[str]:
    for one in site.resources:
        value = dict(one.options).get(key)
        if one.kind is kind and value:
            yield value


def _healed(site: Site) -> Iterable[str]:
    """Return the units that recoveries restart."""
    for one in site.watch.services:
        if one.recovery is not None and one.recovery.kind is RecoveryKind.UNIT:
            unit = dict(one.recovery.options).get("unit")
            if unit:
                yield unit


def _file(site: Site) -> str:
    return (site.monitoring.snmp_file if site.monitoring else "") or USUAL_FILE
