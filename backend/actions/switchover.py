"""The other head takes over, planned: what will move is shown, then it is asked for and awaited."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.agent_client import SOCKET, ask_agent
from backend.change.preview import Change, ChangeKind
from backend.errors import Cancelled, HaoscarError, Refused
from backend.reports import info, warning
from backend.tasks import Progress, TaskContext
from backend.wiring import Wiring

PATIENCE = 10.0  # seconds for the role to move when there are no resources to stop
STEP = 0.05
Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Switched:
    """Who is active now."""

    active: str
    term: int


@dataclass(frozen=True, slots=True)
class SwitchoverAction:
    """Exchanges the roles of the two heads; works on either of them."""

    wiring: Wiring
    limit: float = PATIENCE  # seconds until the roles must have been exchanged
    socket: str = SOCKET

    @property
    def title(self) -> str:
        """See Action.title."""
        return "Switchover"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Switched]:
        """See Action.prepare; raises Refused when no agent runs here."""
        del person
        context.step("Asking the agent")
        before = self._ask("status")
        return Prepared(
            self.title,
            f"{_active(before)} gives its role to the other head.",
            _groups(before),
            lambda context: self._run(before, context),
            _tell,
            _doubts(before),
        )

    def _run(self, before: Status, context: TaskContext) -> Switched:
        """Ask for it and wait until it has happened; raises HaoscarError, Cancelled."""
        context.step("Asking for the switchover")
        if _active(self._ask("status")) != _active(before):
            raise Refused.of(
                "switchover.moved",
                f"{_active(before)} is not the active head any more. Nothing was done.",
                "See: haoscar status.",
            )
        self._ask("switchover")
        began = time.monotonic()
        while True:
            now = self._ask("status")
            if now["term"] > before["term"] and _active(now) != _active(before):
                return Switched(_active(now), int(now["term"]))
            waited = time.monotonic() - began
            if waited > self.limit:
                raise _not_done(now, self.limit)
            step = "Waiting until the roles have been exchanged"
            context.listener(Progress(step, detail=f"for {waited:.0f} s"))
            if context.cancel.wait(STEP):
                raise _not_awaited()

    def _ask(self, command: str) -> Status:
        return ask_agent(self.wiring.paths, command, socket=self.socket)


def _active(status: Status) -> str:
    """Return the name of the head that serves, as the one that was asked sees it."""
    return str(status["me"] if status["role"] == "active" else status["peer"]["name"])


def _groups(status: Status) -> tuple[Group, ...]:
    active = _active(status)
    names = (str(status["me"]), str(status["peer"]["name"]))
    other = names[0] if names[1] == active else names[1]
    addresses = ", ".join(str(one["address"]) for one in status.get("virtual_ips", ()))
    resources = [str(one["name"]) for one in status.get("resources", ())]
    leaves, comes = [], []
    if resources:
        leaves.append(Change(ChangeKind.UNIT, f"Resources are stopped: {', '.join(reversed(resources))}."))  # fmt: skip
        comes.append(Change(ChangeKind.UNIT, f"Resources are started: {', '.join(resources)}."))
    leaves.append(Change(ChangeKind.UNIT, f"It gives up the virtual IPs {addresses or '(none)'}."))
    comes.insert(
        0, Change(ChangeKind.UNIT, "It becomes the active head and takes the virtual IPs.")
    )
    return Group(active, tuple(leaves)), Group(other, tuple(comes))


def _doubts(status: Status) -> tuple[Any, ...]:
    """Return what makes it likely that the agent refuses."""
    peer = status["peer"]
    if not peer.get("alive"):
        return (warning("switchover.peer", f"{peer['name']} does not answer {status['me']} now."),)
    return ()


def _tell(switched: Switched) -> Outcome:
    return Outcome(f"{switched.active} is active now, term {switched.term}.")


def _not_done(now: Status, limit: float) -> HaoscarError:
    last = now["last_decision"] or {}
    return HaoscarError.of(
        "switchover.not-done",
        f"The roles have not been exchanged within {limit:g} s: {last.get('sentence', '')}.",
        "See: haoscar status; haoscar events.",
    )


def _not_awaited() -> Cancelled:
    return Cancelled(
        info(
            "switchover.not-awaited",
            "The switchover has been asked for and goes on; only the waiting was given up.",
            "See: haoscar status.",
        )
    )
