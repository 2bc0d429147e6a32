"""The commands that open a window: ``haoscar gui`` and ``haoscar screenshots``; arguments only."""

import argparse
from pathlib import Path

from backend.cli.app import App, Subparsers


def register(commands: Subparsers) -> None:
    """Add the two commands."""
    parser = commands.add_parser(
        "gui",
        help="open the wizard's window (the same as haoscar alone)",
        description="Open the wizard's window, as 'haoscar' without a command does. It needs root and an X "
        "display. Exit codes: 0 closed, 1 no window could be opened.",
    )
    parser.add_argument("--interface", metavar="IF", default="", help="the private interface")
    _looks(parser)
    parser.set_defaults(run=run_gui)
    parser = commands.add_parser(
        "screenshots",
        help="save a picture of every page of the window",
        description="Save a PNG of every page, light and dark, at 1024x768 and at 200 %, on a display of its own.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="where the pictures go")
    parser.add_argument(
        "--page", action="append", default=[], metavar="NAME", help="only this page"
    )
    parser.add_argument(
        "--looks", default="", help=argparse.SUPPRESS
    )  # of the process that does it
    parser.set_defaults(run=run_screenshots)


def _looks(parser: argparse.ArgumentParser) -> None:
    looks = parser.add_mutually_exclusive_group()
    looks.add_argument("--dark", action="store_true", help="light text on dark ground")
    looks.add_argument("--light", dest="dark", action="store_false", help="the default")
    parser.add_argument(
        "--scale", type=_scale, default=1.0, metavar="N", help="enlarge everything: 1.5, 2 ..."
    )


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.5 <= scale <= 4.0:
        raise argparse.ArgumentTypeError(f"{text!a} is not a number from 0.5 to 4")
    return scale


def run_gui(args: argparse.Namespace, app: App) -> int:
    """Open the window; raises HaoscarError when there can be none."""
    from haoscar_gui.window import check_able, open_window

    check_able()
    from haoscar_gui.shell import Options

    if args.interface:
        from backend.actions.steps import checked_interface
        from backend.tasks import TaskContext

        checked_interface(app.wiring, args.interface, TaskContext())
    return open_window(app.wiring, Options(args.interface, args.dark, args.scale))


def run_screenshots(args: argparse.Namespace, app: App) -> int:
    """Take the pictures."""
    from haoscar_gui.screenshots import take, take_one

    if args.looks:
        return take_one(args.directory, args.looks, tuple(args.page), app)
    return take(args.directory, tuple(args.page), app)
