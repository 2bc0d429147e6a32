"""Entry points; each imports what it needs inside, so that ``haoscar --help`` stays quick."""

import sys


def cli() -> int:
    """Run the ``haoscar`` command with the arguments of this process; returns its exit code.

    Without arguments it opens the wizard's window.
    """
    from backend.cli.main import main
    from haoscar_gui.commands import register

    return main(sys.argv[1:] or ["gui"], (register,))
