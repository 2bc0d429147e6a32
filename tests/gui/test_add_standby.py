"""Step 3 with real clicks: everything is proposed, mistakes stand under their field, several standbys."""

import os
from pathlib import Path

import pytest

from backend.model.requests import AddStandbyRequest
from backend.model.site import Site
from backend.paths import Paths
from backend.site.store import SiteStore
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.standby_head import GATEWAY, NEIGHBOUR, USER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network of its own")
PROPOSED = {
    "name": "head-standby", "image": "serverimage", "primary_public_interface": "eth1",
    "standby_public_interface": "eth1", "public_alias": "172.16.5.254",
    "local_ip": "10.9.1.253", "netmask": "255.255.255.0", "gateway": "10.9.1.1",
}  # fmt: skip


def step3(open_window: OpenWindow, setup: str = "head") -> Window:
    """Open a window at step 3."""
    window = open_window("--setup", f"tests.gui.standby_head:{setup}", "--interface", "eth0")
    window.key("alt+3")
    window.wait_for("add-standby.add")
    window.keys = 0
    return window


def proposed(open_window: OpenWindow) -> Window:
    """Open a window at step 3, and wait for the proposal."""
    window = step3(open_window)
    window.wait_until(lambda: values(window) == PROPOSED, what="everything is proposed")
    return window


def values(window: Window) -> dict[str, str]:
    widgets = window.widgets()
    return {key: widgets[f"add-standby.{key}"]["value"] for key in AddStandbyRequest.LABELS}


def problem(window: Window, field: str) -> str:
    return window.text(f"add-standby.{field}.error")


def site(root: Path) -> Site:
    return SiteStore(Paths(root)).load()


def written(root: Path) -> bool:
    return (root / "etc/haoscar/site.toml").exists() or "standby" in (
        root / "etc/hosts"
    ).read_text()


def add(window: Window) -> None:
    """Add what stands in the form, and come back to step 3."""
    window.click("add-standby.add")
    window.click("view.confirm")
    window.wait_for("collect-macs.close")
    window.key("alt+3")
    window.wait_for("add-standby.standbys")


def rows(window: Window) -> list[str]:
    return list(window.widget("add-standby.standbys")["rows"])


def test_on_an_ordinary_head_two_clicks_define_the_standby(
    open_window: OpenWindow, root: Path
) -> None:
    window = proposed(open_window)
    assert window.text("add-standby.title") == "Add Standby server to a SIS Image"
    assert all("Proposed." in problem(window, key) for key in PROPOSED)
    assert "eth0 (10.9.1.0/24) is private" in window.text("add-standby.found")
    assert "eth1 (172.16.5.0/24) is public" in window.text("add-standby.found")
    assert not window.shown("add-standby.standbys")
    window.clicks = 0
    window.click("add-standby.add")
    window.wait_for("view.confirm")
    assert '+address = "10.9.1.253"' in window.text("view.diff")
    assert not written(root)
    window.click("view.confirm")
    window.wait_text("collect-macs.title", "Standby Server MAC Address Collection")
    assert (window.clicks, window.keys) == (2, 0)
    assert [str(one.address) for one in site(root).standbys] == ["10.9.1.253"]
    assert "10.9.1.253\thead-standby.cluster.lan head-standby" in (root / "etc/hosts").read_text()
    window.wait_text("rail.add-standby.state", "done")
    window.click("banner.undo")
    window.click("view.confirm")
    window.wait_until(lambda: not written(root), what="everything is as it was")


def test_declined_means_unchanged(open_window: OpenWindow, root: Path) -> None:
    window = proposed(open_window)
    window.key("Return")
    window.wait_for("view.confirm")
    window.key("Escape")
    window.wait_for("add-standby.add")
    assert values(window) == PROPOSED
    assert not written(root)


# What is typed into some fields, and what then stands beneath which.
WRONG: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    (
        {"name": "two words", "local_ip": "10.9.1.1234", "netmask": "255.0.255.0",
         "standby_public_interface": ""},
        {"name": "'two words'", "local_ip": "10.9.1.1234", "netmask": "255.0.255.0",
         "standby_public_interface": "needs the interface"},
    ),
    (
        {"name": "q\"uote'", "local_ip": "10.9.1.0", "gateway": "10.8.1.1", "public_alias": "ü"},
        {"name": "uote", "local_ip": "network's own address", "gateway": "is not in 10.9.1.0/24",
         "public_alias": "is no"},
    ),
    (
        {"name": "a;}option", "local_ip": "10.9.1.255"},
        {"name": "a;}option", "local_ip": "broadcast address"},
    ),
    ({"name": "", "local_ip": "10.9.1.1"}, {"name": "is empty", "gateway": "the standby itself"}),
    (
        {"name": "node001", "local_ip": "10.9.1.11", "public_alias": "172.16.5.255",
         "primary_public_interface": "eth9"},
        {"name": "the name of a compute node", "local_ip": "of the node node001",
         "public_alias": "no address of the public network",
         "primary_public_interface": "no interface eth9"},
    ),
    (
        {"name": "head", "local_ip": NEIGHBOUR, "public_alias": USER},
        {"name": "the primary's own name", "local_ip": "is in use: the card",
         "public_alias": "is in use: the card"},
    ),
    (
        {"local_ip": "10.8.1.5", "gateway": "", "public_alias": GATEWAY},
        {"local_ip": "not in the private network", "public_alias": "the gateway of"},
    ),
    ({"netmask": "255.255.0.0"}, {"netmask": "is not the private network"}),
)  # fmt: skip


