"""``haoscar image`` on a catalogue of small versions."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.imaging.catalog import Catalog
from backend.imaging.excludes import Exclusion
from backend.imaging.facts import ImageFacts
from backend.imaging.manifest_write import write_manifest
from backend.model.names import ImageName
from backend.model.site import IpAssignment, PostInstall
from backend.paths import Paths
from backend.tasks import TaskContext
from backend.wiring import Wiring


def add_version(paths: Paths, number: int) -> Path:
    directory = paths.images / "serverimage" / f"v{number}"
    (directory / "tree" / "etc").mkdir(parents=True)
    (directory / "tree" / "etc" / "hostname").write_text("head\n")
    summary = write_manifest(directory / "tree", directory / "manifest.jsonl", TaskContext())
    facts = ImageFacts(
        ImageName("serverimage"), number, "2026-11-22T10:00:00+00:00", "head", None,
        {"PRETTY_NAME": "Debian 12"}, "x86_64", ("6.1.0",), summary.entries, summary.files,
        summary.size, 5, 1.5, IpAssignment.STATIC, PostInstall.REBOOT, (("/", "ext4"),),
        (("/proc", "the kernel's"),), (Exclusion("/tmp/*", "temporary files"),), (), summary.digest,
    )  # fmt: skip
    (directory / "image.json").write_bytes(facts.to_json())
    return directory


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    add_version(Paths(tmp_path), 1)
    add_version(Paths(tmp_path), 2)
    return Paths(tmp_path)


def call(paths: Paths, *words: str) -> int:
    args = build_parser().parse_args(["image", *words])
    app = App(Wiring.rooted_at(paths.root), args.json, args.yes, 0, Output(args.json))
    return run(args, app)


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_list_and_show(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(paths, "list", "--json") == 0
    assert [one["number"] for one in document(capsys)] == [1, 2]
    assert call(paths, "show", "serverimage", "--json") == 0
    shown = document(capsys)
    assert (shown["number"], shown["excluded"][0]["reason"]) == (2, "temporary files")
    assert shown["own_bytes"] > 0
    assert call(paths, "list") == 0
    assert call(paths, "show", "serverimage", "--version", "1") == 0
    text = capsys.readouterr().out
    assert "Debian 12" in text
    assert "serverimage v1 of v1, v2" in text


def test_a_damaged_version_is_listed_as_such(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    (paths.images / "serverimage" / "v1" / "image.json").write_text("{")
    assert call(paths, "list", "--json") == 0
    assert [one["ok"] for one in document(capsys)] == [False, True]


def test_verify_tells_by_its_exit_code(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(paths, "verify", "serverimage", "--json") == 0
    assert document(capsys)["ok"] is True
    (paths.images / "serverimage" / "v2" / "tree" / "etc" / "hostname").write_text("HEAD\n")
    assert call(paths, "verify", "serverimage", "--json") == 1
    assert {one["aspect"] for one in document(capsys)["first"]} >= {"digest"}
    assert call(paths, "verify", "serverimage", "--version", "1") == 0


def test_delete_asks_which_and_whether(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(paths, "delete", "serverimage", "--yes") == 4
    assert call(paths, "delete", "serverimage", "--version", "9", "--yes") == 3
    assert call(paths, "delete", "serverimage", "--version", "1", "--json") == 3
    assert len(Catalog(paths).list()) == 2
    capsys.readouterr()
    assert call(paths, "delete", "serverimage", "--version", "1", "--yes", "--json") == 0
    assert document(capsys) == {"deleted": [{"name": "serverimage", "number": 1}]}
    (paths.images / "serverimage" / "v3.partial").mkdir()
    assert call(paths, "delete", "serverimage", "--partial", "--yes", "--json") == 0
    assert document(capsys) == {"deleted_partials": 1}
    assert call(paths, "delete", "serverimage", "--all", "--yes") == 0
    assert Catalog(paths).list() == ()


def test_hostile_names_never_leave_the_catalogue(paths: Paths) -> None:
    for name in ("../..", "/etc", ".deleted-x"):
        assert call(paths, "show", name) == 4
        assert call(paths, "delete", name, "--yes") == 4
