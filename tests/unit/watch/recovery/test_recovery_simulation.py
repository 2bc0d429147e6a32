"""Thousands of schedules of a failing service, and the proof that they find what is wrong."""

import json
import time

import pytest

from backend.cli.main import main
from backend.simulation.recovery_plan import draw
from backend.simulation.recovery_play import chunk, explained, minimised, play
from backend.simulation.run import run_recovery
from tests.unit.watch.recovery.mutants import MUTANTS, Mutant, no_budget

SCHEDULES, FIRST_SEED = 5000, 500_000
BOUND = 3000  # within so many schedules each mutant must be found
SECONDS = 5.0

# Seeds that found faults while this was written; each is played for good.
ONCE_FAILING = (131, 317, 4282)


def test_no_rule_is_ever_broken() -> None:
    begin = time.process_time()
    found = chunk(range(FIRST_SEED, FIRST_SEED + SCHEDULES))
    took = time.process_time() - begin
    assert not found.failures, explained(found.failures[0].seed)
    # That something happens.
    assert found.restarts > SCHEDULES
    assert found.moves > SCHEDULES // 10
    assert found.holds > SCHEDULES // 2
    assert took < SECONDS, f"{took:.1f} s"


@pytest.mark.parametrize("seed", ONCE_FAILING)
def test_seeds_that_have_found_something(seed: int) -> None:
    assert not play(draw(seed)).rule, explained(seed)


@pytest.mark.parametrize(("mutant", "rule"), MUTANTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_rule_switched_off_is_noticed(
    mutant: Mutant, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    found: set[str] = set()
    for first in range(1, BOUND, 50):
        found |= {one.rule for one in chunk(range(first, first + 50)).failures}
        if rule in found:
            return
    pytest.fail(f"{BOUND} schedules found only {found or 'nothing'}")


def test_a_seed_always_plays_the_same() -> None:
    assert run_recovery(200, 7, jobs=1) == run_recovery(200, 7, jobs=2)
    assert [play(draw(seed)) for seed in range(20)] == [play(draw(seed)) for seed in range(20)]


def test_a_failing_schedule_is_made_small_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    no_budget(monkeypatch)
    seed = chunk(range(1, 200)).failures[0].seed
    small = minimised(draw(seed))
    assert play(small).rule == "budget"
    assert len(small.faults) < len(draw(seed).faults)
    assert explained(seed).startswith(f"self-healing, seed {seed}: budget: restart ")


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "--schedules", "100", "--recovery", "300", "--jobs", "1", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recovery"]["schedules"] == 300
    assert found["recovery"]["restarts"] > 100


def test_the_command_fails_when_a_rule_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_budget(monkeypatch)
    assert main(["simulate", "--schedules", "100", "--recovery", "300", "--jobs", "1"]) == 1
    said = capsys.readouterr().out
    assert "Self-healing:" in said
    assert "broke a rule" in said
    assert "self-healing, seed" in said
    assert main(["simulate", "--recovery", "-1"]) == 4
