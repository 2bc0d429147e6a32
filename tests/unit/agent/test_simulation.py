"""Thousands of random fault schedules on the decision core, and the proof that they find faults."""

import json
import os

import pytest

from backend.cli.main import main
from backend.simulation.plan import draw
from backend.simulation.play import minimised, play, play_seed
from backend.simulation.run import explained, run
from tests.unit.agent.mutants import MUTANTS, Mutant, grant_shortened

SCHEDULES = 20_000
FIRST_SEED = 1_000_000
BOUND = 10_000  # within so many schedules each mutant must be found
SAFETY = {"dual", "open", "promise", "term", "dead", "length"}

# Seeds that found faults in the core while it was written; each is played for good.
ONCE_FAILING = (
    228, 282, 339, 635, 974, 1218, 1365, 2654, 2804, 2915, 100239, 100293, 101536, 102897, 203684,
    205560, 205702, 206236, 206566, 206752, 207575,
)  # fmt: skip

PLAN_42 = (1, 3000, (989, 991, 983, 989), 1050000)
BEGINS_42 = [427163, 494302, 593919, 593919, 707479, 779474]


def test_two_heads_never_serve_and_one_does_in_the_end() -> None:
    found = run(SCHEDULES, FIRST_SEED, jobs=os.cpu_count() or 1)
    assert not found.failures, explained(found.failures[0].seed)
    assert found.schedules == SCHEDULES
    # That something happens: each way to come into the role and out of it, many times.
    assert found.takeovers > SCHEDULES
    assert found.handovers > SCHEDULES // 10
    assert found.lapses > SCHEDULES // 10
    assert found.solos > SCHEDULES // 50
    assert found.forces > SCHEDULES // 50
    assert found.adoptions > SCHEDULES // 100


@pytest.mark.parametrize("seed", ONCE_FAILING)
def test_seeds_that_have_found_something(seed: int) -> None:
    outcome = play_seed(seed)
    assert not outcome.rule, explained(seed)


@pytest.mark.parametrize(("mutant", "seed"), MUTANTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_rule_switched_off_is_noticed(
    mutant: Mutant, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    found = run(200, seed)
    if not found.failures:
        found = run(BOUND, 1)
    assert found.failures, f"{BOUND} schedules did not notice"
    assert found.failures[0].rule in SAFETY


def test_a_seed_always_plays_the_same() -> None:
    assert [play_seed(seed) for seed in range(20)] == [play_seed(seed) for seed in range(20)]
    alone, together = run(400, 7, jobs=1), run(400, 7, jobs=2)
    assert alone == together


def test_a_seed_means_the_same_everywhere() -> None:
    # Written down once: another version of Python, another machine must draw the same.
    plan = draw(42)
    assert (plan.witnesses, plan.delay, plan.rates, plan.heal) == PLAN_42
    assert [fault.begin for fault in plan.faults] == BEGINS_42


def test_a_failing_schedule_is_made_small_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    grant_shortened(monkeypatch)
    seed = run(200, 1, jobs=1).failures[0].seed
    small = minimised(draw(seed))
    assert play(small).rule == "dual"
    assert len(small.faults) < len(draw(seed).faults)
    story = explained(seed)
    assert story.startswith(f"seed {seed}: dual: head ")
    assert "campaign for term" in story
    assert "!! dual: " in story.splitlines()[-1]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--schedules", "200", "--jobs", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["schedules"] == 200
    assert found["takeovers"] >= 200
    assert found["per_second"] > 0


def test_the_command_fails_when_a_rule_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant_shortened(monkeypatch)
    assert main(["simulate", "--schedules", "200", "--jobs", "1"]) == 1
    said = capsys.readouterr().out
    assert "1 broke a rule" in said or "broke a rule." in said
    assert "opens its gate, head" in said


def test_the_command_refuses_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--schedules", "0"]) == 4
    assert main(["simulate", "--jobs", "-1"]) == 4
    assert main(["simulate", "--seed", "-1"]) == 4
    capsys.readouterr()
