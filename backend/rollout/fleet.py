"""Reaches the members: this machine directly, the others over SSH, all open at the same time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from backend.errors import Cancelled, HaoscarError, Refused
from backend.reports import Report
from backend.rollout.member import Member
from backend.system.known_hosts import KnownHosts
from backend.system.runner import Runner
from backend.system.ssh import Credentials, HostKeyDecision, connect
from backend.system.ssh_runner import runner_as_root

Reach = Callable[[Member], AbstractContextManager[Runner]]
NOT_REACHED = "ssh.not-reached"


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in on members."""

    credentials: Credentials
    known: KnownHosts
    decide: HostKeyDecision
    port: int = 22


def reach(login: Login, is_here: Callable[[Member], bool], here: Runner) -> Reach:
    """Return what opens a member: this machine by its own runner, the others over SSH."""

    @contextmanager
    def opened(member: Member) -> Iterator[Runner]:
        if is_here(member):
            yield here
            return
        with connect(
            member.address, login.port, login.credentials, login.known, login.decide
        ) as session:
            yield runner_as_root(session)

    return opened


@dataclass
class Fleet:
    """The members that are open; a context manager that closes them all."""

    reach: Reach
    runners: dict[Member, Runner] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def open(
        self, members: Iterable[Member], on_member: Callable[[Member], None] = lambda _member: None
    ) -> list[Report]:
        """Open members; returns a report for each that could not be reached at all.

        Raises Refused with every other problem (a host key, a log in): nothing was changed. Cancelled.
        """
        unreached: list[Report] = []
        problems: list[Report] = []
        for member in members:
            on_member(member)
            try:
                self.runners[member] = self._open.enter_context(self.reach(member))
            except Cancelled:
                raise
            except HaoscarError as problem:
                reached = all(one.code != NOT_REACHED for one in problem.reports)
                (problems if reached else unreached).extend(named(member, problem.reports))
        if problems:
            raise Refused(*problems, *unreached)
        return unreached


def named(member: Member, reports: Iterable[Report]) -> list[Report]:
    """Return reports that begin with the member that they are about."""
    return [
        one if one.text.startswith(str(member)) else replace(one, text=f"{member}: {one.text}")
        for one in reports
    ]
