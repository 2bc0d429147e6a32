"""Plays many schedules on all processors, and tells of the first that breaks a rule."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from backend.simulation.plan import draw
from backend.simulation.play import Outcome, minimised, play, play_seed
from backend.simulation.recovery_play import RecoveryTotals
from backend.simulation.recovery_play import chunk as recovery_chunk
from backend.simulation.story import Story

T = TypeVar("T")

CHUNK = 100  # schedules that a worker plays at a time
MOST_FAILURES = 20  # kept; more say nothing new


class Totals(NamedTuple):
    """What many schedules came to; counts of all of them."""

    schedules: int = 0
    takeovers: int = 0
    handovers: int = 0
    lapses: int = 0
    solos: int = 0  # times of serving alone on a promise
    forces: int = 0
    adoptions: int = 0
    failures: tuple[Outcome, ...] = ()

    def plus(self, other: "Totals") -> "Totals":
        """Return the sum."""
        return Totals(
            self.schedules + other.schedules,
            self.takeovers + other.takeovers,
            self.handovers + other.handovers,
            self.lapses + other.lapses,
            self.solos + other.solos,
            self.forces + other.forces,
            self.adoptions + other.adoptions,
            (self.failures + other.failures)[:MOST_FAILURES],
        )


def chunk(seeds: range) -> Totals:
    """Play the schedules of some seeds, in this process."""
    found = [play_seed(seed) for seed in seeds]
    return Totals(
        schedules=len(found),
        takeovers=sum(one.takeovers for one in found),
        handovers=sum(one.handovers for one in found),
        lapses=sum(one.lapses for one in found),
        solos=sum(one.solos for one in found),
        forces=sum(one.forces for one in found),
        adoptions=sum(one.adoptions for one in found),
        failures=tuple(one for one in found if one.rule),
    )


def run(
    schedules: int, seed: int, jobs: int = 0, progress: Callable[[Totals], None] | None = None,
    *, stop_at_first: bool = True,
) -> Totals:  # fmt: skip
    """Play ``schedules`` schedules, the seeds counting up from ``seed``, on ``jobs`` processors (0:
    all of them); ``progress`` is called with what came out so far."""
    total = Totals()
    for part in _parts(chunk, schedules, seed, jobs or os.cpu_count() or 1):
        total = total.plus(part)
        if progress is not None:
            progress(total)
        if total.failures and stop_at_first:
            break
    return total


def run_recovery(
    schedules: int, seed: int, jobs: int = 0,
    progress: Callable[[RecoveryTotals], None] | None = None,
) -> RecoveryTotals:  # fmt: skip
    """Play schedules of self-healing in the same way; ends at the first that breaks a rule."""
    total = RecoveryTotals()
    for part in _parts(recovery_chunk, schedules, seed, jobs or os.cpu_count() or 1):
        total = total.plus(part)
        if progress is not None:
            progress(total)
        if total.failures:
            break
    return total


def _parts(play: Callable[[range], T], schedules: int, seed: int, jobs: int) -> Iterator[T]:
    end = seed + schedules
    seeds = [range(one, min(one + CHUNK, end)) for one in range(seed, end, CHUNK)]
    if jobs == 1 or len(seeds) == 1:
        yield from map(play, seeds)
        return
    # Forked workers play what this process has loaded; a test may have changed a rule in it.
    with multiprocessing.get_context("fork").Pool(jobs, _begin) as pool:
        yield from pool.imap(play, seeds)


def _begin() -> None:
    """Get a worker ready. It ends when it is told to: the command's handlers are not for it.
    Garbage is collected seldom: nearly everything dies by itself."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def explained(seed: int) -> str:
    """Return the story of a failing seed, with as few faults as still break the same rule."""
    plan = minimised(draw(seed))
    story = Story()
    outcome = play(plan, story)
    head = (
        f"seed {seed}: {outcome.rule}: {outcome.text}\n"
        f"{plan.witnesses} witnesses, messages take up to {plan.delay / 1000:.1f} ms, loss "
        f"{plan.loss:.0%}, twice {plan.twice:.0%}, very late {plan.late:.0%}, "
        f"clock rates {plan.rates[1:]} thousandths"
    )
    return "\n".join([head, *story.lines])
