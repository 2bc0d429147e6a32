"""From what the agent knows to what is drawn of the pair. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from backend.actions.status import Entry, Health, Link, Status
from backend.actions.status_drill import LastDrill
from backend.actions.status_follow import News
from backend.actions.status_recovery import LOSSY, link_silent, witness_state
from backend.actions.status_words import share, span
from backend.amounts import duration
from panels.widgets.cluster_drawing import SIGNS, Cluster, Dot, HeadBox, Text, Wire
from panels.widgets.lease_ring import Ring

STEP_MS = 10  # the ring moves in steps of so much: a smaller change is no news
LONG_TIME = re.compile(r"\b(\d{4,}) ms\b")
ROLES = {
    "active": ("active", "ok"),
    "standby": ("standby", "text"),
    "soliciting": ("asks for the hand-over", "warning"),
    "candidate": ("asks the voters", "warning"),
}
TONES = {"granting": "ok", "answering": "ok", "refusing": "warning", "silent": "error"}


def cluster(news: News) -> Cluster | None:
    """Return what is drawn; None while nothing is known."""
    status = news.status
    if status is None:
        return None
    mine, theirs = _me(status), _peer(status)
    if news.problem is not None:
        old = f"as it was {duration(news.age)} ago"
        mine, theirs = _stale(mine, old), _stale(theirs, old)
    heads = [one.name for one in status.voters if one.head]  # the same order on both heads
    first = not heads or heads[0] == status.me
    return Cluster(
        (mine, theirs) if first else (theirs, mine),
        tuple(_wire(status, network) for network in status.health.networks),
        tuple(
            Dot(one.name, state, TONES[state])
            for one in status.voters
            if not one.head and (state := witness_state(status, one))
        ),
    )


def sentences(status: Status) -> tuple[str, str, str, str]:
    """Return the last decision, why a takeover would or would not happen, the last alarm, and the
    configuration's risks; empty where there is nothing to say."""
    decision, alarm = status.last_decision, status.last_alarm
    also = status.explain[1:-1] if status.active else ()  # a standby's repeat what is drawn
    verdict = calmed("; ".join((status.verdict, *also)))
    return (
        f"Last decision, {moment(decision)}: {decision.sentence}." if decision else "",
        f"A takeover now, as {status.me} sees it: {verdict}." if verdict else "",
        f"{SIGNS['error']} Last alarm, {moment(alarm)}: {alarm.sentence}." if alarm else "",
        f"{SIGNS['warning']} Risk: {'; '.join(status.risks)}." if status.risks else "",
    )


def drill_verdict(drill: LastDrill) -> tuple[str, str]:
    """Return what is to be said of a drill, with its sign, and the style of its colour."""
    tone = "ok" if drill.passed else "error"
    return f"{SIGNS[tone]} {drill.verdict}", f"{tone.title()}.TLabel"


def calmed(sentence: str) -> str:
    """Return a sentence in which long times are whole seconds: it changes once a second at most."""
    return LONG_TIME.sub(lambda found: f"{int(found[1]) // 1000} s", sentence)


def moment(entry: Entry) -> str:
    """Return when an agent said something, to the millisecond, in local time."""
    when = datetime.fromtimestamp(entry.time).astimezone()
    return f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"


def coarse(microseconds: float | None) -> str:
    """Return a jitter in no more digits than matter: a smaller change is no news."""
    if microseconds is None or microseconds < 1000:
        return span(microseconds)
    step = 1 if microseconds < 10_000 else 5
    return f"{round(microseconds / 1000 / step) * step} ms"


def _me(status: Status) -> HeadBox:
    role, tone = ROLES.get(status.role, (status.role, "warning"))
    if status.active:
        role += f", term {status.term}"
    notes = list(_troubles(status.health))
    if status.promised:
        notes.append(Text("bound by its promise", "warning"))
    if status.serving_alone:
        notes.append(Text("serves alone, by promise", "warning"))
    if not any(
        (status.active, status.peer_active, *(one.configured for one in status.virtual_ips))
    ):
        notes.append(Text("gate closed, no virtual IP", "error"))
    ring = None
    if status.active:
        ring = _ring(status.lease_remaining_us, status.lease_us, "lease")
    return HeadBox(status.me, True, role, tone, tuple(notes), tuple(_my_addresses(status)), ring)


def _peer(status: Status) -> HeadBox:
    peer = status.peer
    if not peer.alive:
        silent = "was never heard"
        if peer.heard_ago_us is not None:
            silent = f"silent for {_roughly(peer.heard_ago_us)}"
        return HeadBox(peer.name, False, silent, "error")
    addresses: tuple[Text, ...] = ()
    if peer.health.active:
        away = (one.address for one in status.virtual_ips if not one.configured)
        addresses = tuple(Text(one, "text", "mono") for one in away)
    role, tone = ROLES["active" if peer.health.active else "standby"]
    ring = None
    holder, left = status.vote
    if peer.health.active and holder == peer.name:
        ring = _ring(left, status.lease_us, "vote")
    notes = tuple(_troubles(peer.health))
    return HeadBox(peer.name, False, role, tone, notes, addresses, ring)


def _my_addresses(status: Status) -> Iterator[Text]:
    """Yield the virtual IPs that are here, and whether the kernel lets them pass."""
    for one in status.virtual_ips:
        if one.configured:
            closed = "" if one.gate_us > 0 else " gate closed"
            yield Text(one.address + closed, "text" if one.gate_us > 0 else "warning", "mono")


def _troubles(health: Health) -> Iterator[Text]:
    for network, well in health.networks.items():
        if not well:
            yield Text(f"does not reach {network}", "warning")
    if not health.fit:
        yield Text("not fit to serve", "error")
    if health.maintenance:
        yield Text("maintenance", "warning")
    if health.stopping:
        yield Text("its agent is stopping", "warning")


def _ring(left_us: int, lease_us: int, caption: str) -> Ring:
    left = max(0, left_us // 1000 // STEP_MS * STEP_MS)
    return Ring(left * 1000 / lease_us if lease_us else 0.0, f"{caption} {left} ms")


def _wire(status: Status, network: str) -> Wire:
    links = [
        one for one in status.links if (one.member, one.network) == (status.peer.name, network)
    ]
    if not status.peer.alive or not links or link_silent(status, links[0]):
        return Wire(network, "", "silent", "error")
    loss, jitter = share(links[0].loss), coarse(links[0].jitter_us)
    return Wire(network, f"{loss} lost", f"jitter {jitter}", _tone(links[0]))


def _tone(link: Link) -> str:
    lossy = link.loss is not None and link.loss >= LOSSY
    return "warning" if lossy or not link.well else "ok"


def _roughly(microseconds: int) -> str:
    """Return how long somebody is silent, in steps that do not change with every look."""
    if microseconds < 1_000_000:
        return f"{microseconds // 100_000 * 100} ms"
    return span(microseconds)


def _stale(head: HeadBox, old: str) -> HeadBox:
    """Return a head as it is drawn when nobody knows whether it still is so."""
    notes = (*head.notes, Text(old, "error"))
    return HeadBox(head.name, head.here, head.role, "muted", notes, head.addresses)
