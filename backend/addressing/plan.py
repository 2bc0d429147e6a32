"""The plan: which files change, and what holds the virtual IP until the agent does."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from backend.addressing import places, watcher
from backend.addressing.owner import Owner
from backend.addressing.text import encode
from backend.addressing.transfer import Transfer
from backend.change.plan import Check, Plan, SetUnit, Step, WriteFile
from backend.clone.image_facts import NetworkSystem
from backend.errors import Refused
from backend.paths import Paths
from backend.rendering import render
from backend.system.files import read_if_there
from backend.system.runner import Command

MACHINE_ID = Path("/etc/machine-id")
MOST_NEIGHBOURS = 4  # that are asked whether the new address works
_MACHINE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the plan needs to know of this machine."""

    systemd: bool
    id: str = ""  # of /etc/machine-id
    netplan: bool = False  # its program is here


def machine(paths: Paths, *, systemd: bool) -> Machine:
    """Look; raises Refused where systemd runs on a machine without an id."""
    found = (read_if_there(paths.at(MACHINE_ID)) or b"").decode("ascii", "replace").strip()
    if systemd and not _MACHINE.fullmatch(found):
        raise Refused.of(
            "addressing.machine-id",
            f"{MACHINE_ID} does not hold the id of this machine, which tells it from its clones.",
            "Make one: systemd-machine-id-setup",
        )
    netplan = any(paths.at(one).exists() for one in ("/usr/sbin/netplan", "/usr/bin/netplan"))
    return Machine(systemd, found, netplan)


def make_plan(
    paths: Paths, transfer: Transfer, owner: Owner, site: WriteFile, here: Machine
) -> Plan:
    """Return the plan; ``site`` is the step that writes the changed site file. Raises Refused, OSError."""
    sentence = (
        f"{transfer.virtual}, by which everybody knows this head, will belong to the active head; this head "
        f"itself gets {transfer.own} on {transfer.interface} ({transfer.network}). Nothing changes on the compute "
        "nodes, and connections go on."
    )
    steps = (
        *_configuration(paths, transfer, owner, here),
        site,
        WriteFile(
            places.settings_file(transfer.side), transfer.to_json(),
            "what the interface had before, for the way back", 0o600,
        ),
        *(_units(paths, transfer, here) if here.systemd else ()),
    )  # fmt: skip
    return Plan(transfer.title, sentence, steps)


def _configuration(paths: Paths, transfer: Transfer, owner: Owner, here: Machine) -> Iterator[Step]:
    file = owner.found.file
    mode = paths.at(file).stat().st_mode & 0o7777
    why = f"after a start of the machine {transfer.interface} has this head's own address"
    yield WriteFile(file, encode(owner.edited(transfer.own)), why, mode)
    if transfer.system is NetworkSystem.NETPLAN and here.netplan:
        what = "netplan accepts the configuration"
        yield Check(Command.of("netplan", "generate"), what, f"Look at {file}.")


def _units(paths: Paths, transfer: Transfer, here: Machine) -> Iterator[Step]:
    side = transfer.side
    script = places.hold_script(side)
    _argv, source = watcher.program()
    values = {"machine": here.id, "source": source, "python": sys.executable}
    yield WriteFile(script, _hold_script(transfer).encode(), "holds the virtual IP", 0o755)
    yield WriteFile(
        places.UNIT_DIRECTORY / places.hold_unit(side),
        render(
            "addressing/hold.service.j2", script=script, virtual=transfer.virtual,
            interface=transfer.interface, follow=call("follow"), **values,
        ).encode(),
        "until the failover agent is installed, somebody must",
    )  # fmt: skip
    yield WriteFile(
        places.UNIT_DIRECTORY / places.boot_unit(side),
        render(
            "addressing/boot.service.j2", pending=_there(paths, places.pending_file(paths)),
            back=_there(paths, places.back_file(paths)), boot=call("boot"), **values,
        ).encode(),
        "a machine that is started anew before the change was confirmed goes back, too",
    )  # fmt: skip
    yield SetUnit(
        places.boot_unit(side), "only acts when the change was not confirmed", enabled=True
    )
    yield SetUnit(
        places.hold_unit(side),
        f"{transfer.virtual} stays on this head",
        enabled=True,
        action="start",
    )


def _hold_script(transfer: Transfer) -> str:
    return render(
        "addressing/hold.sh.j2", virtual=transfer.virtual, own=transfer.own,
        interface=transfer.interface, agent=places.AGENT_CONFIG,
    )  # fmt: skip


def call(word: str) -> str:
    """Return the command line with which a unit calls one of our own commands."""
    return " ".join(watcher.program(word)[0])


def _there(paths: Paths, file: Path) -> Path:
    """Return a file below the root as the machine itself names it."""
    return Path("/") / file.relative_to(paths.root)


def neighbours(
    gateway: IPv4Address | None, nodes: tuple[IPv4Address, ...]
) -> tuple[IPv4Address, ...]:
    """Return whom the self-check may ask: the gateway and some nodes."""
    return tuple(dict.fromkeys((*((gateway,) if gateway else ()), *nodes)))[:MOST_NEIGHBOURS]
