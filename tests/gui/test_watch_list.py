"""The watch list with real clicks and keys: three proposed rows, every editor, and what is written."""

from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.watch_page import (
    LOAD,
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
    stored,
)


@pytest.fixture
def watch(open_window: OpenWindow, root: Path):
    """A function that opens a window at the watch list of a site."""

    def opened(site: str = SITE) -> Window:
        return opened_at(open_window, root, site)

    return opened


# --- the list ---------------------------------------------------------------------------------


def test_the_originals_three_rows_are_proposed_and_saved(watch, root: Path) -> None:
    window = watch()
    assert window.text("watch-list.title") == "Edit Watch List"
    assert list(rows(window).values()) == [
        ["process_server", "netsnmp-proc", "3s", "wd {Sun-Sat}", "-"],
        ["loadaverage_server", "netsnmp-loadaverage", "20m", "wd {Sun-Sat}", "-"],
        ["freespace_server", "netsnmp-freespace", "2h", "wd {Sun-Sat}", "-"],
    ]
    drawn = window.widget("watch-list.table")["drawn"]
    assert {"loadaverage_server", "netsnmp-loadaverage", "wd {Sun-Sat}"} <= set(drawn)
    assert window.value("watch-list.group") == "ServiceMonitor"
    assert "both heads" in window.text("watch-list.members")
    assert "Nothing is stored yet" in window.text("watch-list.state")
    window.wait_text("watch-list.engine", "No watch process is installed on this head")
    assert not window.enabled("watch-list.test")
    assert not window.enabled("watch-list.edit")
    window.click("watch-list.save")
    window.wait_for("view.confirm")
    assert '+name = "process_server"' in window.text("view.diff")
    assert site_file(root).read_text() == SITE
    window.click("view.confirm")
    window.wait_text("watch-list.state", "As it is stored")
    assert site_file(root).read_text().startswith(SITE)
    assert [one["interval"] for one in stored(root)["watch"]] == ["3s", "20m", "2h"]
    assert not window.enabled("watch-list.save")
    window.click("banner.undo")
    window.click("view.confirm")
    window.wait_until(lambda: site_file(root).read_text() == SITE, what="undone")


