"""Entry points; each imports what it needs inside, so that ``haoscar --help`` stays quick."""


def cli() -> int:
    """Run the ``haoscar`` command with the arguments of this process; returns its exit code."""
    from backend.cli.main import main

    return main()
