"""What the window was showing when it was closed or killed: the page, and what was typed there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.paths import Paths
from backend.system.files import make_private, read_if_there, write_atomically

VERSION = 1
FILE = "window.json"
LONGEST = 1 << 16  # bytes; more is not ours
LONGEST_VALUE = 4096  # characters of one field


@dataclass(frozen=True, slots=True)
class Session:
    """An unfinished sitting; ``fields`` by page and field. Never a secret."""

    page: str = ""
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def load(paths: Paths) -> Session:
    """Return what was kept; an empty one for none, for rubbish and for another version."""
    try:
        content = read_if_there(paths.state / FILE) or b""
        found = json.loads(content) if 0 < len(content) <= LONGEST else None
    except (OSError, ValueError, RecursionError):
        return Session()
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return Session()
    page = found.get("page")
    return Session(page if isinstance(page, str) else "", _fields(found.get("fields")))


def save(paths: Paths, session: Session) -> None:
    """Keep it, atomically, root's alone; raises OSError."""
    if not paths.state.is_dir():
        make_private(paths.state)
    data = {
        "version": VERSION,
        "page": session.page,
        "fields": {page: dict(values) for page, values in session.fields.items() if values},
    }
    content = json.dumps(data, indent=1).encode() + b"\n"
    if len(content) <= LONGEST:
        write_atomically(paths.state / FILE, content, 0o600)


def _fields(found: Any) -> dict[str, dict[str, str]]:
    if not isinstance(found, dict):
        return {}
    return {
        page: {
            key: value
            for key, value in values.items()
            if isinstance(key, str) and isinstance(value, str) and len(value) <= LONGEST_VALUE
        }
        for page, values in found.items()
        if isinstance(page, str) and isinstance(values, dict)
    }
