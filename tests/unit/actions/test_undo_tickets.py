"""Undoing an assignment: the card's ticket goes with it, and a running installation is not cut off."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.actions.undo import UndoChange
from backend.actions.undo_tickets import cards_given, take_back
from backend.change.plan import Plan
from backend.change.preview import ChangeKind
from backend.change.records import ChangeRecord
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.ticket import Ticket, TicketState
from backend.errors import Refused
from backend.tasks import TaskContext
from tests.fakes.mac_head import A, C, MacHead
from tests.fakes.persons import NOBODY

KEY = PublicKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43)


def given(root: Path) -> tuple[MacHead, ChangeRecord]:
    """Return a head on which standby1 has a card already, and the change that gave standby2 one."""
    head = MacHead(root)
    head.assigned(C, None)
    first, second = head.site.standbys
    site = replace(head.site, standbys=(first, replace(second, mac=A)))
    plan = Plan("Assign", "A card.", (head.wiring.store().write_step(site),))
    record = head.wiring.journal().apply(plan, TaskContext())
    for standby in site.standbys:
        Installs(head.paths).arm(site, standby, 1)
    return head, record


def state(head: MacHead, ticket: int) -> TicketState:
    """Return the state of the card's ticket."""
    found = Installs(head.paths).ticket((C, A)[ticket])
    assert found is not None
    return found.state


def test_the_ticket_of_the_card_goes_and_is_shown_before(tmp_path: Path) -> None:
    head, record = given(tmp_path)
    prepared = UndoChange(head.wiring, record.id).prepare(TaskContext(), NOBODY)
    (group,) = prepared.groups
    last = group.changes[-1]
    assert last.sentence == "Take back the ticket of standby2: it is not installed any more."
    assert last.kind is ChangeKind.REMOVED
    prepared.run(TaskContext())
    assert head.cards == [C, None]
    assert [state(head, 0), state(head, 1)] == [TicketState.ARMED, TicketState.DISARMED]


def test_a_card_that_has_no_ticket_any_more_is_not_mentioned(tmp_path: Path) -> None:
    head, record = given(tmp_path)
    Installs(head.paths).disarm(A)
    prepared = UndoChange(head.wiring, record.id).prepare(TaskContext(), NOBODY)
    assert not [one for one in prepared.groups[0].changes if "ticket" in one.sentence]


def test_a_machine_that_is_being_installed_is_not_cut_off(tmp_path: Path) -> None:
    head, record = given(tmp_path)
    installs = Installs(head.paths)
    installs.admit(A, KEY)
    installs.change(A, Ticket.running)
    with pytest.raises(Refused, match="being installed right now"):
        take_back(head.wiring, record, TaskContext())
    assert head.cards == [C, A]
    assert state(head, 1) is TicketState.RUNNING


def test_a_site_file_that_cannot_be_read_gives_no_cards(tmp_path: Path) -> None:
    head, record = given(tmp_path)
    assert cards_given(head.wiring, record) == (A,)
    head.paths.site_file.write_text("cluster = [", encoding="utf-8")
    assert cards_given(head.wiring, record) == ()


def test_a_damaged_ticket_hinders_no_undo(tmp_path: Path) -> None:
    head, record = given(tmp_path)
    (Installs(head.paths).directory(A) / "ticket.json").write_text("{", encoding="utf-8")
    UndoChange(head.wiring, record.id).prepare(TaskContext(), NOBODY).run(TaskContext())
    assert head.cards == [C, None]
