"""The dedicated sshd of installations: what it may do, and when it runs."""

from pathlib import Path

import pytest

from backend.clone import sshd as sshd_module
from backend.clone.sshd import (
    DedicatedSshd,
    SshdFiles,
    authorized_keys,
    root_is_locked,
    sshd_config,
)
from backend.paths import Paths
from tests.clone_site import site, standby
from tests.unit.test_clone_ticket import key

SITE = site().with_standby(standby())


def test_the_dedicated_sshd_can_do_one_thing(tmp_path: Path) -> None:
    files = SshdFiles.of(Paths(tmp_path))
    text = sshd_config(files, SITE.primary.private_address, pam=False)
    lines = dict(line.split(" ", 1) for line in text.splitlines())
    assert lines["ListenAddress"] == f"{SITE.primary.private_address}:8122"
    assert "gate.py" in lines["ForceCommand"]
    for name in ("PasswordAuthentication", "KbdInteractiveAuthentication", "PermitTTY", "UsePAM"):
        assert lines[name] == "no"
    assert lines["DisableForwarding"] == "yes"
    assert authorized_keys([key()]) == f"restrict {key().line}\n"


def test_a_locked_root_needs_pam() -> None:
    assert root_is_locked("root:!:1::::::\n")
    assert root_is_locked("daemon:*:1\nroot:!$6$x:1\n")
    assert not root_is_locked("root:*:1\n")
    assert not root_is_locked("root:$6$x:1\n")


class FakeDaemon:
    """Stands for the running sshd."""

    pid = 0
    running = True

    def stop(self, grace: float) -> None:
        self.running = False


def test_a_last_answer_reaches_its_machine_before_the_sshd_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = FakeDaemon()
    now = [100.0]
    monkeypatch.setattr(sshd_module, "descendants", lambda _pid: [])
    monkeypatch.setattr(sshd_module, "spawn", lambda _command, _log: daemon)
    monkeypatch.setattr(sshd_module.shutil, "which", lambda _name, path: "/usr/sbin/sshd")
    monkeypatch.setattr(sshd_module.time, "monotonic", lambda: now[0])
    sshd = DedicatedSshd(Paths(tmp_path), SITE.primary.private_address)
    sshd.admit([])
    assert not sshd.running
    sshd.admit([key()])
    assert sshd.running
    keys = SshdFiles.of(Paths(tmp_path)).keys
    assert key().line in keys.read_text()
    sshd.admit([])
    assert keys.read_text() == ""  # no new connection from now on
    assert sshd.running
    now[0] += 3.0
    sshd.admit([])
    assert not daemon.running
    assert not sshd.running
