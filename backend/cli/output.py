"""What the command line prints: text for people, JSON lines for programs, progress on stderr."""

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backend.amounts import duration, size
from backend.reports import Report, Severity
from backend.tasks import Event, Listener, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from backend.change.plan import Plan
    from backend.change.preview import Change

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "default"}


def progress_line(event: Progress) -> str:
    """Return one line that says how far, how fast and how long still."""
    parts = [event.step]
    if event.share is not None:
        parts.append(f"{event.share * 100:3.0f} %")
    if event.done and event.unit:
        amount = size if event.unit == "bytes" else "{:.0f}".format
        whole = f" of {amount(event.total)}" if event.total else ""
        parts.append(
            f"{amount(event.done)}{whole}" + ("" if event.unit == "bytes" else f" {event.unit}")
        )
        if event.rate:
            parts.append(f"{amount(event.rate)}/s")
    if event.remaining is not None:
        parts.append(f"{duration(event.remaining)} left")
    if event.detail:
        parts.append(event.detail)
    return "  ".join(parts)


def progress_json(event: Event) -> str:
    """Return an event as one JSON line for a program that watches standard error."""
    if isinstance(event, Report):
        return json.dumps({"report": event.as_dict()})
    fields = {
        "step": event.step,
        "done": event.done,
        "total": event.total,
        "unit": event.unit,
        "rate": event.rate,
        "remaining": event.remaining,
        "detail": event.detail,
    }
    return json.dumps({"progress": fields})


def _line(report: Report) -> "Text":
    from rich.text import Text

    label = "" if report.severity is Severity.INFO else f"{report.severity.value}: "
    line = Text(label, style=f"bold {COLOURS[report.severity]}")
    return line.append(str(report), style="default")


class Output:
    """Where a command says things; used from the main thread, progress from the task's."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    @property
    def console(self) -> "Console":
        """The console for people: standard output, or standard error beside JSON."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        width = None if stream.isatty() else 10_000  # a pipe has no width to cut at
        return Console(stderr=self.as_json, highlight=False, soft_wrap=True, width=width)

    def say(self, text: str) -> None:
        """Print a line for people; silent with --json."""
        if not self.as_json:
            print(text, flush=True)

    def result(self, value: Mapping[str, Any] | Sequence[Any]) -> None:
        """Print the result for programs, one JSON document on one line; silent without --json."""
        if self.as_json:
            print(json.dumps(value, default=str), flush=True)

    def reports(self, reports: Iterable[Report]) -> None:
        """Print reports, errors in red; with --json as a document on standard error."""
        for report in reports:
            if self.as_json:
                print(json.dumps({"report": report.as_dict()}), file=sys.stderr, flush=True)
            else:
                self._person(report)

    def _person(self, report: Report) -> None:
        from rich.console import Console

        console = Console(stderr=report.severity is Severity.ERROR, highlight=False, soft_wrap=True)
        console.print(_line(report))

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table for people; silent with --json."""
        if self.as_json:
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for header in headers:
            table.add_column(header)
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        self.console.print(table)

    def ask(self, question: str) -> bool:
        """Ask a yes/no question on the terminal; no is the default."""
        print(f"{question} [y/N] ", end="", flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def changes(self, plan: "Plan", changes: "Sequence[Change]") -> None:
        """Show what will change."""
        if self.as_json:
            return
        from rich.text import Text

        console = self.console
        console.print(Text(f"What will change: {plan.title}", style="bold"))
        if plan.sentence:
            console.print(Text(plan.sentence))
        for change in changes:
            console.print(Text(f"  {change.sentence}"))
            for line in change.diff:
                style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "dim")
                console.print(Text(f"    {line.rstrip()}", style=style))

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Listener]:
        """Show a task's events while it runs: a live line on a terminal, plain lines elsewhere."""
        if self.as_json:
            yield lambda event: print(progress_json(event), file=sys.stderr, flush=True)
            return
        if not sys.stderr.isatty():
            yield self._plain_listener()
            return
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        console = Console(stderr=True, highlight=False)
        spinner = Spinner("dots", Text(title))
        # Without redirection: standard output may be a pipe, and belongs to the command's result.
        with Live(
            spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        ) as live:

            def listener(event: Event) -> None:
                if isinstance(event, Report):
                    live.console.print(_line(event))
                else:
                    spinner.update(text=Text(progress_line(event)))

            yield listener

    def _plain_listener(self) -> Listener:
        """Return a listener that prints each step once, and its progress every 10 %."""
        last: list[object] = [None, -1]

        def listener(event: Event) -> None:
            if isinstance(event, Report):
                self._person(event)
                return
            tenth = int(event.share * 10) if event.share is not None else -1
            if [event.step, tenth] != last:
                last[:] = [event.step, tenth]
                print(progress_line(event), file=sys.stderr, flush=True)

        return listener
