"""``haoscar agent``: the failover agent's one file, and the configuration of each member."""

import argparse
import json
import sys
from pathlib import Path

from backend.agentfile.build import LARGEST, NAME, build, examine, write
from backend.agentfile.generate import Generated, generate_one
from backend.agentfile.watch import generate_watch
from backend.cli.app import App, Subparsers
from backend.errors import HaoscarError, InvalidInput
from backend.model.site import Site


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "agent",
        help="build the failover agent, show its configuration",
        description="The failover agent is one file that needs nothing but python3 (3.9 or later) where it runs. "
        "Its configuration is made from the site file; docs/agent.md explains both.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("build", help="write the one file")
    one.add_argument(
        "--output", metavar="FILE", type=Path, default=Path(NAME), help="default: %(default)s"
    )
    one.set_defaults(run=run_build)
    one = actions.add_parser("check", help="look whether such a file is whole, and which build")
    one.add_argument("file", metavar="FILE", type=Path, help="the file that was built")
    one.set_defaults(run=run_check)
    one = actions.add_parser("config", help="print the configuration of a head or witness")
    one.add_argument("member", metavar="MEMBER", help="its host name")
    one.add_argument(
        "--watch", action="store_true", help="that of a head's second process, the watch list"
    )
    one.set_defaults(run=run_config)


def run_build(args: argparse.Namespace, app: App) -> int:
    """Build the file."""
    try:
        built = write(args.output)
    except OSError as problem:
        raise HaoscarError.of(
            "agentfile.write",
            f"{args.output} cannot be written: {problem.strerror}.",
            "Choose another place with --output.",
        ) from problem
    app.out.say(f"{args.output}: haoscar-agent {built.version}, {built.size} bytes.")
    app.out.result({"file": str(args.output), **built._asdict()})
    return 0


def run_check(args: argparse.Namespace, app: App) -> int:
    """Say what a file is; raises InvalidInput when it is no agent, or was changed."""
    try:
        with args.file.open("rb") as source:
            content = source.read(LARGEST + 1)
    except OSError as problem:
        raise HaoscarError.of(
            "agentfile.read",
            f"{args.file} cannot be read: {problem.strerror}.",
            "Build it with: haoscar agent build",
        ) from problem
    found = examine(content, args.file)
    current = content == build()
    word = "the same" if current else "another one"
    app.out.say(f"{args.file}: haoscar-agent {found.version}, {found.size} bytes, whole.")
    app.out.say(f"This program would build {word}.")
    app.out.result({"file": str(args.file), "current": current, **found._asdict()})
    return 0


def run_config(args: argparse.Namespace, app: App) -> int:
    """Print the configuration; what there is to say about it goes to standard error."""
    site = app.wiring.store().load()
    made = _watching(site, args.member) if args.watch else generate_one(site, args.member)
    for report in made.reports:
        print(f"{report.severity}: {report}", file=sys.stderr)
    if app.json:
        app.out.result(json.loads(made.content))
    else:
        app.out.say(made.content.decode().rstrip("\n"))
    return 0


def _watching(site: Site, name: str) -> Generated:
    """Return the watch process's configuration of one head; raises InvalidInput for other names."""
    made = generate_watch(site)
    found = next((one for one in made if one.name == name), None)
    if found is None and not made:
        text, rule = "Nothing is watched in this site.", "Add services with: haoscar watch add"
        raise InvalidInput.of("agentfile.nothing-watched", text, rule)
    if found is None:
        heads = " and ".join(one.name for one in made)
        text = f"{name[:60]!a} is no head, and only heads watch."
        raise InvalidInput.of("agentfile.no-head", text, f"The heads are {heads}.")
    return found
