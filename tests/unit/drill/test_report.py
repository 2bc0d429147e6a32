"""The report as a file."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from backend.drill import report
from backend.drill.faults import Fault
from backend.drill.outcome import Gap, Outcome, Row, Sentence
from backend.drill.targets import Target

VIP = Target("10.0.0.1", "private", budget_ms=400.0)
SSH = Target("10.0.0.1", "private", "ssh", 22, None)


def outcome(*rows: Row, said: str = "active, term 8: elected") -> Outcome:
    return Outcome(
        Fault.AGENT_FROZEN, "2026-01-01T00:00:00+00:00", 4.0, 300.0, 400.0, ("head1", "head2", 7),
        ("head2", 8), rows, (Sentence(0.33, "head2", "decision", said),), (), ("A <note>.",),
    )  # fmt: skip


GOOD = Row("node1", VIP, (Gap(-0.6, 30.0), Gap(-0.3, 30.0), Gap(0.28, 60.0)), 900, 800, 0.4)
BAD = Row("node1", SSH, (), problem="cut <off>\x1b")
LONG = Row("node2", VIP, (Gap(0.0, 4000.0),), 900, 100, 0.4)


def test_two_files_that_say_the_same(tmp_path: Path) -> None:
    html, data = report.write([outcome(GOOD), outcome(LONG)], "2.0", tmp_path / "new")
    found = json.loads(data.read_text())
    assert found["ok"] is False
    assert [one["ok"] for one in found["drills"]] == [True, False]
    text = html.read_text()
    assert "<title>HA-OSCAR drill: failed</title>" in text
    assert "within the budget" in text
    assert "TOO LONG" in text
    assert "A &lt;note&gt;." in text
    assert 'class="verdict ok"' in text
    assert "http" not in text  # nothing is loaded from anywhere


def test_what_machines_say_is_escaped(tmp_path: Path) -> None:
    hostile = "</svg><script>alert('x')</script>\x1b[31m\n\""
    text = report.as_html([outcome(GOOD, BAD, said=hostile)], "2.0")
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text
    assert "cut &lt;off&gt;" in text
    assert (
        report.as_html([outcome(GOOD)], "2.0").count("<title>HA-OSCAR drill: passed</title>") == 1
    )


def test_the_timeline() -> None:
    drawing = ET.fromstring(report.timeline(outcome(GOOD, LONG)))
    bars = [one for one in drawing if one.tag == "rect"]
    assert [one.get("fill") for one in bars] == ["#999", "#8a6d3b", "#b3261e"]
    for bar in bars:
        left, width = float(bar.get("x", "")), float(bar.get("width", ""))
        assert left >= report.LEFT
        assert left + width <= report.WIDTH
    texts = [one.text for one in drawing if one.tag == "text"]
    assert "10.0.0.1, from node2" in texts
    assert "0 s" in texts
    assert [one[0].text for one in drawing if one.tag == "circle"] == [
        "330 ms, head2: active, term 8: elected"
    ]


def test_a_short_outage_is_not_lost_in_a_long_measurement() -> None:
    drawing = ET.fromstring(report.timeline(outcome(GOOD)))
    [gap] = [one for one in drawing if one.tag == "rect"]  # those long before are not drawn
    assert float(gap.get("width", "")) > 50
