"""Which program a monitor's name means; the same as backend/model/watchlist_monitors.py says. Pure."""

from __future__ import annotations

import enum
import re

from backend.watch.monitors.parameters import FORMS

OCF_ROOT = "/usr/lib/ocf"
OCF = re.compile(r"ocf:([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_.-]{1,64})")
PLUGINS = ("/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins")
MON = tuple(
    f"{base}/{sub}"
    for base in ("/usr/local/lib/mon", "/usr/lib/mon", "/usr/lib64/mon")
    for sub in ("mon.d", "mon-local.d")
)


class Kind(str, enum.Enum):
    """Where a monitor comes from."""

    BUILT_IN = "built in"
    MON = "of mon"
    PLUGIN = "a Nagios plugin"
    OCF = "an OCF resource agent"
    PROGRAM = "a program"


def kind_of(name: str) -> Kind | None:
    """Return what a monitor's name means; None: nobody knows it."""
    if name in FORMS:
        return Kind.BUILT_IN
    if OCF.fullmatch(name):
        return Kind.OCF
    if name.startswith("/"):
        return Kind.PROGRAM
    if name.endswith(".monitor"):
        return Kind.MON
    return Kind.PLUGIN if name.startswith("check_") else None


def places(name: str, kind: Kind) -> tuple[str, ...]:
    """Return the paths of which one must be there."""
    if kind is Kind.PROGRAM:
        return (name,)
    if kind is Kind.MON:
        return tuple(f"{place}/{name}" for place in MON)
    if kind is Kind.PLUGIN:
        return tuple(f"{place}/{name}" for place in PLUGINS)
    found = OCF.fullmatch(name)
    return (f"{OCF_ROOT}/resource.d/{found[1]}/{found[2]}",) if found else ()
