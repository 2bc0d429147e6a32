"""A service, its healing, and what was said and done; a test tells it what happens."""

from backend.watch.core.recovery import step, wake_at
from backend.watch.core.recovery_state import (
    Action,
    Checked,
    Escalate,
    Event,
    Role,
    State,
    Tick,
    Where,
    begin,
)
from backend.watch.results import Outcome
from backend.watch.settings import TAKEOVER, Recovery, Service

HERE, THERE = Where.HERE, Where.THERE
UNIT = Recovery("unit", (("unit", "sshd.service"),), escalate=TAKEOVER)


def service(policy: Recovery = UNIT) -> Service:
    return Service("heads", "process_server", ("head1", "head2"), recovery=policy)


class Told:
    """One head's healing of one service."""

    def __init__(
        self, policy: Recovery = UNIT, state: State | None = None, now: float = 1000.0
    ) -> None:
        self.now = now
        self.state = state or begin(service(policy), "head1", "head2")
        self.actions: list[Action] = []
        self.said: list[str] = []
        self.happen(Role(True))

    def happen(self, event: Event) -> list[Action]:
        """Let something happen; returns what is to be done."""
        done = step(self.state, event, self.now)
        self.state = done.state
        self.actions += done.actions
        if done.sentence:
            self.said.append(done.sentence)
        return list(done.actions)

    def fails(self, *where: Where) -> list[Action]:
        return self.happen(Checked(Outcome.FAILED, frozenset(where or (HERE,))))

    def works(self) -> list[Action]:
        return self.happen(Checked(Outcome.OK))

    def advance(self, seconds: float) -> list[Action]:
        """Let time go by, with every Tick that is wanted."""
        until, done = self.now + seconds, []
        while wake_at(self.state) <= until:
            self.now = max(self.now, wake_at(self.state))
            done += self.happen(Tick())
        self.now = until
        return done

    def count(self, kind: type[Action]) -> int:
        return sum(1 for one in self.actions if isinstance(one, kind))

    @property
    def alarms(self) -> list[str]:
        return [one.sentence for one in self.actions if isinstance(one, Escalate)]

    @property
    def last(self) -> str:
        return self.said[-1]
