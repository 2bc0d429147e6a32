"""The last drill of this head, kept so that its times can be looked at later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.drill import report
from backend.drill.phases import Phase
from backend.paths import Paths
from backend.system.files import make_private, write_atomically

if TYPE_CHECKING:
    from backend.actions.drill import Drilled

LONGEST_MS = 86_400_000.0


@dataclass(frozen=True, slots=True)
class LastDrill:
    """What is worth remembering; times in milliseconds after the fault."""

    started: str  # ISO 8601, local time with offset
    title: str
    verdict: str
    phases: tuple[Phase, ...]
    total_ms: float
    budget_ms: float
    passed: bool

    @classmethod
    def of(cls, drilled: "Drilled") -> "LastDrill":
        """Return it of a drill that has just ended."""
        one = drilled.outcome
        return cls(
            one.started,
            report.title(one),
            drilled.verdict,
            drilled.phases,
            drilled.total_ms,
            one.budget_ms,
            drilled.passed,
        )


def keep(paths: Paths, drill: LastDrill) -> None:
    """Remember it instead of the one before; raises OSError."""
    if not paths.state.is_dir():
        make_private(paths.state)
    values = {
        "started": drill.started,
        "title": drill.title,
        "verdict": drill.verdict,
        "phases": [list(one) for one in drill.phases],
        "total_ms": drill.total_ms,
        "budget_ms": drill.budget_ms,
        "passed": drill.passed,
    }
    write_atomically(_file(paths), (json.dumps(values, indent=1) + "\n").encode())


def last_drill(paths: Paths) -> LastDrill | None:
    """Return the last one; None when there was none, or what is remembered is damaged."""
    try:
        return _read(json.loads(_file(paths).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # it is a memory and decides nothing


def _file(paths: Paths) -> Path:
    return paths.state / "last-drill.json"


def _read(values: Mapping[str, Any]) -> LastDrill:
    return LastDrill(
        str(values["started"]),
        str(values["title"]),
        str(values["verdict"]),
        tuple(Phase(str(name), _ms(begin), _ms(end)) for name, begin, end in values["phases"]),
        _ms(values["total_ms"]),
        _ms(values["budget_ms"]),
        values["passed"] is True,
    )


def _ms(value: Any) -> float:
    """Return milliseconds; raises ValueError for what nobody can draw."""
    found = float(value)
    if not 0 <= found < LONGEST_MS:
        raise ValueError(value)
    return found
