"""``haoscar discover`` and ``haoscar init``: look at this head, and write the first site file."""

import argparse

from backend.change.plan import Plan
from backend.cli.app import App, Subparsers
from backend.cli.survey_views import LINK_HEADERS, as_facts, lines, link_rows
from backend.discovery.proposal import propose_site
from backend.discovery.survey import LookAround, Survey
from backend.errors import Refused
from backend.model.names import InterfaceName
from backend.reports import Place, error


def register(commands: Subparsers) -> None:
    """Add both commands."""
    one = commands.add_parser(
        "discover",
        help="show this head's networks, boot servers and the cluster's machines",
        description="Look at this head: which network is private and which public and why, DHCP and "
        "TFTP servers here and on the wire, the machines that dhcpd.conf, the hosts file and slurm.conf "
        "name. Changes nothing.",
    )
    add_options(one)
    one.set_defaults(run=run_discover)
    one = commands.add_parser(
        "init",
        help="write the first site file from what is discovered",
        description="Write /etc/haoscar/site.toml from what is discovered; shown first.",
    )
    add_options(one)
    one.set_defaults(run=run_init)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of everything that looks around."""
    parser.add_argument("--private", metavar="IF", help="the interface of the private network")
    parser.add_argument(
        "--no-wire", action="store_true", help="send nothing: no DHCP question, no ARP"
    )


def look_around(args: argparse.Namespace, app: App, *, ask_wire: bool = True) -> Survey:
    """Discover as the options say; raises HaoscarError, Cancelled."""
    private = InterfaceName.parse(args.private, Place(field="--private")) if args.private else None
    ask = ask_wire and not args.no_wire
    return app.run_task(LookAround(app.paths, app.runner, private, ask))


def run_discover(args: argparse.Namespace, app: App) -> int:
    """Show what was found."""
    survey = look_around(args, app)
    app.out.table(LINK_HEADERS, link_rows(survey.snapshot))
    for line in lines(survey):
        app.out.say(line)
    if not app.json:
        app.out.reports((*survey.sides.reports, *survey.cluster.reports, *survey.reports))
    app.out.result(as_facts(survey))
    return 0


def run_init(args: argparse.Namespace, app: App) -> int:
    """Write the first site file; refuses when there is one."""
    store = app.wiring.store()
    if store.exists():
        raise Refused(
            error(
                "site.exists", f"{app.paths.site_file} exists already.",
                "Edit it, or move it away first. Nothing was changed.",
            )
        )  # fmt: skip
    survey = look_around(args, app, ask_wire=False)
    site = propose_site(survey)
    if not app.json:
        app.out.reports((*survey.sides.reports, *survey.cluster.reports))
    app.apply(
        Plan(
            "Write the first site file",
            "It is the only truth about the site; correct it by hand where discovery was wrong.",
            (store.write_step(site),),
        )
    )
    app.out.result({"site_file": str(app.paths.site_file)})
    return 0
