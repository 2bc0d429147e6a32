"""Assigning: one confirmed action from a heard card to an armed ticket, and nothing half done."""

import re
import threading
from dataclasses import replace

import pytest

from backend.actions.macs_cards import AssignAll, AssignMac, DeleteMac
from backend.actions.macs_prepare import prepare_ahead
from backend.actions.network_boot import NetworkBootPlanned, PlanNetworkBoot
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.errors import Cancelled, CommandFailed, HaoscarError, Refused
from backend.model.addresses import Mac
from backend.netboot.dhcp import CONFIG
from backend.reports import Severity
from backend.tasks import CancelToken, Event, TaskContext
from tests.fakes.mac_head import OS, OWN, ROM, A, B, C, D, request
from tests.fakes.persons import NOBODY
from tests.unit.actions.macs_bench import BOOT, FOREIGN, LOADER, Bench, bench, codes, titles
from tests.unit.test_clone_answer import BIOS, KERNEL, image

__all__ = ["bench"]  # the fixture of this file


def test_one_confirmed_action_assigns_answers_and_lets_in(bench: Bench) -> None:
    bench.hear(request(A, *ROM))
    prepared = bench.assign(A, servers=())
    assert titles(prepared) == ["The site", "DHCP server", "Installation"]
    assert prepared.sentence == (
        f"{A} becomes standby1. Installed at the present network boot: standby1 with head v1."
    )
    assert prepared.reports == ()
    assert not prepared.idle
    assert bench.cards == [None, None]
    assert bench.runner.commands == []
    done = prepared.run(TaskContext())
    assert bench.cards == [A, None]
    assert re.search(rf"hardware ethernet {A};", bench.include)
    assert ("dhcpd", "-t", "-4", "-q", "-cf", CONFIG) in bench.runner.commands
    assert bench.ticket(A) is TicketState.ARMED
    outcome = prepared.tell(done)
    assert outcome.sentence == f"{A} now belongs to standby1. standby1 may be installed now."
    assert outcome.undo == done.record.id
    assert outcome.next.startswith("Watch it")
    bench.wiring.journal().undo(outcome.undo, TaskContext())
    assert bench.cards == [None, None]
    assert bench.include == ""


def test_what_is_missing_of_network_boot_is_set_up_first(bench: Bench) -> None:
    bench.set_up = False
    prepared = bench.assign(A, servers=())
    assert titles(prepared) == ["Network boot", "The site", "DHCP server", "Installation"]
    done = prepared.run(TaskContext())
    assert bench.paths.at(LOADER).read_bytes() == b"loader"
    assert bench.ticket(A) is TicketState.ARMED
    bench.wiring.journal().undo(done.record.id, TaskContext())
    assert not bench.paths.at(LOADER).exists()


def test_a_boot_server_that_does_not_run_is_set_up_again(bench: Bench) -> None:
    bench.silent = True
    assert titles(bench.assign(A, servers=()))[0] == "Network boot"


def test_where_network_boot_cannot_be_set_up_it_is_said_and_the_card_is_assigned(
    bench: Bench,
) -> None:
    bench.set_up = False
    bench.cannot_boot = Refused.of("loader.missing", "pxelinux.0 is missing.", "Install pxelinux.")
    prepared = bench.assign(A, servers=())
    assert titles(prepared) == ["The site", "DHCP server"]
    assert [str(one) for one in prepared.reports] == [
        "Network boot is not set up: pxelinux.0 is missing. Install pxelinux."
    ]
    assert prepared.tell(prepared.run(TaskContext())).next.startswith("Setup Network Boot")
    assert bench.cards == [A, None]
    assert bench.ticket(A) is None


@pytest.mark.parametrize("files", [(), KERNEL])
def test_an_image_that_is_missing_or_starts_nowhere_is_said(
    bench: Bench, files: tuple[str, ...]
) -> None:
    directory = bench.paths.images / "head" / "v1"
    directory.rename(directory.with_name("away"))
    if files:
        image(bench.paths.root, "lab-lvm-uefi", files=files)
    prepared = bench.assign(A, servers=())
    assert titles(prepared) == ["The site", "DHCP server"]
    assert "standby1 is not installed yet: " in prepared.reports[0].text
    prepared.run(TaskContext())
    assert bench.ticket(A) is None


def test_firmware_on_which_the_clone_would_not_start_is_named(
    bench: Bench,
) -> None:
    (bench.paths.images / "head" / "v1").rename(bench.paths.images / "head" / "away")
    image(bench.paths.root, "lab-lvm-bios", files=BIOS)
    prepared = bench.assign(A, servers=())
    assert codes(prepared) == ["boot.no-grub-uefi", "boot.no-esp"]
    assert titles(prepared)[-1] == "Installation"


def test_without_dynamic_update_only_the_site_changes(bench: Bench) -> None:
    prepared = bench.assign(A, dynamic=False)
    assert titles(prepared) == ["The site"]
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.next.startswith("Configure DHCP Server")
    assert (bench.cards, bench.include, bench.ticket(A)) == ([A, None], "", None)
    assert bench.asked_wire == 0


