"""Talks to ``far_side`` on a member: one request, one answer."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.model.secrets import Secret
from backend.rollout import far_side
from backend.system.runner import Command, Runner

PROGRAM = Path(far_side.__file__).read_text(encoding="utf-8")
SECONDS = 120.0  # for the slowest line that a few hundred kilobytes should have to cross

# The distribution's Python, not one of a virtual environment or of /usr/local: the unit names it.
SEARCH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/usr/local/sbin"

Action = dict[str, Any]


def python(*words: str) -> Command:
    """Return a command of the member's own Python, without any of its user's settings."""
    return Command(("python3", "-I", *words), env={"PATH": SEARCH})


def write(path: str, content: bytes, mode: int) -> Action:
    """Return the action that replaces a file."""
    text = base64.b64encode(content).decode()
    return {"do": "write", "path": path, "content": text, "mode": mode}


def make_directory(path: str, mode: int) -> Action:
    """Return the action that makes a directory."""
    return {"do": "make_directory", "path": path, "mode": mode}


def on_path(do: str, path: str) -> Action:
    """Return one of the actions that need nothing but a path: restore, remove, remove_empty."""
    return {"do": do, "path": path}


def ask(runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request; raises CommandFailed, HaoscarError.

    The request is given as a secret: it may hold the key, and no log is to show it.
    """
    command = python("-c", PROGRAM).within(SECONDS)
    result = runner.run(command.given(Secret(json.dumps(request))))
    try:
        answer = json.loads(result.stdout)
        assert isinstance(answer, dict)
    except (ValueError, AssertionError) as problem:
        raise HaoscarError.of(
            "rollout.answer",
            f"What was sent there answered with something else: {result.stdout[:200]!a}.",
            "Log in there and see what 'python3 -I -c pass' prints.",
        ) from problem
    return answer


def do(runner: Runner, actions: Sequence[Action]) -> list[bool]:
    """Do all actions in order; raises HaoscarError at the first that fails, CommandFailed."""
    answer = ask(runner, {"do": "actions", "actions": list(actions)})
    if not answer.get("ok"):
        raise HaoscarError.of(
            "rollout.file", f"A file could not be written: {answer.get('error')}."
        )
    return [bool(one) for one in answer["done"]]
