"""What there is to say about a mon.cf: mistakes, and what is not carried over; each with its line. Pure."""

from dataclasses import dataclass, field

from backend.errors import InvalidInput
from backend.reports import Place, Report, Severity, error, warning

MOST = 1000  # reports that are kept for one file; more are counted
LEFT, DIFFERS = "moncf.not-carried", "moncf.differs"


@dataclass(slots=True)
class Findings:
    """Collects reports about one file."""

    source: str
    reports: list[Report] = field(default_factory=list)
    unsaid: int = 0  # errors beyond MOST

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return any(one.severity is Severity.ERROR for one in self.reports)

    def place(self, line: int) -> Place:
        """Return the place of a line."""
        return Place(self.source, line)

    def wrong(self, line: int, text: str, remedy: str, code: str = "moncf.syntax") -> None:
        """Note a mistake."""
        if len(self.reports) < MOST:
            self.reports.append(error(code, text, remedy, self.place(line)))
        else:
            self.unsaid += 1

    def left(self, line: int, what: str, reason: str) -> None:
        """Note something that is not carried over, and why."""
        text = f"Not carried over: {shown(what)}."
        self.reports.append(warning(LEFT, text, reason, self.place(line)))

    def differs(self, line: int, text: str, remedy: str) -> None:
        """Note something that is carried over, and means something else here than it did to mon."""
        self.reports.append(warning(DIFFERS, text, remedy, self.place(line)))

    def sorted(self) -> tuple[Report, ...]:
        """Return the reports by their lines."""
        return tuple(sorted(self.reports, key=_line))

    def finish(self) -> None:
        """Raise InvalidInput with every mistake when there is one."""
        if not self.failed:
            return
        wrong = [one for one in self.sorted() if one.severity is Severity.ERROR]
        if self.unsaid:
            text = f"{self.unsaid} more mistakes are not listed."
            wrong.append(error("moncf.more", text, "Correct these first.", Place(self.source)))
        raise InvalidInput(*wrong)


def _line(report: Report) -> int:
    place = report.place
    return place.line if place is not None and place.line is not None else 0


def shown(text: str) -> str:
    """Return text of the file as a message may show it."""
    short = text if len(text) <= 80 else f"{text[:77]}..."
    return short if short.isprintable() else ascii(short)
