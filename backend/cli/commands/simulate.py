"""``haoscar simulate``: random fault schedules on the agent's decisions, without any machine."""

import argparse
import time

from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput
from backend.simulation.run import Totals, explained
from backend.simulation.run import run as play
from backend.tasks import TaskContext

MOST_SCHEDULES = 100_000_000
MOST_JOBS = 256


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "simulate",
        help="play random fault schedules on the failover agent's decisions",
        description="Play random schedules of faults (lost, late and doubled messages, partitions, frozen and killed "
        "agents, power losses, drifting clocks, witnesses off, operators) on the decisions of the failover agent, in "
        "this process: no network, nothing is changed. After every step it is checked that two heads never serve, and "
        "at the end that one does. The same seed plays the same schedule. A schedule that breaks a rule is made as "
        "small as possible and told; the command then ends with 1.",
    )
    parser.add_argument(
        "--schedules", type=int, default=20_000, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="of the first one (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="processes (default: one per processor)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Play, and say what happened; 1 when a rule was broken."""
    if not 1 <= args.schedules <= MOST_SCHEDULES:
        raise InvalidInput.of("simulate.schedules", f"Schedules are 1 to {MOST_SCHEDULES}.")
    if not 0 <= args.jobs <= MOST_JOBS:
        raise InvalidInput.of("simulate.jobs", f"Jobs are 0 (all processors) to {MOST_JOBS}.")
    if args.seed < 0:
        raise InvalidInput.of("simulate.seed", "A seed is 0 or more.")
    found, seconds = app.run_task(Simulation(args.schedules, args.seed, args.jobs))
    stories = [explained(one.seed) for one in found.failures[:1]]
    app.out.say(told(found, seconds))
    for story in stories:
        app.out.say("")
        app.out.say(story)
    counts = found._asdict()
    del counts["failures"]
    failures = [{"seed": one.seed, "rule": one.rule, "text": one.text} for one in found.failures]
    app.out.result(
        {
            "ok": not failures,
            "first_seed": args.seed,
            "seconds": round(seconds, 2),
            "per_second": round(found.schedules / seconds),
            **counts,
            "failures": failures,
            "stories": stories,
        }
    )
    return 1 if failures else 0


class Simulation:
    """Many schedules as a task; stops at the first that breaks a rule."""

    title = "Simulating"

    def __init__(self, schedules: int, seed: int, jobs: int) -> None:
        self._schedules, self._seed, self._jobs = schedules, seed, jobs

    def run(self, context: TaskContext) -> tuple[Totals, float]:
        """Return what came out, and the seconds that it took."""
        context.step("Playing schedules")
        begin = time.monotonic()

        def progress(so_far: Totals) -> None:
            rate = so_far.schedules / max(time.monotonic() - begin, 0.001)
            detail = (
                f"{rate:.0f}/s: {so_far.takeovers} takeovers, {so_far.handovers} hand-overs, "
                f"{so_far.lapses} lapses"
            )
            context.progress(so_far.schedules, self._schedules, "schedules", detail)

        found = play(self._schedules, self._seed, self._jobs, progress)
        return found, max(time.monotonic() - begin, 0.001)


def told(found: Totals, seconds: float) -> str:
    """Return what happened in one paragraph."""
    verdict = (
        f"{len(found.failures)} broke a rule."
        if found.failures
        else "Never did two heads serve, and one always served in the end."
    )
    return (
        f"{found.schedules} schedules in {seconds:.1f} s, {found.schedules / seconds:.0f} a second: "
        f"{found.takeovers} takeovers, {found.handovers} hand-overs, {found.lapses} lapses, "
        f"{found.solos} times serving alone on a promise, {found.forces} by force, "
        f"{found.adoptions} restarts within a lease. {verdict}"
    )