def test_a_service_is_edited_and_the_rest_stays(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    edit(window, "ServiceMonitor:procs")
    assert window.text("watch-list.service.title") == "Edit Service"
    assert window.value("watch-list.service.name") == "procs"
    assert window.value("watch-list.service.interval") == "3"
    assert window.value("watch-list.service.interval.unit") == "seconds"
    assert window.value("watch-list.period.1.when.days.from") == "Mon"
    assert window.value("watch-list.period.1.when.hours.to") == "5pm"
    assert window.value("watch-list.period.1.alert.1.parameters") == "root"
    window.fill("watch-list.service.interval", "5")
    window.choose("watch-list.service.interval.unit", "minutes")
    window.fill("watch-list.service.parameters", "-t 10")
    ok(window)
    assert rows(window)["ServiceMonitor:procs"][2] == "5m"
    assert "not saved yet" in window.text("watch-list.state")
    assert site_file(root).read_text() == SITE + WATCH
    save(window)
    wanted = WATCH.replace('"3s"', '"5m"').replace("too\n", 'too\nparameters = "-t 10"\n')
    assert site_file(root).read_text() == SITE + wanted


def test_a_service_is_added_by_keys_alone(watch, root: Path) -> None:
    window = watch()
    window.click("watch-list.add")
    window.wait_for("watch-list.service.ok")
    assert window.text("watch-list.service.title") == "Add Service"
    assert not window.enabled("watch-list.service.delete")
    window.type("web")
    window.key("Return")  # OK: all other fields have a proposal
    window.wait_until(lambda: "ServiceMonitor:web" in rows(window), what="the new row")
    assert rows(window)["ServiceMonitor:web"] == ["web", "netsnmp-proc", "1m", "wd {Sun-Sat}", "-"]
    assert window.widget("watch-list.table")["selected"] == "ServiceMonitor:web"
    window.key("Return")  # opens it again
    window.wait_for("watch-list.service.ok")
    window.click("watch-list.service.monitor.other")
    window.fill("watch-list.service.other", "check_http")
    ok(window)
    save(window)
    assert service(root, "web")["monitor"] == "check_http"
    window.wait_text("watch-list.findings", "check_http is not on this head.")


def test_every_field_of_the_editor_is_stored(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    edit(window, "ServiceMonitor:procs")
    window.fill("watch-list.service.description", "What it is")
    for key, text in (("failure_interval", "1s"), ("exclude_period", "wd {Sun}")):
        window.fill(f"watch-list.service.{key}", text)
    window.click("watch-list.service.disabled")
    window.click("watch-list.service.more")
    scroll_to(window, "watch-list.period.1.string")
    window.click("watch-list.period.1.when.string")
    window.fill("watch-list.period.1.string", "md {1}")
    scroll_to(window, "watch-list.period.1.alert.2.program")
    window.fill("watch-list.period.1.alert.2.program", "page.alert")
    window.choose("watch-list.period.1.alert.2.run", "Service comes up")
    window.fill("watch-list.period.1.alert.2.exit", "1-9")
    scroll_to(window, "watch-list.period.1.alert_every.repeat")
    window.click("watch-list.period.1.alert_every.every")
    window.fill("watch-list.period.1.alert_every", "2")
    window.choose("watch-list.period.1.alert_every.repeat", "whatever changes")
    scroll_to(window, "watch-list.period.1.alert_after.within.unit")
    window.click("watch-list.period.1.alert_after.after")
    window.fill("watch-list.period.1.alert_after.failures", "3")
    window.fill("watch-list.period.1.alert_after.within", "30m")  # a unit may be typed, too
    scroll_to(window, "watch-list.period.1.max_alerts")
    window.click("watch-list.period.1.max_alerts.limited")
    window.fill("watch-list.period.1.max_alerts", "10")
    scroll_to(window, "watch-list.period.1.label")
    window.fill("watch-list.period.1.up_alert_after", "90")
    window.click("watch-list.period.1.no_comp_alerts")
    window.fill("watch-list.period.1.label", "first")
    ok(window)
    assert rows(window)["ServiceMonitor:procs"][2] == "3s (off)"
    save(window)
    found = service(root, "procs")
    (period,) = found.pop("period")
    assert found == {
        "group": "ServiceMonitor", "name": "procs", "monitor": "netsnmp-proc.monitor",
        "interval": "3s", "failure_interval": "1s", "description": "What it is", "disabled": True,
        "exclude_period": "wd {Sun}", "limit": "9s",
        "recovery": {"kind": "unit", "options": {"unit": "sshd.service"}},
    }  # fmt: skip
    assert period == {
        "when": "md {1}", "label": "first", "alert_every": "2h strict", "alert_after": "3 30m",
        "max_alerts": 10, "up_alert_after": "90s", "no_comp_alerts": True,
        "alert": [
            {"program": "mail", "parameters": "root"},
            {"program": "page.alert", "run": "up", "exit": "1-9"},
        ],
    }  # fmt: skip


def test_periods_are_added_and_deleted(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    edit(window, "ServiceMonitor:procs")
    scroll_to(window, "watch-list.service.add-period")
    window.click("watch-list.service.add-period")
    window.wait_text("watch-list.period.2.heading", "Monitoring period 2")
    scroll_to(window, "watch-list.period.2.when.days.to")
    window.click("watch-list.period.2.when.days.some")
    window.choose("watch-list.period.2.when.days.from", "Sat")
    window.choose("watch-list.period.2.when.days.to", "Sun")
    ok(window)
    assert rows(window)["ServiceMonitor:procs"][3] == "wd {Mon-Fri} hr {9am-5pm}, wd {Sat-Sun}"
    edit(window, "ServiceMonitor:procs")
    scroll_to(window, "watch-list.period.1.delete")
    window.click("watch-list.period.1.delete")
    window.wait_text("watch-list.period.2.heading", "Monitoring period 1")
    ok(window)
    save(window)
    assert service(root, "procs")["period"] == [{"when": "wd {Sat-Sun}"}]


# --- what is wrong ----------------------------------------------------------------------------


def test_what_is_wrong_is_said_under_its_field_and_nothing_is_taken(watch, root: Path) -> None:
    window = watch()
    before = rows(window)
    edit(window, PROC)
    window.fill("watch-list.service.name", "a b")
    window.fill("watch-list.service.interval", "0")
    window.click("watch-list.service.monitor.other")
    window.fill("watch-list.service.other", "tcq")
    window.click("watch-list.period.1.when.string")
    window.fill("watch-list.period.1.string", "wd {Xyz}")
    window.click("watch-list.service.ok")
    window.wait_text("watch-list.service.name.error", "'a b' is not the name of a service")
    assert "is no time at all" in window.text("watch-list.service.interval.error")
    assert "not a day of the week" in window.text("watch-list.period.1.when.error")
    assert window.focus() == window.widget("watch-list.service.name")["path"]
    window.fill("watch-list.service.name", "loadaverage_server")
    window.fill("watch-list.service.interval", "3")
    window.fill("watch-list.period.1.string", "mo {feb} md {30}")
    window.click("watch-list.service.ok")
    window.wait_text("watch-list.service.name.error", f"There is a service {LOAD} already.")
    window.fill("watch-list.service.name", "process_server")
    window.click("watch-list.service.ok")
    window.wait_text("watch-list.service.monitor.error", "Nobody knows tcq. Did you mean tcp?")
    assert "never in force" in window.text("watch-list.period.1.when.error")
    window.key("Escape")
    window.wait_for("watch-list.add")
    assert rows(window) == before
    assert "Nothing is stored yet" in window.text("watch-list.state")
    assert site_file(root).read_text() == SITE


def test_a_folded_setting_that_is_wrong_unfolds(watch) -> None:
    window = watch()
    edit(window, PROC)
    window.click("watch-list.service.more")
    window.fill("watch-list.service.alert_depend", "SELF:none && x")
    window.click("watch-list.service.more")
    window.wait_until(lambda: not window.shown("watch-list.service.alert_depend"), what="folded")
    window.click("watch-list.service.ok")
    window.wait_text("watch-list.service.alert_depend.error", "'x' is not understood")
    window.fill("watch-list.service.alert_depend", "SELF:none")
    window.click("watch-list.service.ok")
    window.wait_text("watch-list.service.alert_depend.error", "no service ServiceMonitor:none")


def test_whether_a_period_is_in_force_is_said_while_it_is_typed(watch) -> None:
    window = watch()
    edit(window, PROC)
    window.wait_text("watch-list.period.1.when.error", "In force now, for ever.")
    window.click("watch-list.period.1.when.string")
    window.fill("watch-list.period.1.string", "none")
    window.wait_text("watch-list.period.1.when.error", "Not in force now, for ever.")
    window.fill("watch-list.period.1.string", "min {0-29}")
    window.wait_text("watch-list.period.1.when.error", "n force now, until ")


def test_services_that_need_each_other_in_a_ring_are_marked_and_not_saved(
    watch, root: Path
) -> None:
    window = watch()
    for key, needed in ((PROC, "SELF:loadaverage_server"), (LOAD, "SELF:process_server")):
        edit(window, key)
        window.click("watch-list.service.more")
        window.fill("watch-list.service.alert_depend", needed)
        if key == PROC:
            ok(window)
    window.click("watch-list.service.ok")
    window.wait_for("watch-list.add")  # the ring is said of its first service: the other one
    assert rows(window)[PROC][0] == "✖ process_server"
    window.wait_text("watch-list.findings", "this goes round in a ring")
    window.click("watch-list.save")
    window.wait_text("watch-list.state", "Nothing was saved, because of this:")
    assert site_file(root).read_text() == SITE


def test_a_site_file_that_cannot_be_used_is_said(open_window: OpenWindow, root: Path) -> None:
    window = open_window()
    go_to_it(window)
    window.wait_text("watch-list.state", "cannot be used")
    window.wait_text("watch-list.findings", "There is no site file")
    assert not any(window.enabled(f"watch-list.{one}") for one in ("add", "save", "add-group"))
    site_file(root).write_text(SITE.replace('"c"', '"c c"'))
    window.click("rail.status")
    window.click("rail.watch-list")
    window.wait_text("watch-list.findings", "site.toml:4: name: 'c c' is not a host name")
    window.expected_errors()


# --- leaving ----------------------------------------------------------------------------------


def test_unsaved_changes_are_asked_about_when_one_leaves(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    window.click_row("watch-list.table", "ServiceMonitor:procs")
    window.click("watch-list.delete")
    window.wait_until(lambda: rows(window) == {}, what="the row is gone")
    window.click("rail.status")
    window.click("ask.keep")
    window.click("rail.exit")
    window.wait_for("ask.discard-and-exit")
    window.key("Escape")  # to stay, where there is something to save
    window.wait_text("watch-list.state", "not saved yet")
    assert rows(window) == {}
    window.click("watch-list.close")
    window.wait_until(
        lambda: window.focus() == window.widgets().get("ask.keep", {}).get("path"),
        what="the safe answer has the keyboard",
    )
    window.key("Escape")
    window.wait_until(lambda: not window.shown("ask.keep"), what="the question is gone")
    window.click("rail.watch-list")
    window.wait_text("watch-list.state", "not saved yet")
    window.click("watch-list.close")
    window.click("ask.discard")
    window.click("rail.watch-list")
    window.wait_text("watch-list.state", "As it is stored")
    assert list(rows(window)) == ["ServiceMonitor:procs"]
    assert site_file(root).read_text() == SITE + WATCH
    window.click("watch-list.close")  # nothing to ask about
    window.wait_until(lambda: window.shown("home.next"))
    assert not window.shown("ask.keep")
    window.click("rail.watch-list")
    edit(window, "ServiceMonitor:procs")
    window.fill("watch-list.service.interval", "7")
    window.click("rail.exit")
    window.click("ask.discard-and-exit")
    window.wait_until_gone()
    assert site_file(root).read_text() == SITE + WATCH


def test_what_is_still_in_the_editor_is_saved_too_when_one_leaves(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    edit(window, "ServiceMonitor:procs")
    window.fill("watch-list.service.interval", "7")
    window.click("rail.status")
    window.click("ask.save")
    window.click("view.confirm")
    window.wait_text("watch-list.state", "As it is stored")
    assert service(root, "procs")["interval"] == "7s"


def test_reset_puts_back_what_is_stored(watch) -> None:
    window = watch(SITE + WATCH)
    window.click_row("watch-list.table", "ServiceMonitor:procs")
    window.click("watch-list.delete")
    window.wait_until(lambda: rows(window) == {}, what="the row is gone")
    window.key("ctrl+r")
    window.click("ask.discard")
    window.wait_until(lambda: "ServiceMonitor:procs" in rows(window), what="it is back")


def test_changes_of_somebody_else_are_not_overwritten(watch, root: Path) -> None:
    window = watch(SITE + WATCH)
    window.click_row("watch-list.table", "ServiceMonitor:procs")
    window.click("watch-list.delete")
    theirs = SITE + WATCH.replace("3s", "9s")
    site_file(root).write_text(theirs)
    window.click("watch-list.save")
    window.wait_text("watch-list.findings", "Somebody else has changed the watch list")
    assert site_file(root).read_text() == theirs
    window.click("watch-list.reset")
    window.click("ask.discard")
    window.wait_until(
        lambda: rows(window).get("ServiceMonitor:procs", "   ")[2] == "9s", what="theirs"
    )


def test_opening_the_editors_blocks_nothing(watch) -> None:
    window = watch(SITE + WATCH)
    gaps = []
    for _ in range(5):  # the best of some attempts: this machine may have other work
        window.longest_gap()
        edit(window, "ServiceMonitor:procs")
        window.key("Escape")
        window.wait_for("watch-list.add")
        window.click("watch-list.periods")
        window.wait_until(lambda: not window.shown("watch-list.add"), what="the periods are open")
        window.key("Escape")
        window.wait_for("watch-list.add")
        gaps.append(window.longest_gap())
        if gaps[-1] < 100:  # milliseconds
            return
    raise AssertionError(f"deaf for {gaps} ms")
