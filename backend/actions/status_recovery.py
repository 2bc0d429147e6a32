"""Where the pair stands in its adaptive recovery, as one head can tell. Pure.

The head itself knows no such states: they follow from its status and its last sentences.
"""

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.actions.status import Entry, Link, Status, Voter
from backend.actions.status_words import share, span

PATIENCE_US = 2_000_000  # a head that is silent for longer is not merely suspected
LOSSY = 0.05  # the part of the datagrams whose loss is worth a word
RESTARTING = ("; starting it again", " is found in a bad state")  # what the agent says then
MOVING = ("starting the resources", "stopping the resources to hand over")
SERVING, HANDED_OVER = "active, term ", "handed over with "  # how the role's sentences begin
SOLICITING, CAMPAIGN = "ready to take over", "campaign for term "


class Recovery(enum.StrEnum):
    """The states of adaptive recovery."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    RESTART = "restart locally"
    TAKE_OVER = "take over"
    ALERT = "alert / hold"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, and why it is that one: clauses that begin with a name, so no capital letter."""

    state: Recovery
    why: str
    held: bool = False  # nothing is broken: automatic takeovers are off, by order or by promise


def standing(status: Status, events: Sequence[Entry]) -> Standing:
    """Return where the pair stands; ``events``: the agent's last sentences, the newest last."""
    alarming, held = list(_alarming(status)), list(_held(status))
    looks = (
        (Recovery.TAKE_OVER, list(_moving(status, events))),
        (Recovery.RESTART, list(_restarting(status, events))),
        (Recovery.ALERT, alarming + held),
        (Recovery.SUSPECT, list(_doubtful(status))),
    )
    for state, reasons in looks:
        if reasons:
            hold = state is Recovery.ALERT and not alarming
            return Standing(state, "; ".join(reasons) + ".", hold)
    names = (status.me, status.peer.name)
    serving, other = names if status.active else reversed(names)
    return Standing(Recovery.HEALTHY, f"{serving} serves, {other} stands by and could take over.")


def last_times(events: Sequence[Entry]) -> dict[str, Entry]:
    """Return when the pair last passed through a state, and the agent through its own, for those
    that are often over before anybody looks; keys: a Recovery's name, or a role."""
    found: dict[str, Entry] = {}
    for entry in events:
        text = entry.sentence
        if entry.kind == "alarm":
            found[Recovery.ALERT.name] = entry
        elif text.startswith((SERVING, HANDED_OVER)):
            found[Recovery.TAKE_OVER.name] = entry
        elif any(mark in text for mark in RESTARTING):
            found[Recovery.RESTART.name] = entry
        elif text.startswith(SOLICITING):
            found["soliciting"] = entry
        elif text.startswith(CAMPAIGN):
            found["candidate"] = entry
    return found


