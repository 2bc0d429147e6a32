"""Gaps between answers."""

import pytest

from backend.agent.gaps import Gap, Gaps

EVERY = 5_000


def answered(*moments: int) -> Gaps:
    gaps = Gaps(EVERY)
    for one in moments:
        gaps.answered(one)
    return gaps


def test_what_answers_in_time_has_no_gap() -> None:
    gaps = answered(*range(1_000_000, 2_000_000, EVERY))
    gaps.ended(2_000_000)
    found = gaps.as_dict(200, 50.0, 2_000_000)
    assert (found["longest_ms"], found["gaps"], found["answered"]) == (0, [], 200)
    assert gaps.first == 1_000_000


@pytest.mark.parametrize(("length", "counts"), [(3 * EVERY, False), (3 * EVERY + 1, True)])
def test_a_few_lost_answers_are_no_gap(length: int, counts: bool) -> None:
    gaps = answered(1_000_000, 1_000_000 + length)
    assert gaps.found == ([Gap(1_000_000, length)] if counts else [])


def test_a_gap_is_placed_by_the_time_of_day() -> None:
    gaps = answered(1_000_000, 1_300_000, 1_305_000)
    found = gaps.as_dict(9, 5000.0, 2_305_000)
    assert found["gaps"] == [{"time": pytest.approx(5000.0 - 1.305), "ms": 300.0}]
    assert found["longest_ms"] == 300.0


def test_what_never_comes_back_has_a_gap_up_to_the_end() -> None:
    gaps = answered(1_000_000, 1_005_000)
    gaps.ended(3_005_000)
    assert gaps.found == [Gap(1_005_000, 2_000_000)]


def test_what_never_answered_has_no_gap_but_no_answers_either() -> None:
    gaps = Gaps(EVERY)
    gaps.ended(9_000_000)
    found = gaps.as_dict(100, 1.0, 9_000_000)
    assert (found["answered"], found["gaps"]) == (0, [])


def test_a_gap_in_which_the_prober_was_late_is_doubtful() -> None:
    gaps = answered(1_000_000)
    gaps.late(8_000)
    gaps.answered(1_050_000)
    gaps.answered(1_100_000)  # not late in this one
    gaps.late(1_000)
    gaps.answered(1_150_000)  # late, but not by enough to matter
    found = gaps.as_dict(4, 1.0, 1_150_000)
    assert (found["doubtful"], len(found["gaps"]), found["own_lateness_ms"]) == (1, 3, 8.0)


def test_lateness_that_an_answer_has_followed_is_over() -> None:
    gaps = answered(1_000_000)
    gaps.late(9_000)
    gaps.answered(1_010_000)  # no gap
    gaps.answered(1_400_000)
    assert (gaps.doubtful, len(gaps.found)) == (0, 1)
