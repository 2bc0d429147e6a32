"""The control socket's language: one JSON object in, one out, each on a line.

``{"command": "status"}`` -> ``{"ok": true, ...}`` or ``{"ok": false, "error": "..."}``. Only root
can open the socket. The same connection answers ``GET /metrics`` for a Prometheus server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 4096  # bytes of a question
LONGEST_MAINTENANCE = 7 * 24 * 3600.0  # seconds

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def respond(data: bytes, handlers: Mapping[str, Handler]) -> bytes | None:
    """Return the answer to what has arrived so far, None while a line is not complete."""
    if b"\n" not in data:
        return (
            _line({"ok": False, "error": "the question is too long"})
            if (len(data) >= LONGEST)
            else None
        )
    line = data.split(b"\n", 1)[0]
    try:
        question = json.loads(line)
        if not isinstance(question, dict):
            raise TypeError
        handler = handlers.get(str(question.get("command")))
    except (ValueError, TypeError, RecursionError):
        return _line({"ok": False, "error": "the question is not a JSON object"})
    if handler is None:
        names = ", ".join(sorted(handlers))
        return _line({"ok": False, "error": f"there is no such command; there are {names}"})
    return _line(handler(question))


def number(question: Mapping[str, Any], key: str, default: float, most: float) -> float:
    """Return a number from 0 to ``most`` of a question, ``default`` where there is none usable."""
    value = question.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return default
    return min(max(float(value), 0.0), most)


def refused(sentence: str) -> dict[str, Any]:
    """Return the answer that says why not."""
    return {"ok": False, "error": sentence}


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
