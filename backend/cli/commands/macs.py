"""``haoscar macs``: listen for machines that are switched on, and give their cards to standbys."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backend.cli.app import App, Subparsers
from backend.cli.mac_views import HEADERS, LIVE_HEADING, as_facts, as_line, as_row
from backend.discovery.assignment import Outcome, assign, assign_all, delete, restore
from backend.discovery.mac_collecting import (
    CollectMacs,
    load_collection,
    save_collection,
)
from backend.discovery.mac_files import (
    SIZE_LIMIT,
    Entry,
    MacFormat,
    read_macs,
    write_macs,
)
from backend.discovery.macs import Collection, Machine, known_machines
from backend.discovery.vendors import Vendors
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.model.site import Site
from backend.netboot.admission import assignment_plan
from backend.netboot.dhcp import INCLUDE
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.reports import Place, Severity, info, warning
from backend.system.packets import own_cards

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
    if args.interface is not None:
        interface = InterfaceName.parse(args.interface)
    elif site is not None:
        interface = site.private.interface
    else:
        raise InvalidInput.of(
            "macs.no-interface",
            "There is no site file yet, so nothing says where to listen.",
            "Name the private network's interface: haoscar macs collect --interface eth1",
        )
    collection = _collection(app, site)
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
    collection = _collection(app, _site(app))
    vendors = Vendors.of_machine(app.paths)
    app.out.result([as_facts(machine, vendors) for machine in collection])
    app.out.table(HEADERS, [as_row(machine, vendors) for machine in collection])
    if not len(collection):
        app.out.say("Nothing was collected yet: haoscar macs collect")
    return 0


def run_remove(args: argparse.Namespace, app: App) -> int:
    """Forget machines; what is assigned stays assigned."""
    collection = _collection(app, _site(app))
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
    outcome = assign(site, mac, args.standby, node_is_mine=args.yes_node_is_mine, own=own_cards())
    title = f"Assign {mac} to {args.standby}"
    return _finish(app, site, outcome, title, tell_dhcp=args.dhcp_update)


def run_assign_all(args: argparse.Namespace, app: App) -> int:
    """Give the oldest free cards to the standbys without one."""
    site = app.wiring.store().load()
    free = [machine.mac for machine in _collection(app, site).unassigned(site)]
    outcome = assign_all(site, free, nodes_are_mine=args.yes_nodes_are_mine, own=own_cards())
    title = "Assign the collected MAC addresses"
    return _finish(app, site, outcome, title, tell_dhcp=args.dhcp_update)


def run_delete(args: argparse.Namespace, app: App) -> int:
    """Take the card from a standby."""
    site = app.wiring.store().load()
    outcome, title = delete(site, args.standby), f"Take the card from {args.standby}"
    return _finish(app, site, outcome, title, tell_dhcp=args.dhcp_update)


def run_import(args: argparse.Namespace, app: App) -> int:
    """Read a file; its bindings go into the site file, the other addresses into the list."""
    try:
        with args.file.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as problem:
        raise _file_problem(args.file, "read", problem) from problem
    read = read_macs(content, args.file.name)
    app.out.reports(read.reports)
    if read.rejected and not read.entries:
        raise InvalidInput.of(
            "macs.nothing-imported",
            f"{args.file.name} holds no MAC address.",
            "See the lines above.",
        )
    site = _site(app)
    if site is None:
        outcome = None
        free = tuple(entry.mac for entry in read.entries)
        lost = sum(entry.node is not None for entry in read.entries)
        if lost:
            text = f"There is no site file yet: {lost} addresses were taken without their machines."
            remedy = "Import the file again when the machines have been defined."
            app.out.reports([warning("macs.no-site", text, remedy)])
    else:
        outcome = restore(site, read.entries, own=own_cards(), source=args.file.name)
        free = outcome.returned
        app.out.reports(outcome.reports)
        _write_site(app, site, outcome.site, f"Import {args.file.name}", tell_dhcp=args.dhcp_update)
    _put_back(app, outcome.site if outcome else None, free)
    counts = {"read": len(read.entries), "rejected": [one.as_dict() for one in read.rejected]}
    app.out.result({**counts, "bound": len(read.entries) - len(free), "free": len(free)})
    app.out.say(f"{len(read.entries)} addresses read, {len(read.rejected)} lines rejected.")
    return 0


def run_export(args: argparse.Namespace, app: App) -> int:
    """Write the list in its order, then the machines of the site that were not heard."""
    site = _site(app)
    collection = _collection(app, site)
    entries = [Entry(machine.mac, machine.node, machine) for machine in collection]
    if site is not None:
        bound = known_machines(site).items()
        entries += [Entry(mac, node) for mac, node in bound if mac not in collection]
    suffix = MacFormat.CSV if args.file.suffix.lower() == ".csv" else MacFormat.CURRENT
    form = MacFormat(args.format or suffix)
    content = write_macs(entries, form, time.time())
    unbound = sum(entry.node is None for entry in entries)
    if form is MacFormat.MAC_INFO and unbound:
        text = f"{unbound} addresses without a machine were left out: MAC.info cannot hold them."
        app.out.reports([warning("macs.left-out", text, "Use --format oscar or csv for all.")])
    if str(args.file) == "-":
        sys.stdout.write(content.decode())
        return 0
    if args.file.exists() and not app.confirm(f"{args.file} exists. Overwrite it?"):
        return 1
    try:
        args.file.write_bytes(content)
    except OSError as problem:
        raise _file_problem(args.file, "written", problem) from problem
    app.out.result({"file": str(args.file), "format": form, "addresses": len(entries)})
    app.out.say(f"{len(entries)} addresses written to {args.file}.")
    return 0


def _site(app: App) -> Site | None:
    store = app.wiring.store()
    return store.load() if store.exists() else None


def _collection(app: App, site: Site | None) -> Collection:
    """Return the kept list, with the machines of the site marked."""
    collection = Collection(own_cards())
    load_collection(app.paths, collection)
    collection.mark({} if site is None else known_machines(site))
    return collection


def _finish(app: App, before: Site, outcome: Outcome, title: str, *, tell_dhcp: bool) -> int:
    """Say what happened, change the site file, and return freed cards to the list."""
    refusals = [one for one in outcome.reports if one.severity is Severity.ERROR]
    if refusals:
        raise Refused(*refusals)
    app.out.reports(outcome.reports)
    _write_site(app, before, outcome.site, title, tell_dhcp=tell_dhcp)
    _put_back(app, outcome.site, outcome.returned)
    assigned = {one.name: one.mac for one in outcome.site.standbys}
    app.out.result({"standbys": assigned, "returned": outcome.returned})
    return 0


def _write_site(app: App, before: Site, after: Site, title: str, *, tell_dhcp: bool) -> None:
    """Write the site; a DHCP server that was configured once learns the new cards at once."""
    if after == before:
        return
    ours = app.paths.at(INCLUDE).exists()
    facts = read_dhcp_facts(app.paths) if ours and tell_dhcp else None
    app.apply(assignment_plan(title, after, app.wiring.store().write_step(after), facts))


def _put_back(app: App, site: Site | None, macs: tuple[Mac, ...]) -> None:
    collection = _collection(app, site)
    for mac in macs:
        collection.put_back(mac, time.time())
    save_collection(app.paths, collection)


def _file_problem(path: Path, done: str, problem: OSError) -> HaoscarError:
    text = f"{path} could not be {done}: {problem.strerror}."
    return InvalidInput.of("macs.file", text, "Give another path.", Place(path))


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return value

    return number
