"""The package tool of this machine's distribution, behind what the journal asks of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from backend.model.distribution import Distribution, Family, parse_os_release
from backend.packages.apt import Apt
from backend.packages.catalog import unsupported
from backend.packages.dnf import Dnf
from backend.paths import Paths
from backend.system.files import read_if_there
from backend.system.runner import Runner
from backend.system.services import services
from backend.tasks import TaskContext


class PackageTool(Protocol):
    """What apt and dnf do alike; a backend.change.packages.PackageInstaller and more."""

    def installed(self) -> frozenset[str]:
        """Return the names of all installed packages; raises CommandFailed."""

    def install(self, names: Sequence[str], context: TaskContext) -> tuple[str, ...]:
        """Install, and return what was not there before, with dependencies; raises HaoscarError."""

    def remove(self, names: Sequence[str]) -> None:
        """Remove what ``install`` returned and nothing else; raises HaoscarError."""


def distribution_of(paths: Paths) -> Distribution:
    """Return the distribution of this machine; an unknown one when it does not say."""
    for name in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            content = read_if_there(paths.at(Path(name)))
        except OSError:
            content = None
        if content is not None:
            return parse_os_release(content.decode("utf-8", "replace"))
    return parse_os_release("")


def package_tool(paths: Paths, runner: Runner) -> PackageTool:
    """Return the tool of this distribution; raises Refused when there is none for it."""
    distribution = distribution_of(paths)
    match distribution.family:
        case Family.DEBIAN:
            return Apt(runner, services(paths, runner))
        case Family.RHEL:
            return Dnf(runner)
    raise unsupported(distribution)


class DistributionTool:
    """The tool looked up at the first use: a journal that installs nothing needs no distribution."""

    def __init__(self, paths: Paths, runner: Runner) -> None:
        self._paths = paths
        self._runner = runner

    def install(self, names: Sequence[str], context: TaskContext) -> tuple[str, ...]:
        """See PackageTool.install; raises Refused on an unknown distribution."""
        return package_tool(self._paths, self._runner).install(names, context)

    def remove(self, names: Sequence[str]) -> None:
        """See PackageTool.remove; raises Refused on an unknown distribution."""
        package_tool(self._paths, self._runner).remove(names)
