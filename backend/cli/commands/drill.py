"""``haoscar drill``: a fault on purpose, and how long the virtual IPs and services were away."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backend import __version__
from backend.change.lock import locked
from backend.cli.app import App, Subparsers
from backend.cli.ssh_options import HOST_KEYS, add_ssh_options, credentials, decision, port
from backend.drill import report, scene
from backend.drill.faults import Fault, budget_ms, question, what_happens
from backend.drill.outcome import NOTED_MS, Outcome, Row
from backend.drill.scene import Scene, UntilWell
from backend.drill.targets import Service, Target, share_out, targets, unmeasured
from backend.drill.task import Drill
from backend.errors import Cancelled, InvalidInput, Refused
from backend.imaging.client import known_hosts
from backend.reports import Severity, info
from backend.rollout.fleet import Fleet, Login, reach
from backend.rollout.member import ConfigView, Member
from backend.rollout.source import chosen, members_of
from backend.system.files import make_private
from backend.system.links import snapshot

EPILOG = f"""\
faults:
  planned       a switchover
  agent-killed  the agent of the active head is killed; systemd starts it again
  agent-frozen  it stands still for 5 s
  power-loss    the active head is reset at once; only from another machine

What will be done is said first. Budget: 25 ms for a planned switchover, else the lease and 100 ms.
Exit codes: 0 within the budget, 1 not, 3 refused: the heads are not well enough for a drill.

{HOST_KEYS}"""
LIMIT = 15.0  # seconds until the roles have settled, besides what stopping resources may take
MOST_SECONDS = 120.0


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
        "--seconds", type=float, default=2.0, metavar="S",
        help="go on measuring so long when the roles have settled (default: %(default)g)",
    )  # fmt: skip
    add("--return", dest="back", action="store_true", help="switch back afterwards, measured, too")
    add("--report", type=Path, metavar="DIR", help="write report.html and report.json there")
    add_ssh_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Look, say what will happen, ask, do it, tell."""
    services = _checked(args)
    members, _known = members_of(app.wiring.store().load())
    heads = [one for one in members if one.head]
    witnesses = [one for one in members if not one.head]
    if not witnesses:
        text = "This site has no witness: nobody could measure."
        raise Refused.of("drill.no-witness", text, "Add one: [agent] witnesses in the site file.")
    own = {str(address) for address in snapshot().addresses}
    here = next((one.name for one in members if one.address in own), "")
    with _turn(app), _fleet(args, app, own) as fleet:
        probers = _open(fleet, heads, chosen(witnesses, args.witness), args, app)
        work = _Work(args.fault, services, heads, probers, fleet, here, args.seconds)
        found = scene.look(fleet.runners, heads, args.fault, here)
        drill = work.drill(found)
        _announce(drill, app, back=args.back)
        if not app.confirm(question(args.fault, found.active.name)):
            raise Cancelled(info("cli.declined", "Nothing was changed."))
        outcomes = [app.run_task(drill)]
        _tell(outcomes[0], app)
        try:
            if args.back:
                outcomes += work.back(found, outcomes[0], app)
        finally:
            _hand_out(outcomes, args.report, app)
    return 0 if all(one.ok for one in outcomes) else 1


class _Work:
    """What drills of one run have in common."""

    def __init__(
        self,
        fault: Fault,
        services: Sequence[Service],
        heads: Sequence[Member],
        probers: Sequence[Member],
        fleet: Fleet,
        here: str,
        seconds: float,
    ) -> None:
        self._fault = fault
        self._services = services
        self._heads = heads
        self._probers = probers
        self._fleet = fleet
        self._here = here
        self._seconds = seconds

    def drill(self, found: Scene, fault: Fault | None = None) -> Drill:
        """Return the drill that fits the pair; raises InvalidInput, Refused."""
        fault = fault or self._fault
        active = found.active
        budget = budget_ms(fault, active.lease_ms)
        wanted = targets(
            active.virtual_ips, self._services, budget, resources=bool(active.resources)
        )
        shares = share_out(self._probers, wanted)
        if not shares:
            raise Refused.of(
                "drill.nothing",
                "No witness is on a network that has a virtual IP: nothing could be measured.",
                "Name a witness that is: [agent] witnesses in the site file.",
            )
        view = ConfigView.of(found.members[active.name].config)
        limit = LIMIT + (view.stopping if view else 0.0)
        notes = _notes(unmeasured(wanted, shares.values()), wanted)
        return Drill(fault, found, shares, self._fleet.runners, budget, self._seconds, limit, notes)

    def back(self, first: Scene, outcome: Outcome, app: App) -> list[Outcome]:
        """Switch back, if the role has moved, and measure it."""
        if outcome.after[0] != first.standby.name:
            app.out.say(f"{first.active.name} has not lost its role: nothing to switch back.")
            return []

        def look() -> Scene:
            return scene.look(self._fleet.runners, self._heads, Fault.PLANNED, self._here)

        found = app.run_task(UntilWell(look, LIMIT, time.monotonic))
        again = app.run_task(self.drill(found, Fault.PLANNED))
        _tell(again, app)
        return [again]


