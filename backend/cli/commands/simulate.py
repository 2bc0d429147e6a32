"""``haoscar simulate``: random fault schedules on the agent's decisions, without any machine."""

import argparse
import time

from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput
from backend.simulation.recovery_play import RecoveryTotals
from backend.simulation.recovery_play import explained as recovery_explained
from backend.simulation.run import Totals, explained, run_recovery
from backend.simulation.run import run as play
from backend.tasks import TaskContext

MOST_SCHEDULES = 100_000_000
MOST_JOBS = 256


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "simulate",
        help="play random fault schedules on the decisions of failover and self-healing",
        description="Play random schedules of faults (lost, late and doubled messages, partitions, frozen and killed "
        "agents, power losses, drifting clocks, witnesses off, operators) on the decisions of the failover agent, in "
        "this process: no network, nothing is changed. After every step it is checked that two heads never serve, and "
        "at the end that one does. Then schedules of a watched service that fails are played on the decisions of self-healing. The same seed plays the same schedule. A schedule that breaks a rule is made as "
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
    parser.add_argument(
        "--recovery", type=int, metavar="N",
        help="how many schedules of self-healing (default: a quarter of the others; 0: none)",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Play, and say what happened; 1 when a rule was broken."""
    if not 1 <= args.schedules <= MOST_SCHEDULES:
        raise InvalidInput.of("simulate.schedules", f"Schedules are 1 to {MOST_SCHEDULES}.")
    if not 0 <= args.jobs <= MOST_JOBS:
        raise InvalidInput.of("simulate.jobs", f"Jobs are 0 (all processors) to {MOST_JOBS}.")
    if args.recovery is not None and not 0 <= args.recovery <= MOST_SCHEDULES:
        text = f"Schedules of self-healing are 0 to {MOST_SCHEDULES}."
        raise InvalidInput.of("simulate.recovery", text)
    if args.seed < 0:
        raise InvalidInput.of("simulate.seed", "A seed is 0 or more.")
    found, seconds = app.run_task(Simulation(args.schedules, args.seed, args.jobs))
    app.out.say(told(found, seconds))
    stories = [explained(one.seed) for one in found.failures[:1]]
    healing = args.schedules // 4 if args.recovery is None else args.recovery
    healed = RecoveryTotals()
    if healing and not stories:
        healed, took = app.run_task(RecoverySimulation(healing, args.seed, args.jobs))
        app.out.say(healing_told(healed, took))
        stories = [recovery_explained(one.seed) for one in healed.failures[:1]]
    for story in stories:
        app.out.say("")
        app.out.say(story)
    counts = found._asdict()
    del counts["failures"]
    failures = [
        {"seed": seed, "rule": rule, "text": text}
        for seed, rule, text in [
            *((one.seed, one.rule, one.text) for one in found.failures),
            *((one.seed, one.rule, one.text) for one in healed.failures),
        ]
    ]
    app.out.result(
        {
            "ok": not failures,
            "first_seed": args.seed,
            "seconds": round(seconds, 2),
            "per_second": round(found.schedules / seconds),
            **counts,
            "recovery": {name: n for name, n in healed._asdict().items() if name != "failures"},
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


class RecoverySimulation:
    """Many schedules of self-healing as a task; stops at the first that breaks a rule."""

    title = "Simulating self-healing"

    def __init__(self, schedules: int, seed: int, jobs: int) -> None:
        self._schedules, self._seed, self._jobs = schedules, seed, jobs

    def run(self, context: TaskContext) -> tuple[RecoveryTotals, float]:
        """Return what came out, and the seconds that it took."""
        context.step("Playing schedules of self-healing")
        begin = time.monotonic()

        def progress(so_far: RecoveryTotals) -> None:
            detail = f"{so_far.restarts} restarts, {so_far.moves} takeovers"
            context.progress(so_far.schedules, self._schedules, "schedules", detail)

        found = run_recovery(self._schedules, self._seed, self._jobs, progress)
        return found, max(time.monotonic() - begin, 0.001)


def healing_told(found: RecoveryTotals, seconds: float) -> str:
    """Return what happened to the services in one paragraph."""
    verdict = (
        f"{len(found.failures)} broke a rule."
        if found.failures
        else "No budget was exceeded, no role moved twice for one failure, and nothing hung."
    )
    return (
        f"Self-healing: {found.schedules} schedules in {seconds:.1f} s: {found.restarts} restarts, "
        f"{found.moves} takeovers, held {found.holds} times. {verdict}"
    )


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
