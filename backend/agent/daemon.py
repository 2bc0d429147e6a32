"""The agent of a head: one loop that turns what happens into decisions and carries them out."""

from __future__ import annotations

import gc
import select
from typing import Any

from backend.agent import head_control
from backend.agent.chronicle import Chronicle
from backend.agent.core.actions import Action, Send
from backend.agent.core.active import repeated
from backend.agent.core.events import (
    Condition,
    Event,
    Maintenance,
    Persisted,
    Received,
    Stop,
    Switchover,
    Tick,
)
from backend.agent.core.head import step, wake_at
from backend.agent.core.messages import Answer, Health, Release, Request, Solicit, health_of
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.steps import missed
from backend.agent.core.timing import MS, SECOND
from backend.agent.errands import Errands
from backend.agent.hands import GateStuck
from backend.agent.parts import HeadParts, first_state
from backend.agent.post import Arrived
from backend.agent.resources import state as resources
from backend.agent.settings import Settings
from backend.agent.verdict import Verdict
from backend.system.agent.process import boottime_us, notify

COLLECT_EVERY = 30 * SECOND
CHECK_EVERY = 3 * SECOND  # whether the gate is whole costs a dozen questions to the kernel
# What a round's answers take on a LAN, from machines that were asleep. Read with the next round they
# would save a wake-up in two, and cost a round of outage more when the agent dies.
GATHER = 3 * MS
MIRRORED = 600 * SECOND
MOST_HURRIED, BREATH = 100, 2 * MS  # passes in a row that waited for nothing; then so long each


def run(settings: Settings, warnings: tuple[str, ...]) -> int:
    """Serve as a head until SIGTERM or SIGINT; returns the exit code. Raises AgentError."""
    daemon = Daemon(HeadParts(settings), warnings)
    try:
        daemon.begin()
        while not daemon.finished:
            daemon.once()
    except GateStuck as problem:
        # The process must end: nobody renews the lease then, and the kernel closes the gate.
        daemon.chronicle.alarm(str(problem))
        return 1
    finally:
        daemon.end()
    return 0


