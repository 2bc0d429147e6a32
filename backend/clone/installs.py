"""The records of installations: tickets and events below paths.installs, root's alone."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.clone import events as event_lines
from backend.clone.constants import BootSign, Stage
from backend.clone.events import InstallEvent
from backend.clone.keys import PublicKey
from backend.clone.ticket import WINDOW, Ticket, TicketState
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.site import ImageSource, PostInstall, Site, Standby
from backend.paths import Paths
from backend.system.files import make_private, read_if_there, write_atomically

MOST_EVENTS = 1 << 22  # bytes of one installation's events; a hostile installer gets no more
REFUSED = "refused.jsonl"  # machines that nobody expected
MOST_REFUSALS = 1 << 19  # bytes; a flood must not hide what comes after it


@dataclass(frozen=True, slots=True)
class InstallState:
    """How far the installation of one machine is."""

    ticket: Ticket
    stage: Stage | None = None
    done: int | None = None  # bytes of the copy
    total: int | None = None
    failure: str = ""
    facts: dict[str, str] = field(default_factory=dict)  # what the booted clone reported
    stages: tuple[tuple[Stage, float], ...] = ()  # when each began, seconds since 1970
    signs: tuple[tuple[BootSign, float], ...] = ()  # of booting, before the first stage

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen: it booted, failed, expired or was taken back."""
        return not self.ticket.pending

    @property
    def succeeded(self) -> bool:
        """Whether the clone itself has reported from its own disk."""
        return self.ticket.state is TicketState.BOOTED


