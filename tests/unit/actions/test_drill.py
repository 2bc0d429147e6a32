"""The drill as an action: shown before it is made, made as it was shown, and remembered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.actions import reaching
from backend.actions.action import Prepared
from backend.actions.drill import DrillAction, Drilled, DrillRequest
from backend.actions.reaching import Way
from backend.actions.status_drill import LastDrill, last_drill
from backend.drill import task
from backend.drill.faults import Fault
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.reports import Severity
from backend.rollout.member import Member
from backend.system.links import NetworkSnapshot
from backend.system.runner import Runner
from backend.system.ssh import Credentials
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.fakes.drill_world import DrillWorld
from tests.unit.actions.test_standby import Nobody
from tests.unit.drill.test_command import SITE

WAY = Way(credentials=Credentials("root"))


class Head:
    """A head with its site file, and the members beside it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = Wiring.rooted_at(root)
        self.world = DrillWorld()
        self.open = 0
        self.wiring.paths.site_file.parent.mkdir(parents=True)
        self.wiring.paths.site_file.write_text(SITE)
        monkeypatch.setattr(reaching, "snapshot", NetworkSnapshot)
        monkeypatch.setattr(reaching, "reach", lambda *_arguments: self.reach)
        monkeypatch.setattr(task, "CALM", 0.005)
        monkeypatch.setattr(task, "STEP", 0.005)

    @contextmanager
    def reach(self, member: Member) -> Iterator[Runner]:
        self.open += 1
        try:
            yield self.world.machine(member.name)
        finally:
            self.open -= 1

    def prepare(self, fault: Fault = Fault.PLANNED, *, back: bool = False) -> Prepared[Drilled]:
        request = DrillRequest(fault, seconds=0, back=back)
        return DrillAction(self.wiring, request, WAY).prepare(TaskContext(), Nobody())


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


def test_it_is_shown_by_machine_with_its_risks_and_nothing_is_held(head: Head) -> None:
    made = head.prepare(Fault.AGENT_FROZEN)
    assert made.title == "Drill: agent-frozen on head1"
    assert [one.title for one in made.groups] == ["head1", "node1", "node2", "What is promised"]
    assert "is stopped (SIGSTOP)" in made.groups[0].changes[0].sentence
    assert made.groups[1].changes[0].sentence.startswith("Measured on node1, every 5 ms: 10.0.0.1")
    assert [one.code for one in made.reports] == ["drill.risk"]
    assert head.world.log == []
    assert head.open == 0  # no connection waits while somebody reads
    with reaching.turn(head.wiring, "install-agent"):  # and no lock
        pass


def test_its_result_has_the_phases_and_is_remembered(head: Head) -> None:
    made = head.prepare()
    drilled = made.run(TaskContext())
    assert drilled.ok
    assert drilled.outcome.after == ("head2", 8)
    assert [one.name for one in drilled.phases] == ["detect", "decide", "take over", "announce"]
    assert drilled.total_ms == 8.0
    told = made.tell(drilled)
    assert told.sentence == "Passed: 10.0.0.1 did not answer node1 for 8 ms, within the budget."
    assert (told.severity, told.next) == (Severity.INFO, "")
    assert "Before: head1, term 7. After: head2, term 8." in told.details
    kept = last_drill(head.wiring.paths)
    assert kept is not None
    assert (kept.total_ms, kept.phases) == (8.0, drilled.phases)
    assert head.open == 0


def test_a_drill_that_took_too_long_is_told_and_remembered_as_a_failure(head: Head) -> None:
    head.world.gap_ms = 306.0
    made = head.prepare()
    drilled = made.run(TaskContext())
    told = made.tell(drilled)
    assert told.sentence == "Failed: 10.0.0.1 did not answer node1 for 306 ms, too long."
    assert (told.severity, told.worst) == (Severity.ERROR, Severity.ERROR)
    assert "repeat the drill" in told.next
    kept = last_drill(head.wiring.paths)
    assert kept is not None
    assert (kept.verdict, kept.passed) == (told.sentence, False)


def test_a_way_back_that_took_too_long_is_no_pass(head: Head) -> None:
    faults: list[str] = []

    def fault() -> None:
        faults.append("")
        head.world.gap_ms = 8.0 if len(faults) == 1 else 306.0

    head.world.on_fault = fault
    made = head.prepare(back=True)
    drilled = made.run(TaskContext())
    told = made.tell(drilled)
    assert drilled.outcome.ok
    assert told.sentence == (
        "On the way back: Failed: 10.0.0.1 did not answer node1 for 306 ms, too long."
    )
    assert told.severity is Severity.ERROR
    assert not LastDrill.of(drilled).passed


def test_roles_that_have_changed_since_it_was_shown_stop_it(head: Head) -> None:
    made = head.prepare()
    head.world.active = "head2"
    with pytest.raises(Refused, match="head1 is not the active head any more"):
        made.run(TaskContext())
    assert head.world.log == []
    assert last_drill(head.wiring.paths) is None


def test_a_way_back_that_fails_does_not_lose_what_was_measured(head: Head) -> None:
    head.world.on_fault = lambda: head.world.spoilt.update(head2={"refuse": True})
    made = head.prepare(back=True)
    drilled = made.run(TaskContext())
    assert len(drilled.outcomes) == 1
    assert not drilled.ok
    told = made.tell(drilled)
    assert told.sentence.startswith("Passed: ")
    assert (told.severity, told.worst) == (Severity.INFO, Severity.ERROR)
    assert any("no switchover: not now" in one.text for one in told.reports)


def test_a_pair_that_is_not_well_is_refused_before_anything_is_shown(head: Head) -> None:
    head.world.spoilt["head2"] = {"health": {"fit": False, "maintenance": False, "stopping": False}}
    with pytest.raises(Refused, match="head2 is not fit"):
        head.prepare()
    assert head.open == 0


def test_what_cannot_be_meant() -> None:
    with pytest.raises(InvalidInput, match="at most 120"):
        DrillRequest(seconds=121)
    with pytest.raises(HaoscarError, match="has just been reset"):
        DrillRequest(Fault.POWER_LOSS, back=True)
