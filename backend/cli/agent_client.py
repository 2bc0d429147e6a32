"""The option that says where the agent on this machine is asked."""

import argparse

from backend.actions.agent_client import SOCKET


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the agent's socket."""
    parser.add_argument(
        "--socket", metavar="PATH", default=SOCKET, help="the agent's control socket (%(default)s)"
    )
