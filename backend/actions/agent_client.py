"""Asking the agent on this machine, over its control socket."""

import json
from collections.abc import Mapping
from typing import Any

from backend.errors import HaoscarError, InvalidInput, Refused
from backend.paths import Paths
from backend.system.agent.control_socket import ask

SOCKET = "/run/haoscar-agent/control"
LIMIT = 5.0  # seconds; it answers within milliseconds


def ask_agent(
    paths: Paths, command: str, *, socket: str = SOCKET, limit: float = LIMIT, **values: Any
) -> Mapping[str, Any]:
    """Return the agent's answer, after at most ``limit`` seconds.

    Raises Refused when it does not run or says no, HaoscarError when it does not answer.
    """
    path = paths.at(socket)
    question = json.dumps({"command": command, **values}).encode()
    try:
        answer = json.loads(ask(str(path), question, limit))
    except (FileNotFoundError, ConnectionRefusedError) as problem:
        raise Refused.of(
            "agent.not-running",
            f"No agent runs here ({path}).",
            "Install it: haoscar install-agent. On a head that has it: systemctl start haoscar-agent.",
        ) from problem
    except PermissionError as problem:
        raise Refused.of(
            "agent.permission", f"Only root may ask the agent ({path}).", "Use sudo."
        ) from problem
    except (OSError, ValueError) as problem:
        raise HaoscarError.of(
            "agent.silent",
            f"The agent did not answer: {problem}.",
            "See: systemctl status haoscar-agent; journalctl -u haoscar-agent.",
        ) from problem
    if not isinstance(answer, dict):
        raise InvalidInput.of("agent.answer", "The agent's answer is not a JSON object.")
    if not answer.get("ok"):
        raise Refused.of("agent.refused", f"The agent refuses: {answer.get('error')}.")
    return answer
