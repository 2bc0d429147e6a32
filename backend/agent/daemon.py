"""The agent of a head: one loop that turns what happens into decisions and carries them out."""

from __future__ import annotations

import gc
import select
from typing import Any

from backend.agent import head_control
from backend.agent.alone import Resort, last_resort
from backend.agent.chronicle import Chronicle
from backend.agent.core.actions import Action
from backend.agent.core.events import (
    Condition,
    Event,
    Force,
    Persisted,
    Received,
    Stop,
    Switchover,
    Tick,
)
from backend.agent.core.head import step, wake_at
from backend.agent.core.messages import Answer, Health, Poll, Solicit
from backend.agent.core.state import Decision, Head, Role
from backend.agent.core.timing import MS, SECOND
from backend.agent.hands import GateStuck
from backend.agent.parts import HeadParts, first_state
from backend.agent.resources import state as resources
from backend.agent.resources.permission import patience
from backend.agent.settings import Settings
from backend.system.agent.process import boottime_us, notify

KEEPALIVE = Poll(1)  # its answer matches no poll of the core's: it only shows that a link works
COLLECT_EVERY = 30 * SECOND
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
        self._next_collect = self._woken + COLLECT_EVERY
        self._hurried = 0
        self._stop_asked = False
        self._errand: Event | None = None  # waits until the resources are stopped
        self._errand_until = 0
        self.head: Head = first_state(parts, self._woken)
        self._control = head_control.open_control(self)

    @property
    def finished(self) -> bool:
        """Whether the agent has been asked to stop and has nothing more to do.

        After a hand-over it stays until the other head serves: its answer may have been lost.
        """
        head = self.head
        if not head.finished or not self.parts.resources_stopped():
            return False
        taken = head.given is None or bool(head.peer.health & Health.ACTIVE)
        return taken or boottime_us() >= head.stopping

    def begin(self) -> None:
        """Introduce this member, go on with a lease that is still in force, get ready."""
        for text in self.warnings:
            self.chronicle.alarm(text)
        self.parts.post.introduce()
        self._look(self._woken)
        adopted = self.parts.adoptable(self.head, boottime_us())
        if adopted is not None:
            self._apply(adopted)
            self.parts.hands.resume()
        self.parts.become_realtime()
        gc.disable()  # it runs when the loop says so
        self._woken = boottime_us()
        self.parts.begin()
        notify("READY=1")
        self.chronicle.notice("ready")

    def once(self) -> None:
        """Wait for whatever comes first, and deal with it."""
        before = boottime_us()
        wake = self._wake(before)
        ends, links = self.parts.post.filenos(), self.parts.watched()
        readers: list[Any] = [*ends, *links, *self._control.readers()]
        # A mistake must not turn a real-time process into one that nobody can stop.
        self._hurried = self._hurried + 1 if wake <= before else 0
        if self._hurried > MOST_HURRIED:
            self.chronicle.alarm(
                "the loop finds no rest: a mistake of the agent; it goes on slowly"
            )
            wake = before + BREATH
        ready, writable, _ = select.select(
            readers, self._control.writers(), (), max(0, wake - before) / SECOND
        )
        now = boottime_us()
        late = max(now - max(wake, before), before - self._woken, 0)
        self._woken = now
        if late > self._timing.stall:
            self.counters["stalls"] += 1
            self.parts.links.stalled(now)
            self._step(Tick(late), now)
        self._timers(now, 0 if late > self._timing.stall else late)
        for one in ready:
            if one in ends:
                self._receive(ends[one])
        self._timers(boottime_us(), 0)
        for one in ready:
            if one in links:
                links[one](self)
        self._control.serve([one for one in (*ready, *writable) if not isinstance(one, int)], now)
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
        self._begin_errand(Stop(), boottime_us())

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
        return self._begin_errand(Switchover(), boottime_us())

    def persisted(self, version: int) -> None:
        """A promise is on the disk."""
        self._step(Persisted(version), boottime_us())

    def look_now(self) -> None:
        """Look at the links at once, because one has changed."""
        self._look(boottime_us())

    def _wake(self, now: int) -> int:
        moments = [wake_at(self.head, now), self._next_look, self._next_keepalive]
        moments.append(self.parts.conductor.wake_at())
        due = self.parts.hands.announcer.due
        if due is not None:
            moments.append(due)
        return min(moments)

    def _timers(self, now: int, late: int) -> None:
        if now >= wake_at(self.head, now):
            self._step(Tick(late), now)
        hands = self.parts.hands
        if hands.announcer.take(now) and now < self.head.lease_until:
            hands.announce()
        if now >= self.parts.conductor.wake_at():
            self.parts.conductor.tick()
        if now >= self._next_look:
            self._look(now)
        if now >= self._next_keepalive:
            self._keep_alive(now)
        if now >= self._next_collect:
            self._next_collect = now + COLLECT_EVERY
            gc.collect()

    def _look(self, now: int) -> None:
        """Tell the core when what this head can do has changed."""
        self._next_look = now + self._timing.round
        links = self.parts.links
        serving = self.head.role is Role.ACTIVE
        other = int(self.head.peer.health & Health.LINKS)
        health = Health(links.health_bits(now, serving=serving, other=other))
        health |= self.parts.condition()
        self.parts.post.probe(links.probes(now))
        if health != self.head.health:
            self._step(Condition(health), now)
        self._run_errand(now)
        self._last_resort(now)

    def _last_resort(self, now: int) -> None:
        """Without witnesses: fence the other head and serve, or what the policy says."""
        fencing = self.settings.fencing is not None
        policy = self.settings.takeover_without_witness
        due = last_resort(self.head, now, fencing=fencing, policy=policy)
        if due is Resort.FENCE:
            if self.parts.peer_is_off:
                self._step(Force(), now)
            else:
                self.parts.conductor.fence()
        elif due is Resort.RISK:
            self.chronicle.alarm("taking over without a witness and without fencing: the policy")
            self._step(Force(), now)
        if self.head.peer.alive(now, self._timing.lease):
            self.parts.peer_is_off = False

    def _run_errand(self, now: int) -> None:
        """Do what waits for the resources to be stopped; a stop does not wait for ever."""
        if self._errand is None:
            return
        late = now >= self._errand_until
        if self.head.role is Role.ACTIVE and not self.parts.resources_stopped():
            if not late:
                return
            self.chronicle.alarm("the resources have not stopped in time")
            if isinstance(self._errand, Switchover):
                self._errand = None
                self.parts.conductor.tell(resources.Serve(self.head.term))
                return
        errand, self._errand = self._errand, None
        self._step(errand, now)

    def _begin_errand(self, errand: Event, now: int) -> str:
        """Stop the resources of an active head first, then do it."""
        self._errand = errand
        self._errand_until = now + patience(self.parts.conductor.board) + SECOND
        if self.head.role is Role.ACTIVE and not self.parts.resources_stopped():
            self.parts.drain()
            return "stopping the resources first"
        self._run_errand(now)
        return self.chronicle.last_sentence("decision")

    def _keep_alive(self, now: int) -> None:
        """A standby asks everybody once in a lease: so links are known before they are needed."""
        self._next_keepalive = now + self._timing.lease
        notify("WATCHDOG=1")
        self.parts.pet_watchdog(leased=now < self.head.lease_until)
        if self.head.role is Role.STANDBY:
            for member in self.head.members.others:
                self.parts.post.send(member, KEEPALIVE)

    def _receive(self, network: int) -> None:
        for arrived in self.parts.post.receive(network, boottime_us()):
            message = arrived.message
            if isinstance(message, Solicit) and self._drains_first():
                continue
            mine = self.settings.resources and arrived.source == self.head.members.peer
            if mine and isinstance(message, Answer):
                stopped = bool(message.health & Health.IDLE)
                self.parts.conductor.tell(resources.PeerWord(stopped, message.sent))
            self._step(Received(arrived.source, message), boottime_us(), network)

    def _drains_first(self) -> bool:
        """The other head asks for the role by itself: stop the resources, then invite it."""
        asked = self.head.inviting_until or self.head.stopping
        if self.head.role is not Role.ACTIVE or asked or self.parts.resources_stopped():
            return False
        if self._errand is None:
            self._begin_errand(Switchover(), boottime_us())
        return True

    def _step(self, event: Event, now: int, network: int | None = None) -> str:
        before = self.head
        decision = step(before, event, now)
        self._apply(decision, network)
        self._count(before, decision)
        return decision.sentence

    def _apply(self, decision: Decision, network: int | None = None) -> None:
        self.head = decision.state
        actions: tuple[Action, ...] = decision.actions
        if actions:
            self.parts.hands.carry_out(actions, network)
        if decision.sentence:
            self.chronicle.decision(decision.sentence)

    def _count(self, before: Head, decision: Decision) -> None:
        after = decision.state
        if after.role is Role.ACTIVE and before.role is not Role.ACTIVE:
            self.counters["takeovers"] += 1
        elif before.role is Role.ACTIVE and after.role is not Role.ACTIVE:
            self.counters["releases"] += 1
            if after.given is None and not after.stopping:
                self.counters["lapses"] += 1
