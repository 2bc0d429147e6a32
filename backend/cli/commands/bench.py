"""``haoscar bench``: measurements in the virtual cluster, for whoever changes something."""

import argparse
from pathlib import Path

from backend.amounts import duration
from backend.cli import report_directory
from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput

MOST_ROUNDS = 50
MOST_PROCESSORS = 16
MOST_REPEATS = 1000


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench",
        help="measure in a virtual cluster on this machine",
        description="Measure in a virtual cluster: nothing of this machine is touched, nothing is left behind.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    copy = actions.add_parser(
        "copy",
        help="the copy of an image beside bare rsync to the same disk",
        description="Start the installer in a blank machine and copy the head's image, turn and turn about: as the "
        "installation does it (rsync over SSH), and with bare rsync from a server without encryption. Each copy goes to "
        "a new file system on the same disk and is timed until everything is written.",
    )
    copy.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="of each way (default: %(default)s)"
    )
    copy.add_argument(
        "--processors", type=int, default=1, metavar="N", help="of the guest (default: %(default)s)"
    )
    copy.set_defaults(run=run_copy)
    _register_failover(actions)
    _register_monitoring(actions)


def _register_failover(actions: Subparsers) -> None:
    failover = actions.add_parser(
        "failover",
        help="what clients see of every fault, beside keepalived in the same run",
        description="Two heads, three witnesses and clients in network namespaces; every fault happens to HA-OSCAR's "
        "agent and to keepalived (VRRPv3, 0.1 s), turn and turn about, while clients ask for the virtual IPs every "
        "5 ms and a judge every 2 ms whether both heads answer. Exits with 1 when a promise was not kept.",
    )
    failover.add_argument(
        "--against", choices=("keepalived", "nothing"), default="keepalived",
        help="what to compare with (default: %(default)s)",
    )  # fmt: skip
    failover.add_argument(
        "--faults",
        default="",
        metavar="F1,F10,...",
        help="which ones (default: all; F7 means F7a and F7b)",
    )
    failover.add_argument(
        "--repeats", type=int, default=5, metavar="N",
        help="of each fault; those that last long are repeated a quarter as often (default: %(default)s)",
    )  # fmt: skip
    failover.add_argument(
        "--profile", choices=("default", "fast"), default="default", help="of the agent's leases"
    )
    failover.add_argument(
        "--short", action="store_true", help="let the long faults last a fraction only"
    )
    failover.add_argument(
        "--agent",
        type=Path,
        metavar="FILE",
        help="a haoscar-agent.pyz to measure (default: this program's source)",
    )
    failover.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="also write failover.json and the engines' logs there",
    )
    failover.set_defaults(run=run_failover)


def _register_monitoring(actions: Subparsers) -> None:
    monitoring = actions.add_parser(
        "monitoring",
        help="what the watch list costs, and network use against polling interval and message size",
        description="Two heads with real agents, watch processes and snmpd in network namespaces: the processor time, "
        "memory and network of watch lists of several sizes, how late checks begin, and what polling costs the network. "
        "Exits with 1 when a promise was not kept.",
    )
    monitoring.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="also write a report there, in HTML with a chart",
    )
    monitoring.add_argument(
        "--quick", action="store_true", help="half a minute, with fewer services and rough figures"
    )
    monitoring.add_argument(
        "--agent",
        type=Path,
        metavar="FILE",
        help="a haoscar-agent.pyz to measure (default: this program's source)",
    )
    monitoring.set_defaults(run=run_monitoring)


def run_monitoring(args: argparse.Namespace, app: App) -> int:
    """Measure, print the tables and write the report."""
    from backend.lab.monitoring import report, results
    from backend.lab.monitoring.bench import BenchMonitoring

    _check_files(args)
    task = BenchMonitoring(args.quick, args.agent and args.agent.resolve(), app.paths)
    app.out.say(f"This takes about {duration(task.seconds)}.")
    found = app.run_task(task)
    if args.output is not None:
        report.write(found, args.output)
    app.out.table(results.LOAD_HEADERS, results.load_cells(found.loads))
    app.out.table(results.POLL_HEADERS, results.poll_cells(found.polls))
    app.out.table(results.PROMISE_HEADERS, results.promise_cells(found.promises))
    for sentence in found.problems:
        app.out.say(sentence)
    app.out.say("Every promise was kept." if found.kept else "Not every promise was kept.")
    if args.output is not None:
        app.out.say(f"The report is in {args.output}.")
    app.out.result(found.as_dict())
    return 0 if found.kept else 1


def _check_files(args: argparse.Namespace) -> None:
    """Say before minutes pass that a file is not there, or that one cannot be written."""
    if args.agent is not None and not args.agent.is_file():
        raise InvalidInput.of("bench.agent", f"There is no file {args.agent}.")
    if args.output is not None and (args.output.is_dir() or not args.output.parent.is_dir()):
        raise InvalidInput.of(
            "bench.output", f"No report can be written to {args.output}.",
            "Name a file in a directory that is there.",
        )  # fmt: skip


def run_failover(args: argparse.Namespace, app: App) -> int:
    """Measure every fault and print the table."""
    from backend.lab.failover import results
    from backend.lab.failover.bench import BenchFailover
    from backend.lab.failover.catalogue import chosen

    if not 1 <= args.repeats <= MOST_REPEATS:
        raise InvalidInput.of("bench.repeats", f"Repeats are 1 to {MOST_REPEATS}.")
    if args.agent is not None and not args.agent.is_file():
        raise InvalidInput.of("bench.agent", f"There is no file {args.agent}.")
    report_directory.check(args.report)
    against = "" if args.against == "nothing" else args.against
    task = BenchFailover(
        chosen(args.faults), args.repeats, against, args.profile,
        args.agent and args.agent.resolve(), args.report, args.short, app.paths,
    )  # fmt: skip
    app.out.say(f"This takes about {duration(task.seconds)}.")
    found = app.run_task(task)
    app.out.table(results.HEADERS, [results.cells(row, found.profile) for row in found.rows])
    app.out.table(results.COST_HEADERS, results.cost_cells(found.costs, found.profile))
    for name, why in found.skipped.items():
        app.out.say(f"{name} was left out: {why}.")
    if not found.realtime:
        app.out.say("The prober had no real-time priority: outages include its own delays.")
    app.out.say("Every promise was kept." if found.kept else "Not every promise was kept.")
    app.out.result(found.as_dict())
    return 0 if found.kept else 1


def run_copy(args: argparse.Namespace, app: App) -> int:
    """Measure and say what came out."""
    from backend.lab.bench import BenchCopy  # the lab is heavy, and only needed here

    if not 1 <= args.rounds <= MOST_ROUNDS:
        raise InvalidInput.of("bench.rounds", f"Rounds are 1 to {MOST_ROUNDS}.")
    if not 1 <= args.processors <= MOST_PROCESSORS:
        raise InvalidInput.of("bench.processors", f"Processors are 1 to {MOST_PROCESSORS}.")
    found = app.run_task(BenchCopy(args.rounds, args.processors, app.paths))
    rows = [
        (str(number), f"{a:.2f} s", f"{found.rate(a):.1f}", f"{b:.2f} s", f"{found.rate(b):.1f}")
        for number, (a, b) in enumerate(zip(found.product, found.bare, strict=True), start=1)
    ]
    app.out.table(("round", "installation", "MB/s", "bare rsync", "MB/s"), rows)
    app.out.say(f"The installation copies {found.ratio:.2f} times as fast as bare rsync (medians).")
    app.out.result({"processors": args.processors, **found.as_dict()})
    return 0
