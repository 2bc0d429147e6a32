"""What a head's agent is made of, put together from its settings."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backend.agent.chronicle import Chronicle
from backend.agent.core.state import Decision, Head, adopt, start
from backend.agent.core.timing import MS
from backend.agent.hands import Hands
from backend.agent.keys import new_sessions
from backend.agent.links import Links
from backend.agent.memory import Memory
from backend.agent.post import Post
from backend.agent.settings import Settings
from backend.system.agent.addresses import Addresses, Renewer
from backend.system.agent.arp import Arp, Sighting
from backend.system.agent.gate import Gate
from backend.system.agent.monitor import AddressGone, Link, LinkGone, Missed, Monitor
from backend.system.agent.process import (
    become_realtime,
    boottime_us,
    join_realtime,
    oom_protect,
)

if TYPE_CHECKING:
    from backend.agent.daemon import Daemon

LEAST_TO_ADOPT = 5 * MS  # of a lease that is still in force


class HeadParts:
    """Opens everything; raises AgentError or OSError with a sentence when something is missing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.chronicle = Chronicle(write_line, time.time, boottime_us)
        self.sessions = new_sessions(settings)
        self.links = Links(settings, boottime_us())
        self.post = Post(settings, self.sessions, self.links)
        vips = [
            (settings.networks[one.network].interface, one.address) for one in settings.virtual_ips
        ]
        self.gate = Gate(vips)
        self.gate.install()
        self.addresses = Addresses(vips)
        self.arp = Arp(vips)
        self._interfaces = {one.interface: bit for bit, one in enumerate(settings.networks)}
        self.monitor = Monitor([one for one in self._interfaces if one], vips)
        self.memory = Memory(settings, self.chronicle, self._join)
        self.hands = Hands(
            gate=self.gate, addresses=self.addresses, arp=self.arp, post=self.post,
            chronicle=self.chronicle, persist=self.memory.keep, serve=self.serve,
            retire=self.retire, clock=boottime_us,
        )  # fmt: skip
        self._renewer = Renewer(self.addresses, self.chronicle.alarm, self._join)
        self._signal_pipe = _signal_pipe()
        self._read_carriers()

    def begin(self) -> None:
        """Start the threads; after ``become_realtime``."""
        self.memory.start()
        self._renewer.start()

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
        term = self.memory.serving_term()
        if left < LEAST_TO_ADOPT or not term:
            return None
        return adopt(head, now, term, now + left)

    def watched(self) -> dict[int, Callable[[Daemon], None]]:
        """Return what else to wait for, and what to do when it is readable."""
        found: dict[int, Callable[[Daemon], None]] = {
            self._signal_pipe: self._signalled,
            self.monitor.fileno(): self._kernel_news,
            self.memory.fileno(): self._stored,
        }
        for number in self.arp.filenos():
            found[number] = self._arp_heard
        return found

    def kernel_view(self) -> tuple[frozenset[str], int]:
        """Return the virtual IPs that are configured here, and how long the gate is open yet."""
        return frozenset(address for _, address in self.addresses.present()), self.gate.remaining()

    def fit(self) -> bool:
        """Return whether the services could run here."""
        return True

    def serve(self, term: int) -> None:
        """This head became active."""
        self.memory.note_serving(term)

    def retire(self) -> None:
        """This head is no longer active."""
        self.memory.note_serving(0)

    def drain(self) -> None:
        """Stop the resources before the role is given away."""

    def resources_stopped(self) -> bool:
        """Return whether no resource runs here."""
        return True

    def resource_states(self) -> list[dict[str, Any]]:
        """Return each resource's state for the status."""
        return []

    def close(self) -> None:
        """Close everything; the tables of the gate stay, closed by themselves."""
        self._renewer.stop()
        self.memory.stop()
        with contextlib.suppress(OSError):
            self.addresses.remove()
        for one in (self.addresses, self.arp, self.post):
            one.close()
        self.gate.shut()

    def _join(self) -> None:
        if self.settings.realtime:
            join_realtime()

    def gate_way(self) -> str:
        """Return how the kernel enforces the lease."""
        return self.gate.way

    def _read_carriers(self) -> None:
        found = self.monitor.state()
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
