"""Asking the agent on this machine, over its control socket."""

from collections.abc import Mapping
from typing import Any

from backend.actions.process_client import Process, ask_process
from backend.paths import Paths

SOCKET = "/run/haoscar-agent/control"
LIMIT = 5.0  # seconds; it answers within milliseconds
AGENT = Process(
    "agent",
    "agent",
    "haoscar-agent",
    "Install it: haoscar install-agent. On a head that has it: systemctl start haoscar-agent.",
)


def ask_agent(
    paths: Paths, command: str, *, socket: str = SOCKET, limit: float = LIMIT, **values: Any
) -> Mapping[str, Any]:
    """Return the agent's answer, after at most ``limit`` seconds; raises what ask_process raises."""
    return ask_process(paths, AGENT, socket, limit, {"command": command, **values})
