"""Processes, load and disks as an SNMP agent judges them: the error flags of UCD-SNMP-MIB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from backend.system.watch.errors import Closed, Silent
from backend.system.watch.snmp import Reading, Wanted
from backend.watch.monitors.findings import Finding, failed, ok, unknown
from backend.watch.monitors.look import Look, each
from backend.watch.results import Result

UCD = (1, 3, 6, 1, 4, 1, 2021)
NAME, FLAG, MESSAGE = 2, 100, 101  # columns of all three tables
# NET-SNMP-AGENT-MIB nsCacheTimeout of the list of processes (hrSWRunTable)
PROCESS_CACHE = (1, 3, 6, 1, 4, 1, 8072, 1, 5, 3, 1, 2, 1, 3, 6, 1, 2, 1, 25, 4, 2)
STALE = 1  # seconds; more is told


class Table(NamedTuple):
    """One of the tables."""

    entry: tuple[int, ...]
    what: str
    word: str  # in snmpd.conf
    beside: tuple[int, ...] = ()


TABLES = {
    "netsnmp-proc.monitor": Table((*UCD, 2, 1), "processes", "proc", PROCESS_CACHE),
    "netsnmp-loadaverage.monitor": Table((*UCD, 10, 1), "load averages", "load"),
    "netsnmp-freespace.monitor": Table((*UCD, 9, 1), "disks", "disk"),
}


async def check(look: Look) -> Result:
    """Check the hosts of a service."""
    return await each(look, _ask)


async def _ask(look: Look, host: str, address: str) -> Finding:
    table = TABLES[look.service.monitor]
    wanted = Wanted(
        address, look.given.number("port"), table.entry, (NAME, FLAG, MESSAGE), table.beside
    )
    try:
        reading = await look.tools.snmp.read(wanted, look.seconds)
    except Closed:
        return unknown(
            host, f"no SNMP agent listens at {address}. Start snmpd there: systemctl start snmpd"
        )
    except Silent as error:
        if error.strays:
            return unknown(host, "it answers, but not with SNMP. See what listens there.")
        return unknown(
            host,
            f"the SNMP agent does not answer within {look.seconds:.3g} s: it hangs, this head may "
            "not ask it, or the community is wrong. See snmpd.conf and the SNMP file of this head.",
        )
    return judge(host, table, reading, look.given.words)


def judge(host: str, table: Table, reading: Reading, names: tuple[str, ...]) -> Finding:
    """Return what a table says; ``names``: only these rows. Pure."""
    rows = [row for _, row in sorted(reading.rows.items())]
    if not rows:
        return unknown(
            host,
            f"its SNMP agent watches no {table.what}. Add lines with {table.word} to its snmpd.conf.",
        )
    there = {str(row.get(NAME, "")) for row in rows}
    missing = [name for name in names if name not in there]
    chosen = [row for row in rows if not names or row.get(NAME) in names]
    bad = [row for row in chosen if _flag(row) not in (0, None)]
    if bad:
        return failed(host, "; ".join(map(_message, bad)) + _age(reading))
    if missing:
        return unknown(
            host, f"its SNMP agent does not watch {', '.join(missing)}. Add it to its snmpd.conf."
        )
    if any(_flag(row) is None for row in chosen):
        return unknown(host, "its SNMP agent does not say whether there is an error.")
    return ok(host, f"{', '.join(str(row.get(NAME)) for row in chosen)}: no error" + _age(reading))


def _flag(row: Mapping[int, object]) -> int | None:
    value = row.get(FLAG)
    return value if isinstance(value, int) else None


def _message(row: Mapping[int, object]) -> str:
    text = str(row.get(MESSAGE) or "").strip()
    return text or f"{row.get(NAME)}: error"


def _age(reading: Reading) -> str:
    if reading.beside is None or reading.beside <= STALE:
        return ""
    return (
        f"\nIts SNMP agent lists the processes anew only every {reading.beside} s: what ends in "
        "between is seen late. See docs/monitors.md."
    )
