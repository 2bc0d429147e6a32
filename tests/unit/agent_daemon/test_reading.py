"""In which order a head reads, looks and answers."""

from types import SimpleNamespace
from typing import Any

from backend.agent.core.messages import Kind, Request
from backend.agent.core.state import Head, Role, start
from backend.agent.core.timing import SECOND, Members, Timing
from backend.agent.daemon import Daemon
from backend.agent.post import Arrived

NOW = 1_000 * SECOND
TIMING = Timing()
REQUEST = Request(5, Kind.RENEW, 0, TIMING.lease, NOW)


class Notes(Daemon):
    """A head that only notes what it would do."""

    def __init__(self, role: Role, waiting: dict[int, list[Request]], looked: int) -> None:
        self.notes: list[str] = []
        self._timing = TIMING
        self._next_look = looked
        self.head: Head = start(Members(2, (1, 2)), TIMING, NOW, fresh=False)._replace(role=role)
        self._waiting = waiting
        self.parts: Any = SimpleNamespace(post=self)

    def receive(self, network: int, _now: int) -> list[Arrived]:
        self.notes.append(f"reads {network}")
        return [Arrived(1, network, one) for one in self._waiting.get(network, [])]

    def _look(self, _now: int) -> None:
        self.notes.append("looks")

    def _heard(self, arrived: Arrived) -> None:
        self.notes.append(f"answers on {arrived.network}")


def notes(role: Role, waiting: dict[int, list[Request]], looked: int = 0) -> list[str]:
    head = Notes(role, waiting, looked)
    head._receive([0, 1])
    return head.notes


def test_a_standby_reads_all_networks_and_looks_before_it_answers() -> None:
    found = notes(Role.STANDBY, {0: [REQUEST], 1: [REQUEST]})
    assert found == ["reads 0", "reads 1", "looks", "answers on 0", "answers on 1"]


def test_it_looks_only_when_it_is_time_and_something_came() -> None:
    assert "looks" not in notes(Role.STANDBY, {0: [REQUEST]}, looked=1 << 62)
    assert notes(Role.STANDBY, {}) == ["reads 0", "reads 1"]


def test_the_active_head_does_not_look_first() -> None:
    assert "looks" not in notes(Role.ACTIVE, {0: [REQUEST]})
