"""The exceptions of HA-OSCAR: each carries reports, never a bare string."""

from backend.reports import Place, Report, error


class HaoscarError(Exception):
    """An action did not happen; ``reports`` says why and what to do, all problems at once."""

    def __init__(self, *reports: Report) -> None:
        super().__init__("; ".join(str(report) for report in reports))
        self.reports = reports

    @classmethod
    def of(
        cls, code: str, text: str, remedy: str = "", place: Place | None = None
    ) -> "HaoscarError":
        """Return an error with one report."""
        return cls(error(code, text, remedy, place))


class InvalidInput(HaoscarError, ValueError):
    """Something from outside (a field, a file, a packet) is not what it must be."""


class CommandFailed(HaoscarError):
    """A program could not be started, ran out of time, or ended with an error."""


class Refused(HaoscarError):
    """The action would be unsafe; nothing was changed."""


class Cancelled(HaoscarError):
    """The user cancelled; nothing was left half done."""
