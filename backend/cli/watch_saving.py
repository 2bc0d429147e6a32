"""What the commands that change the watch list share."""

import argparse
from collections.abc import Sequence

from backend.actions import watch_list
from backend.cli.app import App
from backend.cli.watch_views import as_dict
from backend.model.watchlist import WatchList
from backend.model.watchlist_fields import Entry


def add_entries(parser: argparse._ActionsContainer, entries: Sequence[Entry]) -> None:
    """Add an option for each field."""
    for entry in entries:
        option = f"--{entry.key.replace('_', '-')}"
        parser.add_argument(option, dest=entry.key, metavar="VALUE", help=entry.label)


def save(stored: WatchList, watch: WatchList, app: App, **more: object) -> int:
    """Show what will change, ask, and write it; returns the exit code. ``more`` is for --json."""
    plan = watch_list.save_plan(app.wiring, stored, watch)
    site = app.wiring.store().load()
    app.out.reports(watch_list.doubts(watch, watch_list.machines(site), app.paths))
    record = app.apply(plan)
    app.out.say("The watch list is in the site file." if record else "It was like this already.")
    app.out.result({**as_dict(watch), "changed": record is not None, **more})
    return 0
