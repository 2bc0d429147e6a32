"""``haoscar-agent ctl``: asks the agent on this machine, where the haoscar command is not at hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from backend.agent.errors import AgentError
from backend.system.agent.control_socket import ask

SOCKET = "/run/haoscar-agent/control"
LIMIT = 5.0  # seconds
HELP = f"""\
usage: haoscar-agent ctl [--socket PATH] COMMAND [KEY=VALUE ...]

Prints the answer as JSON. Commands: status, events, switchover, maintenance (seconds=N; 0: off),
forget (resource=NAME), force (confirmed="the other head is off"). Default socket: {SOCKET}
"""


def run(words: Sequence[str]) -> int:
    """Ask; returns 0 when the agent did it, 1 when it said why not. Raises AgentError."""
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(HELP)
        return 0
    path, left = SOCKET, list(words)
    if left[0] == "--socket" and len(left) > 1:
        path, left = left[1], left[2:]
    if not left:
        raise AgentError("ctl needs a command. Try: haoscar-agent ctl --help")
    question: dict[str, object] = {"command": left[0]}
    for word in left[1:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise AgentError(f"{word[:60]!a} is not KEY=VALUE")
        question[key] = float(value) if value.replace(".", "", 1).isdigit() else value
    try:
        answer = ask(path, json.dumps(question).encode(), LIMIT)
    except OSError as problem:
        raise AgentError(
            f"no agent answers at {path} ({problem.strerror or problem}); see: systemctl status haoscar-agent"
        ) from problem
    sys.stdout.write(answer.decode("utf-8", "replace"))
    return 0 if answer.startswith(b'{"ok":true') else 1
