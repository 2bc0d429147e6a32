"""The demo's report: what was done, how long each stage took, what was proved. Pure data and text."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backend.lab.takeover_facts import TakeoverFacts
from backend.rendering import block, render
from backend.system.files import write_atomically


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the demo; times are seconds since the demo began."""

    name: str  # stable, for programs
    title: str  # a sentence, for people
    began: float
    seconds: float
    lane: str = "head"  # who worked: "head", "standby" or "check"
    detail: str = ""
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """Files of the clone that differ from the image, and why they do."""

    reason: str  # empty: nobody can explain it
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CloneFacts:
    """What the finished standby answered over SSH, and what was found on it."""

    hostname: str
    address: str
    ssh: bool
    root_device: str
    firmware: str
    power_on_to_ssh_s: float
    kernel_command_line: str = ""
    system_state: str = ""
    files_compared: int = 0
    bytes_copied: int = 0
    copy_seconds: float = 0.0
    differences: tuple[Difference, ...] = ()

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Paths that differ and nobody can say why."""
        return tuple(path for one in self.differences if not one.reason for path in one.paths)


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The whole demo."""

    ok: bool
    firmware: str
    boot: str
    started: str  # ISO 8601, local time with offset
    seconds: float
    version: str
    stages: tuple[Stage, ...] = ()
    clone: CloneFacts | None = None
    takeover: TakeoverFacts | None = None
    bystanders: tuple[str, ...] = ()  # sentences about machines that were left alone
    failure: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, object]:
        """Return the report for report.json."""
        clone: dict[str, object] | None = None
        if self.clone is not None:
            clone = asdict(self.clone)
            clone["unexplained_differences"] = list(self.clone.unexplained)
        return {**asdict(self), "clone": clone}

    def as_json(self) -> str:
        """Return report.json."""
        return json.dumps(self.as_dict(), indent=2) + "\n"

    def as_html(self) -> str:
        """Return report.html, one file that needs nothing else."""
        return render(
            "report/demo.html.j2", report=_shown(self.as_dict()), chart=block(timeline(self.stages))
        )

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write report.html and report.json; returns their paths. Raises OSError."""
        html, data = directory / "report.html", directory / "report.json"
        write_atomically(html, self.as_html().encode())
        write_atomically(data, self.as_json().encode())
        return html, data


COLOURS = {"head": "#3a6ea5", "standby": "#4f8a4c", "check": "#8a6d3b"}
WIDTH, LEFT, ROW = 980, 330, 24


def timeline(stages: Sequence[Stage]) -> str:
    """Return the stages as an SVG drawing: a bar each, on one axis of seconds."""
    if not stages:
        return ""
    end = max(one.began + one.seconds for one in stages) or 1.0
    scale = (WIDTH - LEFT - 70) / end
    height = ROW * len(stages) + 40
    head = f'viewBox="0 0 {WIDTH} {height}" width="100%" font-size="13" role="img"'
    parts = [f'<svg {head} aria-label="Timeline of the stages">']
    for tick in _ticks(end):
        x = LEFT + tick * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="8" x2="{x:.1f}" y2="{height - 26}" stroke="#ddd"/>'
            f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle" fill="#555">{tick:g} s</text>'
        )
    for row, stage in enumerate(stages):
        y = 12 + row * ROW
        x, width = LEFT + stage.began * scale, max(2.0, stage.seconds * scale)
        colour = COLOURS[stage.lane] if stage.ok else "#b3261e"
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{_escape(stage.title)}</text>'
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 7}" rx="2" fill="{colour}">'
            f"<title>{_escape(stage.title)}: {stage.seconds:.1f} s</title></rect>"
            f'<text x="{x + width + 5:.1f}" y="{y + 13}" fill="#555">{stage.seconds:.1f} s</text>'
        )
    return "".join([*parts, "</svg>"])


def _ticks(end: float) -> list[float]:
    step = next(
        one for one in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 1e9) if end / one <= 10
    )
    return [index * step for index in range(int(end / step) + 1)]


def _shown(value: object) -> Any:
    """Return the same data with everything that machines said made fit to be shown on one line."""
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    if isinstance(value, str):
        return "".join(one if one.isprintable() else " " for one in value)
    return value


def _escape(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text
