"""The verdicts."""

import json
from typing import Any

import pytest

from backend.drill.faults import Fault
from backend.drill.outcome import Gap, Outcome, Row, Sentence, Verdict
from backend.drill.targets import Target

VIP = Target("10.0.0.1", "private", budget_ms=400.0)
SSH = Target("10.0.0.1", "private", "ssh", 22, None)


def row(*gaps: Gap, target: Target = VIP, **more: Any) -> Row:
    return Row("node1", target, gaps, 1000, 990, **more)


def outcome(*rows: Row, **more: Any) -> Outcome:
    return Outcome(
        Fault.POWER_LOSS, "2026-01-01T00:00:00+00:00", 4.0, 300.0, 400.0, ("head1", "head2", 7),
        ("head2", 8), rows, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (row(), Verdict.WITHIN),
        (row(Gap(0.01, 400.0)), Verdict.WITHIN),
        (row(Gap(0.01, 400.5)), Verdict.TOO_LONG),
        (row(Gap(0.01, 300.0), Gap(2.0, 401.0)), Verdict.TOO_LONG),  # a second outage counts
        (row(Gap(-0.9, 800.0)), Verdict.WITHIN),  # it had ended before the fault
        (row(Gap(-0.2, 500.0)), Verdict.TOO_LONG),  # it had not
        (row(Gap(0.0, 430.0), lateness_ms=50.0, doubtful=1), Verdict.DOUBTFUL),
        (row(Gap(0.0, 430.0), lateness_ms=50.0), Verdict.TOO_LONG),  # late, but not in a gap
        (row(Gap(0.0, 460.0), lateness_ms=50.0, doubtful=1), Verdict.TOO_LONG),  # not by so much
        (row(Gap(0.0, 390.0), lateness_ms=50.0, doubtful=1), Verdict.WITHIN),
        (row(Gap(0.0, 9000.0), target=SSH), Verdict.NOT_JUDGED),
        (row(problem="gone"), Verdict.NOT_MEASURED),
    ],
)
def test_rows(one: Row, verdict: Verdict) -> None:
    assert one.verdict is verdict
    assert outcome(one).ok == verdict.good


def test_the_whole_is_what_its_worst_part_is() -> None:
    good, bad = row(Gap(0.0, 300.0)), row(Gap(0.0, 500.0))
    assert outcome(good).verdict == (
        "Passed: 10.0.0.1 did not answer node1 for 300 ms, within the budget."
    )
    assert outcome(good, bad).verdict == (
        "Failed: 10.0.0.1 did not answer node1 for 500 ms, too long."
    )
    assert (
        outcome(row()).verdict == "Passed: nothing was away for more than 15 ms, within the budget."
    )
    assert "nobody can tell" in outcome(row(Gap(0, 410.0), lateness_ms=20.0, doubtful=1)).verdict
    assert outcome(row(problem="it was cut off")).verdict == (
        "Failed: node1 did not measure 10.0.0.1: it was cut off."
    )
    # What nobody has promised is no outage to blame, and none to boast of.
    unjudged = row(Gap(0.0, 9000.0), target=SSH)
    assert "for 500 ms, too long" in outcome(unjudged, bad).verdict
    assert "for 300 ms, within" in outcome(unjudged, good).verdict
    wrong = outcome(good, problems=("No head is active.",))
    assert not wrong.ok
    assert wrong.verdict == "Failed: No head is active."
    assert not outcome().ok
    assert outcome().verdict == "Failed: nothing was measured."


def test_an_outage_that_is_not_the_takeovers_is_judged_and_said_to_be_late() -> None:
    serves = Sentence(0.003, "head2", "decision", "active, term 8: handed over")
    found = outcome(row(Gap(3.32, 500.0)), sentences=(serves,))
    assert found.verdict == (
        "Failed: 10.0.0.1 did not answer node1 for 500 ms, 3.3 s after the fault, too long."
    )


def test_a_probers_result_is_placed_by_the_fault() -> None:
    result = {
        "asked": 200, "answered": 150, "own_lateness_ms": 0.4, "doubtful": 0, "longest_ms": 250.0,
        "gaps": [{"time": 999.0, "ms": 20.0}, {"time": 1000.1, "ms": 250.0}],
    }  # fmt: skip
    found = Row.of("node1", VIP, result, 1000.0)
    assert found.before_ms == 20.0
    assert found.longest_ms == 250.0
    assert [round(one.begin, 3) for one in found.after] == [0.1]
    assert Row.of("node1", VIP, {"gaps": 3}, 0.0).verdict is Verdict.NOT_MEASURED
    assert Row.of("node1", VIP, {**result, "gaps": [{}]}, 0.0).problem


def test_json() -> None:
    said = Sentence(0.3012345, "head2", "decision", "active, term 8: elected")
    found = json.loads(json.dumps(outcome(row(Gap(0.1, 250.0)), row(target=SSH), sentences=(said,)).as_dict()))  # fmt: skip
    assert found["fault"] == "power-loss"
    assert found["ok"] is True
    assert found["before"] == {"active": "head1", "standby": "head2", "term": 7}
    assert found["after"] == {"active": "head2", "term": 8}
    assert [(one["service"], one["longest_ms"], one["verdict"]) for one in found["rows"]] == [
        (None, 250.0, "within"), ("ssh", 0.0, "not_judged"),
    ]  # fmt: skip
    assert found["sentences"] == [
        {"at_s": 0.3012, "head": "head2", "kind": "decision", "sentence": "active, term 8: elected"}
    ]
