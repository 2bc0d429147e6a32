"""``haoscar watch group`` and ``haoscar watch period``: what services refer to by name."""

import argparse

from backend.actions import watch_list
from backend.cli.app import App, Subparsers
from backend.cli.watch_saving import add_entries, save
from backend.cli.watch_views import as_dict
from backend.errors import InvalidInput
from backend.model.watchlist_form import GROUP, read_defined, read_group, texts_of


def add_groups(actions: Subparsers) -> None:
    """Add the commands about host groups."""
    parser = actions.add_parser("group", help="host groups: list, set, remove")
    group = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = group.add_parser("list", help="all host groups")
    one.set_defaults(run=run_groups)
    one = group.add_parser("set", help="add a host group, or change the one of that name")
    one.add_argument("name", metavar="NAME", help="its name")
    add_entries(one, [entry for entry in GROUP if entry.key != "name"])
    one.add_argument("--rename", metavar="NAME", help="its new name; its services go with it")
    one.set_defaults(run=run_group_set)
    one = group.add_parser("remove", help="remove a host group with its services")
    one.add_argument("name", metavar="NAME", help="its name")
    one.set_defaults(run=run_group_remove)


def add_periods(actions: Subparsers) -> None:
    """Add the commands about defined periods."""
    parser = actions.add_parser("period", help="defined periods: list, set, remove")
    period = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = period.add_parser("list", help="all defined periods")
    one.set_defaults(run=run_periods)
    one = period.add_parser("set", help="define a period, or change the one of that name")
    one.add_argument("name", metavar="NAME", help="its name")
    one.add_argument("when", metavar="PERIOD", help="such as 'wd {Mon-Fri} hr {9am-5pm}'")
    one.set_defaults(run=run_period_set)
    one = period.add_parser("remove", help="remove a defined period")
    one.add_argument("name", metavar="NAME", help="its name")
    one.set_defaults(run=run_period_remove)


def run_groups(_args: argparse.Namespace, app: App) -> int:
    """Show the host groups."""
    found = watch_list.look(app.wiring)
    app.out.table(
        ("Group name", "Member hosts", ""),
        [
            (one.name, " ".join(one.hosts) or "both heads", "disabled" if one.disabled else "")
            for one in found.watch.groups
        ],
    )
    app.out.result({"groups": as_dict(found.watch)["groups"], "stored": not found.proposed})
    return 0


def run_group_set(args: argparse.Namespace, app: App) -> int:
    """Add or change a host group."""
    stored = watch_list.look(app.wiring).stored
    before = stored.group(args.name)
    given = {
        one.key: text for one in GROUP
        if one.key != "name" and (text := getattr(args, one.key)) is not None
    }  # fmt: skip
    texts = {} if before is None else texts_of(before)
    group = read_group({**texts, **given, "name": args.rename or args.name})
    renamed = args.name if before is not None and args.rename else ""
    return save(stored, stored.with_group(group, renamed), app)


def run_group_remove(args: argparse.Namespace, app: App) -> int:
    """Remove a host group."""
    stored = watch_list.look(app.wiring).stored
    if stored.group(args.name) is None:
        text = f"There is no host group {args.name[:60]!a}."
        raise InvalidInput.of("watch.unknown", text, "See them with: haoscar watch group list")
    return save(stored, stored.without_group(args.name), app)


def run_periods(_args: argparse.Namespace, app: App) -> int:
    """Show the defined periods."""
    watch = watch_list.look(app.wiring).watch
    app.out.table(
        ("Period name", "Days and times"), [(one.name, one.when) for one in watch.periods]
    )
    app.out.result({"periods": as_dict(watch)["periods"]})
    return 0


def run_period_set(args: argparse.Namespace, app: App) -> int:
    """Define or change a period."""
    stored = watch_list.look(app.wiring).stored
    period = read_defined({"name": args.name, "when": args.when})
    return save(stored, stored.with_period(period), app)


def run_period_remove(args: argparse.Namespace, app: App) -> int:
    """Remove a defined period."""
    stored = watch_list.look(app.wiring).stored
    if stored.period(args.name) is None:
        text = f"There is no period {args.name[:60]!a}."
        raise InvalidInput.of("watch.unknown", text, "See them with: haoscar watch period list")
    return save(stored, stored.without_period(args.name), app)
