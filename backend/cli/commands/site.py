"""``haoscar site``: the description of the cluster, shown and checked; it changes nothing."""

import argparse
from dataclasses import asdict
from pathlib import Path

from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput
from backend.model.site import Network, Site
from backend.reports import Severity
from backend.site.schema import SECTIONS
from backend.site.source import read_text
from backend.site.store import examine


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "site",
        help="show or check the site file",
        description="The site file /etc/haoscar/site.toml describes networks, heads, images and nodes.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("show", help="what the site file says")
    one.set_defaults(run=run_show)
    one = actions.add_parser("check", help="find every problem in it, each with its line")
    one.add_argument("file", metavar="FILE", nargs="?", type=Path, help="another file to check")
    one.set_defaults(run=run_check)
    one = actions.add_parser("keys", help="explain every key that it may have")
    one.set_defaults(run=run_keys)


def run_show(_args: argparse.Namespace, app: App) -> int:
    """Show the site as tables."""
    site = app.wiring.store().load()
    app.out.say(f"Cluster {site.cluster}, domain {site.domain}\n")
    networks = [("private", site.private)] + ([("public", site.public)] if site.public else [])
    app.out.table(
        ("network", "interface", "addresses", "gateway", "virtual IP"),
        [_network_row(name, network) for name, network in networks],
    )
    app.out.say("")
    app.out.table(("machine", "role", "address", "public address", "MAC", "image"), _machines(site))
    if site.images:
        app.out.say("")
        app.out.table(
            ("image", "golden client", "addresses of its clones", "after the installation"),
            [(one.name, one.client, one.ip_assignment, one.post_install) for one in site.images],
        )
    if site.watch.services:
        count = len(site.watch.services)
        app.out.say(f"\n{count} services are in the watch list; see them with: haoscar watch list")
    if site.monitoring is not None:
        app.out.say("")
        app.out.table(
            ("watch processes", ""),
            [(key, value or "-") for key, value in asdict(site.monitoring).items()],
        )
    app.out.result(asdict(site))
    return 0


def _network_row(name: str, network: Network) -> tuple[object, ...]:
    return (
        name, network.interface, network.network, network.gateway or "-", network.virtual_ip or "-",
    )  # fmt: skip


def _machines(site: Site) -> list[tuple[object, ...]]:
    primary = site.primary
    rows: list[tuple[object, ...]] = [
        (primary.name, "primary", primary.private_address, primary.public_address or "-", "-", "-")
    ]
    rows += [
        (one.name, "standby", one.address, one.public_address or "-", one.mac or "-", one.image)
        for one in site.standbys
    ]
    rows += [(one.name, "node", one.address or "-", "-", one.mac or "-", "-") for one in site.nodes]
    return rows


def run_check(args: argparse.Namespace, app: App) -> int:
    """Say everything that is wrong; raises InvalidInput when anything is an error."""
    file = app.wiring.store().file if args.file is None else args.file
    reports = examine(read_text(file), file)
    errors = [one for one in reports if one.severity is Severity.ERROR]
    app.out.result({"ok": not errors, "reports": [one.as_dict() for one in reports]})
    app.out.reports(one for one in reports if one.severity is not Severity.ERROR)
    if errors:
        raise InvalidInput(*errors)
    app.out.say(f"{file} is right.")
    return 0


def run_keys(_args: argparse.Namespace, app: App) -> int:
    """Explain every key."""
    for section in SECTIONS:
        app.out.say(f"{section.header}  {section.meaning}")
        for key in section.keys:
            need = " (required)" if key.required else ""
            app.out.say(f"  {key.name}{need}: {key.meaning}; {key.values}")
            app.out.say(f"      {key.name} = {key.example}")
        app.out.say("")
    app.out.say("More in docs/site-file.md.")
    app.out.result({
        section.header: [
            {
                "name": key.name, "meaning": key.meaning, "values": key.values,
                "required": key.required, "default": key.default, "example": key.example,
            }
            for key in section.keys
        ]
        for section in SECTIONS
    })  # fmt: skip
    return 0
