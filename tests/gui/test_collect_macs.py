"""The MAC panel with real clicks, keys and drags, and with real requests on a real (virtual) wire."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.netboot.dhcp import INCLUDE
from backend.paths import Paths
from tests.fakes.mac_head import SITE, A, B, C, write_site
from tests.gui import network_boot_head
from tests.gui.macs_head import Wire
from tests.gui.macs_window import (
    ATTEMPTS,
    CLIENTS,
    HINT,
    LATENCY,
    LIST,
    MANY,
    PANEL,
    STATUS,
    OpenPanel,
    cards,
    centre,
    declined,
    heard,
    offered,
    open_panel,
    site_of,
    wire,
)
from tests.unit.test_clone_answer import BOTH, image

__all__ = ["open_panel", "wire"]  # the fixtures of this file
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces")


def test_listening_begins_with_the_panel_and_ends_with_it(
    open_panel: OpenPanel, wire: Wire
) -> None:
    window = open_panel()
    assert window.text(f"{PANEL}.title") == "Standby Server MAC Address Collection"
    assert window.text(STATUS).endswith(
        "Currently Scanning Network on wire0... Click 'Stop Collecting' to stop."
    )
    assert window.text(f"{PANEL}.collect") == "Stop Collecting MACs"
    assert not window.enabled(f"{PANEL}.import")
    window.click(f"{PANEL}.collect")
    window.wait_text(STATUS, "Not Listening to Network on wire0. Click 'Start Collecting MACs'")
    assert window.text(f"{PANEL}.collect") == "Start Collecting MACs"
    window.wait_until(lambda: wire.listeners() == 0, what="nothing listens")
    window.wait_for(f"{PANEL}.import")
    window.click(f"{PANEL}.collect")
    window.wait_text(STATUS, "Currently Scanning")
    window.wait_until(lambda: wire.listeners() > 0)
    window.click(f"{PANEL}.close")
    window.wait_until(lambda: window.shown("home.next"))
    window.wait_until(lambda: wire.listeners() == 0, what="nothing listens")
    window.key("alt+4")
    window.wait_text(STATUS, "Currently Scanning")


def test_a_machine_appears_with_everything_it_told(open_panel: OpenPanel, wire: Wire) -> None:
    window = open_panel()
    wire.machines((A, "pxe-uefi"), (A, "pxe-uefi"), (B, "os"), (C, "http"))
    heard(window, A, B, C)
    rows = window.widget(LIST)["rows"]
    assert rows[A][0] == A
    assert rows[A][2] == "PXE, UEFI, QEMU/KVM virtual machine"
    assert rows[B][0] == f"{B} !"
    assert rows[B][2].startswith("is node1, running OS, desk")
    assert rows[C][2].startswith("HTTP boot, UEFI")
    window.wait_until(lambda: window.widget(LIST)["rows"][A][1].startswith("2"))
    window.wait_until(lambda: window.widget(LIST)["rows"][A][1].endswith(", 3 s ago"))
    assert window.widget(CLIENTS)["rows"]["standby1 ip"] == ["eth0 ip = 10.0.0.2"]
    assert window.widget(CLIENTS)["rows"]["node1 mac"] == [f"eth0 mac = {B}"]


def test_what_is_said_of_a_choice_stands_beside_the_buttons_and_leaves_no_empty_band(
    open_panel: OpenPanel, wire: Wire
) -> None:
    window = open_panel()
    wire.machines((A, "pxe-uefi"))
    heard(window, A)
    lists, remove, collect = (
        window.widget(f"{PANEL}.{one}") for one in ("list", "remove", "collect")
    )
    line = remove["height"]  # of a button
    assert collect["y"] - (remove["y"] + remove["height"]) < line
    window.click_row(LIST, A)
    window.wait_text(HINT, "QEMU/KVM virtual machine")
    hint = window.widget(HINT)
    assert lists["y"] + lists["height"] <= hint["y"]
    assert hint["y"] + hint["height"] <= collect["y"]
    assert window.widget(f"{PANEL}.collect")["y"] == collect["y"]  # nothing has moved


def test_two_clicks_set_up_whatever_is_missing_and_let_the_machine_in(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    paths = network_boot_head.prepare(root)
    paths.at(INCLUDE).unlink()
    one = replace(SITE, standbys=SITE.standbys[:1])
    write_site(paths, one)
    window = open_panel()
    wire.machines((A, "pxe-bios"))
    heard(window, A)
    before = window.clicks
    window.click(f"{PANEL}.assign-all")
    window.wait_for("view.confirm", limit=40)
    shown = [" ".join(cells) for cells in window.widget("view.changes")["rows"].values()]
    assert any("haoscar-boot.service" in row for row in shown)
    assert any(f"standby1 ({A}) is installed with head v1" in row for row in shown)
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("network-boot.title"), limit=40)
    assert window.clicks - before == 2
    assert cards(root) == [A]
    assert A in paths.at(INCLUDE).read_text()
    ticket = Installs(paths).ticket(A)
    assert ticket is not None
    assert ticket.state is TicketState.ARMED
    window.wait_until(lambda: wire.listeners() == 0, what="nothing listens any more")


def test_where_network_boot_runs_its_server_learns_the_assignment_at_once(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    paths = Paths(root)
    write_site(paths)
    image(root, "lab-lvm-uefi", files=BOTH)
    network_boot_head.serve(paths)
    entries = paths.at("/srv/tftp/haoscar/pxelinux.cfg")
    entries.mkdir()
    for name in (KERNEL_FILE, INSTALLER_FILE):
        (paths.installer / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.installer / name).touch()
    paths.at("/etc/systemd/system/haoscar-boot.service").rename(root / "unit")
    wire.boot_server(root)
    window = open_panel()
    (root / "unit").rename(paths.at("/etc/systemd/system/haoscar-boot.service"))
    wire.machines((C, "pxe-bios"), (A, "pxe-bios"))
    heard(window, C, A)
    before = window.clicks
    window.click_row(LIST, A)
    window.click(f"{PANEL}.assign")
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("network-boot.title"))
    assert window.clicks - before == 3
    assert cards(root) == [A, None]  # the first standby without a card was chosen already
    assert "DEFAULT install" in (entries / f"01-{A.hyphens}").read_text()
    window.key("alt+4")
    heard(window, C)


def test_a_mac_is_dragged_onto_a_standby(open_panel: OpenPanel, root: Path, wire: Wire) -> None:
    window = open_panel()
    wire.machines((C, "pxe-uefi"), (A, "pxe-uefi"))
    heard(window, C, A)
    window.drag(centre(window, LIST, A), centre(window, CLIENTS, "standby2 ip"))
    offered(window, A, "10.0.0.3")
    declined(window)
    assert cards(root) == [None, None]
    window.drag(centre(window, LIST, A), centre(window, CLIENTS, "node1"))
    window.wait_text(HINT, "node1 is a compute node: it keeps its own card.")
    window.drag(centre(window, LIST, A), centre(window, LIST, C))  # not onto a machine
    window.wait_text(HINT, A)
    assert not window.shown("view.confirm")


def test_a_compute_node_is_taken_only_after_its_name_was_confirmed(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    window = open_panel()
    wire.machines((B, "pxe-uefi"))
    heard(window, B)
    window.click_row(LIST, B)
    for answer in ("click", "Escape", "Return"):  # the safe answer has the keyboard
        window.click(f"{PANEL}.assign")
        window.wait_for("ask.overwrite-node1")
        if answer == "click":
            window.click("ask.cancel")
        else:
            window.key(answer)
        window.wait_until(lambda: not window.shown("ask.cancel"))
        assert not window.shown("view.confirm")
    window.click(f"{PANEL}.assign-all")
    window.wait_text("banner.text", "No card was left for standby1, standby2.")
    assert cards(root) == [None, None]
    window.drag(centre(window, LIST, B), centre(window, CLIENTS, "standby1"))
    window.click("ask.overwrite-node1")
    offered(window, B, "10.0.0.2")
    window.click("view.confirm")
    window.wait_until(lambda: cards(root) == [B, None], what="it is assigned")
    assert site_of(root).nodes[0].mac is None


def test_a_duplicate_is_refused_with_a_sentence(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    window = open_panel()
    wire.machines((A, "pxe-uefi"))
    heard(window, A)
    window.click_row(LIST, A)
    two = SITE.standbys[1]
    write_site(Paths(root), replace(SITE, standbys=(SITE.standbys[0], replace(two, mac=A))))
    window.click(f"{PANEL}.assign")
    window.wait_text("banner.text", f"{A} belongs to standby2 already.")
    heard(window)  # it has looked again: the card is not free
    assert window.widget(CLIENTS)["rows"]["standby2 mac"] == [f"eth0 mac = {A}"]
    assert cards(root) == [None, A]


def test_each_button_is_on_when_its_choice_is_there(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    window = open_panel()

    def on(*names: str) -> bool:
        buttons = ("remove", "remove-all", "assign", "assign-all", "delete")
        return {one for one in buttons if window.enabled(f"{PANEL}.{one}")} == set(names)

    window.wait_until(lambda: on())
    window.wait_text(HINT, "Choose a MAC address in the left column.")
    wire.machines((A, "pxe-uefi"))
    heard(window, A)
    window.wait_until(lambda: on("remove-all", "assign-all"))
    window.click_row(LIST, A)
    window.wait_until(lambda: on("remove", "remove-all", "assign", "assign-all"))
    window.click_row(CLIENTS, "node1 ip")
    window.wait_until(lambda: on("remove", "remove-all", "assign-all"))
    window.point_at(f"{PANEL}.assign")
    window.wait_text(HINT, "node1 is a compute node")
    window.click(f"{PANEL}.remove")
    heard(window)
    window.wait_until(lambda: on())
    wire.machines((A, "pxe-uefi"), (C, "pxe-uefi"))
    heard(window, A, C)
    window.click(f"{PANEL}.remove-all")
    heard(window)
    assert Paths(root).state.joinpath("macs.json").read_text().count("mac") == 1  # the heading


def test_delete_returns_the_mac_to_the_list(open_panel: OpenPanel, root: Path) -> None:
    window = open_panel(site=replace(SITE, standbys=(replace(SITE.standbys[0], mac=A),)))
    window.click_row(CLIENTS, "standby1 mac")
    window.click(f"{PANEL}.delete")
    window.click("view.confirm")
    window.wait_text("view.sentence", f"{A} was taken from standby1 and is free again.")
    window.click("view.close")
    heard(window, A)
    assert cards(root) == [None]
    assert window.widget(LIST)["rows"][A][1] == "not heard"


def test_without_dynamic_update_dhcp_is_configured_by_its_own_button(
    open_panel: OpenPanel, root: Path, wire: Wire
) -> None:
    window = open_panel()
    include = Paths(root).at(INCLUDE)
    assert window.value(f"{PANEL}.dynamic") == "yes"
    window.click(f"{PANEL}.dynamic")
    wire.machines((A, "pxe-uefi"))
    heard(window, A)
    window.click_row(LIST, A)
    window.click(f"{PANEL}.assign")
    window.click("view.confirm")
    window.wait_text("view.sentence", f"{A} now belongs to standby1.")
    window.click("view.close")
    assert not include.exists()
    window.click(f"{PANEL}.configure-dhcp")
    window.click("view.confirm")
    window.wait_text("view.sentence", "The DHCP server answers standby1 on wire0.")
    assert A in include.read_text()


def test_another_dhcp_server_is_named_before_ours_is_switched_on(
    open_panel: OpenPanel, wire: Wire, tmp_path: Path
) -> None:
    card = wire.other_dhcp_server(tmp_path / "other")
    window = open_panel()
    text = f"Another DHCP server, 10.0.0.254 (card {card}), answers on wire0."
    window.wait_text(f"{PANEL}.other-servers", text)
    window.click(f"{PANEL}.configure-dhcp")
    declined(window)
    assert window.widget(LIST)["rows"] == {}  # the machine that was invented to ask it


def test_everything_by_keyboard(open_panel: OpenPanel, root: Path, wire: Wire) -> None:
    window = open_panel()
    wire.machines((C, "pxe-uefi"), (A, "pxe-uefi"))
    heard(window, C, A)

    def walk(name: str) -> None:
        wanted = window.widget(name).get("focus", window.widget(name)["path"])
        for _ in range(30):
            if window.focus() == wanted:
                return
            window.key("Tab")
        raise AssertionError(f"{name} is not reached with Tab")

    walk(LIST)
    window.key("Down", "End")
    window.wait_until(lambda: window.widget(LIST)["selected"] == A)
    walk(CLIENTS)
    window.key("Home", "Down", "Down", "Down", "Down")
    window.wait_until(lambda: window.widget(CLIENTS)["selected"] == "standby2")
    window.key("Return")  # the panel's main action
    offered(window, A, "10.0.0.3")
    declined(window)
    walk(f"{PANEL}.dynamic")
    window.key("space")
    window.wait_until(lambda: window.value(f"{PANEL}.dynamic") == "no")
    walk(f"{PANEL}.collect")
    window.key("space")
    window.wait_text(STATUS, "Not Listening")
    window.key("Escape")
    window.wait_until(lambda: window.shown("home.next"))
    assert cards(root) == [None, None]


def test_ten_thousand_macs_in_two_seconds_lose_none_and_never_block_the_window(
    open_panel: OpenPanel, root: Path, wire: Wire, record_property: Callable[[str, object], None]
) -> None:
    window = open_panel()
    wire.machines((A, "pxe-uefi"))  # the code that names vendors has been loaded
    heard(window, A)
    gaps: list[float] = []
    while not gaps or (gaps[-1] >= LATENCY and len(gaps) < ATTEMPTS):
        begin = len(gaps) * MANY
        window.longest_gap()
        assert wire.flood(begin, MANY, 2.0) < 3.0
        window.wait_text(f"{PANEL}.count", f"Heard: {begin + MANY + 1}")
        gaps.append(window.longest_gap())
    window.click(f"{PANEL}.collect")
    window.wait_text(STATUS, "Not Listening")
    window.wait_for(f"{PANEL}.export")
    kept = Paths(root).state.joinpath("macs.json").read_text()
    assert kept.count('"mac"') == len(gaps) * MANY + 1
    record_property("longest_gaps_ms", gaps)
    assert min(gaps) < LATENCY
