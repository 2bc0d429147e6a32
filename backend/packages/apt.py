"""Packages on Debian and Ubuntu, with apt-get.

Nothing is started as a side effect. A policy-rc.d file would do that for every package on the
machine, also in somebody else's apt run, and would stay behind after a kill. Instead only the boot
daemons' units are masked in /run while apt works: a kill costs nothing, a reboot clears it.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.errors import Cancelled, CommandFailed, HaoscarError, Refused
from backend.packages.catalog import DEBIAN_DAEMONS
from backend.packages.names import checked
from backend.reports import error
from backend.system.runner import Command, Runner, failure
from backend.system.services import Services
from backend.tasks import TaskContext

STATES = Command.of("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n")
LOCK_WAIT = 600  # seconds that another package tool may keep the lock
ENVIRONMENT: Mapping[str, str] = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_MODE": "l",  # needrestart only lists: it restarts no service of the head
    "APT_LISTCHANGES_FRONTEND": "none",
}
_ACTION = re.compile(r"^(?P<action>Inst|Remv|Purg) (?P<name>[A-Za-z0-9][A-Za-z0-9+._:-]*)(?: |$)")
# What apt-get and dpkg print in the C locale, whatever the terminal.
_DONE = re.compile(
    r"^(?:(?P<what>Get:\d+|Unpacking|Setting up) )(?P<name>\S{1,200})(?P<rest>[^\n]{0,300})"
)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What apt-get would do."""

    installs: tuple[str, ...]
    removes: tuple[str, ...]


class Apt:
    """A backend.packages.installer.PackageTool."""

    def __init__(self, runner: Runner, services: Services) -> None:
        self._runner = runner
        self._services = services

    def installed(self) -> frozenset[str]:
        """Return the names of all installed packages; raises CommandFailed."""
        return parse_installed(self._runner.run(STATES).stdout)

    def _unpacked(self) -> frozenset[str]:
        """Return the names of all packages that have files here, in whatever state."""
        gone = ("not-installed", "config-files")
        pairs = (line.partition(" ") for line in self._runner.run(STATES).stdout.splitlines())
        return frozenset(name for status, _, name in pairs if status not in gone)

    def install(self, names: Sequence[str], context: TaskContext) -> tuple[str, ...]:
        """Install without recommendations; returns what was not there before.

        Raises Refused when apt would remove something for it, Cancelled before apt has begun, and
        CommandFailed after what was half installed has been taken away again.
        """
        names = checked(names)
        before = self.installed()
        if set(names) <= before:
            return ()
        simulation = self._simulate_fresh(names, context)
        if simulation.removes:
            raise _would_remove("Installing", names, simulation.removes)
        count = len(simulation.installs)
        context.step(f"Installing {count} package{'' if count == 1 else 's'}")
        new_daemons = self._absent_daemons()
        try:
            with self._held(new_daemons):
                self._install(names, InstallProgress(len(simulation.installs)), context)
        except HaoscarError:
            with contextlib.suppress(HaoscarError):  # the first problem is the one to report
                self._run("--assume-yes", "purge", "--", *sorted(self._unpacked() - before))
            raise
        self._leave_disabled(new_daemons)
        return tuple(sorted(self.installed() - before))

    def remove(self, names: Sequence[str]) -> None:
        """Purge these packages; raises Refused when others would go with them, CommandFailed."""
        present = tuple(name for name in checked(names) if name in self.installed())
        if not present:
            return
        simulation = parse_simulation(self._run("--simulate", "purge", "--", *present))
        others = tuple(sorted(set(simulation.removes) - set(present)))
        if others:
            raise _would_remove("Removing", present, others)
        self._run("--assume-yes", "purge", "--", *present)

    def _simulate_fresh(self, names: tuple[str, ...], context: TaskContext) -> Simulation:
        """Simulate; when apt does not know a package, fetch the lists and try once more."""
        context.step("Asking apt what has to be installed")
        arguments = ("--simulate", "--no-install-recommends", "install", "--", *names)
        try:
            return parse_simulation(self._run(*arguments))
        except CommandFailed:
            context.step("Fetching the package lists")
            self._update(context)
            return parse_simulation(self._run(*arguments))

    def _update(self, context: TaskContext) -> None:
        """Fetch the lists; their lock knows no waiting of its own, so it is tried again."""
        for _second in range(0, LOCK_WAIT, 5):
            result = self._runner.stream(
                _apt_get("--error-on=any", "update").within(600.0), lambda _line: None,
                cancelled=lambda: context.cancel.cancelled, check=False,
            )  # fmt: skip
            if result.ok:
                return
            if "Could not get lock" not in result.stdout or context.cancel.wait(5.0):
                break
        context.check_cancelled()
        raise failure(result)

    def _install(
        self, names: tuple[str, ...], counter: "InstallProgress", context: TaskContext
    ) -> None:
        """Run apt-get install with its progress.

        A package tool killed in the middle leaves the machine half configured: a cancel is left to
        the caller, who knows by then what to take away again.
        """

        def on_line(line: str) -> None:
            status = counter.line(line)
            if status is not None:
                with contextlib.suppress(Cancelled):
                    context.progress(status[0], 100.0, "", status[1])

        command = _apt_get(
            "--assume-yes", "--no-remove", "--no-install-recommends", "install", "--", *names
        )
        self._runner.stream(command.within(None), on_line)

    def _run(self, *words: str) -> str:
        return self._runner.run(_apt_get(*words).within(1800.0)).stdout

    def _absent_daemons(self) -> tuple[str, ...]:
        if not self._services.available:
            return ()
        facts = self._services.units(DEBIAN_DAEMONS)
        return tuple(name for name, one in facts.items() if not one.present)

    @contextlib.contextmanager
    def _held(self, units: tuple[str, ...]) -> Iterator[None]:
        """Mask units until the next boot at most, while apt installs them."""
        if not units:
            yield
            return
        self._runner.run(Command.of("systemctl", "mask", "--runtime", "--", *units))
        try:
            yield
        finally:
            self._runner.run(Command.of("systemctl", "unmask", "--runtime", "--", *units))

    def _leave_disabled(self, units: tuple[str, ...]) -> None:
        """Take back that the packages' scripts enabled their daemons."""
        facts = self._services.units(units) if units else {}
        present = [name for name, one in facts.items() if one.present]
        if present:
            self._runner.run(Command.of("systemctl", "disable", "--", *present))


