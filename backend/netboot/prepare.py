"""What network boot needs before its plan can be shown: key, loaders, installer image, local.efi."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.clone.constants import BootMode
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey, ensure_host_key
from backend.model.site import Site
from backend.netboot.loaders import SNPONLY, FoundLoader, build_local_efi, find_loaders
from backend.paths import Paths
from backend.system.files import make_private, write_atomically
from backend.system.runner import Runner
from backend.tasks import TaskContext

BuildInstaller = Callable[[TaskContext], object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the plan is made of."""

    key: PublicKey
    loaders: tuple[FoundLoader, ...]


@dataclass(frozen=True, slots=True)
class PrepareNetworkBoot:
    """Makes everything in HA-OSCAR's own directories; nothing of the machine is changed yet."""

    paths: Paths
    runner: Runner
    build: BuildInstaller  # does nothing when the installer image is up to date

    @property
    def title(self) -> str:
        """See Task.title."""
        return "Prepare network boot"

    def run(self, context: TaskContext) -> Prepared:
        """Make what is missing; raises Refused, CommandFailed, Cancelled."""
        context.step("Looking for boot loaders")
        loaders = find_loaders(self.paths)
        make_private(self.paths.state)
        key = ensure_host_key(self.paths, self.runner)
        self.build(context)
        context.step("Making the loader that starts a UEFI machine's disk")
        build_local_efi(self.paths, self.runner)
        snponly = next(one.path for one in loaders if one.loader.name == SNPONLY)
        write_atomically(self.paths.installer / SNPONLY, snponly.read_bytes())
        return Prepared(key, loaders)


def boot_modes(paths: Paths, site: Site) -> dict[str, BootMode]:
    """Return what each standby is told now: its ticket says, without one it boots from disk."""
    installs = Installs(paths)
    modes: dict[str, BootMode] = {}
    for standby in site.standbys:
        ticket = None if standby.mac is None else installs.ticket(standby.mac)
        modes[standby.name] = BootMode.LOCAL if ticket is None else ticket.mode
    return modes
