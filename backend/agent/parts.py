"""What a head's agent is made of, put together from its settings."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.agent.acquaintances import Acquaintances
from backend.agent.chronicle import Chronicle
from backend.agent.core.messages import Health
from backend.agent.core.state import Decision, Head, adopt, start
from backend.agent.core.timing import MS, SECOND
from backend.agent.hands import Hands
from backend.agent.keys import new_sessions
from backend.agent.links import Links
from backend.agent.memory import Memory
from backend.agent.post import Post
from backend.agent.resources import state as resources
from backend.agent.resources.conductor import Conductor
from backend.agent.settings import Settings
from backend.system.agent.addresses import Addresses, Renewer
from backend.system.agent.arp import Arp, Sighting
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.monitor import AddressGone, Link, LinkGone, Missed, Monitor
from backend.system.agent.process import (
    become_realtime,
    boottime_us,
    join_realtime,
    oom_protect,
)
from backend.system.agent.programs import Worker
from backend.system.agent.watchdog import Watchdog

if TYPE_CHECKING:
    from backend.agent.daemon import Daemon

WATCHDOG_SECONDS = 5
LEAST_TO_ADOPT = 5 * MS  # of a lease that is still in force


class HeadParts:
    """Opens everything; raises AgentError or OSError with a sentence when something is missing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        worker = Worker()  # a process of its own: before sockets, locked memory and priority
        self.chronicle = Chronicle(write_line, time.time, boottime_us)
        self.sessions = new_sessions(settings)
        self.links = Links(settings, boottime_us())
        self.post = Post(settings, self.sessions, self.links)
        vips = [
            (settings.networks[one.network].interface, one.address) for one in settings.virtual_ips
        ]
        self.gate = DeadlineGate(vips)
        self.gate.install()
        if self.gate.refusal:
            self.chronicle.notice(self.gate.refusal)
        self.addresses = Addresses(vips, _lengths(settings))
        self.arp = Arp(vips)
        self._interfaces = {one.interface: bit for bit, one in enumerate(settings.networks)}
        served = {
            settings.networks[one.network].interface: one.network for one in settings.virtual_ips
        }
        self.acquaintances = Acquaintances(self.arp, served, self.links.lossy)
        self._numbers: dict[str, int] = {}
        self.monitor = Monitor([one for one in self._interfaces if one], vips)
        self.memory = Memory(settings, self.chronicle, self._join)
        self.hands = Hands(
            gate=self.gate, addresses=self.addresses, arp=self.arp, post=self.post,
            chronicle=self.chronicle, persist=self.memory.keep, serve=self.serve,
            retire=self.retire, clock=boottime_us,
        )  # fmt: skip
        self.conductor = Conductor(
            settings, worker, peer_watchdog=self._watchdog_bound(), clock=boottime_us,
            say=self.chronicle.decision, peer_off=self._peer_off, self_fence=self._self_fence,
        )  # fmt: skip
        self._judged: resources.Board | None = None  # the board that the next two are of
        self._fit = self._idle = 0
        self.peer_is_off = False  # fencing has confirmed it; the loop takes it from here
        self.watchdog = self._open_watchdog()
        self.renewer = Renewer(self.addresses, self.chronicle.alarm, self._join)
        self._signal_pipe = _signal_pipe()
        self._changing: tuple[int, tuple[int, ...]] = -1, ()
        self._watched: dict[int, Callable[[Daemon], None]] = {}
        self._read_carriers()

    def begin(self) -> None:
        """Start the threads, and look at the resources; after ``become_realtime``."""
        self.conductor.begin()
        self.memory.start()
        self.renewer.start()

    def become_realtime(self) -> None:
        """Lock memory and get real-time scheduling; an alarm says when it cannot be had."""
        oom_protect()
        if not self.settings.realtime:
            return
        try:
            become_realtime()
        except OSError as problem:
            self.chronicle.alarm(
                f"without real-time scheduling a busy machine may lapse: {problem}"
            )

    def adoptable(self, head: Head, now: int) -> Decision | None:
        """Return the decision to go on, when this machine still legally serves."""
        left = self.gate.remaining()
        term, solo = self.memory.served()
        if left < LEAST_TO_ADOPT or not term:
            return None
        return adopt(head, now, term, now + left, solo)

    def watched(self) -> dict[int, Callable[[Daemon], None]]:
        """Return what else to wait for, and what to do when it is readable. Ask for it anew each
        time: descriptors change when a process or an interface was made anew."""
        changing = self.conductor.fileno(), self.arp.filenos()
        if changing != self._changing:
            self._changing = changing
            self._watched = {
                self._signal_pipe: self._signalled,
                self.monitor.fileno(): self._kernel_news,
                self.memory.fileno(): self._stored,
                self.conductor.fileno(): self._programs_ended,
                **dict.fromkeys(self.arp.filenos(), self._arp_heard),
            }
        return self._watched

    def kernel_view(self) -> tuple[frozenset[str], int]:
        """Return the virtual IPs that are configured here, and how long the gate is open yet."""
        return frozenset(address for _, address in self.addresses.present()), self.gate.remaining()

    def condition(self, *, unfit: bool = False) -> int:
        """Return what the resources say of this head, and the watch list when it says ``unfit``:
        the bits of FIT and IDLE."""
        board = self.conductor.board
        if board is not self._judged:
            self._judged = board
            self._fit = int(Health.FIT) if board.fit else 0
            self._idle = int(Health.IDLE) if board.exclusive_stopped else 0
        return self._idle | (0 if unfit else self._fit)

    def serve(self, term: int, solo: int = 0) -> None:
        """This head became active, or goes on, perhaps on a promise."""
        self.memory.note_serving(term, solo)
        self.conductor.tell(resources.Serve(term))

    def retire(self) -> None:
        """This head is no longer active."""
        self.memory.note_serving(0)
        self.conductor.tell(resources.Retire())

    def drain(self) -> None:
        """Stop the resources before the role is given away."""
        self.conductor.tell(resources.Drain())

    def resources_stopped(self) -> bool:
        """Return whether no resource runs or may run here."""
        return self.conductor.board.all_stopped

    def pet_watchdog(self, *, leased: bool) -> None:
        """Keep the hardware watchdog quiet, when this head may."""
        if self.watchdog is None or not self.conductor.may_feed_watchdog(leased=leased):
            return
        try:
            self.watchdog.pet()
        except OSError as problem:
            self.chronicle.alarm(str(problem))

    def close(self) -> None:
        """Close everything; the tables of the gate stay, closed by themselves."""
        self.renewer.stop()
        self.memory.stop()
        self.conductor.close()
        if self.watchdog is not None:
            self.watchdog.disarm()
        with contextlib.suppress(OSError):
            self.addresses.remove()
        for one in (self.addresses, self.arp, self.acquaintances, self.post):
            one.close()
        self.gate.shut()

    def _watchdog_bound(self) -> int:
        """The other head has the same settings, so the same watchdog, in microseconds."""
        return WATCHDOG_SECONDS * SECOND if self.settings.watchdog else 0

    def _open_watchdog(self) -> Watchdog | None:
        if not self.settings.watchdog:
            return None
        try:
            found = Watchdog(self.settings.watchdog, WATCHDOG_SECONDS)
        except OSError as problem:
            self.chronicle.alarm(str(problem))
            return None
        self.chronicle.notice(f"watchdog {found.identity}: {found.seconds} s")
        return found

    def _peer_off(self) -> None:
        self.peer_is_off = True

    def _self_fence(self, why: str) -> None:
        """Let the watchdog reset this machine; without one all that is left is to say so."""
        self.chronicle.alarm(f"this machine must be reset: {why}")

    def _join(self) -> None:
        if self.settings.realtime:
            join_realtime()

    def mend_gate(self) -> None:
        """Load the gate again when somebody has taken a part of it away."""
        try:
            if not self.gate.intact():
                self.chronicle.alarm(
                    "somebody has changed the gate of the virtual IPs; it is mended"
                )
                self.gate.install()
        except OSError as problem:
            self.chronicle.alarm(str(problem))

    def _follow_interface(self, link: Link) -> None:
        """An interface that was made anew has another number, and lost what hung on the old one."""
        before = self._numbers.get(link.interface)
        self._numbers[link.interface] = link.number
        if before in (None, link.number):
            return
        self.arp.follow()
        self.post.follow()
        self.mend_gate()

    def gate_way(self) -> str:
        """Return how the kernel enforces the lease."""
        return self.gate.way

    def _read_carriers(self) -> None:
        found = self.monitor.state()
        self._numbers.update((name, link.number) for name, link in found.items())
        for interface, bit in self._interfaces.items():
            link = found.get(interface)
            self.links.carrier(bit, link is not None and link.carrier, boottime_us())

    def _signalled(self, daemon: Daemon) -> None:
        with contextlib.suppress(OSError):
            os.read(self._signal_pipe, 64)
        daemon.stop()

    def _kernel_news(self, daemon: Daemon) -> None:
        now = boottime_us()
        for news in self.monitor.read():
            if isinstance(news, Missed):
                self._read_carriers()
            elif isinstance(news, Link) and news.interface in self._interfaces:
                self._follow_interface(news)
                self.links.carrier(self._interfaces[news.interface], news.carrier, now)
            elif isinstance(news, LinkGone) and news.interface in self._interfaces:
                self.links.carrier(self._interfaces[news.interface], False, now)
            elif isinstance(news, AddressGone) and self.hands.serving:
                daemon.address_lost()
        daemon.look_now()

    def _arp_heard(self, daemon: Daemon) -> None:
        for heard in self.arp.receive():
            if isinstance(heard, Sighting):
                daemon.sighted(heard.interface, heard.address, heard.mac)

    def _programs_ended(self, _daemon: Daemon) -> None:
        self.conductor.readable()

    def _stored(self, daemon: Daemon) -> None:
        for version in self.memory.finished():
            daemon.persisted(version)


def first_state(parts: HeadParts, now: int) -> Head:
    """Return the state of a head that has just started, from what it had stored."""
    term, promised, fresh = parts.memory.recall()
    settings = parts.settings
    return start(
        settings.as_members(), settings.timing, now, term=term, promised=promised, fresh=fresh
    )


def _lengths(settings: Settings) -> dict[str, int]:
    """Return the prefix length of each virtual IP in whose network this head has no address of
    its own: without a route to that network it could not answer anybody."""
    own = settings.myself.addresses
    return {one.address: one.prefix for one in settings.virtual_ips if not own[one.network]}


def write_line(line: str) -> None:
    """Write a line to standard error; drop it when nobody reads: the loop must not wait."""
    with contextlib.suppress(OSError):
        os.write(2, line.encode("utf-8", "replace") + b"\n")


def _signal_pipe() -> int:
    """Let SIGTERM and SIGINT wake the loop through a pipe; nothing happens in the handler."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    return reader
