"""Configure DHCP Server: who is answered, and which other servers are on the wire."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from backend.actions import dhcp
from backend.actions.dhcp import ConfigureDhcp, Servers, other_servers
from backend.errors import Cancelled, HaoscarError, Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.netboot.dhcp import CONFIG, INCLUDE
from backend.reports import info
from backend.system import links, probes
from backend.system.probes import DhcpServer
from backend.tasks import TaskContext
from tests.fakes.mac_head import A, MacHead
from tests.fakes.persons import NOBODY
from tests.unit.test_discovery_preflight import ETH0, OWN, SNAPSHOT

FOREIGN = DhcpServer(IPv4Address("10.0.0.254"), Mac("02:00:00:00:00:fe"), IPv4Address("10.0.0.99"))


@pytest.fixture
def head(tmp_path: Path) -> MacHead:
    made = MacHead(tmp_path)
    made.assigned(A, None)
    return made


def test_it_answers_the_standbys_that_have_a_card_and_can_be_undone(head: MacHead) -> None:
    prepared = ConfigureDhcp(head.wiring, ()).prepare(TaskContext(), NOBODY)
    assert prepared.reports == ()
    assert not head.paths.at(INCLUDE).exists()
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence == "The DHCP server answers standby1 on wire0."
    assert outcome.details == (f"standby1 ({A}) gets 10.0.0.2.",)
    assert A in head.paths.at(INCLUDE).read_text()
    head.wiring.journal().undo(outcome.undo, TaskContext())
    assert not head.paths.at(INCLUDE).exists()
    assert not head.paths.at(CONFIG).exists()


def test_nobody_to_answer_is_said_before(head: MacHead) -> None:
    head.assigned(None, None)
    prepared = ConfigureDhcp(head.wiring, ()).prepare(TaskContext(), NOBODY)
    assert [one.code for one in prepared.reports] == ["dhcp.nobody"]
    assert prepared.tell(prepared.run(TaskContext())).next == "Assign a MAC address to a standby."


@pytest.mark.parametrize("asked", [True, False])
def test_other_servers_are_named_with_address_and_card(head: MacHead, asked: bool) -> None:
    def ask(interface: InterfaceName, _context: TaskContext) -> Servers:
        assert interface == "wire0"
        assert not asked
        return (FOREIGN,)

    action = ConfigureDhcp(head.wiring, (FOREIGN,) if asked else None, ask)
    (report,) = action.prepare(TaskContext(), NOBODY).reports
    assert report.code == "dhcp.foreign"
    assert "10.0.0.254 (card 02:00:00:00:00:fe), answers on wire0" in report.text


def test_a_wire_that_cannot_be_asked_is_a_doubt_and_cancelling_cancels(head: MacHead) -> None:
    problem: HaoscarError = Refused.of("probe.not-root", "Only root may ask.", "Use sudo.")

    def ask(_interface: InterfaceName, _context: TaskContext) -> Servers:
        raise problem

    action = ConfigureDhcp(head.wiring, None, ask)
    (report,) = action.prepare(TaskContext(), NOBODY).reports
    assert report.code == "dhcp.not-asked"
    assert "Only root may ask." in report.text
    problem = Cancelled(info("task.cancelled", "Cancelled."))
    with pytest.raises(Cancelled):
        action.prepare(TaskContext(), NOBODY)


def test_this_heads_own_server_is_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    local = DhcpServer(IPv4Address("10.0.0.7"), FOREIGN.mac, FOREIGN.offered, local=True)
    own = DhcpServer(OWN, FOREIGN.mac, FOREIGN.offered)

    def answer(_name: str, mac: Mac, *, cancelled: object) -> Servers:
        assert mac == "02:00:00:00:00:02"
        assert callable(cancelled)
        return (FOREIGN, local, own)

    monkeypatch.setattr(links, "snapshot", lambda: SNAPSHOT)
    monkeypatch.setattr(probes, "dhcp_servers", answer)
    assert other_servers(ETH0, TaskContext()) == (FOREIGN,)
    assert other_servers(InterfaceName("eth7"), TaskContext()) == ()
    assert dhcp.named((), ETH0) == ()
