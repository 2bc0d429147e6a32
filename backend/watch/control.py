"""The control socket's language: one JSON object in, one out, each on a line; as the agent's.

``{"command": "status"}`` -> ``{"ok": true, ...}`` or ``{"ok": false, "error": "..."}``. What
changes something is passed to the active head's process by that of the standby.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from backend.watch.link import LinkDown
from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY, Outcome, Result, harmless
from backend.watch.settings import Service, Settings

CHANGES = ("ack", "unack", "disable", "enable", "report", "test")
LONGEST_TEXT = 300  # characters of what somebody says with an acknowledgement
MOST_ENTRIES = 1000
LONGEST_SPAN = 1e11  # seconds since 1970
PASS_LIMIT, TEST_LIMIT = 5.0, 600.0  # seconds

Answer = Mapping[str, Any]


class Engine(Protocol):
    """What the commands need of the process."""

    settings: Settings

    @property
    def active(self) -> bool:
        """Whether this head's process checks and alerts."""

    def status(self) -> Answer:
        """Return what is known of every service."""

    def command(self, name: str, service: Service, text: str) -> str:
        """Carry ack, unack, disable or enable out; returns the sentence."""

    def report(self, service: Service, result: Result) -> str:
        """Take the result of a service that reports by itself; returns the sentence."""

    async def test(self, service: Service, *, counted: bool) -> Result:
        """Check a service now; ``counted``: as if its time had come."""

    def history(self, service: str, since: float, most: int) -> list[dict[str, Any]]:
        """Return what happened."""

    def availability(self, service: str) -> Answer:
        """Return for how long services were well."""

    async def pass_on(self, question: Answer, limit: float) -> Answer:
        """Ask the other head's process the same; raises LinkDown."""


class Refused(Exception):
    """The question cannot be answered; the text says why."""


class Control:
    """The commands."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._handlers: dict[str, Callable[[Answer], Awaitable[Answer]]] = {
            "status": self._status,
            "test": self._test,
            "report": self._report,
            "history": self._history,
            "availability": self._availability,
            **dict.fromkeys(("ack", "unack", "disable", "enable"), self._change),
        }

    async def respond(self, line: bytes) -> bytes:
        """Answer one line."""
        try:
            question = json.loads(line)
            if not isinstance(question, dict):
                raise TypeError
        except (ValueError, TypeError, RecursionError):
            return _line(refused("the question is not a JSON object of at most 64 KiB on one line"))
        return _line(await self.answer(question))

    async def answer(self, question: Answer, *, passed: bool = False) -> Answer:
        """Answer one question; ``passed``: the other head's process passes it on."""
        command = str(question.get("command"))
        handler = self._handlers.get(command)
        if handler is None:
            return refused(
                f"there is no such command; there are {', '.join(sorted(self._handlers))}"
            )
        here = command == "test" and question.get("here") is True
        try:
            if (command in CHANGES or command == "status") and not here and not self._engine.active:
                if passed:
                    raise Refused(f"{self._engine.settings.me.name} does not serve either")
                return await self._elsewhere(command, question)
            return await handler(question)
        except (Refused, LinkDown) as problem:
            return refused(str(problem))

    async def _elsewhere(self, command: str, question: Answer) -> Answer:
        """Let the active head's process answer; of its state this head has a copy."""
        if command != "status":
            self._service(question)
        try:
            limit = TEST_LIMIT if command == "test" else PASS_LIMIT
            answer = await self._engine.pass_on(question, limit)
        except LinkDown as problem:
            if command == "status":
                return {"ok": True, **self._engine.status()}
            raise Refused(
                f"this head does not serve, and {problem}. Ask on the head that serves."
                + (" Or check from here: --here" if command == "test" else "")
            ) from problem
        if command != "status":
            return answer
        mine = {"ok": True, **self._engine.status()}
        if answer.get("ok") is not True:
            return mine
        theirs = {key: answer[key] for key in ("by", "copy", "alerts", "services") if key in answer}
        return {**mine, **theirs}

    async def _status(self, _question: Answer) -> Answer:
        return {"ok": True, **self._engine.status()}

    async def _test(self, question: Answer) -> Answer:
        service = self._service(question)
        if not service.monitor:
            raise Refused(f"{service.ref} has no monitor: it reports by itself")
        here = question.get("here") is True
        result = await self._engine.test(service, counted=not here and self._engine.active)
        return {
            "ok": True, "service": service.ref, "by": self._engine.settings.me.name,
            **result._asdict(), "outcome": result.outcome.value,
        }  # fmt: skip

    async def _report(self, question: Answer) -> Answer:
        service = self._service(question)
        try:
            outcome = Outcome(str(question.get("outcome")))
        except ValueError as problem:
            names = ", ".join(one.value for one in Outcome)
            raise Refused(f"the outcome must be one of {names}") from problem
        summary = harmless(_text(question, "summary").replace("\n", " "), LONGEST_SUMMARY)
        detail = harmless(_text(question, "detail"), LONGEST_DETAIL, lines=True)
        code = 0 if outcome is Outcome.OK else 1
        return _done(self._engine.report(service, Result(outcome, code, summary, detail)))

    async def _change(self, question: Answer) -> Answer:
        service, text = self._service(question), _text(question, "text").replace("\n", " ")
        name = str(question.get("command"))
        return _done(self._engine.command(name, service, harmless(text, LONGEST_TEXT)))

    async def _history(self, question: Answer) -> Answer:
        service = self._service(question).ref if question.get("service") else ""
        since = _number(question, "since", 0.0, LONGEST_SPAN)
        most = max(1, int(_number(question, "most", 50.0, MOST_ENTRIES)))
        return {"ok": True, "history": self._engine.history(service, since, most)}

    async def _availability(self, question: Answer) -> Answer:
        service = self._service(question).ref if question.get("service") else ""
        return {"ok": True, "availability": self._engine.availability(service)}

    def _service(self, question: Answer) -> Service:
        ref = question.get("service")
        found = self._engine.settings.service(ref) if isinstance(ref, str) else None
        if found is None:
            raise Refused(f"there is no service {str(ref)[:100]!a} in the watch list of this head")
        return found


def refused(sentence: str) -> dict[str, Any]:
    """Return the answer that says why not."""
    return {"ok": False, "error": harmless(sentence, 600)}


def _done(sentence: str) -> Answer:
    return {"ok": True, "sentence": sentence}


def _text(question: Answer, key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str):
        raise Refused(f"{key} is no text")
    return value


def _number(question: Answer, key: str, default: float, most: float) -> float:
    value = question.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return default
    return min(max(float(value), 0.0), most)


def _line(answer: Answer) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