class Installs:
    """Arms, reads and follows installations; safe between processes by a lock file."""

    def __init__(self, paths: Paths, clock: Callable[[], float] = time.time) -> None:
        self._root = paths.installs
        self._clock = clock

    def directory(self, mac: Mac) -> Path:
        """Return where everything about one machine lies."""
        return self._root / mac.hyphens

    def arm(
        self,
        site: Site,
        standby: Standby,
        version: int,
        window: float = WINDOW,
        *,
        wipe: bool = False,
    ) -> Ticket:
        """Let this machine in once, for ``window`` seconds; an older ticket of it ends.

        ``wipe``: this once a disk that carries data may be overwritten. Raises Refused without a
        MAC address, for one of a compute node, and while this machine is being installed.
        """
        mac, image = _armable(site, standby)
        now = self._clock()
        ticket = Ticket(
            mac=mac,
            standby=standby.name,
            image=standby.image,
            version=version,
            armed=now,
            expires=now + window,
            post_install=image.post_install if image else PostInstall.REBOOT,
            on_failure=standby.on_failure,
            wipe=wipe,
        )
        before: Ticket | None = None
        with self._locked(mac):
            with contextlib.suppress(InvalidInput):  # arming again is what repairs a damaged ticket
                before = self._read(mac)
            if before is not None and before.at(now).state is TicketState.RUNNING:
                raise Refused.of(
                    "install.running",
                    f"{standby.name} is being installed right now.",
                    f"Wait, or give it up first: haoscar installs disarm {standby.name}.",
                )
            self._set_history_aside(mac)
            self._write(ticket)
            self._append(mac, InstallEvent(now, "armed", text=f"{standby.image} v{version}"))
        return ticket

    def disarm(self, mac: Mac) -> Ticket:
        """Take a ticket back, also in the middle of an installation; raises Refused without one."""
        return self.change(mac, Ticket.disarmed, InstallEvent(self._clock(), "disarmed"))

    def ticket(self, mac: Mac) -> Ticket | None:
        """Return the ticket as it stands now, or None; raises InvalidInput, OSError."""
        found = self._read(mac)
        return None if found is None else found.at(self._clock())

    def tickets(self) -> list[Ticket]:
        """Return every machine's ticket as it stands now; a damaged one admits nobody."""
        found = []
        for path in sorted(self._root.glob("*-*-*-*-*-*/ticket.json")):
            with contextlib.suppress(InvalidInput):
                ticket = self.ticket(Mac.parse(path.parent.name))
                if ticket is not None:
                    found.append(ticket)
        return found

    def admit(self, mac: Mac, key: PublicKey) -> Ticket:
        """Let the key of this machine in; raises Refused with one sentence for the machine."""
        now = self._clock()
        if self._read(mac) is None:
            raise Refused.of(
                "ticket.unknown", f"No installation is expected from {mac}.",
                "Assign the MAC address to a standby and arm it: haoscar installs arm NAME.",
            )  # fmt: skip
        return self.change(mac, lambda ticket: ticket.admits(key, now), InstallEvent(now, "hello"))

    def change(
        self, mac: Mac, step: Callable[[Ticket], Ticket], event: InstallEvent | None = None
    ) -> Ticket:
        """Replace a ticket by ``step(ticket)`` and record the event; raises Refused without one.

        A step that changes nothing leaves no trace: anybody can say the same hello again and again.
        """
        with self._locked(mac):
            before = self.ticket(mac)
            if before is None:
                raise Refused.of("ticket.unknown", f"There is no ticket for {mac}.")
            after = step(before)
            if after != before:
                self._write(after)
                if event is not None:
                    self._append(mac, event)
        return after

    def record(self, mac: Mac, event: InstallEvent) -> None:
        """Append an event; silently stops at the size that a hostile machine may fill."""
        with contextlib.suppress(FileNotFoundError):
            if self._events(mac).stat().st_size > MOST_EVENTS:
                return
        self._append(mac, event)

    def record_refusal(self, text: str) -> None:
        """Note a machine that was not expected, for the administrator; the oldest are forgotten."""
        path = self._root / REFUSED
        make_private(self._root)
        if path.exists() and path.stat().st_size > MOST_REFUSALS:
            path.rename(path.with_suffix(".old"))
        _append_line(path, InstallEvent(self._clock(), "refused", text=text).to_json())

    def refusals(self) -> list[InstallEvent]:
        """Return the machines that were turned away."""
        path = self._root / REFUSED
        return _read_events(path.with_suffix(".old")) + _read_events(path)

    def events(self, mac: Mac) -> list[InstallEvent]:
        """Return the events of the newest installation of this machine."""
        return _read_events(self._events(mac))

    def state(self, mac: Mac) -> InstallState | None:
        """Return how far this machine is, or None when it never had a ticket."""
        if self.ticket(mac) is None:
            return None
        with self._locked(mac):  # a ticket and its events are written one after the other
            ticket, found = self.ticket(mac), self.events(mac)
        if ticket is None:
            return None
        state = InstallState(ticket)
        for event in found:
            state = _advance(state, event)
        return replace(
            state,
            stages=tuple(event_lines.stage_times(found)),
            signs=tuple(event_lines.sign_times(found)),
        )

    def mark(self, mac: Mac) -> tuple[tuple[int, int, int], ...]:
        """Return what is different as soon as ticket or events are; much cheaper than state."""
        found = []
        for path in (self.directory(mac) / "ticket.json", self._events(mac)):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)

    def follow(
        self, mac: Mac, wait: Callable[[float], bool], limit: float | None = None
    ) -> Iterator[InstallState]:
        """Yield the state whenever it changes, until it has ended or ``wait`` says to stop.

        ``wait(seconds)`` sleeps and returns True to stop, such as CancelToken.wait. ``limit`` is in
        seconds; raises Refused after it, and without a ticket.
        """
        began = self._clock()
        last: InstallState | None = None
        while True:
            state = self.state(mac)
            if state is None:
                raise Refused.of("ticket.unknown", f"There is no ticket for {mac}.")
            if state != last:
                yield state
                last = state
            if state.ended or wait(0.2):
                return
            if limit is not None and self._clock() - began > limit:
                raise Refused.of(
                    "install.slow",
                    f"{state.ticket.standby} has not finished within {limit:.0f} s; its last stage "
                    f"is {state.stage or 'none: it has not said hello'}.",
                    "Look at its screen; it may still be at work.",
                )

    def _events(self, mac: Mac) -> Path:
        return self.directory(mac) / "events.jsonl"

    def _read(self, mac: Mac) -> Ticket | None:
        content = read_if_there(self.directory(mac) / "ticket.json")
        return None if content is None else Ticket.from_json(content.decode("utf-8", "replace"))

    def _write(self, ticket: Ticket) -> None:
        path = self.directory(ticket.mac) / "ticket.json"
        write_atomically(path, ticket.to_json().encode(), 0o600)

    def _append(self, mac: Mac, event: InstallEvent) -> None:
        _append_line(self._events(mac), event.to_json())

    def _set_history_aside(self, mac: Mac) -> None:
        current = self._events(mac)
        if current.exists():
            make_private(current.parent / "history")
            current.rename(current.parent / "history" / f"{self._clock():.3f}.jsonl")

    @contextlib.contextmanager
    def _locked(self, mac: Mac) -> Iterator[None]:
        make_private(self._root)
        make_private(self.directory(mac))
        with (self.directory(mac) / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _armable(site: Site, standby: Standby) -> tuple[Mac, ImageSource | None]:
    if standby.mac is None:
        raise Refused.of(
            "install.no-mac", f"{standby.name} has no MAC address yet.",
            "Switch it on, collect its MAC address and assign it.",
        )  # fmt: skip
    for node in site.nodes:
        if node.mac == standby.mac:
            raise Refused.of(
                "install.node", f"{standby.mac} belongs to the compute node {node.name}.",
                "Assign another MAC address, or remove the node from the site file.",
            )  # fmt: skip
    return standby.mac, site.image(standby.image)


def _advance(state: InstallState, event: InstallEvent) -> InstallState:
    if event.stage is not None:
        state = replace(state, stage=event.stage)
    if event.done is not None:
        state = replace(state, done=event.done)
    if event.total is not None:
        state = replace(state, total=event.total)
    if event.kind == "failed":
        state = replace(state, failure=event.text, stage=Stage.FAILED)
    if event.kind == "booted":
        state = replace(state, facts=event.facts, stage=Stage.BOOTED)
    return state


def _append_line(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        output.write(line.encode() + b"\n")


def _read_events(path: Path) -> list[InstallEvent]:
    content = read_if_there(path) or b""
    found = [
        event_lines.from_json(line)
        for line in content.decode("utf-8", "replace").split("\n")
        if line
    ]
    return [event for event in found if event is not None]
