"""Tickets: one machine, one key, one window; and the records they are kept in."""

import argparse
import base64
import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.actions import installs as actions
from backend.cli.commands import installs as command
from backend.clone import events
from backend.clone.constants import BootMode, Stage
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.ticket import LONGEST, Ticket, TicketState
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import HostName, ImageName
from backend.model.site import Node
from backend.paths import Paths
from tests.clone_site import site, standby

MAC = Mac("52:54:00:77:00:02")


def key(number: int = 1) -> PublicKey:
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes([number]) * 32
    return PublicKey.parse("ssh-ed25519 " + base64.b64encode(raw).decode())


def ticket() -> Ticket:
    return Ticket(MAC, HostName("standby1"), ImageName("golden"), 3, armed=100.0, expires=200.0)


def test_one_key_is_admitted_once_and_the_same_one_again() -> None:
    admitted = ticket().admits(key(), 150.0)
    assert admitted.live_key == key()
    assert admitted.admits(key(), 151.0) == admitted  # the answer was lost, it asked again
    with pytest.raises(Refused, match="has been used"):
        admitted.admits(key(2), 151.0)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TicketState.RUNNING, "being installed already"),
        (TicketState.DONE, "boots from its disk"),
        (TicketState.BOOTED, "is installed"),
        (TicketState.FAILED, "failed"),
        (TicketState.EXPIRED, "expired"),
        (TicketState.DISARMED, "taken back"),
    ],
)
def test_every_other_state_refuses_with_its_own_sentence(state: TicketState, words: str) -> None:
    with pytest.raises(Refused, match=words):
        dataclasses.replace(ticket(), state=state).admits(key(), 150.0)


def test_the_window_ends() -> None:
    assert ticket().at(199.9).state is TicketState.ARMED
    assert ticket().at(200.0).state is TicketState.EXPIRED
    with pytest.raises(Refused, match="expired"):
        ticket().admits(key(), 200.0)


def test_an_installation_cannot_keep_its_key_for_ever() -> None:
    running = ticket().admits(key(), 150.0).running()
    assert running.at(150.0 + LONGEST).live_key == key()
    late = running.at(151.0 + LONGEST)
    assert late.state is TicketState.FAILED
    assert late.live_key is None


def test_the_script_is_given_once() -> None:
    running = ticket().admits(key(), 150.0).running()
    with pytest.raises(Refused, match="being installed already"):
        running.running()


def test_keys_live_from_hello_to_the_first_boot_only() -> None:
    steps = [ticket(), admitted := ticket().admits(key(), 150.0), admitted.running()]
    steps += [steps[-1].done(), steps[-1].done().booted()]
    assert [one.live_key is not None for one in steps] == [False, True, True, True, False]
    assert [one.mode for one in steps] == [
        BootMode.INSTALL, BootMode.INSTALL, BootMode.LOCAL, BootMode.LOCAL, BootMode.LOCAL,
    ]  # fmt: skip


def test_a_ticket_survives_its_file() -> None:
    one = ticket().admits(key(), 150.0)
    assert Ticket.from_json(one.to_json()) == one


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"mac": 3}', "null"])
def test_a_damaged_file_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match="stored ticket"):
        Ticket.from_json(text)


@given(st.text(max_size=200))
def test_only_ed25519_keys_are_keys(text: str) -> None:
    try:
        found = PublicKey.parse(text)
    except InvalidInput:
        return
    assert len(base64.b64decode(found)) == 51


@pytest.mark.parametrize(
    "line", ["ssh-rsa AAAA", "ssh-ed25519", "ssh-ed25519 AAAA", 'command="x" ssh-ed25519 A']
)
def test_other_keys_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        PublicKey.parse(line)


@given(st.binary(max_size=2000))
def test_no_line_of_an_installer_breaks_anything(raw: bytes) -> None:
    event = events.parse_line(raw, 5.0)
    if event is not None:
        assert event.stage not in (Stage.BOOTED, Stage.FAILED)
        assert event.text.isprintable()
        assert events.from_json(event.to_json()) == event


def test_lines_of_an_installer() -> None:
    def parsed(raw: bytes) -> InstallEvent | None:
        return events.parse_line(raw, 5.0)

    assert parsed(b"stage=copy uptime=12.34\n") == InstallEvent(
        5.0, "stage", Stage.COPY, uptime=12.34
    )
    assert parsed(b"stage=start uptime=1.5 ago=2\n") == InstallEvent(
        3.0, "stage", Stage.START, uptime=1.5
    )
    assert parsed(b"bytes=4096\n") == InstallEvent(5.0, "bytes", done=4096)
    assert parsed(b"failed=no\x1b[2J disk\n") == InstallEvent(5.0, "failed", text="no?[2J disk")
    assert parsed(b"stage=booted uptime=1\n") is None  # only the clone itself can say that
    assert parsed(b"bytes=-1\n") is None
    assert parsed("bytes=\N{ARABIC-INDIC DIGIT ONE}\n".encode()) is None


@given(st.binary(max_size=500))
def test_reports_of_a_first_boot_are_data(raw: bytes) -> None:
    assert set(events.parse_facts(raw)) <= events.FACTS


