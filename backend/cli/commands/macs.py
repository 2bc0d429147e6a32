"""``haoscar macs``: listen for machines that are switched on, and give their cards to standbys."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from backend.actions.macs import kept_collection, put_back, where_to_listen
from backend.actions.macs_assign import disarm, freed_cards, give, give_all, site_change, take
from backend.actions.macs_files import (
    export,
    form_of,
    read_file,
    refuse_empty,
    restore,
    write_file,
)
from backend.cli.app import App, Subparsers
from backend.cli.mac_views import HEADERS, LIVE_HEADING, as_facts, as_line, as_row
from backend.discovery.assignment import Outcome
from backend.discovery.mac_collecting import CollectMacs, save_collection
from backend.discovery.mac_files import MacFormat
from backend.discovery.macs import Machine
from backend.discovery.vendors import Vendors
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.reports import info, warning

Run = Callable[[argparse.Namespace, App], int]


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "macs",
        help="collect and assign MAC addresses",
        description="Listen for machines that boot from the network, and give their cards to standbys.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, run: Run, about: str) -> argparse.ArgumentParser:
        sentence = f"{about[0].upper()}{about[1:]}."
        action: argparse.ArgumentParser = actions.add_parser(name, help=about, description=sentence)
        action.set_defaults(run=run)
        return action

    one = add(
        "collect", run_collect, "listen on a network and list every machine that asks by DHCP"
    )
    one.add_argument("--interface", "-i", help="where to listen (default: the private network's)")
    one.add_argument("--seconds", type=_positive(float), help="stop after so many seconds")
    one.add_argument("--until-count", type=_positive(int), help="stop after so many machines")
    add("list", run_list, "show what was collected, oldest first")
    one = add("remove", run_remove, "forget machines until they are heard again")
    one.add_argument("mac", nargs="*", help="the MAC addresses to forget")
    one.add_argument("--all", action="store_true", help="forget every machine")
    one = add("assign", run_assign, "give a card to a standby")
    one.add_argument("mac", help="the MAC address, as in 00:16:3e:12:34:56")
    one.add_argument("standby", help="the name of the standby")
    one.add_argument(
        "--yes-node-is-mine",
        action="store_true",
        help="take the card although it belongs to a compute node, which will be overwritten",
    )
    one = add(
        "assign-all", run_assign_all, "give the oldest free cards to the standbys without one"
    )
    one.add_argument(
        "--yes-nodes-are-mine", action="store_true", help="take the cards of compute nodes as well"
    )
    one = add("delete", run_delete, "take the card from a standby and return it to the list")
    one.add_argument("standby", help="the name of the standby")
    one = add("import", run_import, "read MAC addresses and their machines from a file")
    one.add_argument("file", type=Path, help="a file of OSCAR, MAC.info or CSV")
    for name in ("assign", "assign-all", "delete", "import"):
        actions.choices[name].add_argument(
            "--no-dhcp-update", dest="dhcp_update", action="store_false",
            help="only write the site file; default: a DHCP server that was configured learns it at once",
        )  # fmt: skip
    one = add("export", run_export, "write the MAC addresses and their machines to a file")
    one.add_argument("file", type=Path, help="the file to write; - for standard output")
    one.add_argument("--format", choices=[form.value for form in MacFormat], help="how (oscar)")


def run_collect(args: argparse.Namespace, app: App) -> int:
    """Listen, show each machine when it is first heard, and keep the list."""
    site = _site(app)
    interface = where_to_listen(site, args.interface)
    collection = kept_collection(app.paths, site)
    vendors = Vendors.of_machine(app.paths)
    shown: set[Mac] = set()

    def news(machines: list[Machine]) -> None:
        for machine in machines:
            app.out.result(as_facts(machine, vendors))
            if machine.mac not in shown:
                shown.add(machine.mac)
                app.out.say(as_line(machine, vendors))

    def listening() -> None:
        text = f"Listening on {interface}. Switch the machines on. Ctrl-C stops."
        app.out.reports([info("macs.listening", text)])
        app.out.say(LIVE_HEADING)

    task = CollectMacs(interface, collection, args.seconds, args.until_count, news, listening)
    try:
        app.run_task(task)
    finally:
        if shown:
            save_collection(app.paths, collection)
    app.out.say(f"{len(shown)} machines heard, {len(collection)} in the list.")
    if args.until_count is not None and len(shown) < args.until_count:
        return 1
    return 0


def run_list(_args: argparse.Namespace, app: App) -> int:
    """Show the list."""
    collection = kept_collection(app.paths, _site(app))
    vendors = Vendors.of_machine(app.paths)
    app.out.result([as_facts(machine, vendors) for machine in collection])
    app.out.table(HEADERS, [as_row(machine, vendors) for machine in collection])
    if not len(collection):
        app.out.say("Nothing was collected yet: haoscar macs collect")
    return 0


def run_remove(args: argparse.Namespace, app: App) -> int:
    """Forget machines; what is assigned stays assigned."""
    collection = kept_collection(app.paths, _site(app))
    before = len(collection)
    if args.all:
        collection.remove_all()
    elif not args.mac:
        raise InvalidInput.of(
            "macs.nothing-named", "Nothing to remove was named.", "Give MAC addresses, or --all."
        )
    for mac in [Mac.parse(text) for text in args.mac]:
        if not collection.remove(mac) and not args.all:
            app.out.reports([warning("macs.not-listed", f"{mac} is not in the list.")])
    save_collection(app.paths, collection)
    app.out.result({"removed": before - len(collection)})
    app.out.say(f"{before - len(collection)} removed, {len(collection)} left.")
    return 0


def run_assign(args: argparse.Namespace, app: App) -> int:
    """Give a card to a standby."""
    mac, site = Mac.parse(args.mac), app.wiring.store().load()
    outcome = give(site, mac, args.standby, node_is_mine=args.yes_node_is_mine)
    return _finish(args, app, site, outcome, f"Assign {mac} to {args.standby}")


def run_assign_all(args: argparse.Namespace, app: App) -> int:
    """Give the oldest free cards to the standbys without one."""
    site = app.wiring.store().load()
    free = [machine.mac for machine in kept_collection(app.paths, site).unassigned(site)]
    outcome = give_all(site, free, nodes_are_mine=args.yes_nodes_are_mine)
    return _finish(args, app, site, outcome, "Assign the collected MAC addresses")


def run_delete(args: argparse.Namespace, app: App) -> int:
    """Take the card from a standby."""
    site = app.wiring.store().load()
    outcome = take(site, args.standby)
    return _finish(args, app, site, outcome, f"Take the card from {args.standby}")


def run_import(args: argparse.Namespace, app: App) -> int:
    """Read a file; its bindings go into the site file, the other addresses into the list."""
    read = read_file(args.file)
    app.out.reports(read.reports)
    refuse_empty(read, args.file)
    site = _site(app)
    restored = restore(site, read, args.file.name)
    app.out.reports(restored.reports)
    if site is not None and restored.outcome is not None:
        _change(args, app, site, restored.outcome, f"Import {args.file.name}")
    put_back(app.paths, restored.outcome.site if restored.outcome else None, restored.free)
    bound = len(read.entries) - len(restored.free)
    counts = {"read": len(read.entries), "rejected": [one.as_dict() for one in read.rejected]}
    app.out.result({**counts, "bound": bound, "free": len(restored.free)})
    app.out.say(f"{len(read.entries)} addresses read, {len(read.rejected)} lines rejected.")
    return 0


def run_export(args: argparse.Namespace, app: App) -> int:
    """Write the list in its order, then the machines of the site that were not heard."""
    site = _site(app)
    form = form_of(args.file, args.format)
    made = export(kept_collection(app.paths, site), site, form)
    app.out.reports(made.reports)
    if str(args.file) == "-":
        sys.stdout.write(made.content.decode())
        return 0
    if args.file.exists() and not app.confirm(f"{args.file} exists. Overwrite it?"):
        return 1
    write_file(args.file, made.content)
    app.out.result({"file": str(args.file), "format": form, "addresses": made.addresses})
    app.out.say(f"{made.addresses} addresses written to {args.file}.")
    return 0


def _site(app: App) -> Site | None:
    store = app.wiring.store()
    return store.load() if store.exists() else None


def _finish(args: argparse.Namespace, app: App, before: Site, outcome: Outcome, title: str) -> int:
    """Say what happened, change the site file, and return freed cards to the list."""
    app.out.reports(outcome.reports)
    _change(args, app, before, outcome, title)
    put_back(app.paths, outcome.site, outcome.returned)
    assigned = {one.name: one.mac for one in outcome.site.standbys}
    app.out.result({"standbys": assigned, "returned": outcome.returned})
    return 0


def _change(args: argparse.Namespace, app: App, before: Site, outcome: Outcome, title: str) -> None:
    """Write the site; tickets of cards that were taken away end."""
    change = site_change(app.wiring, before, outcome, title, dhcp=args.dhcp_update)
    if change.plan is not None:
        app.apply(change.plan)
        disarm(app.paths, freed_cards(before, outcome))


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return value

    return number
