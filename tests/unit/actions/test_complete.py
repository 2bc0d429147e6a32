"""What step 5 shows: who takes part, which addresses, and the host keys to be confirmed."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.actions import complete
from backend.actions.complete import Address, Outlook, look, trust, unknown_keys
from backend.actions.reaching import Way
from backend.addressing import places
from backend.clone.installs import Installs, InstallState
from backend.clone.ticket import Ticket, TicketState
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.client import known_hosts
from backend.model.addresses import Mac
from backend.model.names import HostName, ImageName
from backend.rollout.member import Member
from backend.rollout.record import Record
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.links import NetworkSnapshot
from backend.system.ssh import Credentials
from backend.tasks import CancelToken, TaskContext
from backend.wiring import Wiring
from tests.fakes.pair_site import PAIR_SITE
from tests.unit.addressing.test_command import TRANSFER, open_change
from tests.unit.test_user_known_hosts import BLOB

NODES = "".join(
    f'[[node]]\nname = "node{n}"\naddress = "10.0.0.10{n}"\n' for n in range(2, 5)
)  # fmt: skip
KEY = HostKey.parse("ssh-ed25519", BLOB)
Answering = set[str]


@pytest.fixture
def wiring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wiring:
    """A head whose site has four nodes, of which node2 is off."""
    made = Wiring.rooted_at(tmp_path)
    made.paths.site_file.parent.mkdir(parents=True)
    made.paths.site_file.write_text(PAIR_SITE + NODES)
    there = {"10.0.0.3", "10.0.0.101", "10.0.0.103", "10.0.0.104"}

    def answering(
        addresses: Iterable[str], port: int, _limit: float, cancelled: Callable[[], bool]
    ) -> set[str]:
        assert port == 22
        assert not cancelled()
        return there & set(addresses)

    monkeypatch.setattr(complete, "answering", answering)
    monkeypatch.setattr(complete, "snapshot", NetworkSnapshot)
    return made


def seen(wiring: Wiring) -> Outlook:
    return look(wiring, TaskContext())


def test_heads_first_and_only_nodes_that_answer_are_proposed(wiring: Wiring) -> None:
    found = seen(wiring)
    assert [(one.name, one.head, one.answers) for one in found.machines] == [
        ("head1", True, False), ("head2", True, True), ("node1", False, True),
        ("node2", False, False), ("node3", False, True), ("node4", False, True),
    ]  # fmt: skip
    assert found.witnesses == ("node1", "node3", "node4")
    assert found.addresses == (Address("private", "eth1", "10.0.0.1", "10.0.0.2"),)
    assert not found.complete
    record = Record(wiring.paths)
    for name in ("head1", "head2"):
        record.add(Member(name, True, "10.0.0.2", b""))
    assert seen(wiring).complete


def test_an_address_without_a_virtual_one_may_become_it(wiring: Wiring) -> None:
    text = wiring.paths.site_file.read_text()
    wiring.paths.site_file.write_text(text.replace('virtual_ip = "10.0.0.1"\n', ""))
    [address] = seen(wiring).addresses
    assert address.movable
    assert address.own == "10.0.0.2"


def test_what_was_made_virtual_here_may_go_back_until_the_agent_has_it(wiring: Wiring) -> None:
    settings = wiring.paths.at(places.settings_file("private"))
    settings.write_bytes(TRANSFER.to_json())
    assert seen(wiring).addresses[0].reversible
    wiring.paths.at(places.AGENT_CONFIG).write_text("{}")
    assert not seen(wiring).addresses[0].reversible


def test_a_change_that_waits_is_said(wiring: Wiring, tmp_path: Path) -> None:
    assert not seen(wiring).waiting
    open_change(tmp_path, 30)
    assert seen(wiring).waiting


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (PAIR_SITE + NODES, "", "site.missing"),
        ('[[standby]]\nname = "head2"\nimage = "head"\naddress = "10.0.0.3"\n', "", "agentfile.no-standby"),
    ],
)  # fmt: skip
def test_what_comes_first_is_said(wiring: Wiring, old: str, new: str, code: str) -> None:
    file = wiring.paths.site_file
    file.write_text(file.read_text().replace(old, new))
    if not file.read_text():
        file.unlink()
    found = seen(wiring)
    assert [one.code for one in found.problems] == [code]
    assert not found.complete


def test_looking_can_be_cancelled(wiring: Wiring) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        look(wiring, TaskContext(cancel=token))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, HostKey]:
    """The keys that machines show; those without one do not answer."""
    keys = {"10.0.0.3": KEY, "10.0.0.101": KEY}

    def connect(
        host: str, port: int, login: Credentials, known: KnownHosts, decide: Callable[..., bool]
    ) -> None:
        assert (port, login.agent, login.password) == (22, False, None)
        if host not in keys:
            raise HaoscarError.of("ssh.not-reached", "Off.")
        assert not known.keys(host, port)
        assert not decide(host, keys[host])
        raise Refused.of("ssh.host-key-declined", "Declined.")

    monkeypatch.setattr(complete, "connect", connect)
    return keys


def asked(wiring: Wiring) -> dict[str, str]:
    machines = seen(wiring).machines
    here, others = replace(machines[0], here=True), machines[1:]
    return {
        one.name: one.note for one in unknown_keys(wiring, (here, *others), Way(), TaskContext())
    }


@pytest.mark.usefixtures("shown")
def test_only_keys_that_nobody_has_confirmed_are_asked_for(wiring: Wiring) -> None:
    assert asked(wiring) == {"head2": "", "node1": ""}
    known_hosts(wiring.paths).add("10.0.0.3", 22, KEY)
    assert asked(wiring) == {"node1": ""}


@pytest.mark.usefixtures("shown")
def test_where_a_key_is_known_from_is_said_and_trusts_nobody(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = wiring.paths.at(Path("/root/.ssh/known_hosts"))
    file.parent.mkdir(parents=True)
    file.write_text(f"node1 ssh-ed25519 {BLOB}\n")
    ticket = Ticket(
        Mac("02:00:00:00:00:01"), HostName("head2"), ImageName("head"), 1, 0.0, 1.0,
        state=TicketState.BOOTED,
    )  # fmt: skip
    state = InstallState(ticket, facts={"hostkey": f"ssh-ed25519 {BLOB} root@head2"})
    monkeypatch.setattr(Installs, "tickets", lambda _self: [ticket])
    monkeypatch.setattr(Installs, "state", lambda _self, _mac: state)
    assert asked(wiring) == {
        "head2": "its installation has reported the same",
        "node1": "root's ssh knows its name by the same",
    }
    assert known_hosts(wiring.paths).keys("10.0.0.3", 22) == ()


@pytest.mark.usefixtures("shown")
def test_keys_that_were_confirmed_are_asked_for_no_more(wiring: Wiring) -> None:
    machines = seen(wiring).machines[1:]
    trust(wiring, unknown_keys(wiring, machines, Way(), TaskContext()), Way())
    assert unknown_keys(wiring, machines, Way(), TaskContext()) == ()
    assert known_hosts(wiring.paths).keys("10.0.0.101", 22) == (KEY,)
