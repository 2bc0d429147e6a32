"""``haoscar drill``: a fault on purpose, and how long the virtual IPs and services were away."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend import __version__
from backend.actions.action import Prepared
from backend.actions.drill import (
    SETTLING,
    DrillAction,
    Drilled,
    DrillRequest,
    roles,
)
from backend.cli import report_directory
from backend.cli.app import App, Subparsers
from backend.cli.carrying import Terminal, prepared, way
from backend.cli.ssh_options import HOST_KEYS, add_ssh_options, decision
from backend.drill import report
from backend.drill.faults import Fault, question
from backend.drill.outcome import NOTED_MS, Outcome, Row
from backend.drill.targets import Service
from backend.errors import Cancelled
from backend.reports import info

EPILOG = f"""\
faults:
  planned       a switchover
  agent-killed  the agent of the active head is killed; systemd starts it again
  agent-frozen  it stands still for 5 s
  power-loss    the active head is reset at once; only from another machine

What will be done is said first. Budget: 25 ms for a planned switchover, else the lease and 100 ms.
Exit codes: 0 within the budget, 1 not, 3 refused: the heads are not well enough for a drill.

{HOST_KEYS}"""


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "drill",
        help="make a fault on purpose and measure the outage from the witnesses",
        description="Make a fault on the active head and measure, on the witnesses, for how long each virtual IP and "
        "each service does not answer.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--fault", type=Fault, choices=list(Fault), default=Fault.PLANNED, help="default: planned")
    add(
        "--service", action="append", default=[], metavar="NAME=PORT",
        help="a TCP service at every virtual IP; NAME=ADDRESS:PORT: at one of them; PORT/MS: its own budget",
    )  # fmt: skip
    add(
        "--witness", action="append", default=[], metavar="NAME",
        help="measure there (default: on all witnesses that can be reached)",
    )  # fmt: skip
    add(
        "--seconds", type=float, default=SETTLING, metavar="S",
        help="go on measuring so long when the roles have settled (default: %(default)g)",
    )  # fmt: skip
    add("--return", dest="back", action="store_true", help="switch back afterwards, measured, too")
    add("--report", type=Path, metavar="DIR", help="write report.html and report.json there")
    add_ssh_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Look, say what will happen, ask, do it, tell."""
    report_directory.check(args.report)
    services = tuple(Service.parse(one) for one in args.service)
    request = DrillRequest(args.fault, services, tuple(args.witness), args.seconds, args.back)
    action = DrillAction(app.wiring, request, way(args))
    made = prepared(action, app, Terminal(decision(args, app)))
    _announce(made, app)
    active = made.groups[0].title
    if not app.confirm(question(args.fault, active)):
        raise Cancelled(info("cli.declined", "Nothing was changed."))
    drilled = app.run_task(made)
    for outcome in drilled.outcomes:
        _tell(outcome, app)
    if drilled.note:
        app.out.say(drilled.note)
    _hand_out(drilled.outcomes, args.report, app)
    if drilled.not_back is not None:
        raise drilled.not_back
    return 0 if drilled.ok else 1


def _announce(made: Prepared[Drilled], app: App) -> None:
    """Say what will be done before it is done, and what can go wrong right after what is done."""
    risks = [one for one in made.reports if one.code in ("drill.risk", "drill.danger")]
    app.out.reports(one for one in made.reports if one not in risks)
    app.out.say(made.sentence)
    first, *others = made.groups
    for change in first.changes:
        app.out.say(change.sentence)
    for risk in risks:
        app.out.say(risk.text)
    for group in others:
        for change in group.changes:
            app.out.say(change.sentence)


def _tell(outcome: Outcome, app: App) -> None:
    """Print the rows, the sentences and the verdict."""
    out = app.out
    out.table(
        ("from", "what", "longest gap", "gaps", "prober late", "budget", "verdict"),
        [_cells(row) for row in outcome.rows],
    )
    for said in outcome.sentences:
        alarm = "alarm: " if said.kind == "alarm" else ""
        out.say(f"{said.at * 1000:+7.0f} ms  {said.head}: {alarm}{said.text}")
    out.say(roles(outcome))
    out.say(outcome.verdict)


def _cells(row: Row) -> tuple[str, ...]:
    if row.problem:
        return (row.witness, row.target.what, "-", "-", "-", "-", row.verdict.value)
    doubtful = f" ({row.doubtful} doubtful)" if row.doubtful else ""
    return (
        row.witness,
        row.target.what,
        f"{row.longest_ms:.0f} ms" if row.longest_ms else f"under {NOTED_MS:g} ms",
        f"{len(row.after)}{doubtful}",
        f"{row.lateness_ms:.1f} ms",
        "-" if row.target.budget_ms is None else f"{row.target.budget_ms:g} ms",
        row.verdict.value,
    )


def _hand_out(outcomes: Sequence[Outcome], directory: Path | None, app: App) -> None:
    result: Mapping[str, object] = report.as_dict(outcomes, __version__)
    if directory is not None:
        html, _data = report.write(outcomes, __version__, directory)
        app.out.say(f"Report: {html}")
        result = {**result, "report": str(html)}
    app.out.result(result)
