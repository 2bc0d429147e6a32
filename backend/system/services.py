"""What runs on this machine: systemd units and who listens on which port."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from backend.errors import CommandFailed
from backend.paths import Paths
from backend.system.runner import Command, Runner

_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,255}")
_USERS = re.compile(r'\("(?P<name>[^"]{1,64})",pid=(?P<pid>\d{1,9})')


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """One systemd unit."""

    name: str
    present: bool = False
    active: bool = False
    enabled: bool = False
    masked: bool = False
    generated: bool = False  # from an init script


class Services(Protocol):
    """Asks the service manager of a machine."""

    @property
    def available(self) -> bool:
        """Whether there is one."""

    def units(self, names: Iterable[str]) -> Mapping[str, UnitFacts]:
        """Return the facts of each unit asked for, under the name asked for; never raises."""


class NoServices:
    """A machine without systemd: every unit is absent."""

    available = False

    def units(self, names: Iterable[str]) -> Mapping[str, UnitFacts]:
        """See Services.units."""
        return {name: UnitFacts(name) for name in names}


class SystemdServices:
    """A machine that was started by systemd."""

    available = True

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def units(self, names: Iterable[str]) -> Mapping[str, UnitFacts]:
        """See Services.units; one call of systemctl for all of them."""
        wanted = [name for name in dict.fromkeys(names) if _UNIT.fullmatch(name)]
        if not wanted:
            return {}
        command = Command.of(
            "systemctl", "show", "--property=Id,Names,LoadState,ActiveState,UnitFileState", "--",
            *wanted,
        )  # fmt: skip
        try:
            said = self._runner.run(command.within(20.0), check=False).stdout
        except CommandFailed:
            return {name: UnitFacts(name) for name in wanted}
        found = parse_units(said, wanted)
        return {name: self._sysv(one) for name, one in found.items()}

    def _sysv(self, facts: UnitFacts) -> UnitFacts:
        """Ask again about a unit made from an init script: only is-enabled looks at its links."""
        if not facts.generated:
            return facts
        command = Command.of("systemctl", "is-enabled", "--", facts.name).within(20.0)
        try:
            said = self._runner.run(command, check=False).stdout
        except CommandFailed:
            return facts
        return replace(facts, enabled=said.strip() == "enabled")


def services(paths: Paths, runner: Runner) -> Services:
    """Return what asks systemd, or the null object when systemd did not start this machine."""
    if paths.at("/run/systemd/system").is_dir():
        return SystemdServices(runner)
    return NoServices()


def parse_units(text: str, wanted: Iterable[str]) -> Mapping[str, UnitFacts]:
    """Read ``systemctl show``: blocks of KEY=VALUE, in the order of the units asked for. Pure."""
    facts = {name: UnitFacts(name) for name in wanted}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for name in {values.get("Id", ""), *values.get("Names", "").split()} & facts.keys():
            state = values.get("UnitFileState", "")
            facts[name] = UnitFacts(
                name,
                present=values.get("LoadState") in {"loaded", "masked"},
                active=values.get("ActiveState") in {"active", "reloading", "activating"},
                enabled=state in {"enabled", "enabled-runtime", "static", "alias"},
                masked=values.get("LoadState") == "masked",
                generated=state == "generated",
            )
    return facts


@dataclass(frozen=True, slots=True)
class Listener:
    """A program that listens on a port; its name and process id when ss may tell them."""

    protocol: str  # "udp" or "tcp"
    address: str  # "0.0.0.0", "*", "10.0.0.1", "[::]"
    port: int
    program: str = ""
    pid: int | None = None


def listeners(runner: Runner) -> tuple[Listener, ...]:
    """Return every UDP and TCP listener; the programs' names need root. Empty without ``ss``."""
    try:
        result = runner.run(Command.of("ss", "-H", "-l", "-n", "-u", "-t", "-p"), check=False)
    except CommandFailed:
        return ()
    return parse_listeners(result.stdout)


def parse_listeners(text: str) -> tuple[Listener, ...]:
    """Read the lines of ``ss -Hlnutp``; lines that are something else are skipped. Pure."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 6 or words[0] not in {"udp", "tcp"}:
            continue
        address, _, port = words[4].rpartition(":")
        if not (port.isascii() and port.isdigit() and len(port) <= 5):
            continue
        user = _USERS.search(line)
        found.append(
            Listener(
                words[0],
                address.partition("%")[0],
                int(port),
                user["name"] if user else "",
                int(user["pid"]) if user else None,
            )
        )
    return tuple(found)
