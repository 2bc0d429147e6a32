"""Taking changes back: in order, never over somebody else's, and what stays is said."""

import stat
from pathlib import Path

import pytest

from backend.change.plan import (
    MakeDirectory,
)
from backend.errors import InvalidInput, Refused
from backend.tasks import TaskContext
from tests.unit.change_journal.head import DHCPD, codes, plan, write


def test_a_file_changed_by_somebody_else_is_not_overwritten_without_force(journal, paths):
    record = journal.apply(plan(write()), TaskContext())
    paths.at(DHCPD).write_text("edited by hand\n")
    with pytest.raises(Refused) as caught:
        journal.undo(record.id, TaskContext())
    assert codes(caught) == ["change.changed-since"]
    assert str(DHCPD) in str(caught.value)
    with pytest.raises(Refused):
        journal.undo_all(TaskContext())
    assert paths.at(DHCPD).read_text() == "edited by hand\n"
    journal.undo(record.id, TaskContext(), force=True)
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    kept = [one.read_text() for one in (paths.journal / record.id).glob("replaced*")]
    assert kept == ["edited by hand\n"]


def test_our_own_later_changes_are_no_reason_to_complain(journal, paths):
    entry = Path("/etc/dhcp/entry")
    journal.apply(plan(write(entry, ours_to_change=True)), TaskContext())
    paths.at(entry).write_text("local boot now\n")
    journal.undo(None, TaskContext())
    assert not paths.at(entry).exists()


def test_an_older_change_waits_for_the_newer_one_that_builds_on_it(journal, paths):
    first = journal.apply(plan(write(content=b"1\n"), title="first"), TaskContext())
    second = journal.apply(plan(write(content=b"2\n"), title="second"), TaskContext())
    with pytest.raises(Refused) as caught:
        journal.undo(first.id, TaskContext(), force=True)
    assert codes(caught) == ["change.newer-builds-on-it"]
    assert second.id in str(caught.value)
    journal.undo(second.id, TaskContext())
    assert paths.at(DHCPD).read_bytes() == b"1\n"
    journal.undo(first.id, TaskContext())
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_undo_all_judges_the_whole_chain_before_it_begins(journal, paths):
    journal.apply(plan(write(content=b"1\n")), TaskContext())
    paths.at(DHCPD).write_text("edited by hand\n")
    journal.apply(plan(write(content=b"2\n")), TaskContext())
    with pytest.raises(Refused):
        journal.undo_all(TaskContext())
    assert paths.at(DHCPD).read_bytes() == b"2\n"


def test_a_directory_in_use_stays_and_that_is_said(journal, paths):
    journal.apply(plan(MakeDirectory(Path("/srv/tftp/haoscar"), "t", 0o711)), TaskContext())
    made = paths.at("/srv/tftp/haoscar")
    assert stat.S_IMODE(made.stat().st_mode) == 0o711
    (paths.at("/srv/tftp") / "foreign").touch()
    said: list[object] = []
    journal.undo(None, TaskContext(said.append))
    assert not made.exists()
    assert (paths.at("/srv/tftp") / "foreign").exists()
    assert "change.directory-kept" in [getattr(one, "code", "") for one in said]


def test_unknown_and_undone_changes_are_refused_by_name(journal):
    with pytest.raises(InvalidInput):
        journal.undo("20000101-000000-1", TaskContext())
    with pytest.raises(Refused):
        journal.undo(None, TaskContext())
    record = journal.apply(plan(write()), TaskContext())
    journal.undo(record.id, TaskContext())
    with pytest.raises(Refused) as caught:
        journal.undo(record.id, TaskContext())
    assert "undone" in str(caught.value)
