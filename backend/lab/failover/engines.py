"""What is compared: programs that keep a virtual IP alive on two heads, behind one interface."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backend.lab.failover.programs import Program
from backend.lab.failover.world import World
from backend.system.runner import Command

STOP_LIMIT = 10.0  # seconds for an orderly end


@dataclass(frozen=True, slots=True)
class Usage:
    """What an engine has used on one machine so far."""

    cpu: float  # seconds
    memory: int  # bytes resident, of all its processes; shared pages count in each


class Engine(ABC):
    """One engine in one world. Where it runs, it runs once."""

    name: str
    settle: float  # seconds after a start or a heal until it is what it was before
    members: tuple[str, ...]  # the machines that it runs on

    def __init__(self, world: World) -> None:
        self.world = world
        self.programs: dict[str, Program] = {}

    @abstractmethod
    def configure(self) -> None:
        """Write what it reads onto every member's disk; raises HaoscarError."""

    @abstractmethod
    def command(self, name: str) -> Command:
        """Return the command that runs it on a member, in the foreground."""

    @abstractmethod
    def switch_over(self, active: str) -> None:
        """Let the other head take over in the quickest way that it knows."""

    def whole(self, active: str) -> bool:  # noqa: ARG002 - for those who can be asked
        """Whether the active head sees every member do its part, where it can be asked."""
        return True

    def log_file(self, name: str) -> Path:
        """Where what it says on a member is written."""
        return self.world.directory / f"{self.name}-{name}.out"

    def start(self, *names: str) -> None:
        """Start it where it does not run."""
        for name in names:
            if not self.running(name):
                machine = self.world.machines[name]
                self.programs[name] = machine.start(self.command(name), self.log_file(name))

    def stop(self, *names: str) -> None:
        """Stop it in order: all are asked first."""
        for name in names:
            self.programs[name].process.send(signal.SIGTERM)
        for name in names:
            self.programs.pop(name).stop(STOP_LIMIT)

    def kill(self, *names: str) -> None:
        """Kill every process of it at once, as ``kill -9`` does."""
        for name in names:
            self.programs.pop(name).kill()

    def freeze(self, names: Iterable[str]) -> None:
        """Stop every process of it where it is."""
        # First all are found, then all are stopped: within a millisecond or so.
        for one in [one for name in names for one in self.programs[name].family()]:
            one.send(signal.SIGSTOP)

    def thaw(self, names: Iterable[str]) -> None:
        """Let its processes go on."""
        for one in [one for name in names for one in self.programs[name].family()]:
            one.send(signal.SIGCONT)

    def running(self, name: str) -> bool:
        """Whether it runs on a member."""
        return name in self.programs and self.programs[name].running

    def forget(self, name: str) -> None:
        """The machine has lost its power, and every process with it."""
        self.programs.pop(name, None)

    def usage(self, name: str) -> Usage:
        """Return what it has used on a member."""
        family = self.programs[name].family()
        return Usage(
            sum(one.run_seconds() for one in family), sum(one.memory_bytes() for one in family)
        )
