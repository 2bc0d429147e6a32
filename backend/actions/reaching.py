"""Reaching the members for one action: opened to look, closed, and opened again to act.

Between the two somebody reads what will change; no connection and no lock is held meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from backend.actions.action import Person
from backend.actions.ssh_login import log_in
from backend.change.lock import locked
from backend.errors import Cancelled, HaoscarError
from backend.imaging.client import known_hosts
from backend.model.names import UserName
from backend.reports import Report, Severity
from backend.rollout.fleet import Fleet, Login, reach
from backend.rollout.member import Member
from backend.system.files import make_private
from backend.system.known_hosts import KnownHosts
from backend.system.links import snapshot
from backend.system.runner import Runner
from backend.system.ssh import Credentials, connect
from backend.system.ssh_runner import runner_as_root
from backend.tasks import TaskContext
from backend.wiring import Wiring

ROOT = UserName("root")


@dataclass(frozen=True, slots=True)
class Way:
    """How to log in on members; without ``credentials`` the person is asked where keys fail."""

    user: UserName = ROOT
    port: int = 22
    credentials: Credentials | None = None


ORDINARY = Way()


@dataclass
class Reaching:
    """One action's way to its members; what a person has answered is kept until it is dropped."""

    wiring: Wiring
    way: Way
    person: Person
    _logins: dict[str, Credentials] = field(default_factory=dict, repr=False)
    _own: frozenset[str] = field(
        default_factory=lambda: frozenset(str(one) for one in snapshot().addresses)
    )

    def is_here(self, member: Member) -> bool:
        """Whether a member is this machine."""
        return member.address in self._own

    def here(self, members: Sequence[Member]) -> str:
        """Return the name of the member that this machine is, or nothing."""
        return next((one.name for one in members if self.is_here(one)), "")

    def fleet(self) -> Fleet:
        """Return what opens members: this machine directly, the others over SSH."""
        return Fleet(self._door)

    def _door(self, member: Member) -> AbstractContextManager[Runner]:
        known = known_hosts(self.wiring.paths)
        login = Login(self._credentials(member), known, self.person.trust_host_key, self.way.port)
        return reach(login, self.is_here, self.wiring.runner)(member)

    def _credentials(self, member: Member) -> Credentials:
        if self.way.credentials is not None:
            return self.way.credentials
        if self.is_here(member):
            return Credentials(self.way.user)
        if member.name not in self._logins:
            known = known_hosts(self.wiring.paths)
            self._logins[member.name] = self._by_unlocked_key(member, known) or log_in(
                member.address, self.way.port, self.way.user, known, self.person
            )
        return self._logins[member.name]

    def _by_unlocked_key(self, member: Member, known: KnownHosts) -> Credentials | None:
        """Return what a key logs in with whose passphrase was given for another member already.

        A password is never tried on another machine than the one it was given for.
        """
        unlocked = next((one for one in self._logins.values() if one.passphrase), None)
        if unlocked is None:
            return None
        login = replace(unlocked, password=None, sudo_password=None)
        try:
            with connect(
                member.address, self.way.port, login, known, self.person.trust_host_key
            ) as session:
                runner_as_root(session)
        except Cancelled:
            raise
        except HaoscarError:
            return None  # whoever asks a person says it better
        return login


@contextmanager
def turn(wiring: Wiring, doing: str) -> Iterator[None]:
    """One change of agents at a time; raises Refused, naming the other one."""
    if not wiring.paths.state.is_dir():
        make_private(wiring.paths.state)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with locked(wiring.paths.state / "agents.lock", doing, since):
        yield


def opening(context: TaskContext) -> Callable[[Member], None]:
    """Return what says which member is connected to; raises Cancelled between two of them."""
    return lambda member: context.step(f"Connecting to {member}")


def as_warnings(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Return reports about members that are left out."""
    return tuple(replace(one, severity=Severity.WARNING) for one in reports)
