"""``haoscar status``: who serves, on whose word, and what would happen next."""

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from backend.cli.agent_client import add_socket, ask_agent
from backend.cli.app import App, Subparsers
from backend.cli.output import duration


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
    status = ask_agent(app, args.socket, "status")
    for line in _summary(status):
        app.out.say(line)
    app.out.say("")
    app.out.table(
        ("virtual IP", "network", "interface", "here"),
        [
            (one["address"], one["network"], one["interface"], "yes" if one["configured"] else "no")
            for one in status["virtual_ips"]
        ],
    )
    app.out.say("")
    app.out.table(
        ("voter", "kind", "state", "granted"),
        [
            (one["name"], "head" if one["head"] else "witness", one["state"], _ago(one["granted_ago_us"]))
            for one in status["voters"]
        ],
    )  # fmt: skip
    app.out.say("")
    app.out.table(
        ("link to", "network", "heard", "loss", "jitter"),
        [
            (one["member"], one["network"], _ago(one["age_us"]), _share(one["loss"]), _span(one["jitter_us"]))
            for one in status["links"]
        ],
    )  # fmt: skip
    if status["resources"]:
        app.out.say("")
        app.out.table(
            ("resource", "state", "why"),
            [(one["name"], one["state"], one["why"]) for one in status["resources"]],
        )
    app.out.say("")
    for sentence in status["explain"]:
        app.out.say(f"- {sentence}")
    app.out.result(status)
    return 0 if healthy(status) else 1


def healthy(status: Mapping[str, Any]) -> bool:
    """Return whether one head serves and the other is there and fit."""
    peer = status["peer"]
    return (
        peer["alive"]
        and peer["health"]["fit"]
        and (status["role"] == "active") != peer["health"]["active"]
        and not status["promised"]
    )


def _summary(status: Mapping[str, Any]) -> Iterator[str]:
    role, peer = status["role"], status["peer"]
    lease = f", lease for {status['lease_remaining_us'] / 1000:.0f} ms" if role == "active" else ""
    yield f"{status['me']} is {role} (term {status['term']}{lease})"
    if not peer["alive"]:
        yield f"{peer['name']} does not answer"
    else:
        what = "active" if peer["health"]["active"] else "standby"
        yield f"{peer['name']} is {what}{'' if peer['health']['fit'] else ', not fit to serve'}"
    if status["maintenance_seconds"]:
        yield f"maintenance mode, ends in {duration(status['maintenance_seconds'])}"
    for risk in status["risks"]:
        yield f"RISK: {risk}"
    for name, entry in (
        ("last decision", status["last_decision"]),
        ("last alarm", status["last_alarm"]),
    ):
        if entry:
            moment = datetime.fromtimestamp(entry["time"]).astimezone()
            yield f"{name}, {moment:%Y-%m-%d %H:%M:%S}: {entry['sentence']}"


def _ago(microseconds: int | None) -> str:
    return "never" if microseconds is None else f"{_span(microseconds)} ago"


def _span(microseconds: float | None) -> str:
    if microseconds is None:
        return "-"
    if microseconds < 1000:
        return f"{microseconds:.0f} us"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms"
    return duration(microseconds / 1e6)


def _share(loss: float | None) -> str:
    return "-" if loss is None else f"{loss * 100:.1f} %"
