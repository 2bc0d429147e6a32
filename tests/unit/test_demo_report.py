"""The demo's report: complete, readable, and nothing from a clone becomes markup."""

import json
import xml.etree.ElementTree as ET

from backend.lab.report import CloneFacts, DemoReport, Difference, Stage, timeline
from backend.lab.takeover_facts import TakeoverFacts

STAGES = (
    Stage("lab", "Virtual cluster up", 0.0, 1.4, "head", "4 systems"),
    Stage("fetch-image", "Fetch Image", 1.4, 9.5, "head", "212 MB"),
    Stage("copy", "Copy & check", 30.0, 8.2, "standby", "<script>alert(1)</script>"),
)


def clone(**changes: object) -> CloneFacts:
    values: dict[str, object] = {
        "hostname": "head2",
        "address": "10.77.0.200",
        "ssh": True,
        "root_device": "/dev/vda3",
        "firmware": "bios",
        "power_on_to_ssh_s": 61.25,
        "files_compared": 3357,
        "differences": (Difference("its own host name", ("/etc/hostname",)),),
    }
    return CloneFacts(**{**values, **changes})  # type: ignore[arg-type]


def report(**changes: object) -> DemoReport:
    values: dict[str, object] = {
        "ok": True,
        "firmware": "bios",
        "boot": "pxe",
        "started": "2026-11-22T10:00:00+00:00",
        "seconds": 141.0,
        "version": "3.0",
        "stages": STAGES,
        "clone": clone(),
    }
    return DemoReport(**{**values, **changes})  # type: ignore[arg-type]


def test_json_has_what_programs_look_for() -> None:
    data = json.loads(report().as_json())
    assert data["ok"] is True
    assert {"name", "seconds"} <= set(data["stages"][0])
    assert data["clone"]["unexplained_differences"] == []
    assert data["clone"]["power_on_to_ssh_s"] == 61.25


def test_unexplained_differences_are_named() -> None:
    bad = clone(differences=(Difference("", ("/etc/passwd",)),))
    data = json.loads(report(ok=False, clone=bad).as_json())
    assert data["clone"]["unexplained_differences"] == ["/etc/passwd"]
    assert "NOT EXPLAINED" in report(clone=bad).as_html()


def test_html_escapes_what_machines_say() -> None:
    html = report(clone=clone(hostname="<img src=x>")).as_html()
    assert "<script>alert" not in html
    assert "<img" not in html


def test_failure_says_why() -> None:
    html = report(ok=False, clone=None, failure="The copy stopped.").as_html()
    assert "The copy stopped." in html
    assert "Passed." not in html


def test_timeline_is_well_formed_and_drawn_to_scale() -> None:
    root = ET.fromstring(timeline(STAGES))
    bars = [one for one in root.iter() if one.tag.endswith("rect")]
    assert len(bars) == len(STAGES)
    widths = [float(one.attrib["width"]) for one in bars]
    assert abs(widths[1] / widths[2] - 9.5 / 8.2) < 0.02


def test_no_stages_no_drawing() -> None:
    assert timeline(()) == ""


def test_what_a_serial_line_says_can_be_shown() -> None:
    html = report(ok=False, clone=None, failure="one\r\n\x1b[2Jtwo\0").as_html()
    assert "\x1b" not in html
    assert "one" in html


def test_the_takeover_is_told_with_what_the_new_head_decided() -> None:
    facts = TakeoverFacts(
        virtual_ip="10.77.0.1", prober="node1", outage_ms=272.4, prober_lateness_ms=1.5, asked=2400,
        answered=2340, lost_power="head1", active="head2", term=2, lease_ms=300.0,
        sentences=("active, term 2: <b>elected</b>",),
    )  # fmt: skip
    html = report(takeover=facts).as_html()
    assert "no answer for 272 ms" in html
    assert "&lt;b&gt;elected" in html
    assert json.loads(report(takeover=facts).as_json())["takeover"]["outage_ms"] == 272.4
