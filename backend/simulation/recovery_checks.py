"""What must be true of the healing of a service after every step, and when all is well again.

Counted anew from what happens, not taken from the state that is judged.
"""

from backend.simulation.checks import Violation
from backend.watch.core.recovery_state import (
    WELL_FOR,
    AskStandby,
    Checked,
    Decision,
    Escalate,
    Event,
    Move,
    Phase,
    Restart,
    Standby,
    State,
    Where,
)
from backend.watch.results import Outcome
from backend.watch.settings import TAKEOVER, Recovery

ROUNDING = 2.0  # seconds; what is kept on the disk is kept in whole ones
MOST_TOLD = 2  # each head may be given up once


class RecoveryChecks:
    """The invariants of one schedule; each raises Violation."""

    def __init__(self, policy: Recovery) -> None:
        self.policy = policy
        self.log: list[tuple[str, float]] = []  # restarts that were ordered
        self.restarts = self.moves = self.holds = 0  # of the whole schedule
        self.moved = self.told = 0  # in this episode
        self.well: float | None = None
        self.answer = Standby(None)  # the last that the process has heard
        self.maintenance = False

    def begun(self) -> None:
        """A watch process begins to decide: it counts the time of being well anew."""
        self.well = None
        self.answer = Standby(None)

    def operator(self) -> None:
        """Somebody looks after it: everything may be tried anew."""
        self.log.clear()
        self.moved = self.told = 0

    def role_moved(self) -> None:
        """The agent has given the role away because it was told that its head is not fit."""
        self.moves += 1
        self.moved += 1
        if self.moved > 1:
            raise Violation("moves", f"the role moves {self.moved} times in one episode")

    def decided(self, before: State, event: Event, done: Decision, now: float, active: str) -> None:
        """A watch process has decided."""
        if isinstance(event, Standby):
            self.answer = event
        if isinstance(event, Checked):
            self._checked(event, now)
        if done.actions and before.me != active:
            raise Violation("passive", f"{before.me} does something and does not serve: {done}")
        heavy = [one for one in done.actions if isinstance(one, (Restart, Move, AskStandby))]
        unknown = isinstance(event, Checked) and event.outcome is Outcome.UNKNOWN
        if unknown and (heavy or done.state.phase is not before.phase):
            raise Violation(
                "unknown", f"a check that could not look leads to {heavy or done.state.phase}"
            )
        if heavy and self.maintenance:
            raise Violation("maintenance", f"in maintenance: {heavy}")
        for action in heavy:
            if isinstance(action, Restart):
                self._restart(before, action, now)
            elif isinstance(action, Move):
                self._move()
        self._held(before, done)

    def _checked(self, event: Checked, now: float) -> None:
        if event.outcome is Outcome.FAILED:
            self.well = None
        elif event.outcome is Outcome.OK:
            self.well = now if self.well is None else self.well
            if now - self.well >= WELL_FOR:
                self.moved = self.told = 0

    def _restart(self, state: State, action: Restart, now: float) -> None:
        head = state.me if action.where is Where.HERE else state.other
        since = now - self.policy.within + ROUNDING
        count = 1 + sum(1 for one, at in self.log if one == head and at > since)
        if not self.policy.kind or count > self.policy.restarts:
            raise Violation("budget", f"restart {count} of {self.policy.restarts} on {head}")
        self.log.append((head, now))
        self.restarts += 1

    def _move(self) -> None:
        if self.policy.escalate != TAKEOVER and not self.policy.critical:
            raise Violation("unwanted", "the role is given away, and nobody wants that")
        if not self.answer.alive or self.answer.fit is not True:
            raise Violation("unfit", f"the role is given away, and the standby says {self.answer}")

    def _held(self, before: State, done: Decision) -> None:
        said = sum(1 for one in done.actions if isinstance(one, Escalate))
        self.told += said
        if self.told > MOST_TOLD:
            raise Violation("announce", f"{self.told} times in one episode: {done.sentence}")
        if done.state.phase is Phase.HELD and before.phase is not Phase.HELD:
            self.holds += 1
            if not self.told:
                raise Violation("announce", f"held, and nobody was told: {done.sentence}")

    def settled(self, state: State) -> None:
        """Everything has worked for long: nothing may be left of what was."""
        if state.phase is not Phase.HEALTHY or state.given_up or state.moved:
            raise Violation("stuck", f"well for long, and it is {state.phase.value}: {state}")
