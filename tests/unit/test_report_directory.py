"""A report that cannot be written is refused before anything is measured."""

import os
from pathlib import Path

import pytest

from backend.cli import report_directory
from backend.cli.main import EXIT_INVALID, main
from backend.errors import InvalidInput


def test_what_is_there_or_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report_directory.check(None)
    report_directory.check(tmp_path)
    report_directory.check(tmp_path / "a/b")
    monkeypatch.chdir(tmp_path)
    report_directory.check(Path("a/b"))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("kept")
    for name in ("file", "file/deeper", "n" * 300):
        with pytest.raises(InvalidInput, match="No report can be written to"):
            report_directory.check(tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on a disk that is read-only
    with pytest.raises(InvalidInput, match="cannot be written"):
        report_directory.check(tmp_path / "a/b")


def test_a_demo_says_so_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--report", "/etc/passwd"]) == EXIT_INVALID
    assert "/etc/passwd is a file" in capsys.readouterr().err
