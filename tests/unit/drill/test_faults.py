"""What each fault may cost, and what is said before it happens."""

import pytest

from backend.drill.faults import Fault, budget_ms, question, what_happens


@pytest.mark.parametrize(
    ("fault", "lease", "budget"),
    [
        (Fault.PLANNED, 300, 25),
        (Fault.PLANNED, 120, 25),  # a hand-over waits for no lease
        (Fault.AGENT_KILLED, 300, 400),
        (Fault.AGENT_FROZEN, 120, 220),
        (Fault.POWER_LOSS, 300, 400),
    ],
)
def test_budgets(fault: Fault, lease: float, budget: float) -> None:
    assert budget_ms(fault, lease) == budget


@pytest.mark.parametrize("fault", Fault)
def test_it_is_said_what_happens_to_whom(fault: Fault) -> None:
    does, wrong = what_happens(fault, "master", "spare")
    assert "master" in does
    assert "spare" in does
    assert wrong.startswith("What can go wrong: ")
    assert "{" not in does + wrong
    assert "master" in question(fault, "master")


def test_the_loss_of_power_has_words_of_its_own() -> None:
    does, wrong = what_happens(Fault.POWER_LOSS, "master", "spare")
    assert "nothing is written to its disks first" in does
    assert "is lost" in wrong
    assert question(Fault.POWER_LOSS, "m") == "Reset m NOW, without shutting it down?"
    assert question(Fault.PLANNED, "m") != question(Fault.POWER_LOSS, "m")
