"""haoscar test: every check of this checkout, on a machine that had none of its needs."""

import argparse
import os
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from backend.amounts import duration
from backend.cli.app import App, Subparsers
from backend.errors import HaoscarError, Refused
from backend.lab.requirements import PrepareHost
from backend.system.leftovers import MARKER, Traces, traces
from backend.system.runner import Command

PYTHON = sys.executable
NAMESPACES = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the test run."""

    name: str
    argv: tuple[str, ...]
    limit: float  # seconds


STYLE = (
    Part("ruff", (PYTHON, "-m", "ruff", "check", "."), 120),
    Part("format", (PYTHON, "-m", "ruff", "format", "--check", "."), 120),
    Part("types", (PYTHON, "-m", "mypy"), 600),
    Part(
        "layers", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as m; m()"), 300
    ),
)
PYTEST = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5")
UNIT = Part("unit", (*PYTEST, "-n", "2", "-m", "not lab and not vm and not gui"), 600)
# A window waits most of the time. A key that was pressed before a window was ready for it is lost,
# as a person's would be: such a test may try twice more, and the summary counts how often one did.
TWO_FILES = ("-n", "2", "--dist", "loadfile")  # side by side
GUI = Part("gui", (*PYTEST, "-m", "gui and not vm", *TWO_FILES, "--reruns", "2", "-rR"), 1800)
IN_LAB = ("-m", "lab and not vm and not gui")
# Real daemons wait most of the time too. What a busy machine delays may be tried once more; the
# summary counts and names it.
LAB = Part("lab", (*PYTEST, *IN_LAB, *TWO_FILES, "--reruns", "1", "-rR"), 2400)
WATCH = Part("watch", (*LAB.argv, "-k", "test_watch_"), 1200)
# An emulated machine keeps one processor busy: two side by side.
VM = Part("vm", (*PYTEST, "-m", "vm", "-n", "2", "--dist", "loadgroup"), 3600)
CHOICES = {
    "style": STYLE,
    "unit": (UNIT,),
    "gui": (GUI,),
    "lab": (LAB,),
    "watch": (WATCH,),
    "vm": (VM,),
    "all": (*STYLE, UNIT, GUI, LAB, VM),
}


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "test",
        help="run the tests of this checkout",
        description="Run the tests: style and types, unit, gui (a real window, clicked), "
        "lab (namespaces and real daemons), watch (its part that is about the watch list), vm (QEMU). Gui, lab and vm need root; what they need is installed first, and nothing is left behind: that is checked too.",
    )
    parser.add_argument(
        "part", nargs="?", choices=sorted(CHOICES), default="all", help="default: all"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Run the parts in turn; all of them, also after a failure."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "tests").is_dir():
        raise Refused.of(
            "test.no-checkout", "The tests are in the source, not in the installed package."
        )
    parts = CHOICES[args.part]
    run_id = uuid.uuid4().hex
    os.environ[MARKER] = run_id
    if {GUI, LAB, WATCH, VM} & set(parts):
        if os.geteuid() != 0:
            raise Refused.of(
                "test.root", "The gui, lab and vm tests need root.", "Run: sudo ./haoscar test"
            )
        app.run_task(PrepareHost(app.paths, app.runner, tests=True))
    before = traces(run_id)
    outcome = {part.name: _run_part(part, root, app) for part in parts}
    _release_namespace_directory(before, run_id, app)
    outcome["nothing left behind"] = (*_leftovers(before, run_id, app), 0.0)
    app.out.table(
        ("part", "result", "time"),
        [
            (name, "passed" if ok else "FAILED", duration(took))
            for name, (ok, took) in outcome.items()
        ],
    )
    app.out.result({name: {"ok": ok, "seconds": took} for name, (ok, took) in outcome.items()})
    return 0 if all(ok for ok, _ in outcome.values()) else 1


def _run_part(part: Part, root: Path, app: App) -> tuple[bool, float]:
    app.out.say(f"== {part.name}")
    began = time.monotonic()
    command = Command(part.argv, cwd=root, timeout=part.limit, env={"PYTHONPATH": str(root)})
    try:
        result = app.runner.stream(command, app.out.say, check=False)
    except HaoscarError as problem:
        app.out.reports(problem.reports)
        return False, time.monotonic() - began
    return result.ok, time.monotonic() - began


def _release_namespace_directory(before: Traces, run_id: str, app: App) -> None:
    """Undo what ip-netns(8) does to a machine on its first use and never takes back."""
    new = traces(run_id).mounts - before.mounts
    if str(NAMESPACES) in new and not any(NAMESPACES.iterdir()):
        app.runner.run(Command.of("umount", NAMESPACES), check=False)


def _leftovers(before: Traces, run_id: str, app: App) -> tuple[bool]:
    deadline = time.monotonic() + 5  # a program that is just ending may end
    while left := traces(run_id).left_since(before):
        if time.monotonic() > deadline:
            for one in left:
                app.out.say(f"left behind: {one}")
            return (False,)
        time.sleep(0.2)
    return (True,)