def test_other_dhcp_servers_are_named_before_ours_is_switched_on(bench: Bench) -> None:
    bench.others = (FOREIGN,)
    prepared = bench.assign(A)
    assert bench.asked_wire == 1
    assert codes(prepared) == ["dhcp.foreign"]
    assert "10.0.0.254 (card 02:00:00:00:00:fe)" in prepared.reports[0].text
    assert codes(bench.assign(A, servers=())) == []  # the panel has asked, and found none
    assert codes(bench.assign(A, servers=(FOREIGN,))) == ["dhcp.foreign"]
    assert bench.asked_wire == 1
    bench.configured()
    assert codes(bench.assign(A)) == []  # quick: ours answers already
    assert bench.asked_wire == 1


def test_a_machine_that_did_not_boot_from_the_network_is_pointed_out(bench: Bench) -> None:
    bench.hear(request(A, *OS))
    prepared = bench.assign(A, servers=())
    assert codes(prepared) == ["macs.not-network-boot"]
    assert f"{A} was not heard booting from the network" in prepared.reports[0].text


def test_a_compute_nodes_card_needs_its_own_word(bench: Bench) -> None:
    with pytest.raises(Refused) as caught:
        bench.assign(B)
    assert caught.value.reports[0].code == "macs.belongs-to-node"
    prepared = AssignMac(bench.desk(servers=()), B, "standby1", node_is_mine=True).prepare(
        TaskContext(), NOBODY
    )
    assert codes(prepared) == ["macs.taken-from-node"]
    prepared.run(TaskContext())
    assert bench.cards == [B, None]
    assert bench.site.nodes[0].mac is None


@pytest.mark.parametrize(
    ("mac", "standby", "code"),
    [
        (A, "standby2", "macs.duplicate"), (OWN, "standby2", "macs.own-card"),
        (C, "node1", "macs.no-standby"), (C, "nobody", "macs.no-standby"),
    ],
)  # fmt: skip
def test_duplicates_own_cards_and_other_machines_are_refused_with_a_sentence(
    bench: Bench, mac: Mac, standby: str, code: str
) -> None:
    bench.assigned(A, None)
    with pytest.raises(Refused) as caught:
        bench.assign(mac, standby)
    assert [one.code for one in caught.value.reports] == [code]
    assert "haoscar macs" not in str(caught.value)
    assert bench.cards == [A, None]


def test_a_card_that_dhcpd_conf_gives_to_a_node_is_refused_even_when_confirmed(
    bench: Bench,
) -> None:
    config = bench.paths.at(CONFIG)
    config.parent.mkdir(parents=True)
    config.write_text(f"host node1 {{ hardware ethernet {B}; fixed-address 10.0.0.11; }}\n")
    action = AssignMac(bench.desk(servers=()), B, "standby1", node_is_mine=True)
    with pytest.raises(Refused) as caught:
        action.prepare(TaskContext(), NOBODY)
    assert caught.value.reports[0].code == "dhcp.mac-taken"


def test_assign_all_gives_the_oldest_and_never_takes_a_compute_nodes_card(bench: Bench) -> None:
    bench.hear(request(B, *ROM), request(C, *ROM), request(A, *ROM), request(D, *ROM))
    prepared = AssignAll(bench.desk(servers=())).prepare(TaskContext(), NOBODY)
    assert codes(prepared) == ["macs.belongs-to-node"]
    assert prepared.reports[0].text == f"Left out: {B} is the card of the compute node node1."
    prepared.run(TaskContext())
    assert bench.cards == [C, A]
    assert [bench.ticket(one) for one in (A, B, C, D)] == [
        TicketState.ARMED, None, TicketState.ARMED, None,
    ]  # fmt: skip


def test_assign_all_with_nothing_to_do_asks_nobody(bench: Bench) -> None:
    bench.assigned(A, C)
    prepared = AssignAll(bench.desk(servers=())).prepare(TaskContext(), NOBODY)
    assert prepared.idle
    assert prepared.run(TaskContext()) is None
    assert prepared.tell(None).sentence == "Every standby has a card already."
    bench.assigned(A, None)
    bench.hear(request(B, *ROM))
    prepared = AssignAll(bench.desk(servers=())).prepare(TaskContext(), NOBODY)
    assert prepared.idle
    assert codes(prepared) == ["macs.belongs-to-node", "macs.too-few"]
    outcome = prepared.tell(None)
    assert outcome.sentence == "No card was left for standby2."
    assert outcome.severity is Severity.WARNING
    (left,) = outcome.reports
    assert left.text.startswith("Left out")
    assert left.remedy.endswith("press Assign MAC to Node.")
    assert bench.cards == [A, None]


