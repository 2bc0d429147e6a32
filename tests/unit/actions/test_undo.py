"""Undo as an action: shown first, then done by the journal."""

from pathlib import Path

import pytest

from backend.actions.undo import UndoChange
from backend.change.plan import Plan, WriteFile
from backend.change.preview import ChangeKind
from backend.errors import InvalidInput, Refused
from backend.tasks import TaskContext
from backend.wiring import Wiring


class Nobody:
    """A person who must not be asked."""

    def trust_host_key(self, *_words: object) -> bool:
        raise AssertionError

    def secret(self, *_words: object) -> None:
        raise AssertionError


def changed(wiring: Wiring) -> str:
    file = wiring.paths.at("/etc/old.conf")
    file.parent.mkdir(parents=True)
    file.write_text("before\n")
    plan = Plan(
        "Write two files", "Two.",
        (WriteFile(Path("/etc/old.conf"), b"after\n", ""), WriteFile(Path("/etc/new.conf"), b"", "")),
    )  # fmt: skip
    return wiring.journal().apply(plan, TaskContext()).id


def test_it_says_what_it_will_do_and_then_does_it(tmp_path: Path) -> None:
    wiring = Wiring.rooted_at(tmp_path)
    record = changed(wiring)
    prepared = UndoChange(wiring, record).prepare(TaskContext(), Nobody())
    assert prepared.title == "Undo: Write two files"
    (group,) = prepared.groups
    assert [one.sentence for one in group.changes] == [
        "Remove /etc/new.conf.", "Restore /etc/old.conf.",
    ]  # fmt: skip
    assert [one.kind for one in group.changes] == [ChangeKind.REMOVED, ChangeKind.CHANGED]
    assert (tmp_path / "etc/new.conf").exists()
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence == "Undone: Write two files."
    assert (tmp_path / "etc/old.conf").read_text() == "before\n"
    assert not (tmp_path / "etc/new.conf").exists()


def test_what_is_unknown_or_undone_already_is_refused(tmp_path: Path) -> None:
    wiring = Wiring.rooted_at(tmp_path)
    record = changed(wiring)
    with pytest.raises(InvalidInput):
        UndoChange(wiring, "20200101-000000-1").prepare(TaskContext(), Nobody())
    wiring.journal().undo(record, TaskContext())
    with pytest.raises(Refused):
        UndoChange(wiring, record).prepare(TaskContext(), Nobody())
