"""What a head's snmpd was before it was set up: kept on that head, and brought back by removal."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from backend.errors import HaoscarError
from backend.model.distribution import Family
from backend.packages.apt import Apt
from backend.packages.dnf import Dnf
from backend.packages.installer import PackageTool
from backend.rollout import far, services, snmpd_look
from backend.rollout.facts import Facts
from backend.rollout.places import SNMPD_DROP_IN, SNMPD_FILES, SNMPD_RECORD, SNMPD_UNIT
from backend.rollout.snmpd import LEFT
from backend.rollout.snmpd_look import Line, SnmpdFacts
from backend.snmpd.files import USER
from backend.system.runner import Command, Runner
from backend.system.services import SystemdServices
from backend.tasks import Event, Progress, TaskContext


@dataclass(frozen=True, slots=True)
class Before:
    """What was there."""

    enabled: bool = False
    running: bool = False
    packages: tuple[str, ...] = ()  # that were installed for it, with what they needed
    family: str = ""  # of the distribution: whose package tool it was

    @classmethod
    def of(cls, text: str | None) -> "Before | None":
        """Read the record; None where there is none that can be read."""
        try:
            data = json.loads(text or "")
            return cls(
                data["enabled"] is True,
                data["running"] is True,
                tuple(str(one) for one in data["packages"]),
                str(data["family"]),
            )
        except (ValueError, KeyError, TypeError):
            return None

    def with_packages(self, new: "Before") -> "Before":
        """Return the record with packages that were new."""
        packages = tuple(dict.fromkeys((*self.packages, *new.packages)))
        return replace(self, packages=packages, family=new.family)

    def as_json(self) -> bytes:
        """Return it as the file has it."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"


def install(runner: Runner, found: SnmpdFacts, say: Callable[[str], None]) -> Before:
    """Install snmpd; returns what was new. Raises HaoscarError."""

    def listen(event: Event) -> None:
        if isinstance(event, Progress) and event.step:
            say(event.step)

    tool = _tool(runner, found.family.value)
    return Before(
        packages=tool.install((found.package,), TaskContext(listen)), family=found.family.value
    )


def take_back(runner: Runner, facts: Facts) -> None:
    """Bring back what was there before; raises HaoscarError when that fails."""
    before = Before.of(facts.file(SNMPD_RECORD).text) or Before(
        True, facts.service(SNMPD_UNIT).running
    )
    stopped = Command.of("systemctl", "stop", SNMPD_UNIT).within(services.SECONDS)
    runner.run(stopped, check=False)  # it may have been removed by somebody
    snmpd_look.edit(runner, Line.TAKE, forget=USER)
    gone = [one for one in (*SNMPD_FILES, *LEFT) if one != SNMPD_RECORD]
    drop_in = SNMPD_DROP_IN.rpartition("/")[0]
    far.do(
        runner,
        [*(far.on_path("remove", one) for one in gone), far.on_path("remove_empty", drop_in)],
    )
    services.systemctl(runner, "daemon-reload")
    if before.packages:
        _tool(runner, before.family).remove(before.packages)
    elif facts.service(SNMPD_UNIT).loaded:
        if not before.enabled:
            services.systemctl(runner, "disable", SNMPD_UNIT)
        if before.running:
            services.systemctl(runner, "restart", SNMPD_UNIT)
    # Last of all: when something above fails, the next run still knows.
    far.do(runner, [far.on_path("remove", SNMPD_RECORD)])


def _tool(runner: Runner, family: str) -> PackageTool:
    if family == Family.DEBIAN:
        return Apt(runner, SystemdServices(runner))
    if family == Family.RHEL:
        return Dnf(runner)
    raise HaoscarError.of("rollout.snmpd", "The distribution of this head is not known.")
