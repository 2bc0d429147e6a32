"""What the MAC panel says: of a machine, of the network, and why a button is switched off."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from backend.actions.macs import Client, Shown, Situation
from backend.discovery.machine_kind import Kind
from backend.discovery.macs import Machine
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.model.site import Firmware
from panels import collect_macs_text as text
from panels.collect_macs_machines import Machines
from panels.collect_macs_text import (
    Choice,
    Doing,
    ago,
    describe,
    entry_of,
    hint,
    maker,
    reasons,
    status_text,
    toggle_label,
    tree_rows,
)
from tests.fakes.mac_head import SITE, A, B, C

MACHINE = Machine(
    A, 100.0, 108.0, 3, kind=Kind.ROM, heard_as=(Kind.ROM,), firmware=Firmware.UEFI,
    description="network boot ROM, x86-64 UEFI",
)  # fmt: skip
ROM = Shown(MACHINE, "Tyan")
NODE = Shown(
    replace(
        MACHINE, mac=B, kind=Kind.OPERATING_SYSTEM, heard_as=(Kind.OPERATING_SYSTEM,), firmware=None,
        description="operating system", host_name="node1", node=HostName("node1"),
    ),
    "",
)  # fmt: skip
EMPTY = Client(HostName("standby1"), None, IPv4Address("10.0.0.2"), standby=True)
FULL = Client(HostName("standby2"), C, IPv4Address("10.0.0.3"), standby=True)
COMPUTE = Client(HostName("node1"), B, IPv4Address("10.0.0.11"))
SITUATION = Situation(InterfaceName("eth1"), (EMPTY, FULL, COMPUTE), SITE)


def test_an_entry_has_everything_that_is_known() -> None:
    entry = entry_of(ROM, 110.0)
    assert entry.mac == A
    assert entry.ago.endswith(", 2 s ago")
    assert entry.ago.startswith("3")
    assert entry.detail == "PXE, UEFI, Tyan"
    assert entry.tag == ""


@pytest.mark.parametrize(
    ("vendor", "short"),
    [
        ("Tyan Computer Corp.", "Tyan"), ("Super Micro Computer, Inc.", "Super Micro"),
        ("Intel Corporate", "Intel"), ("QEMU/KVM virtual machine", "QEMU/KVM virtual machine"),
        ("Giga-Byte Technology Co.,Ltd.", "Giga-Byte"), ("Computer Company", "Computer"), ("", ""),
    ],
)  # fmt: skip
def test_makers_are_named_without_their_legal_form(vendor: str, short: str) -> None:
    assert maker(vendor) == short
    shown = Shown(MACHINE, vendor)
    assert entry_of(shown, 110.0).detail.removeprefix("PXE, UEFI").removeprefix(", ") == short
    assert describe(shown).endswith(vendor)  # the whole name, of the one that is chosen


def test_a_compute_node_is_marked_with_a_sign_and_its_name() -> None:
    entry = entry_of(NODE, 110.0)
    assert entry.mac == f"{B} !"
    assert entry.detail == "is node1, running OS"
    assert entry.tag == "warning"


@pytest.mark.parametrize(
    ("kind", "before", "description", "said"),
    [
        (Kind.HTTP_BOOT, (), "UEFI HTTP boot, x86-64 UEFI HTTP", "HTTP boot"),
        (Kind.IPXE, (), "iPXE, x86 BIOS", "iPXE"),
        (Kind.INSTALLER, (), "HA-OSCAR installer", "HA-OSCAR installer"),
        (Kind.OPERATING_SYSTEM, (), "Windows", "running Windows"),
        (Kind.OPERATING_SYSTEM, (Kind.ROM,), "operating system", "running OS, PXE before"),
        (Kind.OTHER_INSTALLER, (), "Debian or Ubuntu installer", "running Debian or Ubuntu installer"),
        (None, (), "", ""),
    ],
)  # fmt: skip
def test_who_asked_in_a_word_or_two(
    kind: Kind | None, before: tuple[Kind, ...], description: str, said: str
) -> None:
    machine = replace(MACHINE, kind=kind, heard_as=before, description=description)
    assert text.asking(machine) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "now"), (0.4, "now"), (2.2, "2 s ago"), (59, "59 s ago"), (60, "1 min ago"),
     (7300, "2 h ago"), (200_000, "2 days ago")],
)  # fmt: skip
def test_how_long_ago(seconds: float, said: str) -> None:
    assert ago(seconds) == said


def test_an_imported_address_was_not_heard() -> None:
    imported = Shown(Machine(C, 100.0, 100.0, times_heard=0, attempts=0), "")
    assert entry_of(imported, 500.0)[:3] == (C, "not heard", "")


def test_the_originals_status_texts_name_the_interface() -> None:
    assert status_text("eth1", Doing(True, True)) == (
        "Currently Scanning Network on eth1... Click 'Stop Collecting' to stop."
    )
    assert status_text("eth1", Doing()) == (
        "Not Listening to Network on eth1. Click 'Collect MAC Addresses' to start."
    )
    assert status_text("eth1", Doing(before=True)).endswith(
        "Click 'Start Collecting MACs' to start."
    )
    assert status_text("eth1", Doing(wanted=True)) == "Not Listening to Network on eth1 yet."


def test_the_toggle_says_what_it_does_next() -> None:
    assert [toggle_label(one) for one in (Doing(), Doing(True), Doing(before=True))] == [
        "Collect MAC Addresses", "Stop Collecting MACs", "Start Collecting MACs",
    ]  # fmt: skip


def test_the_tree_has_the_originals_leaves_and_any_leaf_counts_as_its_machine() -> None:
    rows, tags, parents = tree_rows(SITUATION.clients)
    assert list(rows.values())[:4] == [
        ("All Clients",), ("standby1",), ("eth0 mac = ",), ("eth0 ip = 10.0.0.2",),
    ]  # fmt: skip
    assert rows["node1"] == ("node1 (compute node)",)
    assert rows["node1 mac"] == (f"eth0 mac = {B}",)
    assert parents["node1 mac"] == "node1"
    assert parents["standby2"] == "All Clients"
    assert set(tags) == {"All Clients", "node1", "node1 mac", "node1 ip"}
    assert [text.client_of(key) for key in ("node1 ip", "standby1", "All Clients", None)] == [
        "node1", "standby1", "", "",
    ]  # fmt: skip


def off(choice: Choice) -> set[str]:
    return {name for name, why in reasons(choice).items() if why}


def test_each_button_is_on_only_when_its_choice_is_there() -> None:
    nothing = Choice(SITUATION)
    assert off(nothing) == {"remove", "remove-all", "assign", "assign-all", "delete"}
    heard = replace(nothing, heard=1)
    assert off(heard) == {"remove", "assign", "delete"}
    assert off(replace(heard, mac=ROM)) == {"assign", "delete"}
    assert off(replace(heard, mac=ROM, client=EMPTY)) == {"delete"}
    assert off(replace(heard, mac=ROM, client=FULL)) == set()
    assert off(replace(heard, mac=ROM, client=COMPUTE)) == {"assign", "delete"}
    assert off(replace(heard, collecting=True)) == {
        "remove",
        "assign",
        "delete",
        "import",
        "export",
    }


def test_assign_all_needs_a_standby_without_a_card() -> None:
    full = Situation(InterfaceName("eth1"), (FULL,), SITE)
    assert reasons(Choice(full, heard=1))["assign-all"] == "Every standby has a MAC address."


def test_without_standby_or_site_it_is_said_what_comes_first() -> None:
    lonely = Choice(Situation(InterfaceName("eth1"), (COMPUTE,), SITE), ROM, COMPUTE, heard=1)
    assert reasons(lonely)["assign"] == reasons(lonely)["assign-all"] == text.NO_STANDBY
    assert "configure-dhcp" not in off(lonely)
    assert "configure-dhcp" in off(Choice(Situation(InterfaceName("eth1"))))
    assert "configure-dhcp" in off(Choice(None))


def test_the_hint_says_what_is_chosen_and_what_is_missing() -> None:
    assert hint(Choice(SITUATION)) == "Choose a MAC address on the left and a standby on the right."
    assert hint(Choice(SITUATION, client=EMPTY)) == "Choose a MAC address in the left column."
    assert hint(Choice(SITUATION, ROM)) == f"{A}: PXE, UEFI, Tyan. Choose a standby on the right."
    assert hint(Choice(SITUATION, ROM, EMPTY)) == f"{A}: PXE, UEFI, Tyan."
    assert hint(Choice(SITUATION, NODE, COMPUTE)) == (
        f"{B}: is node1, running OS. node1 is a compute node: it keeps its own card."
    )


def test_the_free_addresses_follow_what_is_heard_assigned_and_removed() -> None:
    machines = Machines()
    nobody = frozenset[Mac]()
    assert not machines.take({}, nobody)
    assert machines.take({B: NODE}, nobody)
    assert not machines.some_are_nobodys
    assert machines.take({A: ROM}, nobody)
    assert machines.free == (B, A)
    assert machines.some_are_nobodys
    assert not machines.take({A: ROM, C: None}, nobody)  # heard again; gone that never was there
    assert machines.take({}, frozenset({A}))
    assert machines.free == (B,)
    assert machines.take({B: None}, frozenset({A}))
    assert machines.free == ()
    assert machines.get(A) is ROM
    assert machines.get(None) is None


def test_the_question_and_its_answer_name_the_node() -> None:
    question = text.node_question(B, "standby1", "node1")
    assert "node1" in question.text
    assert question.overwrite == "Overwrite node1"
    assert question.overwrite != text.CANCEL
