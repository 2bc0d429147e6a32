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

Prints the answer as JSON. Default socket: {SOCKET}

  status       everything that is known
  role         who serves, in few words; the watch process asks this once a second
  events       what was decided (since=NUMBER, most=N)
  switchover   exchange the roles
  maintenance  no automatic takeover (seconds=N; 0: off)
  forget       try a resource again that has failed (resource=NAME; without: all)
  restart      stop and start a resource that runs here (resource=NAME)
  health       this head is not fit to serve, for a while (fit=false seconds=N why=TEXT), or is again (fit=true)
  force        serve without the other head's vote (confirmed="the other head is off")
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
        question[key] = _value(value)
    try:
        answer = ask(path, json.dumps(question).encode(), LIMIT)
    except OSError as problem:
        raise AgentError(
            f"no agent answers at {path} ({problem.strerror or problem}); see: systemctl status haoscar-agent"
        ) from problem
    sys.stdout.write(answer.decode("utf-8", "replace"))
    return 0 if answer.startswith(b'{"ok":true') else 1


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    return float(text) if text.replace(".", "", 1).isdigit() else text
