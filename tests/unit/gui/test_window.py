"""Why no window can be opened, in one sentence with the command that helps."""

import os
import sys
from pathlib import Path

import pytest

from backend.errors import HaoscarError
from backend.wiring import Wiring
from haoscar_gui import scripts, window


def said() -> str:
    with pytest.raises(HaoscarError) as problem:
        window.check_able()
    (report,) = problem.value.reports
    return f"{report.text} {report.remedy}"


@pytest.fixture(autouse=True)
def _able(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("DISPLAY", ":0")


def test_nothing_is_said_where_it_can_be_opened() -> None:
    window.check_able()


def test_who_is_not_root_is_told_to_use_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert said().endswith("Run: sudo haoscar")


def test_without_a_display_ssh_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    assert "ssh -X" in said()
    assert "haoscar --help" in said()


@pytest.mark.parametrize(
    ("system", "command"),
    [("debian", "sudo apt-get install python3-tk"), ("rhel", "sudo dnf install python3.")],
)
def test_without_tk_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, command: str
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(f"ID={system}\nVERSION_ID=9\n")
    monkeypatch.setattr(Wiring, "live", lambda: Wiring.rooted_at(tmp_path))
    monkeypatch.setitem(sys.modules, "tkinter", None)
    assert command in said()


def test_without_arguments_the_window_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def main(argv: list[str], _more: object) -> int:
        asked.append(argv)
        return 0

    monkeypatch.setattr("backend.cli.main.main", main)
    for arguments in ([], ["status"], ["gui", "--dark"]):
        monkeypatch.setattr(sys, "argv", ["haoscar", *arguments])
        assert scripts.cli() == 0
    assert asked == [["gui"], ["status"], ["gui", "--dark"]]


@pytest.mark.parametrize("scale", ["0", "5", "x", "nan", "-1"])
def test_a_scale_that_makes_no_sense_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], scale: str
) -> None:
    from backend.cli.main import main
    from haoscar_gui.commands import register

    with pytest.raises(SystemExit) as end:
        main(["gui", f"--scale={scale}"], (register,))
    assert end.value.code == 2
    assert "is not a number from 0.5 to 4" in capsys.readouterr().err
