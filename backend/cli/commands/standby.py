"""``haoscar add-standby``: define a standby (step 3); every value is proposed and checked."""

import argparse
from collections.abc import Iterable

from backend.actions.standby import Ground
from backend.cli.app import App, Subparsers
from backend.cli.commands.discover import add_options, look_around
from backend.model.requests import AddStandbyRequest
from backend.model.site import Site
from backend.reports import Report
from backend.standby.proposal import Proposal, values_of


def register(commands: Subparsers) -> None:
    """Add the command with one option for each field of the panel."""
    parser = commands.add_parser(
        "add-standby",
        help="step 3: define a standby server",
        description="Define a standby server, or change the one of that name. What is not given is "
        "proposed from this head and its networks. The machine itself is not touched.",
    )
    for key, label in AddStandbyRequest.LABELS.items():
        parser.add_argument(option(key), dest=key, metavar="VALUE", help=label)
    parser.add_argument(
        "--propose", action="store_true", help="only show what is proposed, and why"
    )
    add_options(parser)
    parser.set_defaults(run=run)


def option(key: str) -> str:
    """Return the option of a field."""
    return f"--{key.replace('_', '-')}"


def run(args: argparse.Namespace, app: App) -> int:
    """Propose, check, show and write."""
    survey = look_around(args, app, ask_wire=False)
    ground = Ground.of(app.wiring, survey, ask_wire=not args.no_wire)
    given = {
        key: value
        for key in AddStandbyRequest.LABELS
        if (value := getattr(args, key, None)) is not None
    }
    proposal = ground.propose()
    values = {**proposal.values, **_existing(ground.site, given), **given}
    if args.propose:
        return _show(app, values, proposal, given, ground.asker.reports)
    request = AddStandbyRequest.parse(values)
    doubts = ground.doubts(request)
    reports = [one for one in proposal.reports if _still_concerns(one, given)]
    app.out.reports((*ground.asker.reports, *reports, *doubts))
    record = app.apply(ground.plan(request))
    app.out.say(
        f"The standby {request.name} is defined." if record else "It was defined like this already."
    )
    app.out.result({"standby": values, "changed": record is not None})
    return 0


def _existing(site: Site, given: dict[str, str]) -> dict[str, str]:
    """Return the values of the standby that is to be changed, if it is there."""
    before = site.standby(given.get("name", ""))
    return {} if before is None else values_of(before)


def _still_concerns(report: Report, given: dict[str, str]) -> bool:
    return report.place is None or report.place.field not in given


def _show(
    app: App, values: dict[str, str], proposal: Proposal, given: dict[str, str],
    more: Iterable[Report],
) -> int:  # fmt: skip
    why = {**proposal.why, **dict.fromkeys(given, "you gave it")}
    app.out.table(
        ("field", "value", "why"),
        [(label, values[key], why.get(key, "")) for key, label in AddStandbyRequest.LABELS.items()],
    )
    app.out.reports((*more, *proposal.reports))
    app.out.result({
        "standby": values, "why": why, "proposed": sorted(set(values) - set(given)),
        "reports": [one.as_dict() for one in (*more, *proposal.reports)],
    })  # fmt: skip
    return 0
