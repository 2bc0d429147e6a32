"""Rendering, tasks, secrets and the runner's rules."""

import json
import pickle
import time
from pathlib import Path

import jinja2
import pytest

from backend import rendering
from backend.errors import Cancelled, CommandFailed, HaoscarError
from backend.model.secrets import Secret
from backend.reports import Place, error, info
from backend.system.files import make_private, read_if_there, write_atomically
from backend.system.runner import Command, LocalRunner, clean_environment, spawn
from backend.tasks import CancelToken, Meter, Progress, TaskContext


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    texts: dict[str, str] = {}
    rendering.environment.cache_clear()
    monkeypatch.setattr(rendering.environment(), "loader", jinja2.DictLoader(texts))
    yield texts
    rendering.environment.cache_clear()


def test_a_missing_value_names_the_template(templates: dict[str, str]) -> None:
    templates["x.j2"] = "one\n{{ nothing }}\n"
    with pytest.raises(HaoscarError, match=r"templates/x\.j2"):
        rendering.render("x.j2")


@pytest.mark.parametrize("value", ["a\nb", "a\0", "\x1b[2J", "a\r", None])
def test_no_control_character_reaches_a_file(templates: dict[str, str], value: object) -> None:
    templates["x.j2"] = "{{ value }}"
    with pytest.raises(HaoscarError):
        rendering.render("x.j2", value=value)


def test_blocks_of_our_own_may_have_lines(templates: dict[str, str]) -> None:
    templates["x.j2"] = "{{ value }}"
    assert rendering.render("x.j2", value=rendering.block("a\nb")) == "a\nb"


def test_a_secret_cannot_be_printed() -> None:
    secret = Secret("hunter2")
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>9}", repr([secret])):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"


def test_meter_knows_rate_and_remaining_time() -> None:
    meter = Meter()
    assert meter.update(0.0, 0, 100) == (None, None)
    rate, remaining = meter.update(2.0, 50, 100)
    assert rate == 25.0
    assert remaining == 2.0
    assert meter.update(2.1, 50, None)[1] is None


def test_meter_forgets_a_slow_beginning() -> None:
    meter = Meter()
    for second in range(60):
        rate, _ = meter.update(
            float(second), second if second < 30 else 30 + (second - 30) * 10, None
        )
    assert rate == pytest.approx(10.0)


def test_a_cancelled_task_stops_at_its_next_word() -> None:
    token = CancelToken()
    heard: list[object] = []
    context = TaskContext(heard.append, token)
    context.step("one")
    context.progress(1, 4, "files")
    token.cancel()
    with pytest.raises(Cancelled):
        context.step("two")
    assert isinstance(heard[1], Progress)
    assert heard[1].share == 0.25


def test_reports_say_where_what_and_what_to_do() -> None:
    report = error("x", "It failed.", "Mend it.", Place("a.toml", 3, "name"))
    assert str(report) == "a.toml:3 [name]: It failed. Mend it."
    assert json.dumps(report.as_dict())
    assert str(info("y", "Fine.")) == "Fine."


def test_writing_is_atomic_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    write_atomically(target, b"one", 0o600)
    assert target.stat().st_mode & 0o777 == 0o600
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert read_if_there(tmp_path / "none") is None
    assert [one.name for one in target.parent.iterdir()] == ["file"]
    make_private(tmp_path / "private")
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/evil.so")
    monkeypatch.setenv("PYTHONPATH", "/evil")
    given = clean_environment({"X": "1"})
    assert not {"LD_PRELOAD", "PYTHONPATH"} & set(given)
    assert given["LC_ALL"] == "C.UTF-8"
    assert "/usr/sbin" in given["PATH"].split(":")


@pytest.mark.programs
class TestPrograms:
    runner = LocalRunner()

    def test_arguments_are_never_a_shell_string(self) -> None:
        assert self.runner.run(Command.of("echo", "$HOME; id")).stdout == "$HOME; id\n"

    def test_failure_says_what_the_program_said(self) -> None:
        with pytest.raises(CommandFailed, match="No such file"):
            self.runner.run(Command.of("ls", "/nonexistent"))
        assert not self.runner.run(Command.of("false"), check=False).ok

    def test_a_missing_program_is_named(self) -> None:
        with pytest.raises(CommandFailed, match="no-such-program could not be started"):
            self.runner.run(Command.of("no-such-program"))

    def test_a_time_limit_ends_the_whole_group(self, tmp_path: Path) -> None:
        mark = tmp_path / "pid"
        script = f"sleep 60 & echo $! > {mark}; wait"
        with pytest.raises(CommandFailed, match="did not end within"):
            self.runner.run(Command.of("sh", "-c", script).within(0.5))
        child = int(mark.read_text())
        deadline = time.monotonic() + 5
        while Path(f"/proc/{child}/stat").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
                break
            time.sleep(0.02)
        else:
            assert not Path(f"/proc/{child}").exists()

    def test_streaming_splits_at_carriage_returns_too(self) -> None:
        lines: list[str] = []
        self.runner.stream(Command.of("printf", "a\\rb\\nc"), lines.append)
        assert lines == ["a", "b", "c"]

    def test_streaming_can_be_cancelled(self) -> None:
        with pytest.raises(Cancelled):
            self.runner.stream(Command.of("sleep", "60"), print, cancelled=lambda: True)

    def test_standard_input_may_be_a_secret(self) -> None:
        assert self.runner.run(Command.of("cat").given(Secret("s"))).stdout == "s"
        assert self.runner.run(Command.of("cat").given(b"x" * 100_000)).stdout == "x" * 100_000

    def test_a_daemon_is_stopped_with_its_children(self, tmp_path: Path) -> None:
        daemon = spawn(Command.of("sh", "-c", "sleep 60 & wait"), tmp_path / "log")
        assert daemon.running
        daemon.stop()
        assert not daemon.running
