"""The files that the agent's configuration names, and the file it is in, are looked at too."""

import copy
import os

import pytest

from backend.agent import config_files
from backend.agent.config import load
from backend.agent.config_apart import load_apart
from backend.agent.settings import Fencing, Member
from backend.agentfile.generate import as_json
from tests.unit.agent_config.good_config import GOOD


@pytest.fixture
def place(tmp_path):
    """Return a directory with a configuration, whose files are all right."""
    document = copy.deepcopy(GOOD)
    document["key_file"] = str(tmp_path / "key")
    document["fencing"]["credentials_file"] = str(tmp_path / "credentials")
    (tmp_path / "agent.json").write_bytes(as_json(document))
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "credentials").write_text("password=secret\n")
    for name in ("key", "credentials"):
        (tmp_path / name).chmod(0o600)
    return tmp_path


def texts(place):
    return [one.text for one in load(str(place / "agent.json")).problems]


def test_the_files_are_looked_at(place):
    assert texts(place) == []
    (place / "key").chmod(0o640)
    (place / "credentials").unlink()
    found = texts(place)
    assert f"key_file: others than its owner may use {place}/key (mode 0640)." in found
    assert f"credentials_file: {place}/credentials does not exist." in found


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"k" * 31 + b"\n", "has 31 bytes"),
        (b"", "has 0 bytes"),
        (b"k" * 5000, "has 5000 bytes"),
    ],
)
def test_a_key_has_the_right_length(place, content, shown):
    (place / "key").write_bytes(content)
    (found,) = texts(place)
    assert shown in found


def test_a_key_is_a_file(place):
    (place / "key").unlink()
    (place / "key").mkdir()
    assert texts(place) == [f"key_file: {place}/key: It is not a file."]
    (place / "key").rmdir()
    os.mkfifo(place / "key", 0o600)  # reading it would wait for ever
    assert texts(place) == [f"key_file: {place}/key: It is not a file."]


def test_files_of_somebody_else_are_not_trusted(place, monkeypatch):
    mine = os.geteuid()
    monkeypatch.setattr(config_files.os, "geteuid", lambda: mine + 1)
    found = texts(place)
    if mine:
        assert found == ["Somebody else could change it, and what it names runs as root."]
    else:
        assert found == []  # root's files are trusted, whoever looks


def test_a_configuration_that_others_can_change_is_refused(place):
    for mode in (0o664, 0o646):
        (place / "agent.json").chmod(mode)
        assert texts(place) == ["Somebody else could change it, and what it names runs as root."]


@pytest.mark.parametrize(
    ("content", "line", "shown"),
    [
        (None, 0, "It does not exist."),
        (b'{"a":\n\xff}', 2, "It is not UTF-8 text."),
        (b" " * 300_000, 0, "It has more than 256 KiB."),
    ],
)
def test_a_file_that_cannot_be_read(place, content, line, shown):
    file = place / "agent.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (problem,) = load(str(file)).problems
    assert (problem.line, problem.text) == (line, shown)


def test_a_missing_watchdog_is_said(place):
    file = place / "agent.json"
    text = file.read_text().replace('"me"', '"watchdog": "/dev/haoscar-none", "me"', 1)
    file.write_text(text)
    (problem,) = load(str(file)).problems
    assert (problem.weight, problem.text) == (
        "warning",
        "watchdog: /dev/haoscar-none does not exist.",
    )


def test_a_process_of_its_own_reads_the_same(place):
    file = str(place / "agent.json")
    here, apart = load(file), load_apart(file)
    assert apart.settings == here.settings
    assert type(apart.settings.members[0]) is Member
    assert type(apart.settings.fencing) is Fencing
    (place / "key").unlink()
    here, apart = load(file), load_apart(file)
    assert apart.settings is None
    assert apart.sentences == tuple(one.sentence(file) for one in here.problems)
    assert apart.sentences[0].startswith(f"{file}:5: error: key_file: ")
