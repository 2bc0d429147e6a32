"""What runs on a member: files written in one step, kept, put back, removed; for any old Python."""

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

from backend.rollout import far_side


def do(root: Path, *actions: dict[str, Any]) -> dict[str, Any]:
    request = {"do": "actions", "root": str(root), "actions": actions}
    return far_side.answer(json.dumps(request))


def write(path: str, text: str, mode: int = 0o644) -> dict[str, Any]:
    from backend.rollout import far

    return far.write(path, text.encode(), mode)


def test_its_text_is_python_3_6() -> None:
    ast.parse(Path(far_side.__file__).read_text(), feature_version=(3, 6))


def test_a_file_is_replaced_once_and_what_was_there_first_is_kept(tmp_path: Path) -> None:
    file, kept = tmp_path / "etc/a", tmp_path / "etc/a.previous"
    assert do(tmp_path, {"do": "make_directory", "path": "/etc", "mode": 0o755})["done"] == [True]
    assert do(tmp_path, write("/etc/a", "one", 0o600))["ok"]
    assert file.read_text() == "one"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not kept.exists()
    do(tmp_path, write("/etc/a", "two"))
    do(tmp_path, write("/etc/a", "three"))
    assert (file.read_text(), kept.read_text()) == ("three", "one")
    assert file.stat().st_mode & 0o777 == 0o644
    assert do(tmp_path, {"do": "restore", "path": "/etc/a"})["done"] == [True]
    assert file.read_text() == "one"
    assert {one.name for one in file.parent.iterdir()} == {"a"}
    assert do(tmp_path, {"do": "restore", "path": "/etc/a"})["done"] == [False]


def test_what_a_cut_connection_left_does_not_stop_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".a.new").write_text("half")
    assert do(tmp_path, write("/a", "whole"))["ok"]
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_an_error_of_the_system_is_an_answer_and_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device", "/a")

    monkeypatch.setattr(os, "fsync", full)
    assert do(tmp_path, write("/a", "x")) == {"ok": False, "error": "/a: No space left on device"}
    assert list(tmp_path.iterdir()) == []


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "state/deep").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/other").write_text("somebody else's")
    done = do(
        tmp_path,
        {"do": "remove", "path": "/state"},
        {"do": "remove", "path": "/link"},
        {"do": "remove", "path": "/none"},
        {"do": "remove_empty", "path": "/etc"},
        {"do": "remove_empty", "path": "/outside"},
    )["done"]
    assert done == [True, True, False, False, True]
    assert {one.name for one in tmp_path.iterdir()} == {"etc"}


def test_facts_never_hold_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    (tmp_path / "text").write_text("words")
    (tmp_path / "link").symlink_to("text")
    request = {
        "do": "facts", "root": str(tmp_path), "files": ["/key", "/text", "/link", "/none"],
        "secret": ["/key"], "places": ["/text", "/none"], "space": ["/not/yet/there"],
    }  # fmt: skip
    answer = far_side.answer(json.dumps(request))
    assert answer["files"]["/key"]["text"] is None
    assert "secret" not in json.dumps({**answer, "files": {"k": answer["files"]["/key"]}})
    assert answer["files"]["/text"]["text"] == "words"
    assert answer["files"]["/link"] == {"kind": "other"}
    assert answer["files"]["/none"] == {"kind": "absent"}
    assert answer["there"] == ["/text"]
    assert answer["free"]["/not/yet/there"] > 0
    assert answer["python"][0] == 3
