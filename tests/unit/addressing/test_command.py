"""What the command asks and says."""

import os
import sys
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from backend.addressing import pending, places
from backend.addressing.pending import Pending
from backend.addressing.transfer import Transfer
from backend.cli.app import App
from backend.cli.commands import virtual_ip
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.clone.image_facts import NetworkSystem
from backend.model.names import InterfaceName
from backend.paths import Paths
from backend.wiring import Wiring

TRANSFER = Transfer(
    "private", InterfaceName("eth1"), IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"),
    IPv4Address("10.0.0.2"), NetworkSystem.IFUPDOWN,
)  # fmt: skip


def haoscar(root: Path, *argv: str) -> int:
    app = App(Wiring.rooted_at(root), json="--json" in argv, yes=True, out=Output("--json" in argv))
    return run(build_parser().parse_args(["virtual-ip", *argv]), app)


def open_change(root: Path, seconds: float) -> None:
    paths = Paths(root)
    waiting = Pending(TRANSFER, pending.boot_clock() + seconds, pending.this_boot(paths))
    pending.write(paths, places.pending_file(paths), waiting)


def test_status_and_confirm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert haoscar(tmp_path, "status") == 0
    assert "No address of this head" in capsys.readouterr().out
    assert haoscar(tmp_path, "confirm") == 3
    open_change(tmp_path, 30)
    assert haoscar(tmp_path, "status", "--json") == 0
    assert '"unconfirmed": true' in capsys.readouterr().out
    assert haoscar(tmp_path, "apply", "--no-wire") == 3
    assert "waits to be confirmed" in capsys.readouterr().err
    assert haoscar(tmp_path, "confirm") == 0
    assert haoscar(tmp_path, "confirm") == 3


def test_limits_and_addresses_are_checked(tmp_path: Path) -> None:
    assert haoscar(tmp_path, "apply", "--limit", "1") == 4
    assert haoscar(tmp_path, "rollback") == 3
    assert haoscar(tmp_path, "rollback", "--network", "public") == 3


def test_a_rollback_by_hand_is_refused_while_the_agent_holds_the_address(tmp_path: Path) -> None:
    for file, content in (
        (places.settings_file("private"), TRANSFER.to_json()),
        (places.AGENT_CONFIG, b"{}"),
    ):
        (tmp_path / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.relative_to("/")).write_bytes(content)
    assert haoscar(tmp_path, "rollback") == 3
    assert not places.back_file(Paths(tmp_path)).exists()


def test_a_damaged_file_is_said_and_not_obeyed(tmp_path: Path) -> None:
    open_change(tmp_path, 30)
    places.pending_file(Paths(tmp_path)).write_text("{")
    assert haoscar(tmp_path, "status") == 4


@pytest.mark.parametrize(("typed", "seconds", "kept"), [("\n", 5.0, True), ("", 0.05, False)])
def test_only_enter_keeps_it(
    monkeypatch: pytest.MonkeyPatch, typed: str, seconds: float, kept: bool
) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "w") as terminal, os.fdopen(theirs) as there:
        monkeypatch.setattr(sys, "stdin", there)
        monkeypatch.setattr(virtual_ip.termios, "tcflush", lambda *_words: None)
        terminal.write(typed)
        terminal.flush()
        assert virtual_ip.enter_pressed(seconds) is kept


def test_a_closed_terminal_does_not_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as there:
        monkeypatch.setattr(sys, "stdin", there)
        os.close(ours)
        assert not virtual_ip.enter_pressed(1.0)
