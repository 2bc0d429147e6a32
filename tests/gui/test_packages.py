"""Step 1 with real clicks: what is missing and why, installing, undoing, and going on."""

import os
from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.plain_head import MISSING, NAMES

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network of its own")
SETUP = "tests.gui.plain_head"


def step1(open_window: OpenWindow, setup: str = "head") -> Window:
    """Open a window at step 1, and wait until everything was looked at."""
    window = open_window("--setup", f"{SETUP}:{setup}", "--interface", "eth0")
    window.key("alt+1")
    window.wait_until(
        lambda: (
            window.shown("packages.verdict")
            and window.text("packages.verdict")
            and "Looking" not in window.text("packages.verdict")
        ),
        what="the head was looked at",
    )
    return window


def installed(root: Path) -> list[str]:
    return (root / "run" / "packages").read_text().split()


def states(window: Window) -> dict[str, str]:
    return {key: row[1] for key, row in window.widget("packages.list")["rows"].items()}


def test_what_is_missing_is_named_with_its_purpose(open_window: OpenWindow) -> None:
    window = step1(open_window)
    assert window.text("packages.title") == "HA-OSCAR Packages Installation"
    assert window.text("packages.summary") == f"▲ 3 of {len(NAMES)} packages are missing."
    rows = window.widget("packages.list")["rows"]
    assert list(rows)[:3] == list(MISSING)  # what is missing stands above
    assert [one for one, state in states(window).items() if "missing" in state] == list(MISSING)
    assert all(row[2] for row in rows.values())
    window.click_row("packages.list", MISSING[1])
    window.wait_text("packages.detail", f"{MISSING[1]}: {rows[MISSING[1]][2]}")
    window.key("Down")
    window.wait_text("packages.detail", f"{MISSING[2]}: ")


def test_what_would_go_wrong_is_listed_with_its_remedy(open_window: OpenWindow) -> None:
    window = step1(open_window)
    found = window.text("packages.findings")
    assert "eth0 carries the additional (alias) address 10.0.0.200." in found
    assert "Take it out of the boot-time configuration" in found
    assert "packages install" not in found  # the table says that
    assert "Nothing stands in the way" in window.text("packages.verdict")


def test_install_asks_first_and_declined_means_unchanged(
    open_window: OpenWindow, root: Path
) -> None:
    window = step1(open_window)
    before = installed(root)
    window.click("packages.install")
    window.wait_for("view.confirm")
    rows = [cell for row in window.widget("view.changes")["rows"].values() for cell in row]
    assert [f"Install {one}." for one in MISSING] == [one for one in rows if "Install" in one]
    assert "Gives the standby its address" in window.text("view.diff")
    window.key("Escape")
    window.wait_for("packages.install")
    assert installed(root) == before


def test_installing_leads_to_step_2_and_can_be_undone(open_window: OpenWindow, root: Path) -> None:
    window = step1(open_window)
    window.click("packages.install")
    window.click("view.confirm")
    window.wait_for("fetch-image.fetch")
    window.wait_text("banner.text", "Installed: 3 packages.")
    assert set(installed(root)) == set(NAMES)
    window.wait_text("rail.packages.state", "done")

    window.key("alt+1")
    window.wait_text("packages.summary", f"✔ Nothing is missing: {len(NAMES)} packages.")
    assert {"✔ installed"} == set(states(window).values())
    window.wait_text("packages.install", "Go on to Step 2")
    window.click("packages.install")
    window.wait_for("fetch-image.fetch")


def test_undo_takes_away_what_was_installed(open_window: OpenWindow, root: Path) -> None:
    window = step1(open_window)
    before = set(installed(root))
    window.key("Return")  # the main action
    window.wait_for("view.confirm")
    window.key("Return")
    window.click("banner.undo")
    window.click("view.confirm")
    window.wait_until(lambda: set(installed(root)) == before, what="the packages are gone again")
    window.key("Escape", "alt+1")
    window.wait_text("packages.summary", "3 of")


def test_a_tool_that_would_remove_something_is_refused(open_window: OpenWindow, root: Path) -> None:
    window = step1(open_window, "jealous")
    before = installed(root)
    window.click("packages.install")
    window.click("view.confirm")
    window.wait_text("view.sentence", "would remove initramfs-tools")
    window.wait_until(lambda: window.shown("view.log"), what="the log opens itself")
    assert installed(root) == before
    window.click("view.close")
    window.wait_text("packages.summary", "3 of")
    assert window.text("packages.install") == "Install"


def test_an_unknown_distribution_is_said_and_nothing_is_offered_for_it(
    open_window: OpenWindow, root: Path
) -> None:
    window = step1(open_window, "unknown")
    assert "The packages of Plan 9 are not known." in window.text("packages.summary")
    assert "Plan 9 is not supported" in window.text("packages.findings")
    assert "to solve" in window.text("packages.verdict")
    window.click("packages.install")
    window.wait_text("banner.text", "not known")
    assert not (root / "var/lib/haoscar/journal").exists()


def test_look_again_sees_what_was_installed_elsewhere(open_window: OpenWindow, root: Path) -> None:
    window = step1(open_window)
    (root / "run" / "packages").write_text("\n".join(NAMES))
    window.click("packages.again")
    window.wait_text("packages.summary", "Nothing is missing")
    window.wait_text("packages.install", "Go on to Step 2")
    window.click("packages.close")
    window.wait_until(lambda: window.shown("home.next"))
