"""``haoscar lab``: the virtual cluster, to look around in and to rehearse with."""

import argparse
import os
import time
from pathlib import Path

from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput
from backend.lab import state
from backend.lab.cluster import VirtualCluster, sweep
from backend.lab.requirements import PrepareHost
from backend.lab.roots import RootStore
from backend.system.namespaces import NamespaceRunner, become
from backend.system.runner import Command
from backend.tasks import TaskContext


def register(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "lab",
        help="start, use and stop a virtual cluster on this machine",
        description="A head, two compute nodes and a client in containers, on networks of their "
        "own. Nothing on this machine is touched, and nothing is left behind.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    up = actions.add_parser("up", help="start a lab and leave it running")
    up.set_defaults(run=run_up)
    down = actions.add_parser("down", help="stop a lab and remove everything of it")
    down.add_argument("name", nargs="?", help="which lab (default: the newest)")
    down.add_argument(
        "--all", action="store_true", help="every lab, and what killed ones have left"
    )
    down.set_defaults(run=run_down)
    status = actions.add_parser("status", help="show the labs and their machines")
    status.set_defaults(run=run_status)
    shell = actions.add_parser("shell", help="open a shell on a machine")
    shell.add_argument("node", help="head1, node1, node2 or client")
    shell.add_argument("--lab", help="which lab (default: the newest)")
    shell.set_defaults(run=run_shell)
    execute = actions.add_parser("exec", help="run a command on a machine")
    execute.add_argument("node", help="head1, node1, node2 or client")
    execute.add_argument("--lab", help="which lab (default: the newest)")
    execute.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run"
    )
    execute.set_defaults(run=run_exec)
    for name, text in POWER.items():
        power = actions.add_parser(name, help=text)
        power.add_argument("node", help="head1, node1, node2 or client")
        power.add_argument("--lab", help="which lab (default: the newest)")
        power.set_defaults(run=run_power)


POWER = {
    "power-on": "switch a machine on",
    "power-off": "shut a machine down",
    "power-cut": "take a machine's power away",
}


def run_up(_args: argparse.Namespace, app: App) -> int:
    """Start a lab and let go of it."""
    app.run_task(PrepareHost(app.paths, app.runner))
    lab = app.run_task(_Start(app))
    app.out.say(
        f"The lab {lab.name} is up: {', '.join(lab.nodes)}. Look around: haoscar lab shell head1. "
        "End it: haoscar lab down."
    )
    app.out.result({"lab": lab.name, "nodes": list(lab.nodes), "root": str(lab.state.root)})
    return 0


class _Start:
    """Starts a lab and detaches it."""

    title = "Start a virtual cluster"

    def __init__(self, app: App) -> None:
        self._app = app

    def run(self, context: TaskContext) -> VirtualCluster:
        """See Task.run."""
        lab = VirtualCluster.start(self._app.paths, context)
        try:
            context.check_cancelled()
        except BaseException:
            lab.down()
            raise
        lab.detach()
        return lab


def run_down(args: argparse.Namespace, app: App) -> int:
    """End one lab, or all."""
    stopped = []
    if args.all:
        for lab in state.all_labs(app.paths):
            if lab.alive:
                VirtualCluster.attach(app.paths, lab.name).down()
                stopped.append(lab.name)
        stopped += sweep(app.paths)
    else:
        chosen = VirtualCluster.attach(app.paths, args.name)
        chosen.down()
        stopped.append(chosen.name)
    text = f"Stopped and removed: {', '.join(stopped)}." if stopped else "There was no lab."
    app.out.say(text)
    app.out.result({"stopped": stopped})
    return 0


def run_status(_args: argparse.Namespace, app: App) -> int:
    """Show what there is."""
    rows = []
    labs = []
    for lab in state.all_labs(app.paths):
        running = sorted(name for name, process in lab.nodes.items() if process.alive)
        machines = sorted(name for name, process in lab.machines.items() if process.alive)
        minutes = f"{(time.time() - lab.created) / 60:.0f} min"
        shown = "running" if lab.alive else "killed; clear it away with haoscar lab down --all"
        rows.append([lab.name, shown, minutes, " ".join(running), " ".join(machines)])
        labs.append({"lab": lab.name, "running": lab.alive, "nodes": running, "machines": machines})
    root = RootStore(app.paths, app.runner).find()
    if rows:
        app.out.table(["Lab", "State", "Age", "Machines", "Blank machines"], rows)
    else:
        app.out.say("No lab is running.")
    app.out.say(f"Debian root: {root.path if root else 'not built yet'}")
    app.out.result({"labs": labs, "root": str(root.path) if root else None})
    return 0


def run_shell(args: argparse.Namespace, app: App) -> int:
    """Become a shell on a machine."""
    terminal = {"TERM": os.environ.get("TERM", "dumb")}
    command = Command(("/bin/bash", "--login"), cwd=Path("/root"), env=terminal)
    become(_inside(args, app).command(command))


def run_exec(args: argparse.Namespace, app: App) -> int:
    """Become one command on a machine; its exit code is ours."""
    words = tuple(args.words[1:] if args.words[:1] == ["--"] else args.words)
    if not words:
        raise InvalidInput.of(
            "lab.exec", "No command was given.", "haoscar lab exec head1 -- ip address"
        )
    become(_inside(args, app).command(Command(words)))


def _inside(args: argparse.Namespace, app: App) -> NamespaceRunner:
    return NamespaceRunner(VirtualCluster.attach(app.paths, args.lab).node(args.node).inside)


def run_power(args: argparse.Namespace, app: App) -> int:
    """Switch a machine."""
    node = VirtualCluster.attach(app.paths, args.lab).node(args.node)
    if args.action == "power-on":
        node.power_on()
        node.wait_until_up()
    elif args.action == "power-off":
        node.power_off()
    else:
        node.power_cut()
    app.out.say(f"{node.name} is {'on' if node.is_on else 'off'}.")
    app.out.result({"node": node.name, "on": node.is_on})
    return 0
