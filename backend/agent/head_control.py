"""What can be asked of a head's agent over its control socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.agent import control, metrics
from backend.agent.core import events
from backend.agent.core.explain import explain
from backend.agent.core.timing import SECOND
from backend.agent.resources import state as resources
from backend.agent.resources.planner import settling
from backend.agent.status import head_status, role_answer, virtual_ips
from backend.agent.verdict import LONGEST, heard
from backend.system.agent.control_socket import ControlSocket
from backend.system.agent.process import boottime_us

if TYPE_CHECKING:
    from backend.agent.daemon import Daemon

SOCKET_NAME = "control"  # in the run directory
CONFIRMED = "the other head is off"


def open_control(daemon: Daemon) -> ControlSocket:
    """Return the open control socket, and the metrics port when there is one; raises OSError."""
    settings = daemon.settings
    answers = HeadControl(daemon)
    handlers = {
        "status": answers.status,
        "switchover": answers.switchover,
        "maintenance": answers.maintenance,
        "events": answers.events,
        "force": answers.force,
        "forget": answers.forget,
        "restart": answers.restart,
        "role": answers.role,
        "health": answers.health,
    }
    address = None
    if settings.metrics:
        host, _, port = settings.metrics.rpartition(":")
        address = (host, int(port))

    def metrics_page(data: bytes) -> bytes | None:
        if b"\r\n\r\n" not in data:
            return None
        return metrics.http_response(data, answers.status({}))

    return ControlSocket(
        f"{settings.run_directory}/{SOCKET_NAME}",
        lambda data: control.respond(data, handlers),
        metrics=address,
        respond_metrics=metrics_page,
    )


class HeadControl:
    """The commands; each takes a question and returns an answer, in the loop's thread."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def status(self, _question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return everything that is known."""
        daemon, now = self._daemon, boottime_us()
        parts = daemon.parts
        found = head_status(daemon.head, daemon.settings, daemon.chronicle, now)
        present, gate = parts.kernel_view()
        found["virtual_ips"] = virtual_ips(daemon.settings, present, gate)
        found["links"] = parts.links.snapshot(now)
        found["resources"] = parts.conductor.states()
        found["explain"] = [*explain(daemon.head, now), *daemon.verdict.lines(now)]
        found["watch"] = daemon.verdict.shown(now)
        found["risks"] = list(daemon.warnings)
        found["counters"] = dict(daemon.counters)
        found["slowest_pass_us"] = daemon.slowest_us
        found["refused"] = parts.sessions.refused()
        found["gate"] = parts.gate_way()
        return {"ok": True, **found}

    def switchover(self, _question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Exchange the roles; the answer says that it has begun."""
        sentence = self._daemon.switch_over()
        if sentence.startswith("no switchover"):
            return control.refused(sentence)
        return {"ok": True, "sentence": sentence}

    def maintenance(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Switch it on for some seconds, or off with 0."""
        seconds = control.number(question, "seconds", 0.0, control.LONGEST_MAINTENANCE)
        now = boottime_us()
        until = now + int(seconds * SECOND) if seconds else 0
        sentence = self._daemon.event(events.Maintenance(until))
        return {"ok": True, "maintenance_seconds": seconds, "sentence": sentence}

    def events(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what was decided since an entry's number."""
        since = int(control.number(question, "since", 0, 1e15))
        most = int(control.number(question, "most", 50, 500))
        found = self._daemon.chronicle.since(since, max(1, most))
        return {"ok": True, "events": [one.as_dict() for one in found]}

    def force(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Serve without the other head's vote: the administrator says that it is off."""
        if question.get("confirmed") != CONFIRMED:
            return control.refused(f"this needs the words {CONFIRMED!r}")
        self._daemon.parts.conductor.tell(resources.PeerOff())
        return {"ok": True, "sentence": self._daemon.event(events.Force())}

    def forget(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Try a resource again that has failed; without a name, all of them."""
        name = str(question.get("resource", ""))
        if name and name not in {one.name for one in self._daemon.settings.resources}:
            return control.refused(f"there is no resource {name[:60]!a}")
        self._daemon.parts.conductor.tell(resources.Forget(name))
        return {"ok": True, "resources": self._daemon.parts.conductor.states()}

    def restart(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Stop and start a resource that runs and does not work; one that is being restarted
        already is left to that, and one that was given up here to the other head."""
        name = str(question.get("resource", ""))
        board = self._daemon.parts.conductor.board
        item = next((one for one in board.items if one.name == name), None)
        if item is None:
            return control.refused(f"there is no resource {name[:60]!a}")
        if not board.serving or board.draining:
            return control.refused(f"this head does not run {name} now")
        if item.held or item.blame:
            return control.refused(f"{name} was given up here: {item.blame or item.why}")
        if item.phase is resources.Phase.UNKNOWN:
            return control.refused(f"nobody can tell whether {name} runs: {item.why}")
        self._daemon.parts.conductor.tell(resources.Restart(name))
        return {"ok": True, "resources": self._daemon.parts.conductor.states()}

    def role(self, _question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return who serves, in few words: it is asked once a second."""
        daemon = self._daemon
        now, board = boottime_us(), daemon.parts.conductor.board
        answer = role_answer(daemon.head, daemon.settings, daemon.verdict, now)
        # Draining: it still serves, but its resources are being stopped for the other head.
        return {**answer, "draining": board.draining, "settling": settling(board, now)}

    def health(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hear of the watch process that this head is not fit for some seconds, or fit again."""
        fit, why = question.get("fit"), question.get("why", "")
        if not isinstance(fit, bool) or not isinstance(why, str):
            return control.refused('this needs "fit", true or false, and "why", a text')
        seconds = control.number(question, "seconds", 0.0, LONGEST)
        if not fit and not seconds:
            return control.refused('this needs "seconds", more than 0: for how long it counts')
        return {
            "ok": True,
            "sentence": self._daemon.judged(heard(fit, why, seconds, boottime_us())),
        }
