"""``haoscar watch list`` with the state of the services, and what can be told to the watch process."""

import argparse
from datetime import datetime
from typing import Any

from backend.actions import watch_list
from backend.actions.watch_live import WATCH_SOCKET, Live, LiveService, ask_watch, read_live
from backend.amounts import duration
from backend.cli.app import App, Subparsers
from backend.cli.watch_views import as_dict
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.watchlist import WatchedService, WatchList

REF = "a service as GROUP:SERVICE; the group may be left out where the name is unique"
TEST_LIMIT = 660.0  # seconds: a check may take as long as its monitor


def add_live(actions: Subparsers) -> None:
    """Add the commands."""
    one = actions.add_parser(
        "list",
        help="all services, with their state where the watch process runs",
        description="The services of the site file as the table of the wizard shows them. Where the watch process "
        "answers, also their state.",
    )  # fmt: skip
    add_watch_socket(one)
    one.set_defaults(run=run_list)
    one = actions.add_parser(
        "test",
        help="check a service now",
        description="Let the head that serves check a service now; the result counts like any other. Exit codes: 0 it is "
        "well, 1 it is not.",
    )  # fmt: skip
    one.add_argument("service", metavar="SERVICE", help=REF)
    one.add_argument(
        "--here", action="store_true", help="check it from this head, without counting"
    )
    add_watch_socket(one)
    one.set_defaults(run=run_test)
    _add_changes(actions)


def _add_changes(actions: Subparsers) -> None:
    for name, text in (
        ("ack", "say that a failure is known: no more alerts about it until it is well"),
        ("unack", "take an acknowledgement back"),
        ("disable", "do not check a service, until it is enabled again"),
        ("enable", "check a service again; what healing could not mend may be tried again"),
    ):
        one = actions.add_parser(name, help=text)
        one.add_argument("service", metavar="SERVICE", help=REF)
        if name == "ack":
            one.add_argument(
                "text", metavar="TEXT", nargs="?", default="", help="what others shall know"
            )
        add_watch_socket(one)
        one.set_defaults(run=run_change, command=name)
    one = actions.add_parser(
        "report", help="report for a service that has no monitor, as mon's traps do"
    )
    one.add_argument("service", metavar="SERVICE", help=REF)
    one.add_argument("outcome", choices=("ok", "failed", "unknown"), help="how it is")
    one.add_argument("summary", metavar="SUMMARY", nargs="?", default="", help="one line about it")
    add_watch_socket(one)
    one.set_defaults(run=run_report)


