"""``haoscar watch``: the watch list of the site file, and when a period is in force."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from backend.actions import watch_list
from backend.cli.app import App, Subparsers
from backend.cli.watch_exchange import add_exchange
from backend.cli.watch_groups import add_groups, add_periods
from backend.cli.watch_history import add_history
from backend.cli.watch_live import REF, add_live
from backend.cli.watch_saving import add_entries, save
from backend.cli.watch_views import as_dict, show_service
from backend.cli.watch_when import add_when
from backend.errors import InvalidInput
from backend.model.periods import Period
from backend.model.recovery_form import RECOVERY
from backend.model.watchlist import (
    DEFAULT_PERIOD,
    AlertPeriod,
    Ref,
    WatchedService,
    WatchList,
    default_watch_list,
)
from backend.model.watchlist_fields import Entry
from backend.model.watchlist_form import (
    PERIOD,
    SERVICE,
    PeriodTexts,
    read_alert_line,
    read_service,
    texts_of,
)
from backend.reports import Place

OWN = tuple(one for one in SERVICE if one.key not in ("group", "name"))


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "watch",
        help="the watch list: which services are checked, how often, who hears of it",
        description="The watch list of the site file, and what the watch process of this head knows of its services. "
        "The active head checks them; both know the results.",
    )  # fmt: skip
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_live(actions)
    add_history(actions)
    one = actions.add_parser("show", help="everything about one service")
    one.add_argument("service", metavar="SERVICE", help=REF)
    one.set_defaults(run=run_show)
    _add_editing(actions)
    add_groups(actions)
    add_periods(actions)
    add_when(actions)
    add_exchange(actions)


def _add_editing(actions: Subparsers) -> None:
    one = actions.add_parser("add", help="add a service, or with --defaults the original's three")
    one.add_argument(
        "service", metavar="GROUP:SERVICE", nargs="?", help="the host group and the new name"
    )
    one.add_argument("--defaults", action="store_true", help="the three rows of the original")
    _add_fields(one)
    one.set_defaults(run=run_add)
    one = actions.add_parser(
        "set",
        help="change a service; an empty value is the default again",
        description="Change fields of a service, and those of one of its periods. --alert replaces all alerts of "
        "that period; a period that is one more than there are is added.",
    )  # fmt: skip
    one.add_argument("service", metavar="SERVICE", help=REF)
    one.add_argument("--rename", metavar="GROUP:SERVICE", help="its new group and name")
    one.add_argument("--delete-period", type=int, metavar="N", help="delete the Nth period")
    _add_fields(one)
    one.set_defaults(run=run_set)
    one = actions.add_parser("remove", help="remove a service")
    one.add_argument("service", metavar="SERVICE", help=REF)
    one.set_defaults(run=run_remove)


def _add_fields(parser: argparse.ArgumentParser) -> None:
    add_entries(parser, OWN)
    own = parser.add_argument_group("a period in which alerts are sent")
    own.add_argument("--period", type=int, default=1, metavar="N", help="which one (default: 1)")
    add_entries(own, PERIOD)
    own.add_argument(
        "--alert", action="append", metavar="'RUN PROGRAM [PARAMETERS]'",
        help="RUN is down, up or startup, and may be followed by exit=1-9; may be repeated",
    )  # fmt: skip
    own.add_argument("--no-alerts", action="store_true", help="take all alerts of the period out")


def run_show(args: argparse.Namespace, app: App) -> int:
    """Show one service."""
    watch = watch_list.look(app.wiring).watch
    service = chosen(watch, args.service)
    show_service(service, app.out)
    app.out.result(as_dict(WatchList(services=(service,)))["services"][0])
    return 0


def run_add(args: argparse.Namespace, app: App) -> int:
    """Add a service, or the original's rows."""
    stored = watch_list.look(app.wiring).stored
    if args.defaults:
        watch = _with_defaults(stored)
    elif args.service is None:
        raise InvalidInput.of("watch.no-service", "Which service shall be added?", "Name it as GROUP:SERVICE.")  # fmt: skip
    else:
        ref = Ref.parse(args.service)
        if stored.service(ref) is not None:
            raise InvalidInput.of("watch.there", f"There is a service {ref} already.", f"Change it with: haoscar watch set {ref}")  # fmt: skip
        texts = {"group": str(ref.group), "name": str(ref.name)}
        always = AlertPeriod(when=Period.parse(DEFAULT_PERIOD))
        new = WatchedService(ref.group, ref.name, periods=(always,))
        watch = stored.with_service(_edited(new, texts, args))
    return save(stored, watch, app)


