"""Widgets by themselves, in this process: no window of the wizard has to be started for them."""

import os
import subprocess
import tempfile
import time
import tkinter as tk
from collections.abc import Callable, Iterator
from tkinter import ttk
from types import SimpleNamespace
from typing import Any

import pytest

from backend.actions.action import Group, Outcome, Prepared
from backend.change.preview import Change, ChangeKind
from backend.reports import info
from haoscar_gui.dialogs import Question
from haoscar_gui.foot import Foot
from haoscar_gui.log_pane import LogHandler, LogPane
from haoscar_gui.probe import Probe
from haoscar_gui.slot import Slot
from haoscar_gui.steps import Page
from haoscar_gui.views.change import ChangeView
from panels.base import Panel
from panels.widgets.form import Field, Form
from panels.widgets.scrolled import Scrolled
from panels.widgets.table import Column, Table
from panels.widgets.theme import Theme
from tests.gui.driver import LIMIT, Display


class Bench:
    """A bare window on the display, with what a panel's context has for widgets."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.root = tk.Tk(screenName=display.name)
        self.mistakes: list[str] = []
        self.root.report_callback_exception = lambda _kind, mistake, _trace: self.mistakes.append(
            repr(mistake)
        )
        self.context: Any = SimpleNamespace(theme=Theme(self.root))
        self.root.geometry("700x400+0+0")
        self.root.rowconfigure(0, weight=1)
        self.root.columnconfigure(0, weight=1)
        self.root.focus_force()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let the window work until a condition holds."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, what
            self.root.update()
            time.sleep(0.005)

    def click(self, widget: tk.Misc) -> None:
        """Click on the middle of a widget."""
        self.until(widget.winfo_viewable, f"{widget} is seen")
        self.root.update()
        x = widget.winfo_rootx() + widget.winfo_width() // 2
        y = widget.winfo_rooty() + widget.winfo_height() // 2
        self.xdotool("mousemove", x, y, "click", 1)

    def xdotool(self, *words: object) -> None:
        """Make X events."""
        environment = {**os.environ, "DISPLAY": self.display.name}
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True, timeout=LIMIT)

    def focus(self) -> str:
        """Return the path of what has the keyboard."""
        return str(self.root.tk.call("focus"))


@pytest.fixture
def bench(display: Display) -> Iterator[Bench]:
    """A bare window; every exception in a callback fails the test."""
    made = Bench(display)
    yield made
    made.root.update_idletasks()
    made.root.destroy()
    assert made.mistakes == []


def test_the_probe_tells_for_how_long_a_window_was_deaf(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="haoscar-gui-") as private:
        probe = Probe(bench.root, f"{private}/probe", [], LogHandler())
        for occupy in (lambda: time.sleep(0.15), lambda: _busy(0.15)):
            bench.root.after(20, occupy)
            bench.until(lambda: probe._answer({"ask": "gap"})["longest_ms"] > 120, "it was noticed")
        probe.close()


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_check_is_off_unless_something_else_is_said(bench: Bench) -> None:
    fields = (Field("off", "Off", "check"), Field("on", "On", "check", default="yes"))
    form = Form(bench.root, bench.context, fields)
    assert form.values() == {"off": "no", "on": "yes"}
    assert form.touched() == {}
    form.set("off", "yes")
    form.reset()
    assert form.values() == {"off": "no", "on": "yes"}


def test_the_list_of_a_choice_in_a_scrolled_page_opens_and_is_turned_by_itself(
    bench: Bench,
) -> None:
    area = Scrolled(bench.root)
    area.grid(sticky="nsew")
    choice = ttk.Combobox(area.inside, values=[str(one) for one in range(40)], state="readonly")
    choice.grid()
    for _ in range(60):
        ttk.Label(area.inside, text="a line").grid()
    bench.click(choice)
    bench.until(lambda: "popdown" in bench.focus(), "the list is open")
    top = area.inside.winfo_rooty()
    bench.xdotool("mousemove_relative", "--", 0, 60, "click", 5, "key", "Escape")
    bench.until(lambda: "popdown" not in bench.focus(), "the list is closed")
    assert area.inside.winfo_rooty() == top


def test_what_is_clicked_at_the_edge_of_a_page_does_not_move_away(bench: Bench) -> None:
    area = Scrolled(bench.root)
    area.grid(sticky="nsew")
    pressed: list[int] = []
    buttons = [
        ttk.Button(area.inside, text=f"{n}", command=lambda n=n: pressed.append(n))  # type: ignore[misc]
        for n in range(60)
    ]
    for one in buttons:
        one.grid()
    bench.until(buttons[0].winfo_viewable, "the page is seen")
    bench.root.update()
    bottom = area.winfo_rooty() + area.winfo_height()
    last = [n for n, one in enumerate(buttons) if one.winfo_rooty() + 5 < bottom][-1]
    low = min(bottom, buttons[last].winfo_rooty() + buttons[last].winfo_height()) - 3
    bench.xdotool("mousemove", buttons[last].winfo_rootx() + 5, low, "mousedown", 1)
    bench.until(lambda: bench.focus() == str(buttons[last]), "it has the keyboard")
    bench.root.update()
    bench.xdotool("mouseup", 1)
    bench.until(lambda: pressed, "it was pressed")
    assert pressed == [last]
    bench.xdotool("key", "Tab")  # what comes now is brought into view
    bench.until(
        lambda: buttons[last + 1].winfo_rooty() + buttons[last + 1].winfo_height() <= bottom,
        "the next one is seen",
    )


class _Panel(Panel):
    name, title = "bench", "Bench"

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        ttk.Entry(parent).grid()


def test_a_page_takes_no_keyboard_from_a_question(bench: Bench) -> None:
    slot = Slot(bench.root, Page("bench", "", ""))
    slot.grid(sticky="nsew")
    slot.build(_Panel(bench.context), {})
    slot.focus_first()
    bench.until(lambda: "entry" in bench.focus(), "the field has the keyboard")
    bench.root.focus_force()
    question = Question(bench.root, "Really?", ("Yes", "No"), lambda _answer: None)
    bench.until(lambda: bench.focus().startswith(f"{question}."), "the answer has the keyboard")
    slot.focus_first()
    bench.root.update()
    assert bench.focus().startswith(f"{question}.")
    question.escape()


def test_a_sentence_that_is_longer_than_the_window_ends_in_an_ellipsis(bench: Bench) -> None:
    foot = Foot(bench.root, LogPane(bench.root, LogHandler()))
    foot.grid(sticky="ew")
    bench.until(foot.winfo_viewable, "the line is seen")
    foot.say(info("test", "long " * 60))
    bench.until(foot._more.winfo_ismapped, "the ellipsis is seen")
    foot.say(info("test", "short"))
    bench.until(lambda: not foot._more.winfo_ismapped(), "the ellipsis is gone")


def test_a_columns_title_is_broken_rather_than_cut(bench: Bench) -> None:
    columns = (Column("a", "Monitor to use", 40), Column("b", "Monitoring periods", 12))
    table = Table(bench.root, bench.context, columns)
    table.rows({"one": ("1", "2")})
    table.place(x=0, y=0, width=900, height=200)
    bench.until(lambda: table.box("one") is not None, "the row is seen")
    wide = table.box("one")
    table.place(width=400)
    bench.until(lambda: _titles(table) == ["Monitor to use", "Monitoring\nperiods"], "two lines")
    narrow = table.box("one")
    assert wide is not None
    assert narrow is not None
    assert narrow.y == wide.y + bench.context.theme.line  # the rows begin below both lines


def _titles(table: Table) -> list[str]:
    """Return what stands in the header."""
    canvas = table.canvas
    items = [one for one in canvas.find_withtag("header") if str(canvas.type(one)) == "text"]
    return [str(canvas.tk.call(str(canvas), "itemcget", one, "-text")) for one in items]


def test_what_will_change_begins_at_the_top(bench: Bench) -> None:
    checks = [Change(ChangeKind.CHECK, f"Check {number}.") for number in range(30)]
    file = Change(ChangeKind.CHANGED, "Change /etc/x.", "/etc/x", diff=("-a", "+b"))
    for changes, chosen in (((*checks, file), "0.0"), ((*checks[:2], file, *checks), "0.2")):
        groups = (Group("First", changes), Group("Second", tuple(checks)))
        prepared: Prepared[None] = Prepared(
            "Something", "", groups, lambda _context: None, lambda _none: Outcome("")
        )
        view = ChangeView(bench.root, bench.context, prepared, lambda: None, lambda: None)
        view.grid(row=0, column=0, sticky="nsew")
        table = view._table
        bench.until(lambda table=table: len(table.visible_keys()) > 2, "the tree is seen")  # type: ignore[misc]
        assert table.visible_keys()[0] == "g0"
        assert table.selected() == chosen
        view.destroy()
