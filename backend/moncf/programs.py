"""Where the monitors and alerts of a mon.cf are, so that the watch list names the same programs. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.model.watchlist_monitors import (
    ALERTS,
    MONITORS,
    Kind,
    Program,
    alert_of,
    monitor_of,
    similar,
)
from backend.moncf.findings import Findings, shown

Exists = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Programs:
    """Monitors or alerts; ``exists`` says whether there is a file of that path."""

    of: Callable[[str], Program]
    built_in: Mapping[str, str]
    directories: tuple[str, ...]  # mon's, in its order
    exists: Exists
    allow_missing: bool = False

    @classmethod
    def monitors(cls, directories: tuple[str, ...], exists: Exists, missing: bool) -> "Programs":
        """Return those that check."""
        return cls(monitor_of, MONITORS, directories, exists, missing)

    @classmethod
    def alerts(cls, directories: tuple[str, ...], exists: Exists, missing: bool) -> "Programs":
        """Return those that are told."""
        return cls(alert_of, ALERTS, directories, exists, missing)

    def name(self, name: str, line: int, findings: Findings) -> str:
        """Return the name or path for the watch list; what is missing is a mistake."""
        program = self.of(name)
        if name.endswith(".monitor") and program.kind is Kind.BUILT_IN:
            return name
        if name.startswith("/"):
            if not self.exists(name):
                self._missing(name, name, line, findings)
            return name
        paths = [f"{one}/{name}" for one in self.directories]
        found = next((one for one in paths if self.exists(one)), None)
        place = next((one for one in program.places if self.exists(one)), None)
        if found is not None:
            return name if found == place else found
        if program.kind is Kind.BUILT_IN or place is not None:
            return name
        if program.kind is None or "/" in name:
            return self._unknown(name, paths, line, findings)
        self._missing(name, program.places[0], line, findings)
        return name

    def _unknown(self, name: str, paths: list[str], line: int, findings: Findings) -> str:
        if self.allow_missing and paths:
            return paths[0]
        text = f"{shown(name)} is in none of mon's directories, and nobody here knows it."
        remedy = f"{similar(name, dict(self.built_in))} mon looks in {', '.join(self.directories)}."
        findings.wrong(line, text, remedy, "moncf.unknown-program")
        return name

    def _missing(self, name: str, place: str, line: int, findings: Findings) -> None:
        if not self.allow_missing:
            text = f"{shown(name)} is not on this head."
            remedy = f"Install it there: {place}; or import with --allow-missing."
            findings.wrong(line, text, remedy, "moncf.no-program")
