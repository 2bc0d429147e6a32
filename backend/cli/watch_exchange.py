"""``haoscar watch import`` and ``haoscar watch export``: the watch list and the mon.cf of mon."""

import argparse
from pathlib import Path

from backend.actions import watch_import
from backend.actions.watch_import import ImportWatchList
from backend.cli.app import App, Subparsers
from backend.cli.watch_saving import save


def add_exchange(actions: Subparsers) -> None:
    """Add the commands."""
    one = actions.add_parser(
        "import",
        help="take the services of a mon.cf over",
        description="Put what a mon.cf of mon 1.3.6 says in place of the watch list. Every line that is not carried over is "
        "named with the reason, then the change of the site file is shown; nothing is changed before you agree. "
        "With any mistake in the file all of them are named, and nothing is changed.",
    )  # fmt: skip
    one.add_argument("file", type=Path, metavar="mon.cf", help="the configuration of mon")
    one.add_argument(
        "--add", action="store_true",
        help="keep what is in the watch list; services of the same name are replaced",
    )  # fmt: skip
    one.add_argument(
        "--allow-missing", action="store_true",
        help="also with monitors and alerts that are not on this head yet",
    )  # fmt: skip
    one.set_defaults(run=run_import)
    one = actions.add_parser(
        "export",
        help="write the watch list as a mon.cf",
        description="Write the watch list as a mon.cf that mon 1.3.6 reads, and that can be imported again. What mon has no "
        "words for is in comments that begin with #haoscar:.",
    )  # fmt: skip
    one.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="where to (default: standard output)"
    )
    one.set_defaults(run=run_export)


def run_import(args: argparse.Namespace, app: App) -> int:
    """Take a mon.cf over."""
    stored = app.wiring.store().load().watch
    found = ImportWatchList(app.wiring, args.file, args.add, args.allow_missing).read()
    app.out.reports(found.reports)
    return save(stored, found.watch, app, reports=[one.as_dict() for one in found.reports])


def run_export(args: argparse.Namespace, app: App) -> int:
    """Write the watch list as a mon.cf."""
    made = watch_import.export(app.wiring)
    reports = watch_import.not_in_mon(made)
    if args.file is None:
        app.out.say(made.text.rstrip("\n"))
    else:
        watch_import.write_file(args.file, made)
        app.out.reports(reports)
        app.out.say(f"The watch list is in {args.file}.")
    app.out.result({"text": made.text, "reports": [one.as_dict() for one in reports]})
    return 0
