"""A head on which cards are assigned, and what was prepared there."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from backend.actions import installs as install_actions
from backend.actions import macs_assign, macs_prepare
from backend.actions.dhcp import Servers
from backend.actions.macs_cards import AssignMac
from backend.actions.macs_install import Desk
from backend.actions.network_boot import NetworkBootPlanned, PlanNetworkBoot
from backend.change.plan import Plan, WriteFile
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.errors import HaoscarError, Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.netboot.dhcp import INCLUDE
from backend.paths import Paths
from backend.system import packets
from backend.system.probes import DhcpServer
from backend.tasks import TaskContext
from tests.fakes.mac_head import OWN, D, MacHead
from tests.fakes.persons import NOBODY
from tests.unit.test_clone_answer import BOTH, image

LOADER = Path("/srv/tftp/haoscar/pxelinux.0")
BOOT = Plan("Set up network boot", "", (WriteFile(LOADER, b"loader", "boots"),))
FOREIGN = DhcpServer(IPv4Address("10.0.0.254"), Mac("02:00:00:00:00:fe"), IPv4Address("10.0.0.99"))


class Bench(MacHead):
    """The head with an image, network boot as a small plan, and a boot server that may be silent."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root)
        self.set_up = True
        self.silent = False
        self.asked_wire = 0
        self.others: Servers = ()
        self.cannot_boot: HaoscarError | None = None
        self.plans = 0  # of network boot
        image(root, "lab-lvm-uefi", files=BOTH)

        def plan(_task: PlanNetworkBoot, _context: TaskContext) -> NetworkBootPlanned:
            self.plans += 1
            if self.cannot_boot is not None:
                raise self.cannot_boot
            return NetworkBootPlanned(BOOT, LOADER.parent, 31_000_000, {})

        def tell(_paths: Paths) -> None:
            if self.silent:
                raise Refused.of("boot.not-running", "The boot server does not answer.")

        monkeypatch.setattr(packets, "own_cards", lambda: frozenset([OWN]))
        monkeypatch.setattr(PlanNetworkBoot, "run", plan)
        monkeypatch.setattr(macs_prepare, "is_set_up", lambda _paths: self.set_up)
        for module in (install_actions, macs_prepare, macs_assign):
            monkeypatch.setattr(module, "tell_boot_server", tell)

    def ask(self, interface: InterfaceName, _context: TaskContext) -> Servers:
        assert interface == "wire0"
        self.asked_wire += 1
        return self.others

    def desk(self, *, dynamic: bool = True, servers: Servers | None = None) -> Desk:
        return Desk(self.wiring, self.live, dynamic, servers, self.ask)

    def assign(self, mac: Mac, standby: str = "standby1", **desk: Any) -> Any:
        return AssignMac(self.desk(**desk), mac, standby).prepare(TaskContext(), NOBODY)

    def ticket(self, mac: Mac) -> TicketState | None:
        found = Installs(self.paths).ticket(mac)
        return None if found is None else found.state

    def configured(self) -> None:
        """Let the DHCP server be configured already."""
        self.assign(D, "standby2", servers=()).run(TaskContext())

    @property
    def include(self) -> str:
        file = self.paths.at(INCLUDE)
        return file.read_text() if file.exists() else ""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def codes(prepared: Any) -> list[str]:
    return [one.code for one in prepared.reports]


def titles(prepared: Any) -> list[str]:
    return [group.title for group in prepared.groups]
