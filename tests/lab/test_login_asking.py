"""Logging in on a real sshd with somebody who is asked: host key, passphrase, passwords."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from backend.actions.ssh_login import log_in
from backend.errors import Cancelled, HaoscarError, Refused
from backend.model.names import UserName
from backend.system.known_hosts import KnownHosts
from backend.system.ssh import Credentials
from tests.fakes.persons import FakePerson
from tests.lab.fetch_head import ADMIN, PASSWORD, Sshd, sshd

__all__ = ["sshd"]

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give root a home without keys and without an agent."""
    made = tmp_path / "home"
    (made / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return made


def enter(sshd: Sshd, person: FakePerson, user: str = "root") -> Credentials:
    known = KnownHosts(sshd.directory / "known_hosts")
    return log_in("127.0.0.1", sshd.port, UserName(user), known, person)


def test_without_any_key_the_password_is_asked_for(sshd: Sshd) -> None:
    person = FakePerson(answers=["wrong", PASSWORD])
    login = enter(sshd, person)
    assert login.password is not None
    assert [host for host, _key in person.keys] == ["127.0.0.1"]
    assert len(person.prompts) == 2
    assert PASSWORD not in (sshd.directory / "known_hosts").read_text()
    with pytest.raises(Cancelled):
        enter(sshd, FakePerson())


def test_a_declined_host_key_is_not_remembered_and_nothing_is_asked(sshd: Sshd) -> None:
    person = FakePerson(trusts=False, answers=[PASSWORD])
    for _time in range(2):
        with pytest.raises(Refused, match="was not confirmed"):
            enter(sshd, person)
    assert len(person.keys) == 2
    assert person.prompts == []


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_a_locked_key_needs_its_passphrase_only(sshd: Sshd, home: Path, kind: str) -> None:
    path = home / ".ssh" / f"id_{kind}"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "sesame", "-f", str(path)],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    sshd.stop()
    shutil.copy(path.with_suffix(".pub"), sshd.directory / "identity.pub")
    sshd.start()
    person = FakePerson(answers=["open", "sesame"])
    login = enter(sshd, person)
    assert login.key_files == (path,)
    assert login.password is None
    assert [one.endswith(str(path)) for one in person.prompts] == [True, True]


@pytest.mark.skipif(not Path("/etc/sudoers").exists(), reason="sudo is not installed")
def test_a_user_is_asked_for_the_password_of_sudo(sshd: Sshd) -> None:
    person = FakePerson(answers=[PASSWORD, "wrong", PASSWORD])
    login = enter(sshd, person, ADMIN)
    assert login.sudo_password is not None
    assert person.prompts[0] == f"Password of {ADMIN} on 127.0.0.1"
    assert "for sudo" in person.prompts[1]
    assert "did not accept it" in person.prompts[2]


def test_a_host_that_is_not_there_is_said_at_once(sshd: Sshd) -> None:
    sshd.stop()
    person = FakePerson(answers=[PASSWORD])
    with pytest.raises(HaoscarError, match="No SSH connection"):
        enter(sshd, person)
    assert person.keys == []
    assert person.prompts == []
