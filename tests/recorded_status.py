"""What real agents said in every situation (tests/golden/status), for tests that run without them."""

import copy
import json
from pathlib import Path
from typing import Any

from backend.actions.status import Entry, Status, entries

GOLDEN = Path(__file__).parent / "golden/status"
NAMES = tuple(sorted(file.stem for file in GOLDEN.glob("*.json")))


def said(name: str) -> dict[str, Any]:
    """Return a head's answers: ``status`` and ``events``."""
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return found


def status(name: str, **changes: Any) -> Status:
    """Return it understood, with some of its keys changed; a mapping changes a part of a key."""
    answer = copy.deepcopy(said(name)["status"])
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(answer[key], dict)
        answer[key] = {**answer[key], **value} if both else value
    return Status.of(answer)


def events(name: str) -> tuple[Entry, ...]:
    """Return its last sentences."""
    return entries(said(name))
