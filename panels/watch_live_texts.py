"""What is said of services at work: a cell of the table, a sentence, and why something cannot be done."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from backend.actions.watch_follow import WatchNews
from backend.actions.watch_live import Live, LiveService
from backend.actions.watch_told import Past, Tested
from backend.amounts import duration, share

SIGNS: Mapping[str, str] = {
    "ok": "✔", "failed": "✖", "unknown": "?", "unchecked": "○", "disabled": "⊘",
    "acknowledged": "◆",
}  # fmt: skip
WORDS: Mapping[str, str] = {"unchecked": "not yet checked"}
NARROW = f"{SIGNS['unchecked']} not checked"  # in the table
TAGS: Mapping[str, str] = {
    "failed": "error", "unknown": "warning", "acknowledged": "warning", "unchecked": "muted",
    "disabled": "muted",
}  # fmt: skip
STYLES: Mapping[str, str] = {"error": "Error", "warning": "Warning", "muted": "Muted", "": "Ok"}
ASKING = "Asking the watch process of this head..."
CHOOSE = "Select a service to see its last result, and to test it."
NOBODY = "No watch process answers on this head."
NOT_THERE = (
    "The watch process does not have this service yet. Save the list; Step 5, Complete installation, gives it to "
    "the heads."
)
OTHER_LIST = "The watch process works by an older list: Step 5, Complete installation, gives the heads the stored one."
NO_LINK = "It has no link to the other head's: what is found now would be lost in a failover."
ACK, UNACK = "Acknowledge..", "Unacknowledge"
DISABLE, ENABLE = "Disable", "Enable"
NOTHING_KEPT = "Nothing has happened that is kept."


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, and the style of its label."""

    text: str
    style: str = "Muted"


def kind(one: LiveService) -> str:
    """Return how a service is shown: its state, or that it is acknowledged."""
    known = one.acknowledged and one.state in ("failed", "unknown")
    return "acknowledged" if known else one.state


def word(state: str) -> str:
    """Return a state with its sign."""
    return f"{SIGNS.get(state, '?')} {WORDS.get(state, state)}"


def cell(one: LiveService, now: datetime) -> tuple[str, str]:
    """Return the cell of a service's state, and the tag of its row."""
    shown = kind(one)
    since = f" {_short(one.since, now)}" if shown in ("ok", "failed", "unknown") else ""
    text = NARROW if shown == "unchecked" else word(shown)
    return f"{text}{since}", TAGS.get(shown, "" if shown == "ok" else "warning")


def _short(when: float, now: datetime) -> str:
    """Return a moment in five or six characters: of today its time, else its day."""
    if not when:
        return ""
    moment = datetime.fromtimestamp(when)  # noqa: DTZ006 - the wall clock
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%d %b}"


def moment(when: float) -> str:
    """Return a moment as people read it."""
    return f"{datetime.fromtimestamp(when):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ006 - the wall clock


def sentence(one: LiveService, now: datetime) -> Told:
    """Return everything about a service in some sentences."""
    name, shown = one.ref.partition(":")[2], kind(one)
    since = f" since {moment(one.since)}" if one.since else ""
    sign = SIGNS.get(shown, "?")
    parts = [f"{sign} {name}: {WORDS.get(one.state, one.state)}{since}"]
    if one.failures > 1 and one.state == "failed":
        parts[0] += f", {one.failures} checks one after another"
    parts[0] += f": {one.summary}" if one.summary else "."
    if one.acknowledged:
        parts.append(f"Acknowledged by {one.acknowledged}.")
    if one.recovery:
        parts.append(f"Self-healing: {one.recovery}.")
    parts.append(_next(one, now))
    return Told(" ".join(_ended(part) for part in parts if part), STYLES[TAGS.get(shown, "")])


def _next(one: LiveService, now: datetime) -> str:
    if one.state == "disabled":
        return "It is not checked until it is enabled."
    if one.held:
        return f"Its check waits: {one.held}."
    if one.running:
        return "It is being checked now."
    if one.next_check:
        return f"Next check in {duration(max(0.0, round(one.next_check - now.timestamp())))}."
    return ""


def _ended(text: str) -> str:
    """Return a text with one full stop."""
    return f"{text.rstrip('.')}."


def who(news: WatchNews | None, stored: Set[str] | None) -> Told:
    """Return who checks, or what is missing; ``stored``: the services of the site file."""
    if news is None:
        return Told(ASKING)
    live = news.live
    if live is None:
        report = news.problem
        return Told(f"▲ {report.text} {report.remedy}".strip() if report else NOBODY, "Warning")
    told = _checker(live)
    if not live.connected and not live.copy:
        told = Told(f"▲ {told.text.lstrip('▲ ')} {NO_LINK}", "Warning")
    if stored is not None and live.services.keys() != stored:
        told = Told(f"▲ {told.text.lstrip('▲ ')} {OTHER_LIST}", "Warning")
    return told


def _checker(live: Live) -> Told:
    if live.active:
        return Told(f"This head, {live.me}, is active and checks the services.")
    why = live.why.rstrip(".")
    if live.copy:
        text = f"{live.by} could not be asked: this is what it knew when it was last heard. {why[:1].upper()}{why[1:]}."
        return Told(f"▲ {text}", "Warning")
    if live.by != live.me:
        return Told(
            f"{live.by} is active and checks the services; this head, {live.me}, stands by and keeps what is found."
        )
    return Told(f"▲ Nothing is checked: {why}.", "Warning")


def why_not(key: str, one: LiveService | None, *, live: bool, chosen: bool) -> str:
    """Return why a button cannot be used; "" when it can."""
    if not live:
        return NOBODY
    if not chosen:
        return "Select a service first."
    if one is None:
        return NOT_THERE
    if key == "ack" and not one.acknowledged and one.state not in ("failed", "unknown"):
        return f"There is nothing to acknowledge: it is {WORDS.get(one.state, one.state)}."
    return ""


def tested(result: Tested) -> Told:
    """Return the result of a test."""
    sign = SIGNS.get(result.outcome, "?")
    text = f"{sign} Test: {result.outcome}, checked by {result.by} in {result.took:.1f} s"
    said = f"{text}: {result.summary}" if result.summary else f"{text}."
    return Told(said, STYLES[TAGS.get(result.outcome, "")])


def availability(past: Past) -> str:
    """Return for which part of the time a service was well."""
    shares = ", ".join(f"{span} {share(part)}" for span, part in past.availability.items())
    return f"Availability: {shares}."
