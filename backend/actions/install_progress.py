"""How far each machine's installation is, as a person watches it: a line for each step. Pure."""

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.actions.install_advice import Situation, advice_on
from backend.amounts import duration, size
from backend.clone.constants import BootSign, Stage
from backend.clone.installs import InstallState
from backend.clone.ticket import TicketState
from backend.model.addresses import Mac
from backend.reports import Report


class Mark(enum.StrEnum):
    """How far one line is."""

    WAITING = "waiting"
    CURRENT = "running"
    DONE = "done"
    UNSEEN = "not seen"  # it must have happened, but nothing was heard of it
    FAILED = "failed"
    STOPPED = "stopped"  # taken back, or too late


class Phase(enum.StrEnum):
    """How far a machine is."""

    NONE = "none"  # it has no card yet, or never had a ticket
    WAITING = "waiting"  # for the machine to boot
    RUNNING = "running"
    INSTALLED = "installed"
    FAILED = "failed"
    ENDED = "ended"  # expired or taken back


@dataclass(frozen=True, slots=True)
class Line:
    """One step of an installation."""

    key: str
    title: str
    mark: Mark
    seconds: float | None = None  # that it took, or is taking
    share: float | None = None  # finished, 0.0 to 1.0, where it is known
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Copying:
    """How quick the copy is."""

    rate: float | None = None  # bytes a second
    remaining: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class MachineView:
    """One standby, with everything that is shown of it."""

    name: str
    phase: Phase
    headline: str
    lines: tuple[Line, ...] = ()
    advice: Report | None = None  # what went wrong or takes too long, and what to do
    log: tuple[str, ...] = ()  # the installer's last words, after a failure
    mac: Mac | None = None
    armed: float = 0.0  # seconds since 1970; tells one installation of a machine from the next

    @property
    def busy(self) -> bool:
        """Whether something is expected to happen."""
        return self.phase in (Phase.WAITING, Phase.RUNNING)

    @property
    def begun(self) -> bool:
        """Whether anything was heard of it."""
        return any(one.mark is not Mark.WAITING for one in self.lines)

    @property
    def may_carry_data(self) -> bool:
        """Whether its disk was written from here, or refused."""
        written = any(one.key == DISK and one.mark is not Mark.WAITING for one in self.lines)
        return written or self.phase is Phase.FAILED


# What is seen of each step, in the order of the steps: it begins with the first of these.
STEPS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("asked", "Asks for an address (DHCP)", frozenset({BootSign.ASKED})),
    ("loader", "Boot loader", frozenset({BootSign.LOADER})),
    ("kernel", "Kernel and installer", frozenset({BootSign.KERNEL})),
    ("start", "Installer starts", frozenset({Stage.START})),
    ("admit", "This head lets it in", frozenset({Stage.NETWORK, Stage.ADMITTED})),
    ("disk", "Partitions and file systems", frozenset({Stage.PARTITION, Stage.FORMAT})),
    ("copy", "Copy of the image", frozenset({Stage.COPY})),
    ("verify", "Check against the manifest", frozenset({Stage.VERIFY})),
    ("identity", "Own name, addresses and keys", frozenset({Stage.IDENTITY})),
    ("bootloader", "Boot loader on its disk", frozenset({Stage.BOOTLOADER})),
    ("restart", "Restart", frozenset({Stage.DONE})),
    ("booted", "Runs from its own disk", frozenset({Stage.BOOTED})),
)
DISK, COPY = "disk", "copy"


def title_of(stage: Stage) -> str:
    """Return what the step is called that a stage belongs to; "" for none."""
    return next((title for _key, title, names in STEPS if stage in names), "")


def phase_of(state: InstallState) -> Phase:
    """Return how far a machine with a ticket is."""
    match state.ticket.state:
        case TicketState.ARMED:
            return Phase.WAITING
        case TicketState.ADMITTED | TicketState.RUNNING | TicketState.DONE:
            return Phase.RUNNING
        case TicketState.BOOTED:
            return Phase.INSTALLED
        case TicketState.FAILED:
            return Phase.FAILED
        case TicketState.EXPIRED | TicketState.DISARMED:
            return Phase.ENDED


def untouched(name: str, mac: Mac | None) -> MachineView:
    """Return the view of a standby that never had a ticket."""
    if mac is None:
        text = f"{name} has no MAC address yet: collect and assign it in step 4."
    else:
        text = f"{name} ({mac}) has never been installed from here."
    return MachineView(name, Phase.NONE, text, mac=mac)


