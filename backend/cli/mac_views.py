"""How a collected machine looks on the command line: a live line, a table row, a JSON object."""

import time

from backend.discovery.mac_collecting import to_json
from backend.discovery.macs import Machine
from backend.discovery.vendors import Vendors

HEADERS = ("MAC", "Heard as", "Vendor", "Host name", "First", "Last", "Times", "Belongs to")

_LIVE = "{:<17}  {:<34}  {:<24}  {}"
LIVE_HEADING = _LIVE.format("MAC", "Heard as", "Vendor", "Belongs to")


def as_line(machine: Machine, vendors: Vendors) -> str:
    """Return the line that appears when a machine is first heard."""
    vendor = vendors.name(machine.mac)[:24]
    return _LIVE.format(machine.mac, machine.description, vendor, machine.node or "").rstrip()


def as_row(machine: Machine, vendors: Vendors) -> tuple[object, ...]:
    """Return the row for HEADERS."""
    return (
        machine.mac,
        machine.description or "not heard yet",
        vendors.name(machine.mac),
        machine.host_name or "",
        _moment(machine.first_heard),
        _moment(machine.last_heard),
        machine.times_heard,
        machine.node or "",
    )


def as_facts(machine: Machine, vendors: Vendors) -> dict[str, object]:
    """Return everything known, for --json."""
    return {**to_json(machine), "vendor": vendors.name(machine.mac)}


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
