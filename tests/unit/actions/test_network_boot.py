"""Setup Network Boot: who is let in with it, what is missing, and that a failure takes all back."""

from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from backend.actions import installs as install_actions
from backend.actions import macs_assign, network_boot
from backend.actions.network_boot import NetworkBootPlanned, SetUpNetworkBoot
from backend.change.plan import MakeDirectory, Plan, WriteFile
from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Site
from backend.netboot.dhcp import INCLUDE, render_include
from backend.netboot.loaders import TFTP_LOADERS
from backend.netboot.plan import BOOT_UNIT_FILE
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.clone_site import site, standby
from tests.fakes.persons import NOBODY

MACS = [Mac(f"52:54:00:00:00:0{number}") for number in range(2, 5)]
STANDBYS = [
    standby(
        name=HostName(f"standby{number + 1}"), mac=mac, address=IPv4Address(f"10.0.0.{2 + number}"),
        public_address=None,
    )
    for number, mac in enumerate(MACS)
]  # fmt: skip
SITE = site().with_standby(STANDBYS[0]).with_standby(STANDBYS[1]).with_standby(STANDBYS[2])
TARGET = Path("/srv/tftp/haoscar/linux")
PLAN = Plan(
    "Set up network boot", "Standby heads can boot.",
    (MakeDirectory(TARGET.parent, "files"), WriteFile(TARGET, b"kernel", "the kernel")),
)  # fmt: skip


class Head:
    """A head whose plan is small, and whose boot server may fail for one standby."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = Wiring.rooted_at(root)
        self.paths: Paths = self.wiring.paths
        self.refuses_after = 1000
        self.write(SITE)
        self.image()

        def plan(_task: object, _context: TaskContext) -> NetworkBootPlanned:
            return NetworkBootPlanned(PLAN, TARGET.parent, 31_000_000, {})

        def tell(_paths: Paths) -> None:
            self.refuses_after -= 1
            if self.refuses_after < 0:
                raise Refused.of("boot.not-running", "The boot server does not answer.")

        monkeypatch.setattr(network_boot.PlanNetworkBoot, "run", plan)
        for module in (install_actions, network_boot, macs_assign):
            monkeypatch.setattr(module, "tell_boot_server", tell)
        monkeypatch.setattr(install_actions, "bootable", lambda _version: ())

    @property
    def installs(self) -> Installs:
        return Installs(self.paths)

    def write(self, what: Site) -> None:
        self.paths.site_file.parent.mkdir(parents=True, exist_ok=True)
        self.paths.site_file.write_bytes(SiteStore(self.paths).render(what))

    def image(self) -> None:
        directory = self.paths.images / "head" / "v1"
        (directory / "tree").mkdir(parents=True)
        for name in ("manifest.jsonl", "image.json", "layout.json"):
            (directory / name).touch()

    def states(self) -> list[TicketState | None]:
        tickets = [self.installs.ticket(mac) for mac in MACS]
        return [None if one is None else one.state for one in tickets]

    def prepare(self) -> Any:
        return SetUpNetworkBoot(self.wiring).prepare(TaskContext(), NOBODY)


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


def test_who_waits_for_its_first_installation_is_let_in(head: Head) -> None:
    head.installs.arm(SITE, STANDBYS[1], 1)
    head.installs.disarm(MACS[1])  # somebody has taken it back on purpose
    late = Installs(head.paths, lambda: 1000.0)
    late.arm(SITE, STANDBYS[2], 1, window=60)
    prepared = head.prepare()
    assert [group.title for group in prepared.groups] == ["This head", "Machines"]
    assert [one.sentence.split()[0] for one in prepared.groups[1].changes] == [
        "standby1", "standby3",
    ]  # fmt: skip
    assert head.states() == [None, TicketState.DISARMED, TicketState.EXPIRED]
    done = prepared.run(TaskContext())
    assert head.states() == [TicketState.ARMED, TicketState.DISARMED, TicketState.ARMED]
    assert head.paths.at(TARGET).read_bytes() == b"kernel"
    outcome = prepared.tell(done)
    assert outcome.undo == done.record.id
    assert outcome.next == "Switch standby1, standby3 on now, and let it boot from the network."


def test_one_that_cannot_be_let_in_takes_everything_back(head: Head) -> None:
    head.refuses_after = 3  # the second standby's
    prepared = head.prepare()
    with pytest.raises(Refused) as caught:
        prepared.run(TaskContext())
    assert [one.code for one in caught.value.reports] == ["boot.not-running", "change.rolled-back"]
    assert TicketState.ARMED not in head.states()
    assert not head.paths.at(TARGET).exists()


def test_a_missing_image_is_a_doubt_not_an_obstacle(head: Head) -> None:
    (head.paths.images / "head" / "v1").rename(head.paths.images / "head" / "v1.partial")
    prepared = head.prepare()
    assert len(prepared.groups) == 1
    doubts = [one.text for one in prepared.reports if one.code == "image.unknown"]
    assert doubts[0] == "standby1 is not let in yet: There is no image head."
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert [one.text for one in outcome.reports] == doubts
    assert "press Install" in outcome.next


def test_nothing_to_do_asks_nobody(head: Head) -> None:
    first = head.prepare()
    first.run(TaskContext())
    again = head.prepare()
    assert again.idle
    assert not first.idle


def test_the_view_names_what_is_missing(head: Head) -> None:
    seen = network_boot.look(head.wiring)
    assert (seen.set_up, seen.standbys, seen.interface) == (False, 3, "ens18")
    assert [one.code for one in seen.reports] == ["netboot.dhcp"]
    head.write(site().with_standby(standby(mac=None)))
    assert [one.code for one in network_boot.look(head.wiring).reports] == ["netboot.no-card"]
    head.write(site())
    assert [one.code for one in network_boot.look(head.wiring).reports] == ["netboot.no-standby"]
    head.paths.site_file.unlink()
    assert [one.code for one in network_boot.look(head.wiring).reports] == ["netboot.no-site"]


def configured(head: Head) -> None:
    include = head.paths.at(INCLUDE)
    include.parent.mkdir(parents=True)
    include.write_text(render_include(SITE, declare_subnet=True))


def served(head: Head) -> None:
    unit = head.paths.at(BOOT_UNIT_FILE)
    unit.parent.mkdir(parents=True)
    unit.touch()
    directory = head.paths.at(TARGET.parent)
    directory.mkdir(parents=True, exist_ok=True)
    for name in (*(one.name for one in TFTP_LOADERS), KERNEL_FILE, INSTALLER_FILE):
        (directory / name).touch()


def test_a_head_that_is_ready_has_nothing_to_say(head: Head) -> None:
    configured(head)
    served(head)
    seen = network_boot.look(head.wiring)
    assert (seen.set_up, seen.reports) == (True, ())


@pytest.mark.parametrize(
    "lost", [lambda paths: paths.at(BOOT_UNIT_FILE), lambda paths: paths.at(TARGET)]
)
def test_one_missing_piece_means_not_set_up(head: Head, lost: Callable[[Paths], Path]) -> None:
    served(head)
    lost(head.paths).unlink()
    assert not network_boot.is_set_up(head.paths)


def test_a_boot_server_that_stands_still_is_said(head: Head) -> None:
    configured(head)
    served(head)
    head.refuses_after = 0
    (report,) = network_boot.look(head.wiring).reports
    assert report.code == "boot.not-running"
    assert "Setup Network Boot" in report.remedy
