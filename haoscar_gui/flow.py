"""One action on its way through the three views: what will change, progress, result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from backend.actions.action import Action, Outcome, Prepared
from backend.errors import Cancelled, HaoscarError
from backend.reports import Report, Severity, info, warning
from backend.tasks import Event, Progress, TaskContext
from haoscar_gui.banner import Notice
from haoscar_gui.log_lines import Lines
from haoscar_gui.person import WindowPerson
from haoscar_gui.slot import Slot
from haoscar_gui.views.change import ChangeView
from haoscar_gui.views.progress import ProgressView
from haoscar_gui.views.result import Choices, ResultView
from haoscar_gui.worker import Job, Worker
from panels.context import Failed, PanelContext

T = TypeVar("T")

PATIENCE = 250  # milliseconds after which preparing is shown as progress


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """What a panel wants to be carried out."""

    action: Action[T]
    done: Callable[[T, Outcome], None] | None = None
    failed: Failed | None = None
    then: str = ""


class Desk(Protocol):
    """What a flow needs of the window."""

    worker: Worker
    working: "Flow[Any] | None"  # the one that prepares or runs: one change at a time

    def make_person(self) -> WindowPerson:
        """Return somebody who can be asked."""

    def say(self, report: Report) -> None:
        """Say something in the line below and in the log."""

    def show(self, panel: str) -> None:
        """Open another page."""

    def slot(self, panel: str) -> Slot:
        """Return the place of a page."""

    def undo(self, slot: Slot, record: str) -> None:
        """Take a change back, through the views in this place."""

    def changed(self) -> None:
        """Let the states of the steps be looked at again."""

    def redraw_states(self) -> None:
        """Draw the states of the steps: something runs, or does so no more."""


class Flow(Generic[T]):
    """Prepares, shows, asks, runs and tells; lives in the window's thread."""

    def __init__(self, desk: Desk, slot: Slot, context: PanelContext, order: Order[T]) -> None:
        self._desk, self._slot, self._context, self._order = desk, slot, context, order
        self._lines = Lines()
        self._person = desk.make_person()
        self._job: Job | None = None
        self._prepared: Prepared[T] | None = None
        self.title = order.action.title
        self.share: float | None = None  # how far it is, for the rail

    @property
    def page(self) -> str:
        """The page it belongs to."""
        return self._slot.page.name

    def begin(self) -> None:
        """Prepare; refuses, saying so, while another action is at work."""
        if self._busy():
            return
        action, person = self._order.action, self._person
        self._start(
            lambda context: action.prepare(context, person), self._ready, self._not_prepared
        )
        self._slot.after(PATIENCE, self._show_preparing)

    def cancel(self) -> None:
        """Ask what runs to stop; returns at once."""
        if self._job is not None:
            self._job.token.cancel()
            if isinstance(self._slot.view, ProgressView):
                self._slot.view.cancelling()

    def _busy(self) -> bool:
        other = self._desk.working
        if other is None:
            return False
        text = f'"{other.title}" is still at work.'
        self._desk.say(warning("window.busy", text, "Wait until it has ended, or cancel it."))
        return True

    def _start(
        self, work: Callable[[Any], Any], done: Callable[[Any], None],
        failed: Callable[[HaoscarError], None],
    ) -> None:  # fmt: skip
        """Let the worker do it; while it does, no other action is begun."""

        def ended(callback: Callable[[Any], None], value: Any) -> None:
            self._desk.working = None
            self._job = None
            self._desk.redraw_states()
            try:
                callback(value)
            except Exception:
                self._slot.close_view()  # rather than a progress that nobody makes
                raise

        def attended(context: TaskContext, job: Job) -> Any:
            self._person.job = job
            return work(context)

        self._desk.working = self
        self.share = None
        self._job = self._desk.worker.start(
            attended, lambda value: ended(done, value), lambda problem: ended(failed, problem),
            self._news,
        )  # fmt: skip
        self._desk.redraw_states()

    def _news(self, event: Event) -> None:
        self._lines.take(event)
        if isinstance(event, Report):
            self._desk.say(event)
        if isinstance(self._slot.view, ProgressView):
            self._slot.view.event(event)
        if isinstance(event, Progress):
            before, self.share = self.share, event.share
            if _percent(before) != _percent(self.share):
                self._desk.redraw_states()

    def _show_preparing(self) -> None:
        if self._job is not None and self._prepared is None and self._slot.view is None:
            self._show_progress(self.title)

    def _show_progress(self, heading: str) -> None:
        self._slot.show(lambda parent: ProgressView(parent, heading, self._lines, self.cancel))

    def _ready(self, prepared: Prepared[T]) -> None:
        self._prepared = prepared
        self.title = prepared.title
        if prepared.idle:
            self._run()
            return
        self._slot.show(
            lambda parent: ChangeView(
                parent, self._context, prepared, self._confirmed, self._declined
            )
        )

    def _not_prepared(self, problem: HaoscarError) -> None:
        """Nothing was changed: the panel shows what belongs to its fields, a banner the rest."""
        self._slot.close_view()
        rest = [one for one in problem.reports if one.place is None or one.place.field is None]
        for report in rest:
            self._lines.report(report)
        if rest:
            self._tell_failure(rest, self.title)
        if self._order.failed is not None:
            self._order.failed(problem)

    def _declined(self) -> None:
        self._slot.close_view()
        self._desk.say(info("window.declined", "Nothing was changed."))

    def _confirmed(self) -> None:
        if not self._busy():
            self._run()

    def _run(self) -> None:
        prepared = self._prepared
        if prepared is None:
            return
        self._show_progress(prepared.title)
        self._start(prepared.run, self._finished, self._broken)

    def _finished(self, result: T) -> None:
        prepared, order = self._prepared, self._order
        if prepared is None:
            return
        outcome = prepared.tell(result)
        done = Report(outcome.severity, "window.done", outcome.sentence)
        for report in (done, *outcome.reports):
            self._lines.report(report)
            self._desk.say(report)
        was_in_front = self._slot.in_front
        grave = any(one.severity is Severity.ERROR for one in outcome.reports)
        if not grave and (prepared.idle or (order.then and was_in_front)):
            self._slot.close_view()
        else:
            self._show_result(outcome)
        if order.done is not None:
            order.done(result, outcome)
        if not grave and order.then and was_in_front:
            self._desk.show(order.then)
            self._banner(self._desk.slot(order.then), outcome)
        elif not grave and prepared.idle:
            self._banner(self._slot, outcome)
        self._desk.changed()

    def _banner(self, slot: Slot, outcome: Outcome) -> None:
        doubts = [one for one in outcome.reports if one.severity is Severity.WARNING]
        undo = (lambda: self._desk.undo(slot, outcome.undo)) if outcome.undo else None
        slot.notice(
            Notice(
                outcome.worst, outcome.sentence, str(doubts[0]) if doubts else outcome.next, undo,
                lambda: self._show_result(outcome, slot),
            )
        )  # fmt: skip

    def _show_result(self, outcome: Outcome, slot: Slot | None = None) -> None:
        place = slot or self._slot
        undo = (lambda: self._undo(place, outcome.undo)) if outcome.undo else None
        choices = Choices(place.close_view, undo)
        place.show(lambda parent: ResultView(parent, self.title, outcome, self._lines, choices))

    def _undo(self, slot: Slot, record: str) -> None:
        slot.close_view()
        self._desk.undo(slot, record)

    def _broken(self, problem: HaoscarError) -> None:
        for report in problem.reports:
            self._lines.report(report)
        if isinstance(problem, Cancelled):
            self._slot.close_view()
            self._tell_failure(problem.reports, self.title)
        else:
            self._desk.say(problem.reports[0])
            choices = Choices(self._slot.close_view, again=self._again)
            self._slot.show(
                lambda parent: ResultView(parent, self.title, problem, self._lines, choices)
            )
        if self._order.failed is not None:
            self._order.failed(problem)
        self._desk.changed()

    def _again(self) -> None:
        self._slot.close_view()
        Flow(self._desk, self._slot, self._context, self._order).begin()

    def _tell_failure(self, reports: "list[Report] | tuple[Report, ...]", title: str) -> None:
        """Put it above the panel, with everything that was said behind Details."""
        worst = max((one.severity for one in reports), key=_RANK.index)
        severity = Severity.WARNING if worst is Severity.INFO else worst
        more = " ".join(str(one) for one in reports[1:3])
        problem = HaoscarError(*reports)

        def details() -> None:
            choices = Choices(self._slot.close_view)
            self._slot.show(lambda parent: ResultView(parent, title, problem, self._lines, choices))

        self._desk.say(reports[0])
        self._slot.notice(Notice(severity, str(reports[0]), more, details=details))


def _percent(share: float | None) -> int | None:
    return None if share is None else round(share * 100)


_RANK = (Severity.INFO, Severity.WARNING, Severity.ERROR)
