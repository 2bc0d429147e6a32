"""What is sent to the remote shell, and what rsync's ssh is given; no connection is made."""

import itertools
import os
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from backend.errors import HaoscarError
from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey
from backend.system.runner import Command
from backend.system.ssh import Credentials, Session
from backend.system.ssh_runner import SshRunner, Sudo, _Lines
from backend.system.ssh_shell import SshShell

NAME = b"ssh-ed25519"
KEY = HostKey("ssh-ed25519", len(NAME).to_bytes(4, "big") + NAME + b"k" * 36)
PASSWORD = Secret("pa ss'word")


def session(**more: Any) -> Session:
    credentials = Credentials("admin", **{"agent": False, **more})
    return Session("10.0.0.9", 2022, credentials, KEY, client=None)  # type: ignore[arg-type]


def test_words_survive_the_remote_shell() -> None:
    command = Command(("printf", "%s", "a b; $(reboot) '\n"), cwd=Path("/a b"), env={"X": "$y"})
    words, data = SshRunner(session()).words(command.given(b"in"))
    assert shlex.split(shlex.join(words)) == list(words)
    assert words[:2] == ("env", "--chdir=/a b")
    assert "LC_ALL=C.UTF-8" in words
    assert "X=$y" in words
    assert words[-3:] == command.argv
    assert data == b"in"


def test_sudo_without_a_password_never_sends_one() -> None:
    words, data = SshRunner(session(sudo_password=PASSWORD), Sudo.FREE).words(Command.of("id"))
    assert words[:3] == ("sudo", "-n", "--")
    assert data == b""


def test_sudo_with_a_password_reads_it_before_the_input() -> None:
    runner = SshRunner(session(), Sudo.PASSWORD, PASSWORD)
    words, data = runner.words(Command.of("cat").given(b"data"))
    assert words[:6] == ("sudo", "-k", "-S", "-p", "", "--")
    assert data == b"pa ss'word\ndata"
    assert PASSWORD.reveal() not in shlex.join(words)


def test_a_secret_on_standard_input() -> None:
    _words, data = SshRunner(session()).words(Command.of("cat").given(Secret("s")))
    assert data == b"s"


def test_lines_are_divided_at_both_ends_of_line() -> None:
    seen: list[str] = []
    lines = _Lines(seen.append)
    for data in (b"one\rtw", b"o\r\n\nthr", b"\xff", b"\n"):
        lines.take(data)
    assert seen == ["one", "two", "thr\ufffd"]
    assert lines.kept == seen


def test_the_shell_of_rsync_knows_one_key_and_shows_no_password(tmp_path: Path) -> None:
    private = tmp_path / "state"
    with SshShell(session(password=PASSWORD), Sudo.NO, private) as shell:
        [directory] = private.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        words = shell.argv
        options = {word for flag, word in itertools.pairwise(words) if flag == "-o"}
        assert words[:3] == ("ssh", "-F", "none")
        assert ("-p", "2022") in itertools.pairwise(words)
        assert {
            "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null",
            "HostKeyAlgorithms=ssh-ed25519", "IdentitiesOnly=yes", "IdentityAgent=none",
            "PreferredAuthentications=publickey,password,keyboard-interactive",
            f"UserKnownHostsFile={directory}/known_hosts",
        } <= options  # fmt: skip
        known = (directory / "known_hosts").read_text()
        assert known == f"haoscar-golden-client ssh-ed25519 {KEY.base64}\n"
        assert "HostKeyAlias=haoscar-golden-client" in options
        assert PASSWORD.reveal() not in repr(words) + repr(shell.env)
        assert shell.env["SSH_ASKPASS_REQUIRE"] == "force"
        pipe = (directory / "password").lstat().st_mode
        assert stat.S_ISFIFO(pipe)
        assert stat.S_IMODE(pipe) == 0o600
        for _again in range(2):
            assert (directory / "password").read_text() == "pa ss'word\n"
        assert os.access(shell.env["SSH_ASKPASS"], os.X_OK)
    assert list(private.iterdir()) == []


def test_keys_and_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    keyed = session(key_files=(Path("/k1"),), agent=True)
    with SshShell(keyed, Sudo.FREE, tmp_path) as shell:
        assert ("-i", "/k1") in zip(shell.argv, shell.argv[1:], strict=False)
        assert "PreferredAuthentications=publickey" in shell.argv
        assert shell.env["SSH_AUTH_SOCK"] == "/agent"
    with SshShell(session(), Sudo.NO, tmp_path) as shell:
        assert ("-i", "/dev/null") in zip(shell.argv, shell.argv[1:], strict=False)
        assert "SSH_AUTH_SOCK" not in shell.env


def test_sudo_password_goes_through_the_shell(tmp_path: Path) -> None:
    with SshShell(session(sudo_password=PASSWORD), Sudo.PASSWORD, tmp_path) as shell:
        assert shell.argv[0] == "/bin/sh"
        assert shell.argv[2:5] == ("ssh", "-F", "none")
        [directory] = tmp_path.iterdir()
        assert (directory / "sudo").read_text() == "pa ss'word\n"
        assert not (directory / "password").exists()


def test_a_password_with_a_line_break_is_refused(tmp_path: Path) -> None:
    shell = SshShell(session(password=Secret("a\nb")), Sudo.NO, tmp_path)
    with pytest.raises(HaoscarError), shell:
        pass
    assert list(tmp_path.iterdir()) == []
