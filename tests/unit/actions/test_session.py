"""What the window remembers between two sittings."""

import json
from pathlib import Path

import pytest

from backend.actions.session import FILE, LONGEST, Session, load, save
from backend.paths import Paths

SESSION = Session("add-standby", {"add-standby": {"name": "oscarserver1", "mask": "ä"}})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    save(paths, SESSION)
    assert load(paths) == SESSION
    assert (paths.state / FILE).stat().st_mode & 0o777 == 0o600
    assert paths.state.stat().st_mode & 0o777 == 0o700


def test_nothing_there_is_an_empty_session(tmp_path: Path) -> None:
    assert load(Paths(tmp_path)) == Session()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b'"x"', b'{"version": 2, "page": "a"}',
        b'{"version": 1, "page": ["a"], "fields": []}', b"[" * 100_000, b" " * (LONGEST + 1),
        b'{"version": "1"}',
    ],
)  # fmt: skip
def test_rubbish_is_an_empty_session(tmp_path: Path, content: bytes) -> None:
    paths = Paths(tmp_path)
    paths.state.mkdir(parents=True)
    (paths.state / FILE).write_bytes(content)
    assert load(paths) == Session()


def test_what_is_no_text_among_the_fields_is_left_out(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.state.mkdir(parents=True)
    fields = {"a": {"x": "1", "y": 2, "z": "l" * 5000}, "b": 3}
    (paths.state / FILE).write_text(json.dumps({"version": 1, "page": "a", "fields": fields}))
    assert load(paths) == Session("a", {"a": {"x": "1"}})


def test_a_directory_in_its_place_is_no_obstacle(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (paths.state / FILE).mkdir(parents=True)
    assert load(paths) == Session()


def test_too_much_is_not_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    save(paths, SESSION)
    save(paths, Session("a", {"a": {"x": "l" * LONGEST}}))
    assert load(paths) == SESSION
