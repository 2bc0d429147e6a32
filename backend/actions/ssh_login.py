"""Logging in on another machine while somebody sits there who can be asked.

Keys are tried first. Only when they do not suffice is a passphrase, a password, or the password of
sudo asked for; what was answered lives as long as the returned credentials and is stored nowhere.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from backend.actions.action import Person
from backend.errors import Cancelled, HaoscarError, Refused
from backend.model.names import UserName
from backend.model.secrets import Secret
from backend.reports import info
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.ssh import Credentials, Session, connect
from backend.system.ssh_keys import locked_keys, unlocks
from backend.system.ssh_runner import runner_as_root

TRIES = 3  # wrong answers before it is given up, as ssh and sudo do


def log_in(host: str, port: int, user: UserName, known: KnownHosts, person: Person) -> Credentials:
    """Return what logs in as root, by sudo where needed, after having done it once.

    Raises Refused for a host key that was declined or has changed, Cancelled when the person gives
    no password, HaoscarError when the host cannot be reached or does not let the user in.
    """
    login = Credentials(user)
    further = _further(login, host, person)
    compared: list[HostKey] = []

    def decide(name: str, key: HostKey) -> bool:
        compared.append(key)
        return person.trust_host_key(name, key)

    while True:
        try:
            with connect(host, port, login, known, decide) as session:
                _become_root(session, person)
                return session.credentials
        except HaoscarError as problem:
            code = problem.reports[0].code
            if code == "ssh.not-reached" and compared:
                compared.clear()  # sshd hung up while the key was compared; it is known now
                continue
            better = next(further, None) if code == "ssh.not-admitted" else None
            if better is None:
                raise
            login = better


def _further(login: Credentials, host: str, person: Person) -> Iterator[Credentials]:
    """Yield further ways to log in, each asked for when the one before did not suffice."""
    for path in locked_keys():
        passphrase = _passphrase(path, person)
        if passphrase is not None:
            yield replace(login, key_files=(path,), passphrase=passphrase, agent=False)
    prompt = f"Password of {login.user} on {host}"
    for _try in range(TRIES):
        yield replace(login, password=_answer(person, prompt), agent=False)
        prompt = f"{host} did not accept it. Password of {login.user} on {host}"


def _passphrase(path: Path, person: Person) -> Secret | None:
    """Return what opens a key; None when the person has no passphrase for it."""
    prompt = f"Passphrase of the key {path}"
    for _try in range(TRIES):
        passphrase = person.secret(prompt)
        if passphrase is None or unlocks(path, passphrase):
            return passphrase
        prompt = f"That does not open it. Passphrase of the key {path}"
    return None


def _become_root(session: Session, person: Person) -> None:
    """Make sure that commands run as root, asking for the password of sudo where it wants one."""
    user, prompt = session.credentials.user, "Password of {} for sudo on {}"
    for _try in range(TRIES):
        try:
            runner_as_root(session)
            return
        except Refused as problem:
            if "password" not in problem.reports[0].text:  # not allowed at all, or no sudo there
                raise
            password = _answer(person, prompt.format(user, session.host))
            session.credentials = replace(session.credentials, sudo_password=password)
            prompt = "sudo did not accept it. Password of {} for sudo on {}"
    runner_as_root(session)


def _answer(person: Person, prompt: str) -> Secret:
    answer = person.secret(prompt)
    if answer is None:
        raise Cancelled(info("ssh.no-answer", "No password was given. Nothing was changed."))
    return answer
