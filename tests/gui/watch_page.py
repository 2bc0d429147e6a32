"""The page of the watch list: a site to begin with, and what a person does there."""

import tomllib
from pathlib import Path
from typing import Any

from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window

SITE = """\
# ours
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"
"""
WATCH = """
[[host_group]]
name = "ServiceMonitor"

# the daemons
[[watch]]
group = "ServiceMonitor"
name = "procs"
monitor = "netsnmp-proc.monitor"
interval = "3s"
limit = "9s"  # ours, too

[watch.recovery]
kind = "unit"
options = { unit = "sshd.service" }

[[watch.period]]
when = "wd {Mon-Fri} hr {9am-5pm}"

[[watch.period.alert]]
program = "mail"
parameters = "root"
"""
PROC = "ServiceMonitor:process_server"
LOAD = "ServiceMonitor:loadaverage_server"


def site_file(root: Path) -> Path:
    return root / "etc/haoscar/site.toml"


def stored(root: Path) -> dict[str, Any]:
    return tomllib.loads(site_file(root).read_text())


def service(root: Path, name: str) -> dict[str, Any]:
    """Return a service as the site file has it."""
    return next(one for one in stored(root)["watch"] if one["name"] == name)


def opened_at(open_window: OpenWindow, root: Path, site: str) -> Window:
    """Open a window at the watch list of a site."""
    site_file(root).write_text(site)
    window = open_window()
    go_to_it(window)
    window.wait_until(lambda: rows(window), what="the table is filled")
    return window


def go_to_it(window: Window) -> None:
    """Click in the rail, once the steps have their states and nothing moves any more."""
    window.wait_until(lambda: window.text("rail.complete.state"), what="the states are shown")
    window.click("rail.watch-list")


def rows(window: Window) -> dict[str, list[str]]:
    found: dict[str, list[str]] = window.widgets().get("watch-list.table", {}).get("rows", {})
    return found


def edit(window: Window, key: str) -> None:
    window.click_row("watch-list.table", key, times=2)
    window.wait_for("watch-list.service.ok")


def save(window: Window) -> None:
    """Save, confirm, and wait until the panel is back."""
    window.click("watch-list.save")
    window.click("view.confirm")
    window.wait_text("banner.text", "The watch list is in the site file.")
    window.wait_text("watch-list.state", "As it is stored")


def ok(window: Window) -> None:
    window.click("watch-list.service.ok")
    window.wait_for("watch-list.add")


def scroll_to(window: Window, name: str) -> None:
    """Turn the wheel until a widget is on the screen, as a person does."""

    def seen() -> bool:
        found = window.widget(name)
        bottom = window.widget("watch-list.service.ok")["y"]
        return bool(found["y"] + found["height"] < bottom)

    window.point_at("watch-list.service.title")
    for _ in range(60):
        if seen():
            return
        box = window.widget("watch-list.service.ok")
        window._xdotool("mousemove", box["x"] + 150, box["y"] - 120, "click", "5")
    raise AssertionError(f"{name} does not come into view")
