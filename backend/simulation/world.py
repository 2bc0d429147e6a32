"""A cluster in which nothing is real but the decisions: heads, witnesses, clocks, messages.

True time is whole microseconds from 0. Each member's own clock runs at its own rate from its own
offset; no member ever sees the true time. One world plays one plan, in one thread.
"""

from heapq import heappop, heappush
from random import Random

from backend.agent.core.actions import Action, CloseGate, OpenGate, Persist, Send, Serve
from backend.agent.core.events import Condition, Event, Persisted, Received, Tick
from backend.agent.core.head import step, wake_at
from backend.agent.core.messages import Answer, Health, Message, Poll, Request, Resign, Status
from backend.agent.core.state import Decision, Head, Role, adopt, start
from backend.agent.core.timing import MS, Members
from backend.agent.core.voter import Voter
from backend.simulation.checks import Checks
from backend.simulation.plan import HEADS, LEASE, Plan
from backend.simulation.story import Story

MESSAGE, WAKE, DISK, RESUME, FAULT = range(5)
NEVER = 1 << 62
Entry = tuple[int, int, int, int, int, object]


class World:
    """Everything that happens between two heads and their witnesses."""

    def __init__(self, plan: Plan, story: Story | None = None) -> None:
        self.plan = plan
        self.story = story
        self.count = 3 + plan.witnesses  # place 0 is nobody's
        witnesses = tuple(range(3, self.count))
        self.members = {one: Members(one, HEADS, witnesses) for one in HEADS}
        self.random = Random(plan.seed + 1).random  # noqa: S311
        self.loss, self.twice, self.late = plan.loss, plan.twice, plan.late
        self.delay = plan.delay
        self.now = 0
        self.queue: list[Entry] = []
        self.order = 0
        self.offsets = list(plan.offsets)
        # of every member
        self.alive = [False] * self.count
        self.life = [0] * self.count  # counts its starts and ends: what was meant for one is lost
        self.frozen = [0] * self.count  # until when
        self.backlog: list[list[tuple[int, Message]]] = [[] for _ in range(self.count)]
        self.first = [False] * self.count  # after a pause: messages before the clock
        self.ways = [[2] * self.count for _ in range(self.count)]  # networks that work, by way
        self.voters: dict[int, Voter] = {}
        # of the heads
        self.heads: dict[int, Head] = {}
        self.health = {one: Health.FIT | Health(3) for one in HEADS}
        self.planned = [0] * 3  # the next tick on its own clock
        self.due = [NEVER] * 3  # the entry in the queue for it, in true time
        self.gates = [0] * 3  # open until, in true time
        self.gates_own = [0] * 3  # the same on its own clock
        self.disks = [(0, 0)] * 3  # term and promise
        self.written = [0] * 3  # when the last write ends: they stay in order
        self.full = [False] * 3
        self.powered = [True] * 3
        self.forced = False
        self.checks = Checks(self)

    # clocks

    def local(self, member: int, moment: int) -> int:
        """Return what a member's clock shows at a true moment."""
        return self.offsets[member] + moment * self.plan.rates[member] // 1000

    def true(self, member: int, own: int) -> int:
        """Return the first true moment at which a member's clock shows ``own``."""
        return -((self.offsets[member] - own) * 1000 // self.plan.rates[member])

    # the queue

    def push(self, moment: int, kind: int, member: int, extra: int, value: object) -> None:
        """Let something happen later; entries of the same moment keep their order."""
        self.order += 1
        heappush(self.queue, (moment, self.order, kind, member, extra, value))

    def play(self, until: int) -> None:
        """Let everything happen up to a true moment; raises Violation."""
        queue = self.queue
        while queue and queue[0][0] <= until:
            self.now, _, kind, member, extra, value = heappop(queue)
            if kind == MESSAGE:
                self._arrive(member, extra, value)  # type: ignore[arg-type]
            elif kind == WAKE:
                self._wake(member, extra)
            elif kind == DISK:
                self._stored(member, extra, value)  # type: ignore[arg-type]
            elif kind == RESUME:
                self._resume(member, extra)
            else:
                value(self)  # type: ignore[operator]
        self.now = max(self.now, until)

    # members

    def boot(self, member: int, *, memory: bool, adopts: bool = False, first: bool = False) -> None:
        """Start a process; a head with ``adopts`` goes on when its gate is still open."""
        self.life[member] += 1
        self.alive[member], self.frozen[member] = True, 0
        self.backlog[member].clear()
        own = self.local(member, self.now)
        lease = self.plan.timing.lease
        if member > 2:
            old = self.voters.get(member)
            known = (old.term, old.holder) if old and memory else (0, 0)
            self.voters[member] = Voter.started(own, lease, *known)
            if not memory:
                self.checks.forgotten = self.checks.forgotten or not first
            return
        if not memory:
            self.disks[member] = (0, 0)
            self.checks.lost[member] = self.checks.lost[member] or not first
            self.checks.forgotten = self.checks.forgotten or not first
        term, promised = self.disks[member]
        head = start(
            self.members[member], self.plan.timing, own, term=term, promised=promised,
            fresh=not memory,
        )  # fmt: skip
        head = head._replace(health=self.health[member])
        self.due[member] = NEVER
        self.heads[member] = head
        decision = Decision(head, (CloseGate(),))
        if adopts and self.gates[member] > self.now:
            decision = adopt(head, own, term, self.gates_own[member])
        self.carry_out(member, decision, None, own)

    def die(self, member: int, *, power: bool = False) -> None:
        """End a process where it stands; without power the gate closes, too."""
        self.life[member] += 1
        self.alive[member] = False
        self.backlog[member].clear()
        if member < 3 and power:
            self.gates[member] = 0
        if member < 3:
            self.checks.over(unwritten=self.full[member] or self.written[member] > self.now)

    def happen(self, member: int, event: Event) -> None:
        """Let a living head decide."""
        own = self.offsets[member] + self.now * self.plan.rates[member] // 1000
        self.carry_out(member, step(self.heads[member], event, own), event, own)

    def carry_out(self, member: int, decision: Decision, event: Event | None, own: int) -> None:
        """Do what a head has decided, and check what must always be true."""
        before = self.heads[member]
        self.heads[member] = head = decision.state
        if self.story is not None:
            self.story.decided(self.now, member, event, before, decision)
        for action in decision.actions:
            kind = type(action)
            if kind is Send:
                self._send(member, action.to, action.message)  # type: ignore[union-attr]
            elif kind is OpenGate:
                self.gates_own[member] = until = action.until  # type: ignore[union-attr]
                self.gates[member] = self.true(member, until)
                self.checks.opened(member, until - own)
            elif kind is CloseGate:
                self.gates[member] = 0
            elif kind is Persist or kind is Serve:
                self._keep(member, action)
        if head.role is not before.role or decision.sentence:
            self.checks.decided(member, before, decision)
        self.planned[member] = wake = max(own, wake_at(head, own))
        moment = self.true(member, wake)
        if moment <= self.now:
            moment = self.now + 1
        if moment < self.due[member]:
            self.due[member] = moment
            self.order += 1
            heappush(self.queue, (moment, self.order, WAKE, member, self.life[member], None))

    def freeze(self, member: int, until: int, *, messages_first: bool) -> None:
        """Let a process do nothing until a true moment."""
        self.frozen[member], self.first[member] = until, messages_first
        self.push(until, RESUME, member, self.life[member], None)

    def _keep(self, member: int, action: Action) -> None:
        if isinstance(action, Serve):
            self.checks.served(member, action.term)
        elif isinstance(action, Persist) and not self.full[member]:
            moment = max(self.written[member] + 1, self.now + 1 + int(self.random() * 4 * MS))
            self.written[member] = moment
            self.push(moment, DISK, member, self.life[member], (action.term, action.promise))

    def _stored(self, member: int, life: int, value: tuple[int, int]) -> None:
        if life != self.life[member]:
            return
        if self.frozen[member] > self.now:
            self.push(self.frozen[member] + 1, DISK, member, life, value)
            return
        self.disks[member] = value
        if value[1]:
            self.happen(member, Persisted(value[1]))

    def _wake(self, member: int, life: int) -> None:
        if life != self.life[member] or self.due[member] != self.now:
            return
        self.due[member] = NEVER
        if self.frozen[member] > self.now:
            return
        own = self.local(member, self.now)
        wake = self.planned[member]
        if wake <= own:
            self.happen(member, Tick(own - wake))
            return
        self.due[member] = moment = max(self.now + 1, self.true(member, wake))
        self.push(moment, WAKE, member, life, None)

    def _resume(self, member: int, life: int) -> None:
        if life != self.life[member] or self.frozen[member] != self.now:
            return
        self.frozen[member] = 0
        waiting = self.backlog[member]
        self.backlog[member] = []
        if member < 3 and not self.first[member]:
            self._late_tick(member)
        if member < 3 and self.heads[member].health != self.health[member]:
            self.happen(member, Condition(self.health[member]))
        for extra, message in waiting:
            self._arrive(member, extra, message)
        if member < 3 and self.first[member]:
            self._late_tick(member)

    def _late_tick(self, member: int) -> None:
        own = self.local(member, self.now)
        self.happen(member, Tick(max(0, own - self.planned[member])))

    # messages

    def _send(self, source: int, to: tuple[int, ...], message: Message) -> None:
        rnd, loss, ways, now = self.random, self.loss, self.ways[source], self.now
        queue, life = self.queue, self.life
        for member in to:
            open_ways = ways[member]
            if not open_ways or (loss and rnd() < (loss if open_ways == 1 else loss * loss)):
                continue
            moment = now + 100 + int(rnd() * self.delay)
            if self.late and rnd() < self.late:
                moment += int(rnd() * 3 * LEASE)
            self.order = order = self.order + 1
            extra = source + (life[member] << 8)
            heappush(queue, (moment, order, MESSAGE, member, extra, message))
            if self.twice and rnd() < self.twice:
                self.push(moment + int(rnd() * 2 * LEASE), MESSAGE, member, extra, message)

    def _arrive(self, member: int, extra: int, message: Message) -> None:
        if not self.alive[member]:
            return
        if extra >> 8 != self.life[member] and self.plan.sessions:
            return
        if self.frozen[member] > self.now:
            self.backlog[member].append((extra, message))
            return
        source = extra & 255
        if member < 3:
            self.happen(member, Received(source, message))
            return
        voter, now = self.voters[member], self.local(member, self.now)
        if isinstance(message, Request):
            granted = voter.grant(source, message, now)
            self.voters[member] = voter = granted or voter
            reply: Message = Answer(
                granted is not None, voter.holder, voter.term, max(0, voter.remaining(now)),
                message.sent,
            )  # fmt: skip
        elif isinstance(message, Poll):
            reply = Status(voter.holder, voter.term, max(0, voter.remaining(now)), message.sent)
        else:
            if isinstance(message, Resign):
                self.voters[member] = voter.resign(source, message)
            return
        self._send(member, (source,), reply)

    def active(self) -> list[int]:
        """Return the heads that serve now: alive, in the role, the gate open."""
        return [
            one
            for one in HEADS
            if self.alive[one]
            and self.heads[one].role is Role.ACTIVE
            and self.gates[one] > self.now
        ]
