"""``haoscar watch history`` and ``haoscar watch availability``: what was, by the watch process."""

import argparse
import re
import time

from backend.actions.watch_live import ask_watch, read_availability, read_history
from backend.amounts import share
from backend.cli.app import App, Subparsers
from backend.cli.watch_live import REF, add_watch_socket, known, moment
from backend.cli.watch_when import moment as read_moment
from backend.errors import InvalidInput
from backend.reports import Place

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MOST = 1000


def add_history(actions: Subparsers) -> None:
    """Add the commands."""
    one = actions.add_parser(
        "history",
        help="what happened to the services, and for how long they were well",
        description="The history of the watch list, the newest last; it survives a failover. With --availability the share "
        "of the time in which each service was well: today, and the last 7 and 30 days.",
    )  # fmt: skip
    one.add_argument("service", metavar="SERVICE", nargs="?", help=f"only {REF}")
    one.add_argument(
        "--since",
        metavar="TIME",
        help="such as 2h, 3d, or 2026-11-22T10:00:00 (default: everything)",
    )
    one.add_argument(
        "--most", type=int, default=50, metavar="N", help="at most so many (%(default)s)"
    )
    one.add_argument("--availability", action="store_true", help="the availability instead")
    add_watch_socket(one)
    one.set_defaults(run=run_history)


def run_history(args: argparse.Namespace, app: App) -> int:
    """Show it."""
    ref = known(args.service, app) if args.service else ""
    if args.availability:
        return _availability(ref, args, app)
    answer = ask_watch(
        app.paths, "history", socket=args.socket, service=ref,
        since=since(args.since), most=min(max(1, args.most), MOST),
    )  # fmt: skip
    found = read_history(answer)
    if found:
        app.out.table(
            ("time", "service", "what", "head"),
            [(moment(one.time), one.service or "-", one.sentence, one.by) for one in found],
        )
    else:
        app.out.say("Nothing has happened that is kept.")
    app.out.result(answer)
    return 0


def _availability(ref: str, args: argparse.Namespace, app: App) -> int:
    answer = ask_watch(app.paths, "availability", socket=args.socket, service=ref)
    app.out.table(
        ("service", "today", "7 days", "30 days"),
        [
            (name, *(share(spans.get(span)) for span in ("day", "week", "month")))
            for name, spans in read_availability(answer).items()
        ],
    )
    app.out.result(answer)
    return 0


def since(text: str | None) -> float:
    """Return a moment in seconds since 1970 of "2h" or "2026-11-22T10:00:00"; raises InvalidInput."""
    if text is None:
        return 0.0
    span = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])", text, re.ASCII)
    if span:
        return time.time() - float(span[1]) * UNITS[span[2]]
    try:
        return read_moment(text).timestamp()
    except (InvalidInput, OverflowError, ValueError) as problem:
        raise InvalidInput.of(
            "watch.since", f"{text[:60]!a} is no time.", "Write it as 2h, 3d, or 2026-11-22T10:00:00.",
            Place(field="--since"),
        ) from problem  # fmt: skip