def witness_state(status: Status, voter: Voter) -> str:
    """Return whether a witness is granting, refusing, answering (it was not asked) or silent."""
    ages = [one.age_us for one in status.links if one.member == voter.name]
    heard = any(age is not None and age < _patience(status) for age in ages)
    if voter.state == "granting":
        return "granting"
    if voter.state == "not asked":
        return "answering" if heard else "silent"
    answers = any(age is not None and age < status.lease_us // 2 for age in ages)
    return "refusing" if answers else "silent"  # asked twice in that time


def link_silent(status: Status, link: Link) -> bool:
    """Whether nothing comes over a link although something should."""
    return link.age_us is None or link.age_us >= _patience(status)


def in_flux(status: Status) -> list[str]:
    """Return the resources that are neither up nor down for good on the head that serves."""
    if not status.active:
        return [one.name for one in status.resources if one.state == "stopping"]
    return [one.name for one in status.resources if one.state != "running" and not one.failed]


def _patience(status: Status) -> int:
    """The active head hears from everybody twice in a round, a standby once in a lease."""
    return status.lease_us * (1 if status.active else 3)


def _moving(status: Status, events: Sequence[Entry]) -> Iterator[str]:
    me, peer = status.me, status.peer.name
    names = ", ".join(in_flux(status))
    if status.role == "soliciting":
        yield f"{me} is prepared, and has asked {peer} for the hand-over"
    elif status.role == "candidate":
        yield f"{me} asks the voters for the role"
    elif status.active and names and not _is_restart(events):
        yield f"{me} serves with term {status.term}; not everything runs yet: {names}"
    elif not status.active and names:
        yield f"{me} has given up the role and stops {names}"


def _restarting(status: Status, events: Sequence[Entry]) -> Iterator[str]:
    names = ", ".join(in_flux(status))
    if status.active and names and _is_restart(events):
        yield f"starting again on {status.me}: {names}"


def _is_restart(events: Sequence[Entry]) -> bool:
    """Whether resources are not up because one has failed here, and not because the role moved."""
    for entry in reversed(events):
        if any(mark in entry.sentence for mark in RESTARTING):
            return True
        if any(mark in entry.sentence for mark in MOVING):
            return False
    return False


def _alarming(status: Status) -> Iterator[str]:
    """Yield what a person should look at, or has asked for: the pair will not mend it by itself."""
    me, peer = status.me, status.peer
    silent = peer.heard_ago_us is None or peer.heard_ago_us >= PATIENCE_US
    if status.active and status.peer_active:
        yield "both heads say that they serve"
    elif not status.active and not status.peer_active and _stuck(status):
        yield f"no head serves that {me} can hear; {status.verdict}"
    elif status.active and not peer.alive and silent:
        never = peer.heard_ago_us is None
        yield f"{peer.name} " + ("was never heard" if never else "does not answer")
        yield "nobody could take over"
    for one in status.resources:
        if one.failed:
            yield f"{one.name} has failed on {me}" + (f" ({one.why})" if one.why else "")
    if not status.health.fit and not any(one.failed for one in status.resources):
        yield f"{me} is not fit to serve"
    if peer.alive and not peer.health.fit:
        yield f"{peer.name} is not fit to serve: its services do not work"
    for name, health in ((me, status.health), (peer.name, peer.health)):
        if health.stopping and (name == me or peer.alive):
            yield f"the agent of {name} is stopping"


def _stuck(status: Status) -> bool:
    """Whether this standby will not try to take over soon, with nobody serving."""
    verdict = status.verdict
    return verdict.startswith(("this head would not take over", "no takeover yet"))


def _held(status: Status) -> Iterator[str]:
    """Yield why no head takes over by itself although both could."""
    me, peer = status.me, status.peer
    if status.maintenance_seconds:
        minutes = math.ceil(status.maintenance_seconds / 60)
        yield f"maintenance, {minutes} min more: no automatic takeover"
    elif status.maintenance:
        yield f"maintenance at {peer.name}: no automatic takeover"
    if status.serving_alone:
        yield f"{peer.name} has promised not to take over by itself, because too few witnesses answer"
    elif status.promised:
        yield f"{me} has promised not to take over by itself, because too few witnesses answer"


def _doubtful(status: Status) -> Iterator[str]:
    """Yield what is watched, and nothing has been decided about."""
    peer = status.peer
    if not peer.alive:
        yield f"{peer.name} is silent for {span(peer.heard_ago_us)}"
    elif not status.active and not status.peer_active:
        yield f"neither head serves yet; {status.verdict}"
    yield from _doubtful_networks(status)
    for one in status.voters:
        state = "" if one.head else witness_state(status, one)
        if state in ("refusing", "silent"):
            yield f"witness {one.name} is {state}"
    for resource in status.resources:
        if resource.why and resource.state == "running":
            yield f"nobody can tell whether {resource.name} is well: {resource.why}"


def _doubtful_networks(status: Status) -> Iterator[str]:
    me, peer = status.me, status.peer
    for name, health in ((me, status.health), (peer.name, peer.health)):
        for network, well in health.networks.items():
            if not well and (name == me or peer.alive):
                yield f"{name} does not reach the {network} network"
    for link in status.links:
        if link.loss is not None and link.loss >= LOSSY and not link_silent(status, link):
            yield f"{share(link.loss)} of what {link.member} sends over {link.network} is lost"
