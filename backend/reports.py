"""Reports: what the backend has to say, as data; the window and the command line do the talking."""

import enum
from dataclasses import dataclass
from pathlib import Path


class Severity(enum.StrEnum):
    """How much a report matters, the gravest first; errors stop the action they belong to."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report points: a file and line, or the field of a form."""

    source: str | Path | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        where = "" if self.source is None else str(self.source)
        if self.line is not None:
            where += f":{self.line}"
        if self.field is not None:
            where += f" [{self.field}]" if where else self.field
        return where


@dataclass(frozen=True, slots=True)
class Report:
    """One thing to say: a stable code, what happened, and what to do about it."""

    severity: Severity
    code: str
    text: str
    remedy: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place is not None and str(self.place) else ""
        return f"{where}{self.text}" + (f" {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, object]:
        """Return the report for ``--json``."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "text": self.text,
            "remedy": self.remedy,
            "place": str(self.place) if self.place is not None else None,
            "field": self.place.field if self.place is not None else None,
        }


def error(code: str, text: str, remedy: str = "", place: Place | None = None) -> Report:
    """Return an error report."""
    return Report(Severity.ERROR, code, text, remedy, place)


def warning(code: str, text: str, remedy: str = "", place: Place | None = None) -> Report:
    """Return a warning report."""
    return Report(Severity.WARNING, code, text, remedy, place)


def info(code: str, text: str, remedy: str = "", place: Place | None = None) -> Report:
    """Return a report that only informs."""
    return Report(Severity.INFO, code, text, remedy, place)
