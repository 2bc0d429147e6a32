"""A head below a directory for the tests of the MAC panel: a real site file, journal and image."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from backend.actions.macs import LiveList
from backend.errors import CommandFailed
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, Network, Node, Primary, Site, Standby
from backend.paths import Paths
from backend.reports import error
from backend.system.packets import Batch, Frame
from backend.system.runner import Command, Result
from backend.wiring import Wiring
from tests.fakes.dhcp_frames import DISCOVER, frame

OWN, A, B, C, D = (Mac(f"52:54:00:00:00:0{number}") for number in range(5))
ROM = ((60, b"PXEClient:Arch:00007:UNDI:003000"), (93, b"\0\7"))
OS = ((12, b"desk"), (55, bytes(range(1, 12))))
PRIVATE = InterfaceName("wire0")
SITE = Site(
    HostName("cluster"),
    DomainName("example.org"),
    Network(PRIVATE, IPv4Network("10.0.0.0/24")),
    Primary(HostName("head"), IPv4Address("10.0.0.1")),
    images=(ImageSource(ImageName("head"), "head"),),
    standbys=tuple(
        Standby(HostName(f"standby{number}"), ImageName("head"), IPv4Address(f"10.0.0.{number + 1}"), 24)
        for number in (1, 2)
    ),
    nodes=(Node(HostName("node1"), IPv4Address("10.0.0.11"), B),),
)  # fmt: skip


@dataclass
class QuietRunner:
    """Every program succeeds and says nothing, except those that are to fail; no service runs."""

    failing: set[str] = field(default_factory=set)
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        self.commands.append(command.argv)
        if command.argv[0] in self.failing and check:
            raise CommandFailed(error("command.failed", f"{command.argv[0]} failed."))
        said = {"is-active": "inactive", "is-enabled": "disabled"}
        word = next((said[one] for one in command.argv if one in said), "")
        return Result(command, 0, word, "", 0.0)

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """See Runner.stream."""
        del on_line, cancelled
        return self.run(command, check=check)


def write_site(paths: Paths, site: Site = SITE) -> None:
    """Let this be the site file."""
    paths.site_file.parent.mkdir(parents=True, exist_ok=True)
    paths.site_file.write_bytes(Wiring(paths).store().render(site))


def request(mac: Mac, *options: tuple[int, bytes]) -> bytes:
    """Return the frame of a machine that asks for an address."""
    return frame(mac.raw, DISCOVER, *options)


def heard(*frames: bytes, at: float = 100.0) -> Batch:
    """Return what the sniffer hands over."""
    return Batch(tuple(Frame(at + number, data) for number, data in enumerate(frames)))


class MacHead:
    """The head and its live list."""

    def __init__(self, root: Path, site: Site | None = SITE) -> None:
        self.runner = QuietRunner()
        self.wiring = Wiring(Paths(root), self.runner)
        self.paths = self.wiring.paths
        if site is not None:
            write_site(self.paths, site)
        self.live = LiveList(self.paths)
        self.live.open(site)

    @property
    def site(self) -> Site:
        """What the site file says."""
        return self.wiring.store().load()

    @property
    def cards(self) -> list[Mac | None]:
        """Whose card is whose, by standby."""
        return [one.mac for one in self.site.standbys]

    @property
    def listed(self) -> list[Mac]:
        """The list, oldest first."""
        return [one.mac for one in self.live.machines()]

    def hear(self, *frames: bytes) -> None:
        """Let these requests be heard."""
        with self.live.adding() as collection:
            news = collection.take(heard(*frames).frames)
            self.live.heard([one for one in collection if one.mac in news])

    def assigned(self, *macs: Mac | None) -> None:
        """Let the standbys have these cards."""
        pairs = zip(SITE.standbys, macs, strict=True)
        write_site(
            self.paths, replace(SITE, standbys=tuple(replace(one, mac=m) for one, m in pairs))
        )
