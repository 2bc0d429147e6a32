"""A problem of a watch list: where, what, and what to do. Pure."""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from backend.reports import Place, Report, Severity

Path = tuple[str | int, ...]
MOST_KNOWN = 500
SECRET = re.compile(r"(?i)-[a-z0-9-]*(?:passw|passphrase|secret|token|authpass|privpass|-pass\b)")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong or doubtful, and the path of the value that it is about."""

    path: Path
    severity: Severity
    code: str
    text: str
    remedy: str

    def within(self, path: Path) -> "Problem":
        """Return the problem with its path as seen from one that is around it."""
        return replace(self, path=self.path[len(path) :])

    def report(self, place: Place) -> Report:
        """Return the problem as a report."""
        return Report(self.severity, self.code, self.text, self.remedy, place)


def mistake(path: Path, code: str, text: str, remedy: str) -> Problem:
    """Return a problem that must be mended."""
    return Problem(path, Severity.ERROR, code, text, remedy)


def doubt(path: Path, code: str, text: str, remedy: str) -> Problem:
    """Return a problem that may be meant so."""
    return Problem(path, Severity.WARNING, code, text, remedy)


def meant(name: str, known: Collection[str]) -> str:
    """Return "Did you mean ...?", or nothing; not among so many that it would take long."""
    near = difflib.get_close_matches(name, known, 1) if len(known) <= MOST_KNOWN else []
    return f"Did you mean {near[0]}?" if near else ""


def secrets(path: Path, parameters: str) -> Iterator[Problem]:
    """Yield a doubt about a password among parameters, which everybody may read in the site file."""
    found = SECRET.search(parameters)
    if found is not None:
        text = f"{found[0]} looks like a secret, and the site file is none."
        yield doubt(path, "site.watch-secret", text, "Let the program read it from a file of its own.")  # fmt: skip