def view(
    state: InstallState,
    now: float,
    *,
    quiet: float = 0.0,
    copying: Copying | None = None,
    log: tuple[str, ...] = (),
) -> MachineView:
    """Return everything that is shown of a machine at ``now`` (seconds since 1970).

    ``quiet``: seconds since anything was heard of it; ``log``: its last words.
    """
    ticket, phase = state.ticket, phase_of(state)
    begun = _begins(state)
    lines = _lines(state, phase, begun, now, copying or Copying())
    current = STEPS[max(begun)] if begun else None
    key = current[0] if current else ""
    step = current[1] if current else ""
    last_sign = max(state.signs, key=lambda sign: sign[1])[0] if state.signs else None
    situation = Situation(
        name=str(ticket.standby), mac=ticket.mac, step=key, title=step, quiet=quiet,
        failed=phase is Phase.FAILED, busy=phase in (Phase.WAITING, Phase.RUNNING),
        reason=state.failure or ticket.reason, post_install=ticket.post_install,
        elsewhere=last_sign is BootSign.SYSTEM and phase is Phase.WAITING,
    )  # fmt: skip
    return MachineView(
        name=str(ticket.standby),
        phase=phase,
        headline=_headline(state, phase, step, now),
        lines=lines,
        advice=advice_on(situation),
        log=log if phase is Phase.FAILED else (),
        mac=ticket.mac,
        armed=ticket.armed,
    )


def _begins(state: InstallState) -> dict[int, float]:
    """Return when each step began, by its number; what has not been seen is left out."""
    seen: dict[str, float] = {str(name): when for name, when in (*state.signs, *state.stages)}
    found = {}
    for number, (_key, _title, names) in enumerate(STEPS):
        times = [seen[name] for name in names if name in seen]
        if times:
            found[number] = min(times)
    return found


def _lines(
    state: InstallState, phase: Phase, begun: dict[int, float], now: float, copying: Copying
) -> tuple[Line, ...]:
    last = max(begun, default=-1)
    lines = []
    for number, (key, title, _names) in enumerate(STEPS):
        mark = _mark(number, last, phase, seen=number in begun)
        seconds = None
        if mark is Mark.CURRENT:
            seconds = float(int(max(0.0, now - begun[number])))
        elif mark is Mark.DONE and number != last:
            end = next(begun[one] for one in sorted(begun) if one > number)
            seconds = round(max(0.0, end - begun[number]), 1)
        share, detail = None, ""
        if key == COPY and state.total and mark not in (Mark.WAITING, Mark.UNSEEN):
            share, detail = _copied(state.done or 0, state.total, mark, copying)
        lines.append(Line(key, title, mark, seconds, share, detail))
    return tuple(lines)


def _mark(number: int, last: int, phase: Phase, *, seen: bool) -> Mark:
    if number < last:
        return Mark.DONE if seen else Mark.UNSEEN
    if number > last:
        return Mark.WAITING
    return {
        Phase.WAITING: Mark.CURRENT,
        Phase.RUNNING: Mark.CURRENT,
        Phase.FAILED: Mark.FAILED,
        Phase.ENDED: Mark.STOPPED,
    }.get(phase, Mark.DONE)


def _copied(done: int, total: int, mark: Mark, copying: Copying) -> tuple[float, str]:
    done = total if mark is Mark.DONE else min(done, total)
    words = [size(total) if mark is Mark.DONE else f"{size(done)} of {size(total)}"]
    if mark is Mark.CURRENT:
        if copying.rate:
            words.append(f"{size(copying.rate)}/s")
        if copying.remaining is not None:
            words.append(f"{duration(copying.remaining)} left")
    return done / total, ", ".join(words)


def _headline(state: InstallState, phase: Phase, step: str, now: float) -> str:
    ticket = state.ticket
    name = ticket.standby
    headlines: dict[Phase, Callable[[], str]] = {
        Phase.WAITING: lambda: (
            f"{name} is booting."
            if step
            else f"Switch {name} on now, and let it boot from the network; its ticket ends in "
            f"{_minutes(ticket.expires - now)}."
        ),
        Phase.RUNNING: lambda: f"{name} is being installed with {ticket.image} v{ticket.version}.",
        Phase.INSTALLED: lambda: _installed(state, now),
        Phase.FAILED: lambda: f"The installation of {name} failed" + (f" at: {step}." if step else "."),
        Phase.ENDED: lambda: (
            f"The ticket of {name} has expired; it did not boot from the network in time."
            if ticket.state is TicketState.EXPIRED
            else f"The installation of {name} was cancelled."
        ),
    }  # fmt: skip
    return headlines[phase]()


def _installed(state: InstallState, now: float) -> str:
    since = dict(state.stages).get(Stage.BOOTED)
    root = state.facts.get("root", "")
    where = f" ({root})" if root else ""
    when = f" since {_clock(since, now)}" if since is not None else ""
    return f"{state.ticket.standby} runs from its own disk{where}{when}."


def _minutes(seconds: float) -> str:
    """Return a time span in whole minutes, rounded up: what is shown changes once a minute."""
    minutes = max(1, math.ceil(seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _clock(when: float, now: float) -> str:
    """Return a moment in local time, with its date unless it is today's."""
    moment, today = (datetime.fromtimestamp(one, UTC).astimezone() for one in (when, now))
    same_day = moment.date() == today.date()
    return f"{moment:%H:%M:%S}" if same_day else f"{moment:%Y-%m-%d %H:%M}"