def test_wrong_fields_say_so_beneath_them_and_nothing_is_written(
    open_window: OpenWindow, root: Path
) -> None:
    window = proposed(open_window)
    for typed, said in WRONG:
        for field, value in typed.items():
            window.fill(f"add-standby.{field}", value)
        window.click("add-standby.add")
        for field, words in said.items():
            window.wait_text(f"add-standby.{field}.error", words)
            assert problem(window, field).startswith("✖")
        first = next(key for key in PROPOSED if key in said)
        path = window.widget(f"add-standby.{first}")["path"]
        window.wait_until(lambda p=path: window.focus() == p, what=f"{first} has the keyboard")  # type: ignore[misc]
        assert not window.shown("view.confirm")
        assert not written(root)
        window.key("ctrl+r")
        window.wait_until(lambda: values(window) == PROPOSED, what="everything is proposed again")


def test_a_field_is_checked_when_it_is_left_also_on_the_wire(open_window: OpenWindow) -> None:
    window = proposed(open_window)
    window.fill("add-standby.local_ip", NEIGHBOUR)
    window.key("Tab")
    window.wait_until(lambda: "is in use" in problem(window, "local_ip"), what="it is in use")
    window.fill("add-standby.local_ip", "10.9.1.77")
    window.key("Tab")
    window.wait_until(lambda: problem(window, "local_ip") == "", what="nothing is wrong any more")
    window.fill("add-standby.gateway", "nonsense")
    window.click("add-standby.name")
    window.wait_until(lambda: "nonsense" in problem(window, "gateway"), what="it is no address")


def test_what_was_typed_stays_and_reset_proposes_again(open_window: OpenWindow) -> None:
    window = proposed(open_window)
    window.fill("add-standby.local_ip", "10.9.1.77")
    window.key("alt+2")
    window.wait_for("fetch-image.fetch")
    window.key("alt+3")
    window.wait_for("add-standby.add")
    assert values(window) == {**PROPOSED, "local_ip": "10.9.1.77"}
    window.key("ctrl+r")
    window.wait_until(lambda: values(window) == PROPOSED, what="everything is proposed again")


def test_without_an_image_the_field_says_where_to_get_one(
    open_window: OpenWindow, root: Path
) -> None:
    window = step3(open_window, "without_image")
    window.wait_until(lambda: values(window) == PROPOSED, what="everything is proposed")
    window.click("add-standby.add")
    window.wait_until(lambda: "no image serverimage" in problem(window, "image"), what="the error")
    assert not written(root)


def test_without_a_network_it_says_why_nothing_is_proposed(open_window: OpenWindow) -> None:
    window = open_window("--setup", "tests.gui.standby_head:without_network")
    window.key("alt+3")
    window.wait_text("add-standby.found", "No network of this head")
    assert set(values(window).values()) == {""}
    window.click("add-standby.add")
    window.wait_until(
        lambda: "is empty" in problem(window, "name"), what="the empty field is named"
    )


def test_a_second_standby_and_changing_the_first(open_window: OpenWindow, root: Path) -> None:
    window = proposed(open_window)
    add(window)
    window.wait_until(lambda: rows(window), what="the list of standbys")
    drawn = window.widget("add-standby.standbys")["drawn"]
    assert {"Local IP", "Public Alias IP", "10.9.1.253", "172.16.5.254"} <= set(drawn)
    assert not [one for one in drawn if "…" in one]
    # The alias is what users connect to, whoever serves.
    second = {**PROPOSED, "name": "head-standby2", "local_ip": "10.9.1.252"}
    window.wait_until(lambda: values(window) == second, what="a second one is proposed")
    assert rows(window) == ["head-standby"]

    window.fill("add-standby.name", "head-standby")  # this name is taken
    window.click("add-standby.add")
    window.wait_until(lambda: "is defined already" in problem(window, "name"), what="it is taken")
    window.key("ctrl+r")
    window.wait_until(lambda: values(window) == second, what="the second one is proposed again")
    add(window)
    window.wait_until(lambda: rows(window) == ["head-standby", "head-standby2"], what="both")

    assert not window.enabled("add-standby.edit")
    window.click_row("add-standby.standbys", "head-standby")
    window.click("add-standby.edit")
    window.wait_text("add-standby.heading", "Change head-standby")
    assert values(window) == PROPOSED
    window.fill("add-standby.name", "spare")
    window.fill("add-standby.gateway", "")
    add(window)
    window.wait_until(lambda: rows(window) == ["spare", "head-standby2"], what="it was renamed")
    assert site(root).standbys[0].gateway is None
    assert "head-standby\t" not in (root / "etc/hosts").read_text()


def test_a_removed_standby_is_gone_and_comes_back_by_undo(
    open_window: OpenWindow, root: Path
) -> None:
    window = proposed(open_window)
    add(window)
    window.click_row("add-standby.standbys", "head-standby")
    window.click("add-standby.remove")
    window.click("view.confirm")
    window.wait_text("view.sentence", "no longer defined")
    assert site(root).standbys == ()
    window.click("view.close")
    window.wait_until(lambda: not window.shown("add-standby.standbys"), what="the list has gone")
    window.wait_until(lambda: values(window) == PROPOSED, what="it is proposed anew")
