"""The command haoscar-agent: its words, its exit codes, and what it starts with which settings."""

import copy
import sys
from pathlib import Path
from types import ModuleType

import pytest

from backend.agent import main as agent_main
from backend.agent.errors import AgentError
from backend.agent.main import main
from backend.agentfile.generate import as_json

HEADS = {
    "version": 1,
    "cluster": "c",
    "me": "head1",
    "networks": [{"name": "private", "interface": "eth0"}],
    "members": [
        {"id": 1, "name": "head1", "role": "head", "addresses": {"private": "10.0.0.2"}},
        {"id": 2, "name": "head2", "role": "head", "addresses": {"private": "10.0.0.3"}},
        {"id": 3, "name": "n1", "role": "witness", "addresses": {"private": "10.0.0.101"}},
    ],
    "virtual_ips": [{"address": "10.0.0.1", "network": "private", "prefix": 24}],
    "metrics": "0.0.0.0:9747",
}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a configuration and returns its path."""
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)

    def made(**changes):
        document = {
            **copy.deepcopy(HEADS), "key_file": str(tmp_path / "key"),
            "state_directory": str(tmp_path / "state"), "run_directory": str(tmp_path / "run"),
            **changes,
        }  # fmt: skip
        (tmp_path / "a.json").write_bytes(as_json(document))
        return str(tmp_path / "a.json")

    return made


@pytest.fixture
def started(monkeypatch):
    """Record what is started instead of starting it."""
    calls = []
    for name in ("daemon", "witness"):
        module = ModuleType(f"backend.agent.{name}")
        module.run = lambda *given, name=name: calls.append((name, *given)) or 7  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"backend.agent.{name}", module)
        monkeypatch.setattr(f"backend.agent.{name}", module, raising=False)
    return calls


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "'' is not one of the commands"),
        (["go"], "'go' is not one of the commands"),
        (["run", "witness", "--config", "/x"], "'run witness' is not one of"),
        (["run"], "give the configuration, once"),
        (["run", "--config"], "give the configuration, once"),
        (["run", "--config="], "give the configuration, once"),
        (["run", "--config", "/x", "-c", "/y"], "give the configuration, once"),
        (["run", "--verbose"], "there is no option '--verbose'"),
        (["run", "--config\n"], "there is no option '--config\\n'"),
    ],
)
def test_wrong_words_are_two(words, shown, capsys):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert shown in said
    assert "--help" in said


def test_help_and_version(capsys):
    assert main(["run", "--help"]) == 0
    assert "haoscar-agent witness --config FILE" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("haoscar-agent 3.")


def test_check_says_ok_or_every_problem(write, capsys):
    file = write()
    assert main(["check", f"--config={file}"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}:")
    assert ": warning: metrics: " in first
    assert last == "ok"
    file = write(port=0, cluster="a b")
    assert main(["check", "-c", file]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert ": error: cluster: " in lines[0]
    assert ": error: port: " in lines[2]


def test_run_and_witness_start_what_the_member_is(write, started, capsys):
    assert main(["run", "--config", write()]) == 7
    ((name, settings, warnings),) = started
    assert (name, settings.myself.name, len(warnings)) == ("daemon", "head1", 1)
    for directory in (settings.state_directory, settings.run_directory):
        assert Path(directory).stat().st_mode & 0o777 == 0o700
    started.clear()
    assert main(["witness", "--config", write(me="n1", run_directory="/proc/none/x")]) == 7
    assert "/proc/none/x cannot be made" in capsys.readouterr().err
    ((name, settings),) = started
    assert (name, settings.me) == ("witness", 3)
    started.clear()
    assert main(["witness", "--config", write()]) == 78
    assert "head1 is a head. Start it with: run" in capsys.readouterr().err
    assert main(["run", "--config", write(me="n1")]) == 78
    assert main(["run", "--config", write(port=0)]) == 78
    assert ": error: port: 0 is not" in capsys.readouterr().err
    assert main(["run", "--config", "/nonexistent/file"]) == 78
    assert started == []


def test_an_error_of_the_agent_is_one_sentence(write, monkeypatch, capsys):
    def refuse(*_words):
        raise AgentError("The gate cannot be made. Do this.")

    monkeypatch.setattr(agent_main, "_serve", refuse)
    assert main(["run", "--config", write()]) == 1
    assert capsys.readouterr().err == "haoscar-agent: The gate cannot be made. Do this.\n"
