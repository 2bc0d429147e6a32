"""``haoscar status``: who serves, on whose word, and what would happen next."""

import argparse
from collections.abc import Iterator
from datetime import datetime

from backend.actions.status import Status, read_status
from backend.actions.status_words import share, span
from backend.amounts import duration
from backend.cli.agent_client import add_socket
from backend.cli.app import App, Subparsers
from backend.cli.output import Output


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "status",
        help="show roles, lease, voters, links, and why a takeover would or would not happen",
        description="Ask the agent of this head. Exit codes: 0 a head serves and the other could take over, 1 it "
        "does not or could not, 3 no agent runs here.",
    )  # fmt: skip
    add_socket(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Print it."""
    status, answer = read_status(app.paths, args.socket)
    for line in _summary(status):
        app.out.say(line)
    _tables(status, app.out)
    app.out.say("")
    for sentence in status.explain:
        app.out.say(f"- {sentence}")
    app.out.result(answer)
    return 0 if status.healthy else 1


def _tables(status: Status, out: Output) -> None:
    out.say("")
    out.table(
        ("virtual IP", "network", "interface", "here"),
        [
            (one.address, one.network, one.interface, "yes" if one.configured else "no")
            for one in status.virtual_ips
        ],
    )
    out.say("")
    out.table(
        ("voter", "kind", "state", "granted"),
        [
            (one.name, "head" if one.head else "witness", one.state, _ago(one.granted_ago_us))
            for one in status.voters
        ],
    )
    out.say("")
    out.table(
        ("link to", "network", "heard", "loss", "jitter"),
        [
            (one.member, one.network, _ago(one.age_us), share(one.loss), span(one.jitter_us))
            for one in status.links
        ],
    )
    if status.resources:
        out.say("")
        out.table(
            ("resource", "state", "why"),
            [(one.name, one.state, one.why) for one in status.resources],
        )


def _summary(status: Status) -> Iterator[str]:
    role, peer = status.role, status.peer
    lease = f", lease for {status.lease_remaining_us / 1000:.0f} ms" if status.active else ""
    yield f"{status.me} is {role} (term {status.term}{lease})"
    if not peer.alive:
        yield f"{peer.name} does not answer"
    else:
        what = "active" if peer.health.active else "standby"
        yield f"{peer.name} is {what}{'' if peer.health.fit else ', not fit to serve'}"
    if status.maintenance_seconds:
        yield f"maintenance mode, ends in {duration(status.maintenance_seconds)}"
    for risk in status.risks:
        yield f"RISK: {risk}"
    for name, entry in (
        ("last decision", status.last_decision),
        ("last alarm", status.last_alarm),
    ):
        if entry:
            moment = datetime.fromtimestamp(entry.time).astimezone()
            yield f"{name}, {moment:%Y-%m-%d %H:%M:%S}: {entry.sentence}"


def _ago(microseconds: int | None) -> str:
    return "never" if microseconds is None else f"{span(microseconds)} ago"
