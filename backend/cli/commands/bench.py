"""``haoscar bench``: measurements in the virtual cluster, for whoever changes something."""

import argparse

from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput

MOST_ROUNDS = 50
MOST_PROCESSORS = 16


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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
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