class Daemon:
    """The loop; everything in it happens in one thread."""

    def __init__(self, parts: HeadParts, warnings: tuple[str, ...]) -> None:
        self.parts = parts
        self.settings = parts.settings
        self.chronicle: Chronicle = parts.chronicle
        self.warnings = warnings
        self.counters = dict.fromkeys(
            ("takeovers", "releases", "lapses", "stalls", "address_lost", "conflicts"), 0
        )
        self.slowest_us = 0
        self._timing = self.settings.timing
        self._woken = boottime_us()
        self._next_look = 0
        self._next_keepalive = 0
        self._next_check = self._woken + CHECK_EVERY
        self._next_collect = self._woken + COLLECT_EVERY
        self._hurried = 0
        self._mirrored = False  # the maintenance mode here is the other head's
        self._gathering = 0  # until when the answers to a round may come together
        self._lead = 0  # the network on which the last copy of a request comes
        self._stop_asked = False
        self.verdict = Verdict()
        self.errands = Errands(parts, self.event)
        self.head: Head = first_state(parts, self._woken)
        self._control = head_control.open_control(self)

    @property
    def finished(self) -> bool:
        """Whether the agent has been asked to stop and has nothing more to do.

        After a hand-over it stays until the other head serves: its answer may have been lost.
        """
        head = self.head
        if not head.finished or self.errands.waiting(boottime_us()):
            return False
        taken = head.given is None or bool(head.peer.health & Health.ACTIVE)
        return taken or boottime_us() >= head.stopping

    def begin(self) -> None:
        """Introduce this member, go on with a lease that is still in force, get ready."""
        for text in self.warnings:
            self.chronicle.alarm(text)
        self.parts.post.greet()
        self._look(self._woken)
        adopted = self.parts.adoptable(self.head, boottime_us())
        if adopted is not None:
            self._apply(adopted)
            self.parts.hands.resume()
        self.parts.become_realtime()
        gc.collect()
        gc.freeze()  # what is there by now stays, and is not searched again
        gc.disable()  # it runs when the loop says so
        self._woken = boottime_us()
        self.parts.begin()
        if adopted is not None:
            self.parts.serve(self.head.term, self.head.solo)
        notify("READY=1")
        self.chronicle.notice("ready")

    def once(self) -> None:
        """Wait for whatever comes first, and deal with it."""
        before = boottime_us()
        calm = self._calm(before)
        wake = self._rested(before, self._wake(before, calm=calm))
        ends, links = self.parts.post.filenos(), self.parts.watched()
        control = self._control
        readers: list[Any] = [*self._listened(ends, calm=calm), *links, *control.readers()]
        ready, writable, _ = select.select(
            readers, control.writers() if control.busy else (), (), max(0, wake - before) / SECOND
        )
        now = boottime_us()
        late = max(now - max(wake, before), before - self._woken, 0)
        self._woken = now
        if late > self._timing.stall:
            self.counters["stalls"] += 1
            self.parts.links.stalled(now)
            self._step(Tick(late), now)
            late = 0
        if not self._begins_round(before, now, calm=calm):
            self._receive([way for end, way in ends.items() if calm or end in ready])
        self._timers(boottime_us(), late)
        for one in ready:
            if one in links:
                links[one](self)
        if ready or control.busy:
            control.serve([one for one in (*ready, *writable) if not isinstance(one, int)], now)
        self.slowest_us = max(self.slowest_us, boottime_us() - now)

    def end(self) -> None:
        """Leave nothing behind but a closed gate."""
        notify("STOPPING=1")
        self._control.close()
        self.parts.close()

    def event(self, event: Event) -> str:
        """Let an event be decided and carried out; returns the sentence."""
        return self._step(event, boottime_us())

    def stop(self) -> None:
        """Begin to stop: resources first, then the role."""
        if self._stop_asked:
            return
        self._stop_asked = True
        self.chronicle.notice("asked to stop")
        self.errands.begin(Stop(), self.head, boottime_us())

    def address_lost(self) -> None:
        """Put a virtual IP back that somebody has taken away."""
        self.counters["address_lost"] += 1
        self.chronicle.alarm("somebody has removed a virtual IP; it is put back")
        self.parts.hands.put_back()

    def sighted(self, interface: str, address: str, mac: str) -> None:
        """Another machine says that it has a virtual IP: an alarm, unless the other head may."""
        if self.hands_serving:
            self.counters["conflicts"] += 1
            self.chronicle.alarm(f"{mac} on {interface} uses the virtual IP {address}")
            self.parts.hands.announce()

    @property
    def hands_serving(self) -> bool:
        """Whether this head serves now."""
        return self.parts.hands.serving and self.head.role is Role.ACTIVE

    def switch_over(self) -> str:
        """Begin a planned switchover; returns the sentence."""
        return self.errands.begin(Switchover(), self.head, boottime_us())

    def judged(self, verdict: Verdict) -> str:
        """Take what the watch process says of this head; returns the sentence."""
        before = self.verdict.why if self.verdict.unfit(boottime_us()) else ""
        self.verdict = verdict
        sentence = f"not fit, as the watch list says: {verdict.why}" if verdict.why else "fit again"
        if verdict.why != before:
            self.chronicle.notice(sentence)
        self.look_now()
        return sentence

    def persisted(self, version: int) -> None:
        """A promise is on the disk."""
        self._step(Persisted(version), boottime_us())

    def look_now(self) -> None:
        """Look at the links at once, because one has changed."""
        self._look(boottime_us())

    def _wake(self, now: int, *, calm: bool) -> int:
        resting = calm and self.head.role is Role.ACTIVE
        core = self.head.next_round if resting else wake_at(self.head, now)
        if now < self._gathering:
            core = min(core, self._gathering)
        slack = self._timing.rest if calm else 0  # what is not urgent waits for a pass that is
        moments = [core, self._next_look + slack, self._next_keepalive + slack]
        moments.append(self.parts.conductor.wake_at())
        due = self.parts.hands.announcer.due
        if due is not None:
            moments.append(due + slack)
        return min(moments)

    def _calm(self, now: int) -> bool:
        """Whether all is as it should be, so that a round's time does not matter.

        A wake-up costs more than what is done in it. So the active head lets the answers to a
        round come together, and then rests until the next one; a standby waits for the last of
        a request's copies.
        """
        head = self.head
        if head.role is Role.ACTIVE:
            busy = head.inviting_until or head.stopping or head.asked
            return not busy and (now < self._gathering or not missed(head, now))
        served = head.peer.served
        expected = self._timing.rest + self._timing.retry
        return head.role is Role.STANDBY and now - served < expected

    def _begins_round(self, before: int, now: int, *, calm: bool) -> bool:
        """Whether a round begins after a rest: what has come meanwhile is read with its answers."""
        active, rested = self.head.role is Role.ACTIVE, before >= self._gathering
        return calm and active and rested and now >= self.head.next_round

    def _listened(self, ends: dict[int, int], *, calm: bool) -> list[int]:
        """Return the sockets that wake the loop; in calm all are read whenever it is awake."""
        if not calm:
            return list(ends)
        if self.head.role is Role.ACTIVE:
            return []
        return [end for end, network in ends.items() if network == self._lead] or list(ends)

    def _rested(self, now: int, wake: int) -> int:
        """A mistake must not turn a real-time process into one that nobody can stop."""
        self._hurried = self._hurried + 1 if wake <= now else 0
        if self._hurried <= MOST_HURRIED:
            return wake
        self.chronicle.alarm("the loop finds no rest: a mistake of the agent; it goes on slowly")
        return now + BREATH

    def _timers(self, now: int, late: int) -> None:
        if now >= wake_at(self.head, now):
            self._step(Tick(late), now)
        hands = self.parts.hands
        if hands.announcer.take(now) and now < self.head.lease_until:
            hands.announce()
        if now >= self.parts.conductor.wake_at():
            self.parts.conductor.tick()
        if now >= self._next_look - self._timing.retry:  # in a pass that is needed anyway
            self._look(now)
        if now >= self._next_keepalive:
            self._keep_alive(now)
        if now >= self._next_collect:
            self._next_collect = now + COLLECT_EVERY
            gc.collect()
        if now >= self._next_check:
            self._next_check = now + CHECK_EVERY
            self.parts.mend_gate()

    def _look(self, now: int) -> None:
        """Tell the core when what this head can do has changed."""
        self._next_look = now + self._timing.lease // 6
        links = self.parts.links
        serving = self.head.role is Role.ACTIVE
        other = int(self.head.peer.health & Health.LINKS)
        bits = links.health_bits(now, serving=serving, other=other)
        health = health_of(bits | self.parts.condition(unfit=self._unfit(now)))
        self.parts.post.probe(links.probes(now))
        if health != self.head.health:
            self._step(Condition(health), now)
        self.errands.look(self.head, now)
        if self.head.role is Role.STANDBY:
            self._mirror(now)

    def _unfit(self, now: int) -> bool:
        """Whether the watch list's verdict counts: the other head is there, and, when the role is
        to go to it, the resources have been stopped first."""
        head, said = self.head, self.verdict.until and self.verdict.unfit(now)
        if not said or not head.peer.alive(now, self._timing.lease):
            self.errands.fit_again(head)
            return False
        return not self.errands.empties(head, now)

    def _mirror(self, now: int) -> None:
        """A standby keeps the active head's maintenance mode for a while after its last word."""
        head = self.head
        if not head.peer.alive(now, self._timing.lease):
            return
        other = head.peer.health
        if other & Health.ACTIVE and other & Health.MAINTENANCE:
            if head.maintenance_until < now + MIRRORED // 2:
                self._mirrored = True
                self._step(Maintenance(now + MIRRORED), now)
        elif self._mirrored:
            self._mirrored = False
            self._step(Maintenance(0), now)

    def _keep_alive(self, now: int) -> None:
        """Once in a lease. A standby shows itself to everybody: so links are known before they are
        needed."""
        self._next_keepalive = now + self._timing.lease
        notify("WATCHDOG=1")
        self.parts.pet_watchdog(leased=now < self.head.lease_until)
        if self.head.role is Role.ACTIVE:
            self.parts.renewer.nudge()
            self.parts.acquaintances.refresh()
        if self.head.role is Role.STANDBY:
            self.parts.post.show_presence(self.head.members.peer)

    def _receive(self, networks: list[int]) -> None:
        """Read everything first: a standby's answer then says how its networks are now."""
        now = boottime_us()
        arrived = [one for network in networks for one in self.parts.post.receive(network, now)]
        if (
            arrived
            and self.head.role is Role.STANDBY
            and now >= self._next_look - self._timing.retry
        ):
            self._look(now)
        for one in arrived:
            self._heard(one)

    def _heard(self, arrived: Arrived) -> None:
        message = arrived.message
        if repeated(self.head, arrived.source, message):
            return
        if isinstance(message, Solicit) and self.errands.first(self.head, boottime_us()):
            return
        mine = self.settings.resources and arrived.source == self.head.members.peer
        if mine and isinstance(message, Answer):
            stopped = bool(message.health & Health.IDLE)
            self.parts.conductor.tell(resources.PeerWord(stopped, message.sent))
        if isinstance(message, Request):
            self._lead = arrived.network
        self._step(Received(arrived.source, message), boottime_us(), arrived.network)

    def _step(self, event: Event, now: int, network: int | None = None) -> str:
        before = self.head
        decision = step(before, event, now)
        self._apply(decision, network)
        self._count(before, decision)
        return decision.sentence

    def _apply(self, decision: Decision, network: int | None = None) -> None:
        before, self.head = self.head, decision.state
        if self.head.round_sent != before.round_sent:
            self._gathering = self.head.round_sent + GATHER
        actions: tuple[Action, ...] = decision.actions
        if before.solo and not self.head.solo and self.head.role is Role.ACTIVE:
            actions = self._give_back(actions)
        if actions:
            self.parts.hands.carry_out(actions, network)
        using = self.head.solo if self.head.role is Role.ACTIVE and not self.head.forced else 0
        if using and using != before.solo:
            self.parts.memory.note_serving(self.head.term, using)
        if decision.sentence:
            self.chronicle.decision(decision.sentence)

    def _give_back(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """Note that the promise is not used before the other head hears so: a restart must not use
        it any more. When that cannot be noted it does not hear so; the core will try again."""
        if self.parts.memory.note_serving(self.head.term):
            return actions
        return tuple(
            one
            for one in actions
            if not (isinstance(one, Send) and isinstance(one.message, Release))
        )

    def _count(self, before: Head, decision: Decision) -> None:
        after = decision.state
        if after.role is Role.ACTIVE and before.role is not Role.ACTIVE:
            self.counters["takeovers"] += 1
        elif before.role is Role.ACTIVE and after.role is not Role.ACTIVE:
            self.counters["releases"] += 1
            if after.given is None and not after.stopping:
                self.counters["lapses"] += 1
