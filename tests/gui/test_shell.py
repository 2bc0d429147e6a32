"""The window itself: rail, keys, the three views, the log, and what it remembers."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window, run_cli
from tests.gui.trial_shell import STEPS, TRIAL, shared, target, trial, window

__all__ = ["shared", "window"]  # the fixtures of this file

WORDS = ("not started", "ready", "running", "done", "failed", "out of date")


def test_the_rail_has_the_originals_steps_with_a_state_each(window: Window) -> None:
    window.key("Escape")
    assert window.ask("widgets")["title"] == "HA-OSCAR Installation Wizard on eth0"
    assert window.text("rail.title") == "HA-OSCAR Installation Wizard on eth0"
    for name, text in STEPS.items():
        assert window.text(f"rail.{name}") == text
        assert window.shown(f"rail.{name}.help")
        window.wait_until(
            lambda name=name: any(word in window.text(f"rail.{name}.state") for word in WORDS)
        )
    assert window.text("rail.watch-list") == "Edit Watch List"
    assert window.text("rail.status") == "Cluster status"
    assert window.text("rail.collect-macs.state") == "○ not started"
    window.wait_text("home.next", "Step ")


def test_a_step_says_why_when_it_is_pointed_at_or_reached_by_the_keyboard(window: Window) -> None:
    window.wait_text("rail.complete.state", "not started")
    window.click("rail.complete.help")
    window.wait_text("help.text", "agent")
    window.key("Escape")
    window.wait_until(lambda: not window.shown("help.text"))
    window.key("shift+Tab")
    window.wait_text("window.last", "Step 4 comes first")


def test_keys_open_steps_help_log_and_go_back(open_window: OpenWindow) -> None:
    window = open_window(*TRIAL)
    for number, name in enumerate(STEPS, 1):
        window.key(f"alt+{number}")
        window.wait_until(lambda name=name: window.shown(f"{name}.title"), what=f"page {name}")
    window.key("Escape")
    window.wait_until(lambda: window.shown("home.next"))
    window.key("F1")
    window.wait_text("help.text", "Nothing is changed before")
    window.key("Escape")
    window.wait_until(lambda: not window.shown("help.text"))
    assert not window.shown("log.text")
    window.key("ctrl+l")
    window.wait_until(lambda: window.shown("log.text"))
    window.key("ctrl+l")
    window.wait_until(lambda: not window.shown("log.text"))
    window.key("ctrl+q")
    window.wait_until_gone()


def test_every_help_button_shows_its_text(window: Window) -> None:
    for name in STEPS:
        window.click(f"rail.{name}.help")
        window.wait_until(lambda: window.shown("help.text"))
        assert len(window.text("help.text")) > 60
        window.key("Escape")
        window.wait_until(lambda: not window.shown("help.text"))


def test_a_change_is_shown_confirmed_done_and_undone(window: Window) -> None:
    window.click("trial.write")
    window.wait_for("view.confirm")
    assert not target(window.root).exists()
    rows = window.widget("view.changes")["rows"].values()
    assert ["This head"] in rows
    assert any("New file /etc/trial.conf" in cell for row in rows for cell in row)
    assert "+first" in window.text("view.diff")
    window.key("Return")  # Confirm is the main button
    window.wait_text("view.sentence", "The trial file is written.")
    assert target(window.root).read_text() == "first\n"
    window.click("view.undo")
    window.wait_for("view.confirm")
    assert target(window.root).exists()
    window.click("view.confirm")
    window.wait_text("view.sentence", "Undone: Write the trial file.")
    assert not target(window.root).exists()
    window.key("Escape")
    window.wait_for("trial.write")


def test_declined_means_unchanged(window: Window) -> None:
    for way in (lambda: window.key("Escape"), lambda: window.click("view.cancel")):
        window.click("trial.write")
        window.wait_for("view.confirm")
        way()
        window.wait_for("trial.write")
        window.wait_text("window.last", "Nothing was changed.")
    assert not target(window.root).exists()


def test_nothing_to_do_asks_nobody(window: Window) -> None:
    target(window.root).write_text("first\n")
    window.click("trial.write")
    window.wait_text("banner.text", "The trial file is written.")
    assert not window.shown("view.confirm")


def test_a_success_that_leads_on_opens_the_next_page_with_undo(window: Window) -> None:
    window.click("trial.then")
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("status.title"))
    window.wait_text("banner.text", "The trial file is written.")
    window.click("banner.details")
    window.wait_text("view.details", "/etc/trial.conf")
    window.key("Escape")
    window.wait_until(lambda: not window.shown("view.details"))
    window.key("Escape")
    assert target(window.root).exists()


def test_an_error_stands_under_its_field_until_it_is_mended(window: Window) -> None:
    window.fill("trial.content", "two words")
    window.key("Return")
    window.wait_text("trial.content.error", "No blanks here. Use a hyphen.")
    assert window.focus() == window.widget("trial.content")["path"]
    assert not window.shown("view.confirm")
    window.key("BackSpace")
    window.wait_until(lambda: window.text("trial.content.error") == "")
    assert not target(window.root).exists()


def test_proposed_values_are_marked_until_they_are_touched(window: Window) -> None:
    assert window.text("trial.proposed.error") == "Proposed."
    assert window.value("trial.proposed") == "eth1"
    window.fill("trial.proposed", "eth2")
    assert window.text("trial.proposed.error") == ""
    window.key("Escape")  # the panel proposes anew when it comes back
    window.click("rail.trial")
    window.wait_for("trial.proposed")
    assert window.value("trial.proposed") == "eth2"
    window.key("ctrl+r")
    window.wait_until(lambda: window.value("trial.proposed") == "")


def test_cancel_really_cancels(window: Window) -> None:
    window.click("trial.slow")
    window.click("view.confirm")
    window.wait_until(lambda: (window.root / "run/slow").exists())
    window.wait_text("view.numbers", "files")
    window.click("view.cancel")
    window.wait_text("banner.text", "Cancelled")
    assert not (window.root / "run/slow").exists()
    assert window.enabled("trial.write")


def test_only_one_change_at_a_time(open_window: OpenWindow, root: Path) -> None:
    window = trial(open_window)
    window.click("trial.slow")
    window.click("view.confirm")
    window.wait_for("view.cancel")
    window.click("rail.exit")
    window.click("ask.stay")
    window.wait_text("view.numbers", "files")
    window.click("rail.exit")
    window.click("ask.cancel-it-and-exit")
    window.wait_until_gone()
    assert not (root / "run/slow").exists()


def test_a_failure_stays_opens_the_log_and_can_be_tried_again(window: Window) -> None:
    window.click("trial.fail")
    window.click("view.confirm")
    window.wait_text("view.sentence", "The trial failed on purpose.")
    assert window.shown("view.log")
    assert "Line 14: unknown option." in window.text("view.log")
    assert window.shown("view.close")
    window.click("view.again")
    window.click("view.confirm")
    window.wait_text("view.sentence", "Worked.")


def test_a_secret_is_asked_for_in_the_window(window: Window) -> None:
    window.click("trial.ask")
    window.wait_for("secret.entry")
    window.wait_until(lambda: window.shown("view.cancel"))  # it appears while the question is open
    window.type("geheim!")
    assert window.value("secret.entry") == ""  # the probe does not tell it either
    window.key("Return")
    window.wait_text("banner.text", "7 characters")
    window.click("trial.ask")
    window.wait_for("secret.entry")
    window.key("Escape")
    window.wait_text("banner.text", "-1 characters")
    kept = [
        one for one in window.root.rglob("*") if one.is_file() and b"geheim" in one.read_bytes()
    ]
    assert kept == []


def test_the_last_answer_is_that_of_escape(window: Window) -> None:
    window.click("trial.question")
    window.wait_for("ask.yes-wipe-it")
    window.key("Escape")
    window.wait_text("trial.note", "said No")
    window.click("trial.question")
    window.wait_for("ask.no")
    window.key("Return")  # the safe answer has the focus
    window.wait_until(lambda: not window.shown("ask.no"))
    assert window.text("trial.note") == "said No"
    window.click("trial.question")
    window.click("ask.yes-wipe-it")
    window.wait_text("trial.note", "said Yes, wipe it")


def test_tab_reaches_every_control_and_comes_back(window: Window) -> None:
    widgets = window.widgets()
    controls = {
        one.get("focus", one["path"]): name
        for name, one in widgets.items()
        if one["shown"] and (one["class"] in ("TButton", "TEntry", "TCombobox", "TCheckbutton")
                             or "rows" in one)
    }  # fmt: skip
    assert len(controls) > 25
    window.click("trial.content")
    reached = [window.focus()]
    for _ in range(len(controls) + 15):
        before = window.focus()
        window.key("Tab")
        window.wait_until(lambda before=before: window.focus() != before, what="the focus moves")
        reached.append(window.focus())
    assert {name for path, name in controls.items() if path not in reached} == set()
    entries = [controls[one] for one in reached if controls.get(one, "").startswith("trial.")]
    order = ["trial.content", "trial.content.help", "trial.kind", "trial.proposed", "trial.check"]
    assert [one for one in entries if one in order][: len(order)] == order


def test_a_page_that_cannot_be_opened_says_so(open_window: OpenWindow) -> None:
    window = open_window(*TRIAL)
    window.click("rail.broken")
    window.click("rail.trial")
    window.wait_for("trial.write")
    assert "NoSuchPanel" in " ".join(window.expected_errors())


def test_a_mistake_in_a_callback_is_said_and_remembered(open_window: OpenWindow) -> None:
    window = trial(open_window)
    window.click("trial.mistake")
    window.wait_text("window.last", "a mistake on purpose")
    assert any("RuntimeError" in one for one in window.expected_errors())
    assert window.enabled("trial.write")


def test_light_and_dark_change_at_once(window: Window, tmp_path: Path) -> None:

    def brightness() -> float:
        shot = window.screenshot(tmp_path / "shot.png")
        said = subprocess.run(
            ["convert", str(shot), "-colorspace", "Gray", "-format", "%[fx:mean]", "info:"],
            check=True, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return float(said.stdout)

    assert brightness() > 0.7
    window.key("ctrl+t")
    window.wait_until(lambda: brightness() < 0.3)
    window.click("rail.theme")
    window.wait_until(lambda: brightness() > 0.7)


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_it_goes_on_where_it_was(open_window: OpenWindow, root: Path, end: str) -> None:
    window = trial(open_window)
    window.fill("trial.content", "half-typed")
    kept = root / "var/lib/haoscar/window.json"
    window.wait_until(lambda: kept.exists() and "half-typed" in kept.read_text())
    if end == "exit":
        assert window.close() == 0
    else:
        window.process.send_signal(signal.SIGKILL)
        window.process.wait(10)
    assert kept.stat().st_mode & 0o777 == 0o600
    again = open_window(*TRIAL)
    again.wait_for("trial.content")
    assert again.value("trial.content") == "half-typed"


def test_rubbish_in_what_it_remembers_is_no_obstacle(open_window: OpenWindow, root: Path) -> None:
    kept = root / "var/lib/haoscar/window.json"
    kept.parent.mkdir(mode=0o700)
    for rubbish in (
        b"\xff\x00", b"[]", b'{"version": 1, "page": 7, "fields": {"trial": {"content": 5}}}',
        json.dumps({"version": 1, "page": "no-such-page"}).encode(),
    ):  # fmt: skip
        kept.write_bytes(rubbish)
        window = open_window(*TRIAL)
        window.wait_for("home.next")
        window.kill()


def test_sigterm_takes_back_what_is_at_work_and_closes(open_window: OpenWindow, root: Path) -> None:
    window = trial(open_window)
    window.click("trial.slow")
    window.click("view.confirm")
    window.wait_until(lambda: (root / "run/slow").exists())
    window.process.terminate()
    assert window.process.wait(15) == 0
    assert not (root / "run/slow").exists()


def test_a_table_is_used_with_the_keys_the_wheel_and_the_mouse(window: Window) -> None:
    window.click("trial.rows")
    window.wait_text("trial.note", "10000 rows", limit=30)
    first = "02:00:00:00:00:00"
    window.click_row("trial.table", first)
    window.wait_until(lambda: window.widget("trial.table")["selected"] == first)
    visible = len(window.widget("trial.table")["boxes"])
    assert visible < 40  # of ten thousand: the others do not exist on the display
    window.key("Down")
    window.wait_until(lambda: window.widget("trial.table")["selected"] == "02:00:00:00:00:01")
    window.key("End")
    last = "02:00:00:00:27:0f"
    window.wait_until(lambda: window.widget("trial.table")["selected"] == last)
    window.wait_until(lambda: last in window.all_boxes("trial.table"))
    window.wheel("trial.table", up=True, times=3)
    window.wait_until(lambda: last not in window.all_boxes("trial.table"))
    window.key("Home")
    window.wait_until(lambda: first in window.all_boxes("trial.table"))
    window.key("Return")  # a table that opens nothing leaves Enter to the panel
    window.wait_for("view.confirm")


def test_a_tooltip_says_why_a_step_is_not_ready(window: Window) -> None:
    window.wait_text("rail.complete.state", "not started")
    window.point_at("rail.complete.state")
    window.wait_text("tooltip", "Step 4 comes first")


def test_changes_are_listed_and_undone_one_by_one(window: Window) -> None:
    window.click("trial.write")
    window.click("view.confirm")
    window.wait_text("view.sentence", "The trial file is written.")
    window.click("view.close")
    window.click("rail.changes")
    window.wait_text("changes.detail", "new file /etc/trial.conf")
    window.click("changes.undo")
    window.wait_for("view.confirm")
    window.key("Return")
    window.wait_text("view.sentence", "Undone")
    assert not target(window.root).exists()
    window.click("view.close")
    window.wait_until(lambda: "↶ undone" in str(window.widget("changes.list")["rows"]))
    assert not window.enabled("changes.undo")


@pytest.mark.skipif(os.geteuid() != 0, reason="says that it needs root before anything else")
def test_without_a_display_one_sentence_says_what_to_do() -> None:
    for arguments in ((), ("gui",)):
        done = run_cli(*arguments)
        assert done.returncode == 1
        assert "There is no display: DISPLAY is not set." in done.stderr
        assert "ssh -X" in done.stderr
        assert "Traceback" not in done.stderr
    done = run_cli("gui", DISPLAY=":4711")
    assert done.returncode == 1
    assert "The display :4711 cannot be opened" in done.stderr
    done = run_cli("gui", DISPLAY=":4711", SUDO_USER="somebody")
    assert "sudo XAUTHORITY=~somebody/.Xauthority haoscar" in done.stderr


def test_help_mentions_the_window() -> None:
    done = run_cli("--help")
    assert done.returncode == 0
    assert "opens the wizard's window" in done.stdout
    assert " gui " in done.stdout
