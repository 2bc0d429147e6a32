"""``haoscar demo --wizard``: what it refuses before anything is started, and how it ends."""

from pathlib import Path

import pytest

from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.errors import HaoscarError
from backend.lab.wizard import WizardDemo
from backend.model.site import Firmware
from backend.tasks import TaskContext
from backend.wiring import Wiring


def demo(root: Path, *words: str) -> int:
    app = App(Wiring.rooted_at(root), json=False, yes=True, out=Output(False))
    return run(build_parser().parse_args(["demo", "--wizard", *words]), app)


@pytest.mark.parametrize("words", [("--keep",), ("--boot", "usb"), ("--boot", "floppy")])
def test_options_of_the_other_demo_are_refused(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo(tmp_path, *words) == 4
    assert "--boot and --keep" in capsys.readouterr().err


def test_without_a_display_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert demo(tmp_path) == 3
    assert "ssh -X" in capsys.readouterr().err


def test_it_runs_until_the_window_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[WizardDemo] = []

    def work(task: WizardDemo, _context: TaskContext) -> None:
        seen.append(task)
        if len(seen) > 1:
            raise HaoscarError.of("demo.window", "The window ended with exit code 1: no Tk")

    monkeypatch.setattr(WizardDemo, "run", work)
    monkeypatch.setenv("DISPLAY", "desk:3")
    assert demo(tmp_path, "--firmware", "uefi") == 0
    assert "closed" in capsys.readouterr().out
    assert (seen[0].display.number, seen[0].firmware) == (3, Firmware.UEFI)
    assert demo(tmp_path) != 0
    assert "no Tk" in capsys.readouterr().err
