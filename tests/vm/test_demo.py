"""The demo itself, as a user starts it: every way to boot a blank machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = (
    1200  # seconds: a loaded machine without a cached Debian root; an idle one needs two minutes
)

pytestmark = pytest.mark.vm


@pytest.mark.parametrize(
    ("boot", "firmware"), [("pxe", "bios"), ("pxe", "uefi"), ("floppy", "bios"), ("usb", "uefi")]
)
def test_a_blank_machine_becomes_the_standby(boot: str, firmware: str, tmp_path: Path) -> None:
    words = ["demo", "--json", "--firmware", firmware, "--boot", boot, "--report", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-m", "haoscar_gui", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["ok"], report["failure"] + ended.stderr[-2000:]
    assert ended.returncode == 0
    clone = report["clone"]
    assert clone["ssh"]
    assert clone["firmware"] == firmware
    assert clone["hostname"] == "head1-standby"
    assert clone["root_device"].startswith("/dev/vda")
    assert "haoscar." not in clone["kernel_command_line"]
    assert clone["unexplained_differences"] == []
    assert clone["files_compared"] > 1000
    took = report["takeover"]
    assert took["active"] == "head1-standby"
    assert took["term"] > 1
    assert 0 < took["outage_ms"] < 2000  # emulated; the agent's own promise is the bench's business
    assert "Passed." in (tmp_path / "report.html").read_text()
