"""The monitoring bench's report: one HTML file that needs nothing else."""

from pathlib import Path

from backend import __version__
from backend.lab.monitoring import results
from backend.lab.monitoring.chart import chart
from backend.lab.monitoring.results import INTERVALS, MonitoringBench
from backend.rendering import block, render
from backend.system.files import write_atomically


def as_html(found: MonitoringBench) -> str:
    """Return the report."""
    return render(
        "report/monitoring.html.j2",
        found=found, version=__version__, chart=block(chart(found.polls)), intervals=INTERVALS,
        halved=_halved(found),
    )  # fmt: skip


def write(found: MonitoringBench, file: Path) -> None:
    """Write the report; raises OSError."""
    write_atomically(file, as_html(found).encode())


def _halved(found: MonitoringBench) -> bool:
    """Whether the shortest interval used clearly less than a poll each time would have."""
    first = results.INTERVALS[0]
    return any(
        first in one.measured and one.measured[first] < 0.8 * one.bytes / first
        for one in found.polls
    )
