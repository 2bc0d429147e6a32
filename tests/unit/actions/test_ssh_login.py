"""Logging in with somebody who can be asked: in which order, how often, and what is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from backend.actions import ssh_login
from backend.actions.ssh_login import TRIES, log_in
from backend.errors import Cancelled, HaoscarError, Refused
from backend.model.names import UserName
from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.ssh import Credentials, Session
from backend.system.ssh_keys import locked_keys, unlocks
from tests.fakes.persons import FakePerson

HOST_KEY = HostKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519key")
USER = UserName("admin")


@dataclass
class Server:
    """An sshd and a sudo: who is let in is a rule; every attempt is remembered."""

    admits: Callable[[Credentials], bool] = lambda _login: True
    sudo: Callable[[Credentials], str] = lambda _login: ""  # what sudo complains about
    hangs_up: int = 0  # so many connections are cut while the host key is compared
    known: list[HostKey] = field(default_factory=list)
    attempts: list[Credentials] = field(default_factory=list)

    @contextmanager
    def connect(
        self, host: str, port: int, login: Credentials, _known: KnownHosts,
        decide: Callable[[str, HostKey], bool],
    ) -> Iterator[Session]:  # fmt: skip
        if HOST_KEY not in self.known:
            if not decide(host, HOST_KEY):
                raise Refused.of("ssh.host-key-declined", "It was not confirmed.")
            self.known.append(HOST_KEY)
        if self.hangs_up:
            self.hangs_up -= 1
            raise HaoscarError.of("ssh.not-reached", "The connection was cut.")
        self.attempts.append(login)
        if not self.admits(login):
            raise HaoscarError.of("ssh.not-admitted", f"{host} does not let {login.user} in.")
        yield Session(host, port, login, HOST_KEY, None)  # type: ignore[arg-type]

    def become_root(self, session: Session) -> None:
        said = self.sudo(session.credentials)
        if said:
            raise Refused.of("ssh.no-sudo", f"User admin cannot become root: {said}.")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    made = Server()
    monkeypatch.setattr(ssh_login, "connect", made.connect)
    monkeypatch.setattr(ssh_login, "runner_as_root", made.become_root)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return made


def enter(person: FakePerson) -> Credentials:
    return log_in("golden", 22, USER, KnownHosts(Path("/nonexistent")), person)


def password(login: Credentials) -> str:
    return login.password.reveal() if login.password else ""


def test_a_key_that_suffices_asks_for_nothing_but_the_host_key(server: Server) -> None:
    person = FakePerson()
    assert enter(person) == Credentials("admin")
    assert person.keys == [("golden", HOST_KEY)]
    assert person.prompts == []
    enter(person)
    assert len(person.keys) == 1


def test_a_host_key_that_is_declined_ends_it_before_anything_is_sent(server: Server) -> None:
    person = FakePerson(trusts=False, answers=["secret"])
    with pytest.raises(Refused, match="not confirmed"):
        enter(person)
    assert server.attempts == []
    assert person.prompts == []


def test_a_connection_cut_while_the_key_was_compared_is_made_again_once(server: Server) -> None:
    server.hangs_up = 1
    assert enter(FakePerson()).user == "admin"
    server.known.clear()
    server.hangs_up = 2
    with pytest.raises(HaoscarError, match="cut"):
        enter(FakePerson())


def test_a_password_is_asked_for_only_after_the_keys_and_again_when_wrong(server: Server) -> None:
    server.admits = lambda login: password(login) == "right"
    person = FakePerson(answers=["wrong", "right"])
    login = enter(person)
    assert password(login) == "right"
    assert [password(one) for one in server.attempts] == ["", "wrong", "right"]
    assert person.prompts[0] == "Password of admin on golden"
    assert "did not accept it" in person.prompts[1]
    assert "right" not in repr(login)


def test_wrong_passwords_end_it(server: Server) -> None:
    server.admits = lambda _login: False
    person = FakePerson(answers=["a", "b", "c", "d"])
    with pytest.raises(HaoscarError, match="does not let admin in"):
        enter(person)
    assert len(person.prompts) == TRIES
    assert person.answers == ["d"]


def test_who_gives_no_password_cancels(server: Server) -> None:
    server.admits = lambda _login: False
    with pytest.raises(Cancelled, match="No password"):
        enter(FakePerson())


def locked_key(home: Path) -> Path:
    path = home / ".ssh" / "id_ecdsa"
    paramiko.ECDSAKey.generate().write_private_key_file(str(path), password="sesame")
    return path


def test_locked_keys_are_found_and_opened_by_their_passphrase_only(
    server: Server, tmp_path: Path
) -> None:
    assert locked_keys() == ()
    path = locked_key(tmp_path)
    paramiko.RSAKey.generate(2048).write_private_key_file(str(tmp_path / ".ssh" / "id_rsa"))
    (tmp_path / ".ssh" / "id_ed25519").write_text("rubbish")
    assert locked_keys() == (path,)
    assert unlocks(path, Secret("sesame"))
    assert not unlocks(path, Secret("open"))
    path.unlink()
    assert locked_keys() == ()


def test_a_locked_key_comes_before_the_password(server: Server, tmp_path: Path) -> None:
    path = locked_key(tmp_path)
    server.admits = lambda login: login.key_files == (path,)
    person = FakePerson(answers=["open", "sesame"])
    login = enter(person)
    assert login.passphrase == Secret("sesame")
    assert login.password is None  # the passphrase is never sent as a password
    assert person.prompts == [
        f"Passphrase of the key {path}",
        f"That does not open it. Passphrase of the key {path}",
    ]
    assert len(server.attempts) == 2  # the wrong passphrase was not tried on the network


def test_who_does_not_know_the_passphrase_is_asked_for_the_password(
    server: Server, tmp_path: Path
) -> None:
    locked_key(tmp_path)
    server.admits = lambda login: password(login) == "right"
    person = FakePerson(answers=[None, "right"])
    assert password(enter(person)) == "right"
    assert [one.partition(" ")[0] for one in person.prompts] == ["Passphrase", "Password"]


def test_the_password_of_sudo_is_asked_for_where_sudo_wants_one(server: Server) -> None:
    wanted = Secret("sudo-word")
    server.sudo = lambda login: "" if login.sudo_password == wanted else "a password is required"
    person = FakePerson(answers=["no", "sudo-word"])
    assert enter(person).sudo_password == wanted
    assert person.prompts[0] == "Password of admin for sudo on golden"
    assert len(server.attempts) == 1  # all in one connection


def test_who_may_not_use_sudo_at_all_is_asked_for_nothing(server: Server) -> None:
    server.sudo = lambda _login: "admin is not in the sudoers file"
    person = FakePerson(answers=["x"])
    with pytest.raises(Refused, match="sudoers"):
        enter(person)
    assert person.prompts == []


def test_a_sudo_that_takes_no_password_ends_it(server: Server) -> None:
    server.sudo = lambda _login: "a password is required"
    person = FakePerson(answers=["a", "b", "c", "d"])
    with pytest.raises(Refused):
        enter(person)
    assert len(person.prompts) == TRIES
