"""``haoscar watch when``: whether a period is in force, and when that changes."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime

from backend.cli.app import App, Subparsers
from backend.errors import HaoscarError, InvalidInput
from backend.model.periods import Period
from backend.periods import next_change
from backend.reports import Place

LONGEST_LINE = 100_000  # characters; a period has 4096 at most
LATEST = 253_402_300_799  # seconds since 1970: the end of the year 9999


def add_when(actions: Subparsers) -> None:
    """Add the command."""
    one = actions.add_parser(
        "when",
        help="whether a period is in force, and when that changes",
        description="Say whether a period, written as for Perl's Time::Period, is in force, on the wall clock of "
        "this machine. With --batch each line of standard input is JSON such as "
        '{"period": "wd {Mon-Fri}", "at": "2026-11-22T10:00:00"} and is answered with '
        'true, false or {"error": "..."}; "at" may also be seconds since 1970, or be left out: now.',
    )  # fmt: skip
    one.add_argument(
        "period", metavar="PERIOD", nargs="?", help="such as 'wd {Mon-Fri} hr {9am-5pm}'"
    )
    one.add_argument("--at", metavar="TIME", help="such as 2026-11-22T10:00:00 (default: now)")
    one.add_argument("--batch", action="store_true", help="answer lines of standard input")
    one.set_defaults(run=run_when)


def run_when(args: argparse.Namespace, app: App) -> int:
    """Answer one question, or those of standard input."""
    if args.batch:
        for answer in answers(sys.stdin):
            print(json.dumps(answer), flush=True)
        return 0
    if args.period is None:
        raise InvalidInput.of("watch.no-period", "Which period is meant?", "Give one, or --batch.")
    period = Period.parse(args.period, Place(field="PERIOD"))
    when = moment(args.at)
    match, change = period.contains(when), next_change(period, when)
    turns = f"until {_shown(change)}" if change is not None else "for ever"
    app.out.say(f"{'In force' if match else 'Not in force'} at {_shown(when)}, {turns}.")
    app.out.result({
        "period": str(period), "at": when.isoformat(), "match": match,
        "next_change": None if change is None else change.isoformat(),
    })  # fmt: skip
    return 0


def _shown(when: datetime) -> str:
    return f"{when:%a} {when.isoformat(sep=' ', timespec='seconds')}"


def answers(lines: Iterable[str]) -> Iterator[bool | dict[str, str]]:
    """Yield the answer to each line; a wrong one does not stop the others."""
    for line in lines:
        if line.strip():
            yield _answer(line)


def _answer(line: str) -> bool | dict[str, str]:
    try:
        question = json.loads(line) if len(line) <= LONGEST_LINE else None
        if not isinstance(question, dict) or not isinstance(question.get("period"), str):
            return {"error": 'This is no {"period": "...", "at": "..."}.'}
        return Period.read(question["period"]).contains(moment(question.get("at")))
    except HaoscarError as problem:
        return {"error": str(problem.reports[0])}
    except (ValueError, RecursionError):
        return {"error": "This is no JSON."}


def moment(value: object) -> datetime:
    """Return a time on this machine's wall clock; None is now. Raises InvalidInput."""
    if value is None:
        return datetime.now()  # noqa: DTZ005 - the wall clock
    try:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST:
            return datetime.fromtimestamp(value)  # noqa: DTZ006
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo is None else found.astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidInput.of(
        "watch.time", f"{ascii(value)[:60]} is no time.",
        "Write it as 2026-11-22T10:00:00, or as seconds since 1970.", Place(field="at"),
    )  # fmt: skip
