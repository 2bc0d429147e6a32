"""Runs the haoscar command on a head of the virtual cluster, as an administrator would."""

import json
from collections.abc import Callable
from typing import Any

from backend.errors import CommandFailed, HaoscarError
from backend.reports import Place, Report, Severity, error
from backend.system.runner import Command, Runner
from backend.tasks import Progress, TaskContext

LIMIT = 600.0  # seconds for one command; a fetch or an installer build takes well under a minute


class HeadCommands:
    """The haoscar command on one head, always with --json: results as data, progress passed on."""

    def __init__(self, runner: Runner, program: str = "haoscar") -> None:
        self._runner = runner
        self._program = program

    def run(
        self,
        context: TaskContext,
        *words: str,
        limit: float = LIMIT,
        on_value: Callable[[Any], None] = lambda _value: None,
    ) -> Any:
        """Run one command with --yes; returns its last JSON result (None when it printed none).

        ``on_value`` is given each result as it comes, in the calling thread. Raises HaoscarError
        with the reports of the command, CommandFailed when it said nothing, Cancelled.
        """
        listener = _Listener(context, on_value)
        command = Command.of(self._program, *words, "--json", "--yes").within(limit)
        result = self._runner.stream(
            command, listener.line, cancelled=lambda: context.cancel.cancelled, check=False
        )
        if result.ok:
            return listener.result
        if listener.errors:
            raise HaoscarError(*listener.errors)
        raise CommandFailed(
            error(
                "lab.command-failed",
                f"On the head, '{command}' ended with exit code {result.exit_code}: "
                + "; ".join(listener.other[-5:]),
            )
        )


class _Listener:
    """Sorts a command's lines: progress, reports, the result, and what no program should print."""

    def __init__(self, context: TaskContext, on_value: Callable[[Any], None]) -> None:
        self._context = context
        self._on_value = on_value
        self.result: Any = None
        self.errors: list[Report] = []
        self.other: list[str] = []

    def line(self, text: str) -> None:
        """Take one line of output."""
        try:
            value = json.loads(text)
        except ValueError:
            self.other.append(text)
            return
        if isinstance(value, dict) and isinstance(value.get("progress"), dict):
            self._context.listener(_progress(value["progress"]))
        elif isinstance(value, dict) and isinstance(value.get("report"), dict):
            self._report(_report(value["report"]))
        else:
            self.result = value
            self._on_value(value)

    def _report(self, report: Report) -> None:
        if report.severity is Severity.ERROR:
            self.errors.append(report)
        else:
            self._context.say(report)


def _progress(fields: dict[str, Any]) -> Progress:
    return Progress(
        step=str(fields.get("step", "")),
        done=float(fields.get("done") or 0),
        total=_number(fields.get("total")),
        unit=str(fields.get("unit", "")),
        rate=_number(fields.get("rate")),
        remaining=_number(fields.get("remaining")),
        detail=str(fields.get("detail", "")),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _report(fields: dict[str, Any]) -> Report:
    try:
        severity = Severity(fields.get("severity", "info"))
    except ValueError:
        severity = Severity.INFO
    place = Place(str(fields["place"])) if fields.get("place") else None
    return Report(
        severity,
        str(fields.get("code", "")),
        str(fields.get("text", "")),
        str(fields.get("remedy", "")),
        place,
    )
