"""The service editor's self-healing and time limit, with real clicks: shown, checked and stored."""

from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Display, Window
from tests.gui.watch_page import (
    PROC,
    SITE,
    WATCH,
    edit,
    go_to_it,
    ok,
    opened_at,
    rows,
    save,
    scroll_to,
    service,
    site_file,
)

KINDS = (
    "It is not healed", "A systemd unit", "An OCF resource agent", "A program",
    "The failover agent, as its resource", "Nothing: what follows is all there is",
)  # fmt: skip
FIELDS = ("kind", "options", "failures", "restarts", "within", "verify", "limit", "escalate")
OURS = "ServiceMonitor:procs"


def field(key: str) -> str:
    return f"watch-list.service.recovery_{key}"


def editing(open_window: OpenWindow, root: Path, site: str, key: str) -> Window:
    window = opened_at(open_window, root, site)
    edit(window, key)
    return window


def unfold(window: Window) -> None:
    window.click("watch-list.service.healing")
    window.wait_until(lambda: window.shown(field("kind")), what="it is unfolded")


def seen(window: Window, key: str) -> str:
    """Return the whole name of a field that is on the screen now."""
    scroll_to(window, field(key))
    return field(key)


def test_a_service_without_healing_is_folded_and_stays_so(
    open_window: OpenWindow, root: Path
) -> None:
    window = editing(open_window, root, SITE, PROC)
    assert not window.shown(field("kind"))
    unfold(window)
    assert window.widget(field("kind"))["choices"] == list(KINDS)
    assert window.value(field("kind")) == KINDS[0]
    for key in FIELDS[1:]:
        assert "disabled" in window.widget(field(key))["state"], key
    ok(window)
    save(window)
    assert "recovery" not in service(root, "process_server")


def test_what_is_stored_is_shown_and_kept(open_window: OpenWindow, root: Path) -> None:
    window = editing(open_window, root, SITE + WATCH, OURS)
    found = {key: window.value(field(key)) for key in FIELDS}
    assert found == {
        "kind": "A systemd unit", "options": "unit=sshd.service", "failures": "1", "restarts": "3",
        "within": "1", "verify": "3", "limit": "1", "escalate": "Only an alert",
    }  # fmt: skip
    assert window.value(f"{field('within')}.unit") == "hours"
    assert window.value("watch-list.service.limit") == "9s"
    ok(window)
    assert "As it is stored" in window.text("watch-list.state")  # nothing has become another
    edit(window, OURS)
    window.choose(seen(window, "kind"), KINDS[0])
    ok(window)
    save(window)
    assert "recovery" not in service(root, "procs")
    window.click("banner.undo")
    window.click("view.confirm")
    window.wait_until(lambda: site_file(root).read_text() == SITE + WATCH, what="undone")


def test_every_field_is_stored(open_window: OpenWindow, root: Path) -> None:
    window = editing(open_window, root, SITE, PROC)
    window.click("watch-list.service.more")
    scroll_to(window, "watch-list.service.limit")
    window.fill("watch-list.service.limit", "20s")
    scroll_to(window, "watch-list.service.healing")
    unfold(window)
    window.choose(seen(window, "kind"), "A program")
    window.wait_text(f"{field('options')}.error", "Such as 'start=/opt/app/bin/restart now'")
    for key, text in (
        ("options", "'start=/bin/true now'"), ("failures", "2 of 3"), ("restarts", "5"),
        ("within", "2h"), ("verify", "9"), ("limit", "2m"),
    ):  # fmt: skip
        window.fill(seen(window, key), text)
    window.choose(seen(window, "escalate"), "The other head takes over")
    window.click(seen(window, "critical"))
    ok(window)
    save(window)
    found = service(root, "process_server")
    assert found["limit"] == "20s"
    assert found["recovery"] == {
        "kind": "command", "options": {"start": "/bin/true now"}, "failures": "2 of 3",
        "restarts": 5, "within": "2h", "verify": "9s", "limit": "2m", "escalate": "takeover",
        "critical": True,
    }  # fmt: skip


def test_nothing_that_restarts_asks_only_for_what_follows(
    open_window: OpenWindow, root: Path
) -> None:
    window = editing(open_window, root, SITE, PROC)
    unfold(window)
    window.choose(seen(window, "kind"), KINDS[-1])
    for key in ("options", "restarts", "within", "verify", "limit"):
        assert "disabled" in window.widget(field(key))["state"], key
    window.choose(seen(window, "escalate"), "The other head takes over")
    ok(window)
    save(window)
    assert service(root, "process_server")["recovery"] == {"kind": "none", "escalate": "takeover"}


@pytest.mark.parametrize(
    ("key", "text", "wrong"),
    [
        ("failures", "3 of 2", "says not when"),
        ("restarts", "many", "is no number of restarts"),
        ("options", "sshd.service", "is no option"),
        ("options", "", "unit is missing"),
        ("within", "0", "is no time at all"),
    ],
)
def test_what_is_wrong_is_said_under_its_field(
    open_window: OpenWindow, root: Path, key: str, text: str, wrong: str
) -> None:
    window = editing(open_window, root, SITE, PROC)
    unfold(window)
    window.choose(seen(window, "kind"), "A systemd unit")
    window.fill(seen(window, "options"), "unit=sshd.service")
    window.fill(seen(window, key), text)
    scroll_to(window, "watch-list.service.healing")
    window.click("watch-list.service.healing")  # folded, it unfolds by itself
    window.wait_until(lambda: not window.shown(field("kind")), what="it is folded")
    window.click("watch-list.service.ok")
    window.wait_text(f"{field(key)}.error", wrong)
    window.wait_until(lambda: window.focus() == window.widget(field(key))["path"], what="the focus")
    window.key("Escape")
    window.wait_for("watch-list.add")
    assert site_file(root).read_text() == SITE


def test_the_fields_have_tooltips_and_the_keyboard_reaches_them(
    open_window: OpenWindow, root: Path
) -> None:
    window = editing(open_window, root, SITE + WATCH, OURS)
    window.point_at(seen(window, "failures"))
    window.wait_text("tooltip", "After how many failed checks it is restarted")
    paths = {window.widget(field(key))["path"] for key in (*FIELDS, "critical")}
    reached = set()
    for _ in range(80):
        window.key("Tab")
        reached.add(window.focus())
    assert paths <= reached


def test_at_200_percent_each_field_can_be_scrolled_to(open_window: OpenWindow, root: Path) -> None:
    site_file(root).write_text(SITE + WATCH)
    large = Display(2048, 1536)
    try:
        window = open_window("--scale", "2", on=large)
        go_to_it(window)
        window.wait_until(lambda: rows(window), what="the table is filled")
        edit(window, OURS)
        right = window.widget("watch-list.service.delete")
        for key in (*FIELDS, "critical"):
            found = window.widget(seen(window, key))
            assert found["x"] + found["width"] <= right["x"] + right["width"], key
        window.kill()
    finally:
        large.stop()