def _with_defaults(stored: WatchList) -> WatchList:
    """Return the list with those of the original's rows that are not in it."""
    watch = stored
    for group in default_watch_list().groups:
        watch = watch if watch.group(group.name) else watch.with_group(group)
    for service in default_watch_list().services:
        watch = watch if watch.service(service.ref) else watch.with_service(service)
    return watch


def run_set(args: argparse.Namespace, app: App) -> int:
    """Change a service."""
    stored = watch_list.look(app.wiring).stored
    service = chosen(stored, args.service)
    new = Ref.parse(args.rename) if args.rename else service.ref
    if new != service.ref and stored.service(new) is not None:
        raise InvalidInput.of("watch.there", f"There is a service {new} already.", "Choose another name.")  # fmt: skip
    texts = {"group": str(new.group), "name": str(new.name)}
    if args.delete_period is not None:
        _nth(service, args.delete_period, "--delete-period")
        left = [one for n, one in enumerate(service.periods) if n != args.delete_period - 1]
        service = replace(service, periods=tuple(left))
    changed = _edited(service, texts, args)
    return save(stored, stored.with_service(changed, chosen(stored, args.service).ref), app)


def run_remove(args: argparse.Namespace, app: App) -> int:
    """Remove a service."""
    stored = watch_list.look(app.wiring).stored
    return save(stored, stored.without_service(chosen(stored, args.service).ref), app)


def _edited(
    service: WatchedService, names: dict[str, str], args: argparse.Namespace
) -> WatchedService:
    """Return a service with what the options say; raises InvalidInput with every problem."""
    given = _given(OWN, args)
    if given.get("recovery_kind") == "":  # without it there is no healing, whatever was there
        given = {**{one.key: "" for one in RECOVERY}, **given}
    period = _given(PERIOD, args)
    alerts = tuple(read_alert_line(one) for one in args.alert or ())
    if not period and not alerts and not args.no_alerts:
        changed = read_service({**texts_of(service), **given, **names}, ())
        return replace(changed, periods=service.periods)
    periods = list(service.periods)
    if args.period == len(periods) + 1:
        periods.append(AlertPeriod())
    old = _nth(replace(service, periods=tuple(periods)), args.period, "--period")
    for key, other in (("when", "defined"), ("defined", "when")):  # one takes the other's place
        if period.get(key):
            period.setdefault(other, "")
    texts = PeriodTexts({**texts_of(old), **period})
    changed = read_service({**texts_of(service), **given, **names}, (texts,))
    kept = () if args.no_alerts else old.alerts
    periods[args.period - 1] = replace(changed.periods[0], alerts=alerts or kept)
    return replace(changed, periods=tuple(periods))


def _given(entries: Sequence[Entry], args: argparse.Namespace) -> dict[str, str]:
    """Return the fields for which there is an option on the command line."""
    return {one.key: text for one in entries if (text := getattr(args, one.key)) is not None}


def _nth(service: WatchedService, number: int, option: str) -> AlertPeriod:
    if not 1 <= number <= len(service.periods):
        raise InvalidInput.of(
            "watch.no-period", f"{service.ref} has {len(service.periods)} periods, and no {number}.",
            "", Place(field=option),
        )  # fmt: skip
    return service.periods[number - 1]


def chosen(watch: WatchList, text: str) -> WatchedService:
    """Return the service that somebody named; raises InvalidInput."""
    if ":" in text:
        found = [one for one in watch.services if str(one.ref) == text]
    else:
        found = [one for one in watch.services if one.name == text]
    if len(found) == 1:
        return found[0]
    if found:
        refs = ", ".join(str(one.ref) for one in found)
        raise InvalidInput.of("watch.ambiguous", f"{text[:60]!a} may be {refs}.", "Name the group, too.")  # fmt: skip
    raise InvalidInput.of(
        "watch.unknown", f"There is no service {text[:60]!a}.", "See them with: haoscar watch list"
    )
