"""The services at work, seen in the window: a real watch process checks them, real clicks ask it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Display, Window
from tests.gui.watch_head import (
    PRINTER,
    QUIET,
    SLOW,
    WatchHead,
    open_page,
    states,
    wait_state,
    watch_head,
)

NASTY = "out of paper\x1b[31m\u202e\nline one\x07\nline two\n"


@pytest.fixture
def head(root: Path) -> Iterator[WatchHead]:
    """A head whose watch process checks."""
    with watch_head(root) as made:
        yield made


def opened(open_window: OpenWindow, *options: str) -> Window:
    window = open_window(*options)
    open_page(window)
    return window


def choose(window: Window, service: str) -> None:
    window.click_row("watch-list.table", service)
    window.wait_until(
        lambda: window.widget("watch-list.table")["selected"] == service, what="it is selected"
    )


# --- what is seen -----------------------------------------------------------------------------


def test_the_states_are_seen_and_follow(head: WatchHead, open_window: OpenWindow) -> None:
    window = opened(open_window)
    wait_state(window, PRINTER, "✔ ok ")
    assert states(window)[QUIET] == "⊘ disabled"
    window.wait_text("watch-list.engine", "This head, head1, is active and checks the services.")
    window.wait_text("watch-list.live", "Select a service")
    head.broken.write_text("tray 2\n")
    wait_state(window, PRINTER, "✖ failed ")  # checked each second, looked at every two
    choose(window, PRINTER)
    window.wait_text("watch-list.live", "✖ printer: failed since 20")
    window.wait_text("watch-list.live", ": tray 2. Next check in ")
    head.broken.unlink()
    wait_state(window, PRINTER, "✔ ok ")
    window.wait_text("watch-list.live", "✔ printer: ok since 20")


def test_without_a_watch_process_it_is_said_what_is_missing(
    head: WatchHead, open_window: OpenWindow, root: Path
) -> None:
    head.stop()
    window = opened(open_window)
    window.wait_text("watch-list.engine", "does not run: nothing is checked from here.")
    window.wait_text("watch-list.engine", "systemctl start haoscar-watch.service")
    assert set(states(window).values()) == {"-"}
    choose(window, PRINTER)
    for key in ("test", "ack", "toggle", "history"):
        assert not window.enabled(f"watch-list.{key}")
    window.point_at("watch-list.test")
    window.wait_text("tooltip", "No watch process answers on this head.")
    (root / "etc/haoscar/watch.json").rename(root / "watch.json")
    window.wait_text("watch-list.engine", "No watch process is installed on this head")
    window.wait_text("watch-list.engine", "Step 5, Complete installation, installs it")
    assert window.enabled("watch-list.edit")  # the list can be edited all the same
    shutil.move(root / "watch.json", root / "etc/haoscar/watch.json")
    head.start()
    wait_state(window, PRINTER, "✔ ok ")  # nothing had to be pressed
    window.wait_for("watch-list.test")


def test_a_head_that_stands_by_says_so(head: WatchHead, open_window: OpenWindow) -> None:
    head.role = "standby"
    window = opened(open_window)
    window.wait_text("watch-list.engine", "Nothing is checked: ")
    choose(window, PRINTER)
    window.click("watch-list.test")
    window.wait_text(
        "watch-list.look.outcome", "✖ The watch process refuses: this head does not serve"
    )
    head.role = "active"
    window.click("watch-list.look.back")
    wait_state(window, PRINTER, "✔ ok ")


def test_a_list_that_the_heads_do_not_have_yet_is_said(
    head: WatchHead, open_window: OpenWindow, root: Path
) -> None:
    site = root / "etc/haoscar/site.toml"
    site.write_text(
        f'{site.read_text()}[[watch]]\ngroup = "g"\nname = "new"\nmonitor = "icmp"\ninterval = "5m"\n'
    )
    window = opened(open_window)
    window.wait_text("watch-list.engine", "works by an older list: Step 5, Complete installation")
    wait_state(window, PRINTER, "✔ ok ")
    choose(window, "g:new")
    window.wait_text("watch-list.live", "The watch process does not have this service yet.")
    assert not window.enabled("watch-list.test")


# --- what is asked ----------------------------------------------------------------------------


def test_test_now_really_checks_and_what_it_says_is_harmless(
    head: WatchHead, open_window: OpenWindow
) -> None:
    window = opened(open_window)
    wait_state(window, PRINTER, "✔ ok ")
    window.wait_until(lambda: window.errors() == [])
    choose(window, SLOW)
    window.click("watch-list.test")
    window.wait_text("watch-list.look.outcome", "Test: ok, checked by head1 in 0.")
    assert window.text("watch-list.look.title") == SLOW
    head.broken.write_text(NASTY)
    window.key("Return")  # tests again
    window.wait_text("watch-list.look.outcome", "✖ Test: failed, checked by head1")
    window.wait_text("watch-list.look.outcome", "out of paper\\x1b[31m\\u202e")
    window.wait_text("watch-list.look.detail", "line one\\x07\nline two")
    window.wait_text("watch-list.look.state", "✖ slow: failed since 20")
    window.key("Escape")
    window.wait_for("watch-list.add")
    wait_state(window, SLOW, "✖ failed ")  # the result counts


def test_a_failure_is_acknowledged_and_taken_back_by_keys(
    head: WatchHead, open_window: OpenWindow
) -> None:
    head.broken.write_text("tray 2\n")
    window = opened(open_window)
    wait_state(window, PRINTER, "✖ failed ")
    choose(window, QUIET)
    window.wait_until(lambda: not window.enabled("watch-list.ack"), what="nothing to acknowledge")
    window.point_at("watch-list.ack")
    window.wait_text("tooltip", "There is nothing to acknowledge: it is disabled.")
    choose(window, PRINTER)
    window.click("watch-list.ack")
    window.wait_for("watch-list.ack.ok")
    assert window.text("watch-list.ack.title") == f"Acknowledge {PRINTER}"
    window.type("paper is ordered")
    window.key("Return")
    wait_state(window, PRINTER, "◆ acknowledged")
    window.wait_text("watch-list.live", ": paper is ordered.")
    window.wait_text("watch-list.ack", "Unacknowledge")
    window.click("watch-list.ack")
    wait_state(window, PRINTER, "✖ failed ")
    window.wait_text("watch-list.ack", "Acknowledge..")
    window.click("watch-list.ack")
    window.wait_for("watch-list.ack.ok")
    window.key("Escape")
    window.wait_for("watch-list.add")
    assert states(window)[PRINTER].startswith("✖ failed")


def test_a_service_is_disabled_and_enabled_at_once(
    head: WatchHead, open_window: OpenWindow, root: Path
) -> None:
    before = (root / "etc/haoscar/site.toml").read_text()
    window = opened(open_window)
    wait_state(window, PRINTER, "✔ ok ")
    choose(window, PRINTER)
    window.click("watch-list.toggle")
    wait_state(window, PRINTER, "⊘ disabled")
    window.wait_text("watch-list.live", "It is not checked until it is enabled.")
    window.wait_text("watch-list.toggle", "Enable")
    window.click("watch-list.toggle")
    wait_state(window, PRINTER, "✔ ok ")
    assert (root / "etc/haoscar/site.toml").read_text() == before


def test_the_history_and_the_availability_are_shown(
    head: WatchHead, open_window: OpenWindow
) -> None:
    window = opened(open_window)
    wait_state(window, PRINTER, "✔ ok ")
    head.broken.write_text("tray 2\n")
    wait_state(window, PRINTER, "✖ failed ")
    choose(window, PRINTER)
    window.click("watch-list.history")
    window.wait_text("watch-list.look.availability", "Availability: today ")
    for span in (" %, 7 days ", " %, 30 days "):
        assert span in window.text("watch-list.look.availability")

    def what() -> list[str]:
        return [one[1] for one in window.widget("watch-list.look.history")["rows"].values()]

    window.wait_until(lambda: any("tray 2" in one for one in what()), what="that it failed")
    assert not window.shown("watch-list.look.outcome")
    head.broken.unlink()  # what happens while one looks is added
    window.wait_until(lambda: "is well" in what()[0], what="that it is well, above")
    (first, *_) = window.widget("watch-list.look.history")["rows"]
    window.click_row("watch-list.look.history", first)
    window.wait_text("watch-list.look.chosen", what()[0])


# --- how it looks -----------------------------------------------------------------------------


def test_everything_fits_and_the_keyboard_reaches_it(
    head: WatchHead, open_window: OpenWindow, display: Display
) -> None:
    window = opened(open_window)
    wait_state(window, PRINTER, "✔ ok ")
    choose(window, PRINTER)
    drawn = window.widget("watch-list.table")["drawn"]
    assert {states(window)[one] for one in (PRINTER, QUIET, SLOW)} <= set(drawn)
    keys = ("test", "toggle", "history", "edit", "periods", "close")
    for key in (*keys, "live", "engine", "state"):
        window.wait_until(lambda key=key: window.shown(f"watch-list.{key}"), what=key)
        found = window.widget(f"watch-list.{key}")
        assert found["x"] + found["width"] <= display.width, key
        assert found["y"] + found["height"] <= display.height, key
    paths = {window.widget(f"watch-list.{key}")["path"] for key in keys}
    seen = set()
    for _ in range(30):
        window.key("Tab")
        seen.add(window.focus())
    assert paths <= seen


def test_at_200_percent_everything_is_in_the_window(
    head: WatchHead, open_window: OpenWindow
) -> None:
    large = Display(2048, 1536)
    try:
        window = open_window("--scale", "2", on=large)
        open_page(window)
        wait_state(window, PRINTER, "✔ ok ")
        for key in ("test", "ack", "toggle", "history", "close", "engine"):
            found = window.widget(f"watch-list.{key}")
            assert found["shown"], key
            assert found["x"] + found["width"] <= large.width, key
            assert found["y"] + found["height"] <= large.height, key
        window.kill()
    finally:
        large.stop()
