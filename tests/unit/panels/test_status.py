"""The words of the status page."""

from backend.actions.status_drill import LastDrill
from backend.agent.core.timing import Timing
from panels.status import HELP
from panels.status_view import drill_verdict

NUMBERS = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 10: "ten times"}


def test_the_help_knows_how_often_the_lease_is_renewed() -> None:
    assert f"renewed {NUMBERS[Timing().rounds]} in its length" in HELP


def test_a_drill_is_told_with_the_sign_and_the_colour_of_its_end() -> None:
    passed = LastDrill("", "", "Passed: well.", (), 8.0, 25.0, passed=True)
    failed = LastDrill("", "", "Failed: too long.", (), 306.0, 25.0, passed=False)
    assert drill_verdict(passed) == ("✔ Passed: well.", "Ok.TLabel")
    assert drill_verdict(failed) == ("✖ Failed: too long.", "Error.TLabel")
