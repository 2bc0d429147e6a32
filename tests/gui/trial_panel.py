"""A panel that does a bit of everything, so that the shell can be tried without the real steps."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from tkinter import ttk
from typing import Any

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.change.plan import Plan, WriteFile
from backend.change.preview import preview
from backend.change.records import ChangeRecord
from backend.errors import HaoscarError, InvalidInput
from backend.reports import Place, error, info, warning
from backend.tasks import CancelToken, Event, Progress, TaskContext
from backend.wiring import Wiring
from haoscar_gui.sample import make_sample
from haoscar_gui.steps import Page
from panels.base import Panel
from panels.context import PanelContext
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.form import Field, Form
from panels.widgets.table import Column, Table

TARGET = Path("/etc/trial.conf")
MANY = 10_000


def setup(_root: Path) -> dict[str, Any]:
    """Return the pages of the trial, for tests/gui/window.py."""
    trial = Page("trial", "tests.gui.trial_panel", "TrialPanel", button="Trial")
    broken = Page("broken", "tests.gui.trial_panel", "NoSuchPanel", button="Broken")
    return {"pages": (trial, broken)}


def sample(root: Path) -> dict[str, Any]:
    """Fill ROOT with the made-up head of the pictures."""
    return {"wiring": make_sample(root)}


@dataclass(frozen=True)
class Write:
    """Writes one file through the journal."""

    wiring: Wiring
    content: str
    title: str = "Write the trial file"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        del person
        context.step("Looking at the trial file")
        if " " in self.content:
            place = Place(field="content")
            raise InvalidInput(error("trial.blank", "No blanks here.", "Use a hyphen.", place))
        step = WriteFile(TARGET, f"{self.content}\n".encode(), "so that there is one")
        plan = Plan(self.title, "One file is written.", (step,))
        changes = tuple(preview(plan, self.wiring.paths))
        return Prepared(
            self.title, plan.sentence, (Group("This head", changes),),
            lambda task: self.wiring.journal().apply(plan, task),
            lambda record: Outcome("The trial file is written.", (str(TARGET),), undo=record.id,
                                   next="Try something else."),
            (warning("trial.doubt", "This is a trial."),),
            idle=all(one.kind == "unchanged" for one in changes),
        )  # fmt: skip


@dataclass(frozen=True)
class Slow:
    """Works until it is cancelled, leaving a mark only while it works."""

    wiring: Wiring
    title: str = "Work slowly"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[None]:
        """See Action.prepare."""
        del context, person
        return Prepared(self.title, "Takes long.", (), self._work, lambda _none: Outcome("Done."))

    def _work(self, context: TaskContext) -> None:
        mark = self.wiring.paths.at("/run/slow")
        mark.touch()
        try:
            context.step("Working slowly")
            for number in range(3000):
                context.progress(number, 3000, "files")
                if context.cancel.wait(0.02):
                    context.check_cancelled()
        finally:
            mark.unlink()


@dataclass(frozen=True)
class Fail:
    """Fails in the middle, the first time."""

    wiring: Wiring
    title: str = "Fail in the middle"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[None]:
        """See Action.prepare."""
        del context, person
        return Prepared(self.title, "It will fail.", (), self._work, lambda _n: Outcome("Worked."))

    def _work(self, context: TaskContext) -> None:
        for number in range(60):
            context.step(f"Line {number} of the log")
        mark = self.wiring.paths.at("/run/failed-once")
        if mark.exists():
            return
        mark.touch()
        context.say(error("trial.cause", "Line 14: unknown option."))
        context.step("Taking back")
        raise HaoscarError.of("trial.failed", "The trial failed on purpose.", "Try again.")


@dataclass(frozen=True)
class Ask:
    """Asks for a password."""

    title: str = "Ask something"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[str]:
        """See Action.prepare."""
        del context
        secret = person.secret("The password of the trial")
        length = -1 if secret is None else len(secret.reveal())
        return Prepared(
            self.title, "", (), lambda _context: f"{length} characters", Outcome, idle=True
        )


@dataclass
class Rows:
    """Sends 10,000 rows within two seconds."""

    title: str = "Many rows"
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, context: TaskContext) -> int:
        """See Task.run."""
        began = time.monotonic()
        for number in range(MANY):
            mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
            context.say(info("trial.row", mac))
            ahead = began + 2.0 * number / MANY - time.monotonic()
            if ahead > 0.005:
                time.sleep(ahead)
        return MANY


class Flood:
    """Says far more than anybody could read."""

    title = "Flood"

    def run(self, context: TaskContext) -> int:
        """See Task.run."""
        until = time.monotonic() + 2.0
        count = 0
        while time.monotonic() < until:
            count += 1
            context.progress(count, None, "files", f"file {count}")
            if count % 3 == 0:
                context.say(f"note {count}")
        return count


class TrialPanel(Panel):
    """See the module."""

    name = "trial"
    title = "Trial"
    help = "The help of the trial."

    def __init__(self, context: PanelContext) -> None:
        super().__init__(context)
        self._rows: dict[str, tuple[str, ...]] = {}
        self._token = CancelToken()

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(1, weight=1)
        fields = (
            Field("content", "Content", help="What is written.", default="first"),
            Field("kind", "Kind", "choice", ("one", "two"), default="one"),
            Field("proposed", "Proposed"),
            Field("check", "Check it", "check", default="yes"),
        )
        self.form = Form(parent, self.context, fields)
        self.form.grid(sticky="ew")
        self.form.on_leave(self._left)
        columns = (Column("mac", "MAC", 18, mono=True), Column("number", "Number", 10))
        self.table = Table(parent, self.context, columns, height=6)
        self.table.grid(sticky="nsew")
        names.name(self.table, "trial.table")
        self.note = ttk.Label(parent)
        self.note.grid(sticky="w")
        names.name(self.note, "trial.note")
        row = ButtonRow(parent)
        row.grid(sticky="ew")
        carry = self.context.carry_out
        wiring = self.context.wiring
        for text, command in (
            ("Slow", lambda: carry(Slow(wiring))),
            ("Fail", lambda: carry(Fail(wiring))),
            ("Then", lambda: carry(Write(wiring, "then"), then="status")),
            ("Ask", lambda: carry(Ask())),
            ("Rows", self._many),
            ("Flood", self._flood),
            ("Mistake", self._mistake),
            ("Question", self._question),
        ):
            names.name(row.add(text, command), f"trial.{text.lower()}")
        main = row.add("Write", self.main_action, main=True, right=True)
        names.name(main, "trial.write")

    def activate(self) -> None:
        """See Panel.activate."""
        self.form.set("proposed", "eth1", proposed=True)

    def main_action(self) -> None:
        """Write."""
        self.context.carry_out(
            Write(self.context.wiring, self.form.values()["content"]), failed=self._failed
        )

    def reset(self) -> None:
        """See Panel.reset."""
        self.form.reset()
        self._rows = {}
        self.table.rows({})

    def _failed(self, problem: HaoscarError) -> None:
        self.form.show(problem.reports)

    def _left(self, key: str) -> None:
        self.note.configure(text=f"left {key}")

    def _many(self) -> None:
        self._rows = {}
        self.note.configure(text="rows arrive")
        self.context.follow(
            Rows(), self._row, lambda count: self.note.configure(text=f"{count} rows")
        )

    def _row(self, event: Event) -> None:
        if not isinstance(event, Progress):
            self._rows[event.text] = (event.text, str(len(self._rows)))
            self.table.rows(self._rows)

    def _flood(self) -> None:
        self.note.configure(text="flooded")
        self.context.follow(
            Flood(), lambda _event: None, lambda _count: self.note.configure(text="dry")
        )

    def _mistake(self) -> None:
        raise RuntimeError("a mistake on purpose")

    def _question(self) -> None:
        self.context.ask(
            "Really?", ("Yes, wipe it", "No"), lambda one: self.note.configure(text=f"said {one}")
        )
