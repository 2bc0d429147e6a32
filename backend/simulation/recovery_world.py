"""Two heads with a service each, their watch processes and the agent's role; all of it made up.

True time is seconds from 0. Each head's clock that never jumps has an offset of its own.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any

from backend.simulation.recovery_checks import RecoveryChecks
from backend.simulation.recovery_plan import HEADS, NEVER, Fault, Kind, Plan
from backend.watch.core.recovery import step, wake_at
from backend.watch.core.recovery_memory import recall, remember
from backend.watch.core.recovery_state import (
    AskStandby,
    Checked,
    CheckNow,
    Decision,
    Event,
    Move,
    Operator,
    Order,
    Phase,
    Restart,
    RestartEnded,
    Role,
    Standby,
    State,
    Stay,
    Tick,
    Where,
)
from backend.watch.results import Moment, Outcome
from backend.watch.settings import Service

EPOCH = 1_700_000_000.0
LAPSE = 30.0  # seconds; so long the agent believes that its head is not fit
ORDERS = tuple(Order)[:2]
LEAVING = (Phase.ASKING, Phase.MOVING)  # the role is on its way: an order changes nothing
Happening = Callable[[], None]


class RecoveryWorld:
    """One schedule while it is played."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = Random(plan.seed + 1).random  # noqa: S311
        self.service = Service("g", "sshd", HEADS, recovery=plan.policy)
        self.checks = RecoveryChecks(plan.policy)
        self.now = 0.0
        self.order = 0
        self.queue: list[tuple[float, int, Happening]] = []
        self.offsets = {one: 1000.0 + self.random() * 1e6 for one in HEADS}
        self.broken = dict.fromkeys(HEADS, 0)  # restarts until it works again
        self.present: list[Fault] = []
        self.active = HEADS[0]
        self.state: State | None = None  # of the process that serves; None: it does not run
        self.life = 0  # of that process: what was meant for an earlier one is lost
        self.kept: Any = None  # what it remembers, on both heads
        self.unfit_until = 0.0
        self.leaving = False
        self.interval = plan.interval
        for fault in plan.faults:
            self.after(fault.begin, partial(self.begin, fault))
        self.after(0.0, self.start)

    def after(self, seconds: float, happening: Happening) -> None:
        """Let something happen later."""
        self.order += 1
        heappush(self.queue, (self.now + seconds, self.order, happening))

    def play(self, until: float) -> None:
        """Let everything happen up to a moment; raises Violation."""
        while self.queue and self.queue[0][0] <= until:
            self.now, _, happening = heappop(self.queue)
            happening()
        self.now = until

    def there(self, kind: Kind, head: str = "") -> bool:
        """Whether a fault is in force."""
        return any(one.kind is kind and head in ("", one.head) for one in self.present)

    def clock(self, head: str) -> float:
        """Return what a head's clock shows."""
        return self.now + self.offsets[head]

    # the process that serves

    def start(self) -> None:
        """Start the watch process of the head that serves."""
        me = self.active
        if self.state is not None or self.there(Kind.CRASH, me):
            return
        other = HEADS[1 - HEADS.index(me)]
        self.life += 1
        self.checks.begun()
        moment = Moment(self.clock(me), self.now + EPOCH)
        self.state = recall(self.kept, self.service, me, other, moment)
        self.happen(Role(True, self.there(Kind.MAINTENANCE)))
        self._later(self.random() * self.interval, self._check)

    def stop(self) -> None:
        """End it where it stands."""
        self.state = None
        self.life += 1

    def happen(self, event: Event) -> None:
        """Let the process decide, keep what it must not forget, and do what it wants."""
        before = self.state
        if before is None:
            return
        own = self.clock(before.me)
        done = step(before, event, own)
        self.state = state = done.state
        if state is not before:
            self.kept = remember(state, Moment(own, self.now + EPOCH))
        self.checks.decided(before, event, done, self.now, self.active)
        self._act(state, done)
        wake = wake_at(state)
        if wake != before.due and wake < 1e12:
            self._later(max(0.0, wake - own), lambda: self._tick(wake))

    def _tick(self, wake: float) -> None:
        if self.state is not None and self.state.due == wake:
            self.happen(Tick())

    def _later(self, seconds: float, happening: Happening) -> None:
        """Let something happen to this process, when it lives so long."""
        life = self.life
        self.after(seconds, lambda: happening() if life == self.life else None)

    def _act(self, state: State, done: Decision) -> None:
        for action in done.actions:
            if isinstance(action, Restart):
                self._restart(state.me if action.where is Where.HERE else state.other)
            elif isinstance(action, CheckNow):
                self._later(self.random() * 0.1, self._look)
            elif isinstance(action, AskStandby):
                self._ask(state.other)
            elif isinstance(action, Move):
                self._move()
            elif isinstance(action, Stay):
                self.unfit_until, self.leaving = 0.0, False

    # what it looks at and what it does

    def _check(self) -> None:
        self._later(self.interval, self._check)
        self._look()

    def _look(self) -> None:
        """Begin a check: what is found now is told when it ends."""
        took = self.random() * self.plan.slow
        if self.there(Kind.UNKNOWN):
            self._later(took, lambda: self.happen(Checked(Outcome.UNKNOWN, took=took)))
            return
        where = set()
        if not self.works(self.active):
            where.add(Where.HERE)
        if self.plan.everywhere and not self.works(HEADS[1 - HEADS.index(self.active)]):
            where.add(Where.THERE)
        outcome = Outcome.FAILED if where else Outcome.OK
        found = Checked(outcome, frozenset(where), took)
        self._later(took, lambda: self.happen(found))

    def works(self, head: str) -> bool:
        """Whether the service works on a head."""
        return not self.broken[head] and not self.there(Kind.DEATH, head)

    def _restart(self, head: str) -> None:
        took = self.random() * self.plan.policy.limit
        self._later(took, lambda: self._restarted(head))

    def _restarted(self, head: str) -> None:
        if self.there(Kind.LOST):
            return
        dead = self.there(Kind.DEATH, head)
        if not dead and self.broken[head] > 0:
            self.broken[head] -= 1
        self.happen(RestartEnded(not dead and self.random() < 0.8, "it ended with exit code 1"))

    def _ask(self, head: str) -> None:
        if self.there(Kind.SILENT, head):
            return
        alive = not self.there(Kind.DEATH, head)
        fit = not self.there(Kind.UNFIT, head)
        answer = Standby(fit if self.random() < 0.95 else None, "", alive)
        self._later(self.random() * 2, lambda: self.happen(answer))

    def _move(self) -> None:
        self.unfit_until = self.now + LAPSE
        if not self.leaving:
            self.leaving = True
            head = self.active
            self.after(self.random() * 20, lambda: self._leave(head))

    def _leave(self, head: str) -> None:
        """The agent gives the role away when it still should and the other head is there."""
        other = HEADS[1 - HEADS.index(head)]
        wanted = self.leaving and self.now < self.unfit_until and head == self.active
        self.leaving = False
        if not wanted or self.there(Kind.MAINTENANCE) or self.there(Kind.STUBBORN):
            return
        if not self.there(Kind.DEATH, other):
            self.checks.role_moved()
            self.serve(other)

    def serve(self, head: str) -> None:
        """Let a head serve; the other one's process hears so first."""
        if head == self.active:
            return
        self.active, self.leaving = head, False
        self.happen(Role(False, self.there(Kind.MAINTENANCE)))
        self.happen(
            Checked(Outcome.FAILED, frozenset({Where.HERE}))
        )  # one that was still under way
        self.stop()
        self.start()

    # faults

    def begin(self, fault: Fault) -> None:
        """Let a fault begin, and end in its time."""
        if fault.kind is Kind.BREAK:
            if self.broken[fault.head] != NEVER:
                self.broken[fault.head] = fault.choice
            return
        if fault.kind is Kind.SWITCH:
            if not self.there(Kind.DEATH):
                self.serve(HEADS[1 - HEADS.index(self.active)])
            return
        if fault.kind is Kind.ORDER:
            if self.state is not None and self.state.phase not in LEAVING:
                self.checks.operator()
            self.happen(Operator(ORDERS[fault.choice % 2]))
            return
        self.present.append(fault)
        self.after(fault.end - fault.begin, lambda: self.end(fault))
        if fault.kind is Kind.CRASH and fault.head == self.active:
            self.stop()
        elif fault.kind is Kind.DEATH:
            self._die(fault.head)
        elif fault.kind is Kind.MAINTENANCE:
            self._maintenance()

    def _die(self, head: str) -> None:
        """A head loses its power; the other one takes over, if it lives."""
        if head == self.active:
            self.stop()
            other = HEADS[1 - HEADS.index(head)]
            if not self.there(Kind.DEATH, other):
                self.active, self.leaving = other, False
                self.start()

    def end(self, fault: Fault) -> None:
        """Let a fault end."""
        if fault not in self.present:
            return
        self.present.remove(fault)
        if fault.kind is Kind.MAINTENANCE:
            self._maintenance()
        elif fault.kind in (Kind.CRASH, Kind.DEATH) and not self.there(Kind.DEATH, self.active):
            self.start()

    def _maintenance(self) -> None:
        on = self.checks.maintenance = self.there(Kind.MAINTENANCE)
        self.happen(Role(True, on))

    def heal(self, interval: float) -> None:
        """End everything; checks come in another interval from now on."""
        for fault in tuple(self.present):
            self.end(fault)
        self.broken = dict.fromkeys(HEADS, 0)
        self.interval = interval
        self.start()
