"""Host groups and defined periods of the watch list, with real clicks."""

from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.watch_page import PROC, SITE, edit, ok, opened_at, rows, save, service, stored


@pytest.fixture
def watch(open_window: OpenWindow, root: Path):
    """A function that opens a window at the watch list of a site."""

    def opened(site: str = SITE) -> Window:
        return opened_at(open_window, root, site)

    return opened


def test_host_groups(watch, root: Path) -> None:
    window = watch()
    window.click("watch-list.add-group")
    window.wait_for("watch-list.group.ok")
    window.type("web")
    window.fill("watch-list.hosts", "head1, 10.0.0.300")
    window.click("watch-list.group.ok")
    window.wait_text("watch-list.hosts.error", "10.0.0.300")
    window.fill("watch-list.hosts", "head1 10.0.0.9")
    window.click("watch-list.group.ok")
    window.wait_text("watch-list.members", "Hosts: head1 10.0.0.9.")
    assert rows(window) == {}
    window.click("watch-list.add")
    window.wait_for("watch-list.service.ok")
    window.type("http")
    ok(window)
    window.choose("watch-list.group", "ServiceMonitor")
    window.wait_until(lambda: PROC in rows(window), what="the other group's services")
    window.click("watch-list.edit-group")
    window.click("watch-list.group.delete")
    window.wait_for("ask.delete")
    window.key("Escape")
    window.click("watch-list.group.delete")
    window.click("ask.delete")
    window.wait_until(lambda: list(rows(window)) == ["web:http"], what="only web is left")
    save(window)
    assert [one["name"] for one in stored(root)["host_group"]] == ["web"]


def test_defined_periods(watch, root: Path) -> None:
    window = watch()
    window.click("watch-list.periods")
    window.wait_for("watch-list.periods.define")
    window.fill("watch-list.name", "day")
    window.fill("watch-list.when", "wd {Xyz}")
    window.click("watch-list.periods.define")
    window.wait_text("watch-list.when.error", "not a day of the week")
    window.fill("watch-list.when", "hr {9am-5pm}")
    window.click("watch-list.periods.define")
    window.wait_until(
        lambda: (
            window.widget("watch-list.periods.table")["rows"] == {"day": ["day", "hr {9am-5pm}"]}
        ),
        what="the period is in the table",
    )
    window.click("watch-list.periods.back")
    edit(window, PROC)
    window.click("watch-list.period.1.when.defined")
    ok(window)
    assert rows(window)[PROC][3] == "day"
    save(window)
    assert service(root, "process_server")["period"] == [{"defined": "day"}]
    window.click("watch-list.periods")
    window.click_row("watch-list.periods.table", "day")
    window.click("watch-list.periods.delete")
    window.key("Escape")
    window.wait_text("watch-list.findings", "There is no period day.")
