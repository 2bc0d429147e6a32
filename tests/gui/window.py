"""The window as a process of its own, below a directory instead of "/": what the tests click on.

``python -P -m tests.gui.window ROOT [--dark] [--scale N] [--interface IF] [--setup MODULE:FUNCTION]``

The setup function gets ROOT as a Path and returns what differs from an ordinary window, as keyword
arguments: ``wiring`` (a Wiring) and ``pages`` (further pages of the window).
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from backend.wiring import Wiring
from haoscar_gui.shell import Options
from haoscar_gui.steps import PAGES
from haoscar_gui.window import open_window


def main() -> int:
    """Open the window until it is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--interface", default="")
    parser.add_argument("--setup", default="")
    args = parser.parse_args()
    found: dict[str, Any] = {}
    if args.setup:
        module, _, function = args.setup.partition(":")
        found = getattr(import_module(module), function)(args.root)
    wiring = found.get("wiring", Wiring.rooted_at(args.root))
    pages = (*PAGES, *found.get("pages", ()))
    return open_window(wiring, Options(args.interface, args.dark, args.scale, pages))


if __name__ == "__main__":
    sys.exit(main())
