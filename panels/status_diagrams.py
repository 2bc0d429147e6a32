"""The two state diagrams of the cluster's status: adaptive recovery, and the head's own agent. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from backend.actions.status import Entry, Status
from backend.actions.status_recovery import Recovery, Standing, last_times
from panels.status_view import moment
from panels.widgets.state_diagram import Bus, Diagram, Node

TONES = {
    Recovery.HEALTHY: "ok",
    Recovery.SUSPECT: "warning",
    Recovery.RESTART: "warning",
    Recovery.TAKE_OVER: "accent",
    Recovery.ALERT: "error",
}
RECOVERY = Diagram(
    {
        "healthy": Node("healthy", "both fit", 0),
        "suspect": Node("suspect", "in doubt", 1),
        "restart": Node("restart locally", "tried once", 2),
        "take_over": Node("take over", "by a quorum", 3),
        "alert": Node("alert / hold", "needs you", 4),
    },
    (("healthy", "suspect"), ("suspect", "restart"), ("restart", "take_over"), ("take_over", "alert")),
    (
        Bus(("suspect", "restart", "take_over", "alert"), ("healthy",), "well again"),
        Bus(("suspect",), ("take_over", "alert"), "silence", below=True),
    ),
)  # fmt: skip
AGENT = Diagram(
    {
        "standby": Node("standby", "listens", 0, 0.5),
        "soliciting": Node("soliciting", "asks for the hand-over", 1, 0),
        "candidate": Node("candidate", "asks the voters", 1, 1),
        "active": Node("active", "renews its lease", 2, 0.5),
    },
    (("standby", "soliciting"), ("standby", "candidate"), ("soliciting", "active"), ("candidate", "active")),
    (Bus(("active",), ("standby",), "handed over, outvoted, or the lease has run out", below=True),),
)  # fmt: skip


def recovery_diagram(standing: Standing | None, events: Sequence[Entry]) -> Diagram:
    """Return the adaptive recovery with the state in which the pair is (None: nobody knows), and
    when it last was in those that are soon over."""
    notes = {
        key: f"last {moment(entry)[:8]}"
        for name, entry in last_times(events).items()
        if (key := name.lower()) in RECOVERY.nodes
    }
    if standing is None:
        return replace(RECOVERY, notes=notes)
    key = standing.state.name.lower()
    notes.pop(key, None)
    return replace(RECOVERY, marks={key: tone(standing)}, notes=notes)


def tone(standing: Standing) -> str:
    """Return the colour of where the pair stands; a hold that somebody wanted is no error."""
    return "warning" if standing.held else TONES[standing.state]


def agent_diagram(status: Status | None, events: Sequence[Entry]) -> Diagram:
    """Return the states of a head's agent, with the heads that are in them (None: nobody knows),
    and when this one last passed through the others."""
    notes = {
        key: f"last {moment(entry)[:8]}"
        for key, entry in last_times(events).items()
        if key in AGENT.nodes
    }
    if status is None:
        return replace(AGENT, notes=notes)
    heads: dict[str, list[str]] = {status.role: [status.me]}
    if status.peer.alive:
        theirs = "active" if status.peer.health.active else "standby"
        heads.setdefault(theirs, []).append(status.peer.name)
    notes |= {key: ", ".join(names) for key, names in heads.items()}
    return replace(AGENT, marks=dict.fromkeys(heads, "accent"), notes=notes)


def agent_words(status: Status | None) -> str:
    """Return the second diagram as a sentence."""
    if status is None:
        return "Nothing is known of the agents."
    peer = status.peer
    theirs = "silent" if not peer.alive else "active" if peer.health.active else "standby"
    return f"{status.me} is {status.role}, {peer.name} is {theirs}."