def test_the_card_a_standby_had_returns_to_the_list_without_ticket_and_boot_entry(
    bench: Bench,
) -> None:
    bench.assign(A, servers=()).run(TaskContext())
    entry = bench.paths.at(f"/srv/tftp/haoscar/pxelinux.cfg/01-{A.hyphens}")
    entry.parent.mkdir(parents=True)
    entry.write_text("install\n")
    bench.assign(C, servers=()).run(TaskContext())
    assert bench.cards == [C, None]
    assert bench.listed == [A]
    assert (bench.ticket(A), bench.ticket(C)) == (TicketState.DISARMED, TicketState.ARMED)
    assert not entry.exists()
    assert A not in bench.include


def test_delete_returns_the_card_and_undo_gives_it_back(bench: Bench) -> None:
    bench.assign(A, servers=()).run(TaskContext())
    prepared = DeleteMac(bench.desk(servers=()), "standby1").prepare(TaskContext(), NOBODY)
    assert titles(prepared) == ["The site", "DHCP server"]
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence == f"{A} was taken from standby1 and is free again."
    assert outcome.next == ""
    assert (bench.cards, bench.listed, bench.ticket(A)) == ([None, None], [A], TicketState.DISARMED)
    assert A not in bench.include
    bench.wiring.journal().undo(outcome.undo, TaskContext())
    assert bench.cards == [A, None]


def test_a_running_installation_keeps_its_card(bench: Bench) -> None:
    bench.assign(A, servers=()).run(TaskContext())
    installs = Installs(bench.paths)
    installs.change(A, lambda ticket: replace(ticket, state=TicketState.RUNNING, admitted=2e9))
    for action in (DeleteMac(bench.desk(), "standby1"), AssignMac(bench.desk(), C, "standby1")):
        with pytest.raises(Refused) as caught:
            action.prepare(TaskContext(), NOBODY)
        assert caught.value.reports[0].code == "install.running"


def test_a_boot_server_that_fails_at_the_end_takes_everything_back(bench: Bench) -> None:
    bench.hear(request(A, *ROM))
    before = bench.paths.site_file.read_bytes()
    prepared = bench.assign(A, servers=())
    bench.silent = True
    with pytest.raises(Refused) as caught:
        prepared.run(TaskContext())
    assert [one.code for one in caught.value.reports] == ["boot.not-running", "change.rolled-back"]
    assert bench.paths.site_file.read_bytes() == before
    assert (bench.include, bench.ticket(A)) == ("", None)


def test_a_dhcp_server_that_refuses_or_a_cancellation_leaves_nothing(bench: Bench) -> None:
    before = bench.paths.site_file.read_bytes()
    prepared = bench.assign(A, servers=())
    bench.runner.failing.add("dhcpd")
    with pytest.raises(CommandFailed):
        prepared.run(TaskContext())
    bench.runner.failing.clear()
    token = CancelToken()
    token.cancel()
    with pytest.raises(HaoscarError):
        prepared.run(TaskContext(cancel=token))
    assert bench.paths.site_file.read_bytes() == before
    assert (bench.include, bench.ticket(A)) == ("", None)


def test_network_boot_is_prepared_ahead_only_for_a_standby_that_waits(bench: Bench) -> None:
    bench.set_up = False
    prepare_ahead(bench.wiring, TaskContext())
    assert bench.plans == 1
    assert not bench.paths.at(LOADER).exists()  # nothing of the machine has changed
    bench.cannot_boot = Refused.of("loader.missing", "pxelinux.0 is missing.")
    prepare_ahead(bench.wiring, TaskContext())  # the assignment says it
    bench.cannot_boot = None
    for is_set_up, cards, image_too in (
        (True, (None, None), True), (False, (A, C), True), (False, (None, None), False),
    ):  # fmt: skip
        bench.set_up = is_set_up
        bench.assigned(*cards)
        if not image_too:
            (bench.paths.images / "head" / "v1").rename(bench.paths.images / "head" / "away")
        prepare_ahead(bench.wiring, TaskContext())
    assert bench.plans == 2


def test_an_assignment_waits_for_what_is_being_prepared_and_can_be_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.set_up = False
    begun, go_on = threading.Event(), threading.Event()

    def slow(_task: PlanNetworkBoot, _context: TaskContext) -> NetworkBootPlanned:
        begun.set()
        assert go_on.wait(10)
        return NetworkBootPlanned(BOOT, LOADER.parent, 1, {})

    monkeypatch.setattr(PlanNetworkBoot, "run", slow)
    thread = threading.Thread(target=prepare_ahead, args=(bench.wiring, TaskContext()), daemon=True)
    thread.start()
    assert begun.wait(10)
    token = CancelToken()
    said: list[str] = []

    def listen(event: Event) -> None:
        said.append(getattr(event, "step", ""))
        if "being built" in said[-1]:
            token.cancel()

    with pytest.raises(Cancelled):
        AssignMac(bench.desk(servers=()), A, "standby1").prepare(TaskContext(listen, token), NOBODY)
    assert said[-1] == "Waiting for the installer image, which is being built"
    go_on.set()
    thread.join(10)
    assert titles(bench.assign(A, servers=()))[0] == "Network boot"
