"""The ``haoscar`` command: finds the commands, parses arguments, turns errors into exit codes.

Exit codes: 0 done; 1 it failed, nothing is left half done; 2 wrong usage; 3 refused because it
would be unsafe; 4 invalid input; 130 cancelled (Ctrl-C).
"""

import argparse
import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import Any

from backend import __version__
from backend.cli import commands
from backend.cli.app import App
from backend.cli.output import Output
from backend.errors import Cancelled, HaoscarError, InvalidInput, Refused

log = logging.getLogger(__name__)

Register = Callable[[Any], None]  # adds commands to what argparse's add_subparsers returns

EXIT_FAILED = 1
# 2 is argparse's own, for wrong usage.
EXIT_REFUSED = 3
EXIT_INVALID = 4
EXIT_CANCELLED = 130

EPILOG = """\
exit codes: 0 done; 1 failed, nothing left half done; 2 wrong usage; 3 refused as unsafe;
4 invalid input; 130 cancelled.

Without a command, haoscar opens the wizard's window (as root, on an X display).

The site is described in /etc/haoscar/site.toml. Every change is shown first, goes through a journal
and can be undone: haoscar undo, haoscar uninstall. Start with: haoscar demo (needs no second machine).
"""


class Parser(argparse.ArgumentParser):
    """A parser that takes the common options, so that they may stand before or after a command."""

    def __init__(self, *args: Any, top: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("conflict_handler", "resolve")
        super().__init__(*args, **kwargs)
        off: object = False if top else argparse.SUPPRESS
        self.add_argument(
            "--json", action="store_true", default=off, help="print the result as JSON"
        )
        self.add_argument(
            "--yes", "-y", action="store_true", default=off, help="make the changes without asking"
        )
        self.add_argument(
            "--verbose", "-v", action="count", default=0 if top else argparse.SUPPRESS,
            help="say more (twice: everything)",
        )  # fmt: skip


def build_parser(more: Sequence[Register] = ()) -> argparse.ArgumentParser:
    """Return the parser with all commands, and with those that ``more`` adds."""
    parser = Parser(
        prog="haoscar",
        description="HA-OSCAR: clone the head node of a Linux cluster, and take over when it fails.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        top=True,
    )
    parser.add_argument("--version", action="version", version=f"HA-OSCAR {__version__}")
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        module.register(subparsers)
    for register in more:
        register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None, more: Sequence[Register] = ()) -> int:
    """Run one command, perhaps one that only the caller knows; returns its exit code."""
    args = build_parser(more).parse_args(argv)
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(args.verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("paramiko", "scapy", "pyroute2"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    app = App(json=args.json, yes=args.yes, verbose=args.verbose, out=Output(args.json))
    return run(args, app)


def run(args: argparse.Namespace, app: App) -> int:
    """Run the parsed command; every HaoscarError becomes its reports and an exit code."""
    try:
        return int(args.run(args, app))
    except HaoscarError as problem:
        app.out.reports(problem.reports)
        return exit_code(problem)
    except PermissionError as problem:
        app.out.reports(HaoscarError.of(
            "cli.permission", f"Not allowed: {problem}.", f"Run it as root: sudo haoscar {args.command}"
        ).reports)  # fmt: skip
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Cancelled.", file=sys.stderr)
        return EXIT_CANCELLED
    except BrokenPipeError:
        return EXIT_FAILED
    except Exception as mistake:
        log.debug("a mistake of the program", exc_info=True)
        app.out.reports(HaoscarError.of(
            "cli.mistake",
            f"A mistake in HA-OSCAR itself ended '{args.command}': {type(mistake).__name__}: {mistake}.",
            "A change that was being made has been taken back. Run it with -vv to see where, and report it.",
        ).reports)  # fmt: skip
        return EXIT_FAILED


def exit_code(problem: HaoscarError) -> int:
    """Return the exit code that belongs to an error."""
    match problem:
        case Cancelled():
            return EXIT_CANCELLED
        case Refused():
            return EXIT_REFUSED
        case InvalidInput():
            return EXIT_INVALID
        case _:
            return EXIT_FAILED