def add_watch_socket(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the watch process is asked."""
    parser.add_argument(
        "--socket", metavar="PATH", default=WATCH_SOCKET,
        help="the watch process's control socket (%(default)s)",
    )  # fmt: skip


def run_list(args: argparse.Namespace, app: App) -> int:
    """Show all services."""
    found = watch_list.look(app.wiring)
    live: Live | None = None
    answer: Any = None
    offline = ""
    if not found.proposed:
        try:
            live, answer = read_live(app.paths, args.socket)
        except HaoscarError as problem:
            offline = " ".join(str(one) for one in problem.reports)
    if found.proposed:
        app.out.say(
            "Nothing is watched yet. Proposed, and added by haoscar watch add --defaults:\n"
        )
    if live is None:
        _plain_table(found.watch, app)
        if offline:
            app.out.say(f"\nWithout their state: {offline}")
    else:
        _live_table(found.watch, live, app)
    app.out.reports(found.reports)
    app.out.result({
        **as_dict(found.watch), "stored": not found.proposed,
        "live": answer, "offline": offline,
        "reports": [one.as_dict() for one in found.reports],
    })  # fmt: skip
    return 0


def _plain_table(watch: WatchList, app: App) -> None:
    app.out.table(
        ("Host group", "Service name", "Monitor to use", "Check every", "Monitoring periods", ""),
        [
            (
                one.group, one.name, one.monitor or "-", one.interval or "-",
                ", ".join(period.shown for period in one.periods) or "-",
                "disabled" if one.disabled else "",
            )
            for one in watch.services
        ],
    )  # fmt: skip


def _live_table(watch: WatchList, live: Live, app: App) -> None:
    now = datetime.now().timestamp()  # noqa: DTZ005
    app.out.table(
        ("Host group", "Service name", "Monitor to use", "Check every", "State", "Since", "Next check", ""),
        [
            (
                one.group, one.name, one.monitor or "-", one.interval or "-",
                *_live_row(one, live.services.get(str(one.ref)), now),
            )
            for one in watch.services
        ],
    )  # fmt: skip
    app.out.say("")
    for sentence in sentences(watch, live):
        app.out.say(sentence)


def _live_row(service: WatchedService, live: LiveService | None, now: float) -> tuple[str, ...]:
    if live is None:
        return (
            "disabled" if service.disabled else "-",
            "-",
            "-",
            "the watch process does not have it",
        )
    notes = [
        f"acknowledged by {live.acknowledged}" if live.acknowledged else "",
        live.recovery,
        live.held,
    ]
    if live.state in ("failed", "unknown"):
        notes.insert(0, live.summary)
    coming = "now" if live.running else "-"
    if live.next_check and not live.running:
        coming = f"in {duration(max(0.0, live.next_check - now))}"
    return (live.state, moment(live.since), coming, "; ".join(one for one in notes if one))


def sentences(watch: WatchList, live: Live) -> list[str]:
    """Return who checks, and what is strange about it."""
    found = [f"{live.by} checks them."]
    if live.copy:
        found = [f"This is what {live.by} knew when it was last heard: {live.why}."]
    elif live.by == live.me and not live.active:
        found = [f"Nobody checks them: {live.why}."]
    if not live.connected:
        found.append(
            "The watch processes of the two heads have no link: a failover would lose what is found now."
        )
    gone = sorted(set(live.services) - {str(one.ref) for one in watch.services})
    if gone:
        found.append(f"The watch process also has {', '.join(gone)}; the site file does not.")
    return found


def moment(when: float) -> str:
    """Return a moment as people read it; "-" for never."""
    if not when:
        return "-"
    return f"{datetime.fromtimestamp(when).astimezone():%Y-%m-%d %H:%M:%S}"


def run_test(args: argparse.Namespace, app: App) -> int:
    """Check a service now."""
    ref = known(args.service, app)
    answer = ask_watch(
        app.paths, "test", socket=args.socket, limit=TEST_LIMIT, service=ref, here=args.here
    )
    took = f"{float(answer.get('took', 0)):.1f} s"
    app.out.say(f"{ref} is {answer.get('outcome')}, seen from {answer.get('by')}, in {took}.")
    for key in ("summary", "detail"):
        if answer.get(key):
            app.out.say(str(answer[key]))
    app.out.result(answer)
    return 0 if answer.get("outcome") == "ok" else 1


def run_change(args: argparse.Namespace, app: App) -> int:
    """Acknowledge, disable, enable."""
    return _told(app, args, text=getattr(args, "text", ""))


def run_report(args: argparse.Namespace, app: App) -> int:
    """Report for a service."""
    args.command = "report"
    return _told(app, args, outcome=args.outcome, summary=args.summary)


def _told(app: App, args: argparse.Namespace, **values: Any) -> int:
    ref = known(args.service, app)
    answer = ask_watch(app.paths, args.command, socket=args.socket, service=ref, **values)
    app.out.say(str(answer.get("sentence", "")))
    app.out.result(answer)
    return 0


def known(text: str, app: App) -> str:
    """Return the whole name of a service; raises InvalidInput.

    A whole name need not be in the site file of this head: the watch process knows its own list.
    """
    if ":" in text:
        return text
    try:
        watch = watch_list.look(app.wiring).watch
    except HaoscarError as problem:
        raise Refused.of(
            "watch.no-site", f"Which group is {text[:60]!a} in?", "Name it as GROUP:SERVICE."
        ) from problem
    found = [str(one.ref) for one in watch.services if one.name == text]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput.of(
            "watch.ambiguous", f"{text[:60]!a} may be {', '.join(found)}.", "Name the group, too."
        )
    raise InvalidInput.of(
        "watch.unknown", f"There is no service {text[:60]!a}.", "See them with: haoscar watch list"
    )
