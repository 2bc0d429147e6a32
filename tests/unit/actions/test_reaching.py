"""Reaching members: who is asked for what, and how often."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.actions import reaching
from backend.actions.action import Person
from backend.actions.reaching import Reaching, Way
from backend.errors import Cancelled, HaoscarError
from backend.model.names import UserName
from backend.model.secrets import Secret
from backend.reports import info
from backend.rollout.fleet import Login
from backend.rollout.member import Member
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.links import NetworkSnapshot
from backend.system.runner import Runner
from backend.system.ssh import Credentials
from backend.wiring import Wiring

KEYS = {f"10.0.0.{n}": HostKey("ssh-ed25519", bytes([n])) for n in (2, 3, 4)}
MEMBERS = [Member(f"m{n}", n < 4, f"10.0.0.{n}", b"") for n in (2, 3, 4)]


class Somebody:
    """A Person who notes what they are asked."""

    def __init__(self, *, trusts: bool = True, password: str | None = "secret") -> None:
        self.trusts, self.password = trusts, password
        self.asked: list[str] = []

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        self.asked.append(f"{host} {key.fingerprint}")
        return self.trusts

    def secret(self, prompt: str) -> Secret | None:
        self.asked.append(prompt)
        return None if self.password is None else Secret(self.password)


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[Login]:
    """Machines that show their keys and want a password; returns how each was logged in on."""
    seen: list[Login] = []

    def reach(login: Login, is_here: Any, here: Runner) -> Any:
        @contextmanager
        def opened(member: Member) -> Iterator[Runner]:
            if not is_here(member):
                login.decide(member.address, KEYS[member.address])
                seen.append(login)
            yield here

        return opened

    def log_in(
        host: str, _port: int, user: UserName, _known: KnownHosts, person: Person
    ) -> Credentials:
        person.trust_host_key(host, KEYS[host])
        password = person.secret(f"Password of {user} on {host}")
        if password is None:
            raise Cancelled(info("ssh.no-answer", "No password was given."))
        return Credentials(user, password)

    monkeypatch.setattr(reaching, "reach", reach)
    monkeypatch.setattr(reaching, "log_in", log_in)
    monkeypatch.setattr(reaching, "snapshot", NetworkSnapshot)
    return seen


def opened(tmp_path: Path, way: Way, person: Person) -> Reaching:
    made = Reaching(Wiring.rooted_at(tmp_path), way, person, _own=frozenset({"10.0.0.2"}))
    for _twice in range(2):
        with made.fleet() as fleet:
            assert fleet.open(MEMBERS) == []
    return made


def test_a_password_is_asked_for_once_for_each_machine_but_this(
    tmp_path: Path, logins: list[Login]
) -> None:
    person = Somebody()
    made = opened(tmp_path, Way(), person)
    passwords = [one for one in person.asked if one.startswith("Password")]
    assert passwords == ["Password of root on 10.0.0.3", "Password of root on 10.0.0.4"]
    assert [one.credentials.password for one in logins] == [Secret("secret")] * 4
    assert "secret" not in repr(made)
    assert made.here(MEMBERS) == "m2"


def test_with_the_options_of_the_command_line_nobody_is_asked_for_a_password(
    tmp_path: Path, logins: list[Login]
) -> None:
    person = Somebody()
    opened(tmp_path, Way(credentials=Credentials("root")), person)
    assert set(person.asked) == {
        f"{host} {KEYS[host].fingerprint}" for host in ("10.0.0.3", "10.0.0.4")
    }
    assert {one.credentials for one in logins} == {Credentials("root")}


@pytest.mark.parametrize("admits", [True, False])
def test_a_passphrase_is_asked_for_once_but_a_password_stays_where_it_was_given(
    tmp_path: Path, logins: list[Login], monkeypatch: pytest.MonkeyPatch, admits: bool
) -> None:
    asked: list[str] = []
    unlocked = Credentials(
        "root", Secret("of m3"), (Path("/root/.ssh/id"),), Secret("sesame"), agent=False
    )

    def log_in(host: str, *_more: object) -> Credentials:
        asked.append(host)
        return unlocked

    @contextmanager
    def connect(_host: str, _port: int, login: Credentials, *_more: object) -> Iterator[None]:
        assert login == replace(unlocked, password=None)
        if not admits:
            raise HaoscarError.of("ssh.not-admitted", "No.")
        yield

    monkeypatch.setattr(reaching, "log_in", log_in)
    monkeypatch.setattr(reaching, "connect", connect)
    monkeypatch.setattr(reaching, "runner_as_root", lambda _session: None)
    opened(tmp_path, Way(), Somebody())
    assert asked == (["10.0.0.3"] if admits else ["10.0.0.3", "10.0.0.4"])
    assert logins[1].credentials.password == (None if admits else Secret("of m3"))


@pytest.mark.usefixtures("logins")
def test_who_gives_no_password_ends_all_of_it_at_once(tmp_path: Path) -> None:
    person = Somebody(password=None)
    with pytest.raises(Cancelled, match="No password was given"):
        opened(tmp_path, Way(), person)
    assert len([one for one in person.asked if one.startswith("Password")]) == 1
