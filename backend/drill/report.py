"""A drill's report for people: one HTML file with a small timeline. Pure data and text."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape  # writes, and parses nothing

from backend.drill.outcome import NOTED_MS, Gap, Outcome, Row, Verdict
from backend.rendering import block, render
from backend.system.files import write_atomically

WIDTH, LEFT, ROW = 980, 330, 24
SHORTEST = 0.5  # seconds that a timeline shows at least
LEAD = 0.1  # seconds before the fault
TICKS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 1e9)
GOOD, UNSURE, BAD, BEFORE = "#8a6d3b", "#b26a00", "#b3261e", "#999"


def write(outcomes: Sequence[Outcome], version: str, directory: Path) -> tuple[Path, Path]:
    """Write report.html and report.json; returns their paths. Raises OSError."""
    html, data = directory / "report.html", directory / "report.json"
    write_atomically(html, as_html(outcomes, version).encode())
    write_atomically(data, (json.dumps(as_dict(outcomes, version), indent=2) + "\n").encode())
    return html, data


def as_dict(outcomes: Sequence[Outcome], version: str) -> dict[str, Any]:
    """Return the whole result for JSON."""
    return {
        "ok": all(one.ok for one in outcomes),
        "version": version,
        "drills": [one.as_dict() for one in outcomes],
    }


def as_html(outcomes: Sequence[Outcome], version: str) -> str:
    """Return report.html, one file that needs nothing else."""
    drills = [
        {**one.as_dict(), "chart": block(timeline(one)), "title": title(one)} for one in outcomes
    ]
    verdicts = {one.name.lower(): one.value for one in Verdict}
    return render(
        "report/drill.html.j2", ok=all(one.ok for one in outcomes), version=version,
        drills=_shown(drills), verdicts=verdicts, noted=NOTED_MS,
    )  # fmt: skip


def title(outcome: Outcome) -> str:
    """Return a drill's heading."""
    active, standby, _term = outcome.before
    return f"{outcome.fault.value}: {active} was active, {standby} stood by"


def timeline(outcome: Outcome) -> str:
    """Return an SVG drawing: a line for each row with its gaps, and what the agents said."""
    begin, end = _span(outcome)
    scale = (WIDTH - LEFT - 40) / (end - begin)
    height = ROW * (len(outcome.rows) + 1) + 40

    def at(seconds: float) -> float:
        return LEFT + (min(max(seconds, begin), end) - begin) * scale

    head = f'viewBox="0 0 {WIDTH} {height}" width="100%" font-size="13" role="img"'
    parts = [f'<svg {head} aria-label="Times without an answer">']
    parts += [
        f'<line x1="{at(one):.1f}" y1="8" x2="{at(one):.1f}" y2="{height - 26}" stroke="#ddd"/>'
        f'<text x="{at(one):.1f}" y="{height - 10}" text-anchor="middle" fill="#555">{one:g} s</text>'
        for one in _ticks(end)
    ]
    zero = at(0.0)
    parts.append(
        f'<line x1="{zero:.1f}" y1="4" x2="{zero:.1f}" y2="{height - 26}" stroke="{BAD}"/>'
    )
    for number, row in enumerate(outcome.rows):
        parts += _bars(row, 12 + number * ROW, at, begin)
    y = 12 + len(outcome.rows) * ROW
    parts.append(f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">the agents spoke</text>')
    for said in outcome.sentences:
        if said.at <= end:
            parts.append(
                f'<circle cx="{at(said.at):.1f}" cy="{y + 9}" r="4" fill="#3a6ea5"><title>'
                f"{said.at * 1000:.0f} ms, {_escape(said.head)}: {_escape(said.text)}</title></circle>"
            )
    return "".join([*parts, "</svg>"])


def _bars(row: Row, y: int, at: Callable[[float], float], begin: float) -> list[str]:
    name = _escape(f"{row.target.what}, from {row.witness}")
    ends = f'x1="{at(-1e9):.1f}" y1="{y + 9}" x2="{at(1e9):.1f}" y2="{y + 9}"'
    colour = "#bbb" if row.problem else "#4f8a4c"
    parts = [f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{name}</text>']
    parts.append(f'<line {ends} stroke="{colour}" stroke-width="3"/>')
    for gap in row.gaps:
        if gap.end <= begin:
            continue
        x, width = at(gap.begin), max(2.0, at(gap.end) - at(gap.begin))
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 7}" rx="2" fill="{_colour(row, gap)}">'
            f"<title>{name}: no answer for {gap.ms:.0f} ms</title></rect>"
        )
    return parts


def _colour(row: Row, gap: Gap) -> str:
    if gap not in row.after:
        return BEFORE
    if row.target.budget_ms is None or gap.ms <= row.target.budget_ms:
        return GOOD
    return UNSURE if row.verdict is Verdict.DOUBTFUL else BAD


def _span(outcome: Outcome) -> tuple[float, float]:
    """Return the part that is worth looking at: seconds after the fault."""
    ends = [gap.end for row in outcome.rows for gap in row.after]
    spoken = [one.at for one in outcome.sentences if one.at < 2 * max([SHORTEST, *ends])]
    end = max([SHORTEST, *ends, *spoken]) * 1.1
    return -max(LEAD, end / 10), end


def _ticks(end: float) -> list[float]:
    step = next(one for one in TICKS if end / one <= 10)
    return [index * step for index in range(int(end / step) + 1)]


def _shown(value: Any) -> Any:
    """Return the same data with everything that machines said made fit to be shown on one line."""
    if isinstance(value, dict):
        return {name: one if name == "chart" else _shown(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    if isinstance(value, str):
        return "".join(one if one.isprintable() else " " for one in value)
    return value


def _escape(text: str) -> str:
    return escape("".join(one if one.isprintable() else " " for one in text), {'"': "&quot;"})