class Records:
    """Installs with a clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self.now = 1000.0
        self.installs = Installs(Paths(root), lambda: self.now)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


SITE = site()
STANDBY = standby()
STANDBY_WITH_CARD = dataclasses.replace(STANDBY, mac=MAC)


def test_arming_follows_one_installation_to_its_end(records: Records) -> None:
    installs = records.installs
    installs.arm(SITE, STANDBY_WITH_CARD, 3, window=60)
    installs.admit(MAC, key())
    installs.change(MAC, Ticket.running)
    installs.record(MAC, InstallEvent(records.now, "stage", Stage.COPY))
    installs.record(MAC, InstallEvent(records.now, "bytes", done=10, total=100))
    seen = []

    def wait(_seconds: float) -> bool:
        if len(seen) == 1:
            installs.change(MAC, Ticket.done)
        else:
            event = InstallEvent(records.now, "booted", Stage.BOOTED, facts={"hostname": "x"})
            installs.change(MAC, Ticket.booted, event)
        return False

    for state in installs.follow(MAC, wait):
        seen.append(state)  # noqa: PERF402 - wait() looks at what was seen so far
    assert [one.ticket.state for one in seen] == ["running", "done", "booted"]
    assert (seen[0].stage, seen[0].done, seen[0].total) == (Stage.COPY, 10, 100)
    assert seen[-1].succeeded
    assert seen[-1].facts == {"hostname": "x"}


def test_records_are_for_root_only(records: Records, tmp_path: Path) -> None:
    records.installs.arm(SITE, STANDBY_WITH_CARD, 3)
    directory = records.installs.directory(MAC)
    assert directory.name == "52-54-00-77-00-02"
    assert directory.stat().st_mode & 0o777 == 0o700
    for file in directory.iterdir():
        assert file.stat().st_mode & 0o077 == 0 or file.name == "lock"
    assert Paths(tmp_path).installs.stat().st_mode & 0o777 == 0o700


def test_a_compute_node_is_never_armed(records: Records) -> None:
    site = dataclasses.replace(SITE, nodes=(Node(HostName("node1"), mac=MAC),))
    with pytest.raises(Refused, match="compute node node1"):
        records.installs.arm(site, STANDBY_WITH_CARD, 3)
    assert records.installs.ticket(MAC) is None


def test_without_a_card_nothing_is_armed(records: Records) -> None:
    with pytest.raises(Refused, match="no MAC"):
        records.installs.arm(SITE, dataclasses.replace(STANDBY, mac=None), 3)


def test_arming_again_ends_the_old_ticket_but_not_a_running_one(records: Records) -> None:
    installs = records.installs
    installs.arm(SITE, STANDBY_WITH_CARD, 3, window=60)
    records.now += 100
    assert installs.ticket(MAC).state is TicketState.EXPIRED  # type: ignore[union-attr]
    installs.arm(SITE, STANDBY_WITH_CARD, 4)
    assert [one.kind for one in installs.events(MAC)] == ["armed"]
    installs.admit(MAC, key())
    installs.change(MAC, Ticket.running)
    with pytest.raises(Refused, match="right now"):
        installs.arm(SITE, STANDBY_WITH_CARD, 4)
    installs.disarm(MAC)
    assert installs.ticket(MAC).live_key is None  # type: ignore[union-attr]
    installs.arm(SITE, STANDBY_WITH_CARD, 4)


def test_nobody_without_a_ticket_is_admitted(records: Records) -> None:
    with pytest.raises(Refused, match="No installation is expected"):
        records.installs.admit(MAC, key())


def test_following_gives_up_after_its_limit(records: Records) -> None:
    records.installs.arm(SITE, STANDBY_WITH_CARD, 3, window=1000)

    def wait(_seconds: float) -> bool:
        records.now += 50
        return False

    with pytest.raises(Refused, match="has not finished within 40 s"):
        list(records.installs.follow(MAC, wait, limit=40))


def test_a_cut_last_line_is_no_event(records: Records) -> None:
    records.installs.arm(SITE, STANDBY_WITH_CARD, 3)
    path = records.installs.directory(MAC) / "events.jsonl"
    path.write_text(path.read_text() + '{"time": 3, "ki')
    assert [one.kind for one in records.installs.events(MAC)] == ["armed"]


def test_the_command_line_refuses_to_arm_without_a_boot_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = SimpleNamespace(
        out=SimpleNamespace(reports=list),
        wiring=SimpleNamespace(
            paths=Paths(tmp_path),
            store=lambda: SimpleNamespace(load=lambda: SITE.with_standby(STANDBY_WITH_CARD)),
        ),
    )
    version = SimpleNamespace(number=3)
    monkeypatch.setattr(
        actions, "Catalog", lambda _paths: SimpleNamespace(get=lambda _name, _number: version)
    )
    monkeypatch.setattr(actions, "bootable", lambda _version: [])
    args = argparse.Namespace(
        action="arm", standby=str(STANDBY.name), image_version=None, minutes=60.0,
        wipe=False,
    )  # fmt: skip
    with pytest.raises(Refused, match="boot server does not answer"):
        command.run(args, app)  # type: ignore[arg-type]
    assert Installs(Paths(tmp_path)).ticket(MAC) is None
    args.minutes = 0.0
    with pytest.raises(InvalidInput, match="window"):
        command.run(args, app)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no standby"):
        command.run(argparse.Namespace(action="show", standby="other"), app)  # type: ignore[arg-type]
