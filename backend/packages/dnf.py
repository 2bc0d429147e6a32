"""Packages on the RHEL family, with dnf; presets keep new daemons stopped and disabled there."""

import contextlib
import re
from collections.abc import Sequence

from backend.errors import Cancelled, Refused
from backend.packages.names import checked
from backend.reports import error
from backend.system.runner import Command, Runner, failure
from backend.tasks import TaskContext

# A line such as: two spaces, Installing, a colon, rsync-3.2.3-19.el9.x86_64, 3/14
_STEP = re.compile(r"^\s*(?P<what>\S.*?)\s+:\s+(?P<package>\S+)\s+(?P<done>\d+)/(?P<total>\d+)\s*$")
_DOWNLOAD = re.compile(r"^\((?P<done>\d+)/(?P<total>\d+)\): (?P<package>\S+)")
_PACKAGE = re.compile(r"^ (?P<name>\S+)\s+\S+\s+\S+\s+\S+\s+[\d.]+ ?\S+\s*$")
# With --assumeno dnf shows the transaction and ends with 1.
_DECLINED = "Operation aborted"


class Dnf:
    """A backend.packages.installer.PackageTool."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def installed(self) -> frozenset[str]:
        """Return the names of all installed packages; raises CommandFailed."""
        result = self._runner.run(Command.of("rpm", "-qa", "--qf", "%{NAME}\\n"))
        return frozenset(filter(None, result.stdout.splitlines()))

    def install(self, names: Sequence[str], context: TaskContext) -> tuple[str, ...]:
        """Install without weak dependencies; returns what was not there before.

        Raises Refused when dnf would remove something for it, Cancelled before it began, CommandFailed.
        """
        names = checked(names)
        before = self.installed()
        lacking = tuple(name for name in names if name not in before)
        if not lacking:
            return ()
        context.step("Asking dnf what has to be installed")
        removes = self._simulate(_dnf("install", *lacking))
        if removes:
            raise _would_remove("Installing", lacking, removes)
        context.step(f"Installing {len(lacking)} of the packages and what they need")

        def on_line(line: str) -> None:
            status = parse_progress(line)
            if status is not None:
                with contextlib.suppress(Cancelled):
                    context.progress(status[0], 100.0, "", status[1])

        # Not killed by a cancel: a transaction cut in the middle leaves rpm's database torn. The
        # caller, who knows by then what to take away again, obeys it.
        self._runner.stream(_dnf("install", "--assumeyes", *lacking).within(None), on_line)
        return tuple(sorted(self.installed() - before))

    def remove(self, names: Sequence[str]) -> None:
        """Remove these packages; raises Refused when others would go with them, CommandFailed."""
        installed = self.installed()
        present = tuple(name for name in checked(names) if name in installed)
        if not present:
            return
        command = _dnf("remove", "--noautoremove", *present)
        others = tuple(one for one in self._simulate(command) if one not in present)
        if others:
            raise _would_remove("Removing", present, others)
        self._runner.run(_dnf("remove", "--noautoremove", "--assumeyes", *present).within(1800.0))

    def _simulate(self, command: Command) -> tuple[str, ...]:
        """Return what the transaction would remove; raises CommandFailed when it is impossible."""
        words = (*command.argv, "--assumeno")
        result = self._runner.run(Command.of(*words).within(1800.0), check=False)
        if not result.ok and _DECLINED not in result.stdout + result.stderr:
            raise failure(result)
        return parse_removals(result.stdout)


def parse_removals(text: str) -> tuple[str, ...]:
    """Read the transaction table: the names below "Removing..." headings. Pure."""
    names = []
    removing = False
    for line in text.splitlines():
        if line and not line.startswith((" ", "=")):
            removing = line.lower().startswith(("removing", "replacing"))
        match = _PACKAGE.match(line)
        if removing and match is not None:
            names.append(match["name"])
    return tuple(dict.fromkeys(names))


def parse_progress(line: str) -> tuple[float, str] | None:
    """Read a line of dnf's output as (percent of the whole, sentence), or None. Pure.

    Downloads are taken as the first third, the transaction with its checks as the rest.
    """
    line = line[:500]
    download = _DOWNLOAD.match(line)
    if download is not None:
        share = _share(download["done"], download["total"])
        return share * 100 / 3, f"Downloading {download['package']}"[:80]
    step = _STEP.match(line)
    if step is None:
        return None
    share = _share(step["done"], step["total"])
    if step["what"] == "Verifying":  # counted from 1 again at the end
        return 100.0, f"Verifying {step['package']}"[:80]
    return 100 / 3 + share * 200 / 3, f"{step['what']} {step['package']}"[:80]


def _share(done: str, total: str) -> float:
    return min(1.0, int(done[:9]) / max(1, int(total[:9])))


def _dnf(action: str, *words: str) -> Command:
    return Command(("dnf", "--setopt=install_weak_deps=False", "--color=never", action, *words))


def _would_remove(doing: str, names: Sequence[str], others: Sequence[str]) -> Refused:
    return Refused(
        error(
            "packages.would-remove",
            f"{doing} {', '.join(names)} would remove {', '.join(others)} from this machine.",
            "Nothing was changed. Decide what is needed, and do this step by hand.",
        )
    )