def _checked(args: argparse.Namespace) -> list[Service]:
    """Return the services; raises InvalidInput for what cannot be meant."""
    if not 0 <= args.seconds <= MOST_SECONDS:
        text = f"--seconds is at least 0 and at most {MOST_SECONDS:g}."
        raise InvalidInput.of("drill.seconds", text)
    if args.back and args.fault.ends_machine:
        raise InvalidInput.of(
            "drill.return",
            "Nobody can switch back to a head that has just been reset.",
            "When it is back and well: haoscar drill",
        )
    return [Service.parse(one) for one in args.service]


@contextmanager
def _turn(app: App) -> Iterator[None]:
    """No installation of agents meanwhile."""
    if not app.paths.state.is_dir():
        make_private(app.paths.state)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with locked(app.paths.state / "agents.lock", "drill", since):
        yield


def _fleet(args: argparse.Namespace, app: App, own: set[str]) -> Fleet:
    login = Login(credentials(args), known_hosts(app.paths), decision(args, app), port(args))
    return Fleet(reach(login, lambda member: member.address in own, app.runner))


def _open(
    fleet: Fleet,
    heads: Sequence[Member],
    witnesses: Sequence[Member],
    args: argparse.Namespace,
    app: App,
) -> list[Member]:
    """Open heads and witnesses; returns the witnesses that can measure. Raises Refused."""

    def say(member: Member) -> None:
        app.out.say(f"Connecting to {member}")

    unreached = fleet.open(heads, say)
    if unreached:
        raise Refused(*unreached, scene.NOT_BEGUN)
    unreached = fleet.open(witnesses, say)
    probers = [one for one in witnesses if one in fleet.runners]
    if unreached and (args.witness or not probers):
        raise Refused(*unreached, scene.NOT_BEGUN)
    app.out.reports(replace(one, severity=Severity.WARNING) for one in unreached)
    return probers


def _announce(drill: Drill, app: App, *, back: bool) -> None:
    """Say what will be done before it is done."""
    active, standby = drill.scene.active, drill.scene.standby
    say = app.out.say
    say(f"{active.name} is active (term {active.term}), {standby.name} stands by.")
    for sentence in what_happens(drill.fault, active.name, standby.name):
        say(sentence)
    if drill.scene.risk:
        say(drill.scene.risk)
    for member, mine in drill.shares.items():
        say(f"Measured on {member.name}, every 5 ms: {', '.join(one.what for one in mine)}.")
    if any(one.port for mine in drill.shares.values() for one in mine):
        say("Each service gets 200 connections a second from each of them, closed at once.")
    for note in drill.notes:
        say(note)
    say(f"Promised: no more than {drill.budget_ms:g} ms without an answer.")
    if back:
        say(f"Afterwards {active.name} becomes active again, and that is measured, too.")


def _notes(nobody: Sequence[Target], wanted: Sequence[Target]) -> tuple[str, ...]:
    notes = []
    if nobody:
        names = ", ".join(one.what for one in nobody)
        notes.append(f"Not measured, no witness is on that network: {names}.")
    if any(one.budget_ms is None for one in wanted):
        notes.append(
            "Services may have to be started first, which takes as long as it takes: they are measured,"
            " not judged. Give a budget with PORT/MS."
        )
    return tuple(notes)


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
    active, _standby, term = outcome.before
    after, later = outcome.after
    out.say(f"Before: {active}, term {term}. After: {after or 'not one head'}, term {later}.")
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