def parse_installed(text: str) -> frozenset[str]:
    """Read lines of ``status name``; half-installed packages do not count. Pure."""
    pairs = (line.partition(" ") for line in text.splitlines())
    return frozenset(name for status, _, name in pairs if status == "installed")


def parse_simulation(text: str) -> Simulation:
    """Read ``apt-get --simulate``: Inst, Remv and Purg lines. Pure."""
    found: dict[str, list[str]] = {"Inst": [], "Remv": [], "Purg": []}
    for line in text.splitlines():
        match = _ACTION.match(line)
        if match is not None:
            found[match["action"]].append(match["name"].partition(":")[0])
    return Simulation(tuple(found["Inst"]), tuple(dict.fromkeys(found["Remv"] + found["Purg"])))


class InstallProgress:
    """Progress by counting: each package is fetched, unpacked and set up.

    apt's own status pipe (APT::Status-Fd) is no way: apt closes that descriptor in what it starts,
    and with standard error the scripts of packages such as ucf fail.
    """

    PHASES = ("Get", "Unpacking", "Setting up")

    def __init__(self, packages: int) -> None:
        self._packages = max(1, packages)
        self._seen: dict[str, set[str]] = {phase: set() for phase in self.PHASES}
        self._share = 0.0

    def line(self, text: str) -> tuple[float, str] | None:
        """Take a line of output; returns (percent of the whole, sentence), or None."""
        match = _DONE.match(text)
        if match is None:
            return None
        phase = match["what"].partition(":")[0]
        self._seen[phase].add(match["what"] + match["name"])
        share = min(1.0, len(self._seen[phase]) / self._packages)
        # Packages that lie in apt's cache are not fetched, so a later phase overtakes.
        whole = (self.PHASES.index(phase) + share) / len(self.PHASES)
        self._share = max(self._share, whole)
        rest = match["rest"].split()
        name = rest[2] if phase == "Get" and len(rest) > 2 else match["name"]
        doing = {"Get": "fetching", "Unpacking": "unpacking"}.get(phase, "setting up")
        return self._share * 100, f"{doing} {name}"[:80]


def _apt_get(*words: str) -> Command:
    return Command(
        ("apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT}", "-o", "Dpkg::Use-Pty=0",
         "-o", "APT::Cmd::Pattern-Only=true",  # a dot in a name is no regular expression
         "-o", "Dpkg::Options::=--force-confold", *words),
        env=ENVIRONMENT,
    )  # fmt: skip


def _would_remove(doing: str, names: Sequence[str], others: Sequence[str]) -> Refused:
    return Refused(
        error(
            "packages.would-remove",
            f"{doing} {', '.join(names)} would remove {', '.join(others)} from this machine.",
            "Nothing was changed. Decide what is needed, and do this step by hand.",
        )
    )
