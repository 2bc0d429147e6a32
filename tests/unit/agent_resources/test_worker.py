"""Real programs: what they are given, how their ends are told, and that nobody waits for them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.system.agent import program_start
from backend.system.agent.program import LARGEST_INPUT, How, Program
from backend.system.agent.programs import Worker, program_problem, secrets_problem
from tests.unit.agent_resources.running import alive, ends, finished, run, wait_for

pytestmark = pytest.mark.programs
SOURCE = Path(__file__).resolve().parents[3]
IGNORES = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(program_start, "GRACE", 0.2)
    monkeypatch.setattr(program_start, "HASTE", 0.2)
    made = Worker()
    yield made
    finished(made)


def test_its_output_and_exit_code(worker: Worker) -> None:
    ended = run(worker, "sh", "-c", r"printf 'a\033[1mb\r\n\302\205c\377'; echo d >&2; exit 3")
    assert (ended.how, ended.code) == (How.EXITED, 3)
    assert ended.output == "a\\x1b[1mb\n\\x85c\\xffd\n"
    assert ended.ending == "ended with exit code 3: a\\x1b[1mb; \\x85c\\xffd"


def test_what_cannot_be_started_or_is_killed(worker: Worker) -> None:
    ended = run(worker, "/no/such/program")
    assert ended.how is How.NOT_STARTED
    assert ended.ending == "could not be started: /no/such/program: No such file or directory"
    ended = run(worker, "sh", "-c", "kill -9 $$")
    assert (ended.how, ended.code) == (How.SIGNALLED, 9)


def test_a_program_has_a_clean_place_of_its_own(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as one:
        one.set_inheritable(True)
        held = os.fstat(one.fileno()).st_ino
        monkeypatch.setenv("LD_PRELOAD_LIKE", "x")
        fields = run(worker, "cat", "/proc/self/stat").output.rpartition(")")[2].split()
        group, session, policy = fields[2], fields[3], fields[38]
        assert group == session
        assert group not in (str(os.getpgrp()), str(worker.pid))
        assert policy == str(os.SCHED_OTHER)
        shown = run(worker, "sh", "-c", "env; pwd; umask; echo $A; ls -l /proc/$$/fd").output
        environment = shown.split("\n/\n")[0]
        assert {line.split("=")[0] for line in environment.splitlines()} <= {
            "PATH", "LC_ALL", "HOME", "PWD", "OLDPWD", "SHLVL", "_",
        }  # fmt: skip
        assert "\n/\n0022\n" in shown
        assert f"socket:[{held}]" not in shown
        descriptors = [line.split()[8] for line in shown.splitlines() if "->" in line]
        assert descriptors == ["0", "1", "2"]
        runner = [str(path.readlink()) for path in Path(f"/proc/{worker.pid}/fd").iterdir()]
        assert f"socket:[{held}]" not in runner
    assert run(worker, "sh", "-c", "echo $A", environment=(("A", "b"),)).output == "b\n"


def test_a_time_limit_ends_it(worker: Worker) -> None:
    ended = run(worker, "sleep", "60", limit=0.3)
    assert ended.how is How.TIMED_OUT
    assert "did not end within" in ended.ending
    assert 0.3 <= ended.seconds < 30


@pytest.mark.parametrize(
    "text",
    [
        "sleep 60 & echo $! >{}; wait",
        f"({IGNORES}) & echo $! >{{}}; {IGNORES}",
        f"({IGNORES}) & echo $! >{{}}; wait",
    ],
)
def test_the_whole_group_ends_also_what_ignores_the_first_signal(
    worker: Worker, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "pid"
    worker.submit("job", Program(("sh", "-c", text.format(file))))
    wait_for(lambda: file.exists() and bool(file.read_text().strip()), "the second process")
    second = int(file.read_text())
    worker.cancel("job")
    assert ends(worker)["job"].how is How.CANCELLED
    wait_for(lambda: not alive(second), "the end of the group")


def test_a_daemon_that_it_leaves_is_left_and_not_waited_for(worker: Worker) -> None:
    ended = run(worker, "sh", "-c", "setsid sleep 60 & echo $!")
    daemon = int(ended.output)
    try:
        assert ended.how is How.EXITED
        assert ended.seconds < 30
        assert alive(daemon)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_cancel(worker: Worker) -> None:
    worker.submit("a", Program(("sleep", "60")))
    worker.submit("b", Program(("sh", "-c", IGNORES)))
    worker.cancel("a")
    worker.cancel("b")
    worker.cancel("nobody")
    found = ends(worker, 2)
    assert [found[one].how for one in "ab"] == [How.CANCELLED, How.CANCELLED]
    assert worker.busy == ()


def test_only_the_end_of_much_output_is_kept(worker: Worker) -> None:
    ended = run(worker, "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo end", keep=100)
    assert ended.output.startswith("(...) ")
    assert ended.output.endswith("xxxend\n")
    assert len(ended.output) == 106
    ended = run(worker, "sh", "-c", "head -c 200000 /dev/zero", keep=10**9)
    assert len(ended.output) <= 64_010  # escapes included


def test_secrets_come_first_and_are_never_told(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("# the device\nlogin=admin\npassword=s3cret-word\nx=1\n")
    file.chmod(0o600)
    ended = run(worker, "cat", input="ip=1.2.3.4\n", secrets=str(file))
    assert ended.output == "login=********\npassword=********\nx=1\nip=1.2.3.4\n"
    cut = "cat >/dev/null; printf 'aaaa s3cret-word%01000d' 0"
    for keep in range(1000, 1012):  # the cut goes through the middle of it
        said = run(worker, "sh", "-c", cut, secrets=str(file), keep=keep).output
        assert not any(part in said for part in ("word", "ord0", "rd0")), keep


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("password=hunter2\n", 0o640, "can be read by others"),
        ("password=hunter2\n", 0o604, "can be read by others"),
        ("action=on\npassword=hunter2\n", 0o600, "not option=value, or not a credential"),
        ("hunter2\n", 0o600, "not option=value"),
        ("password=hunter2\x07\n", 0o600, "not option=value"),
        (f"password={'hunter2' * 200}\n", 0o600, "not option=value"),
    ],
)
def test_secrets_that_are_refused(
    worker: Worker, tmp_path: Path, text: str, mode: int, why: str
) -> None:
    file = tmp_path / "credentials"
    file.write_text(text)
    file.chmod(mode)
    ended = run(worker, "cat", secrets=str(file))
    assert ended.how is How.NOT_STARTED
    assert why in ended.output
    assert why in secrets_problem(str(file))
    assert "hunter2" not in ended.output
    link = tmp_path / "link"
    link.symlink_to(file)
    assert run(worker, "cat", secrets=str(link)).how is How.NOT_STARTED
    assert "cannot be read" in secrets_problem(str(tmp_path / "none"))


def test_what_nobody_can_run_is_refused_at_once(worker: Worker) -> None:
    for program in (
        Program(()), Program(("a\0b",)), Program(("a",), input="x" * (LARGEST_INPUT + 1)),
        Program(("a", "x" * 200_000)),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="job"):
            worker.submit("job", program)
    worker.submit("job", Program(("true",)))
    with pytest.raises(ValueError, match="runs already"):
        worker.submit("job", Program(("true",)))
    assert ends(worker)["job"].code == 0


def test_the_loop_never_waits_for_the_worker(worker: Worker) -> None:
    """Not even when it stands still: these are more requests than a socket takes."""
    os.kill(worker.pid, signal.SIGSTOP)
    jobs = [f"job{number}" for number in range(400)]
    for job in jobs:
        worker.submit(job, Program(("/nothing",), input="x" * 1000))
        assert worker.events() == []
    os.kill(worker.pid, signal.SIGCONT)
    assert set(ends(worker, len(jobs))) == set(jobs)


def test_a_worker_that_died_is_told_and_replaced(worker: Worker) -> None:
    worker.submit("a", Program(("sleep", "60")))
    first = worker.pid
    os.kill(first, signal.SIGKILL)
    assert ends(worker)["a"].how is How.LOST
    assert worker.pid == 0
    assert run(worker, "true").how is How.EXITED
    assert worker.pid not in (0, first)


AGENT = """
import os, select, sys
sys.path.insert(0, sys.argv[1])
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker
worker = Worker()
stop = f"sleep 0.3; echo stopped > {sys.argv[2]}/stopped"
worker.submit("start", Program(("sh", "-c", f"echo $$ > {sys.argv[2]}/pid; exec sleep 600")))
worker.submit("stop", Program(("sh", "-c", stop), finish=True))
print(worker.pid, flush=True)
select.select([], [], [])
"""


def test_when_the_agent_is_killed_a_stop_goes_on_and_a_start_does_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", AGENT, str(SOURCE), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as agent:
        assert agent.stdout is not None
        worker = int(agent.stdout.readline())
        pid = tmp_path / "pid"
        wait_for(lambda: pid.exists() and bool(pid.read_text()), "the start of the program")
        started = int(pid.read_text())
        agent.kill()
        wait_for(lambda: not alive(started), "the end of the start")
        wait_for((tmp_path / "stopped").exists, "the end of the stop")
        wait_for(lambda: not alive(worker), "the end of the worker")


def test_programs_that_root_should_not_run(tmp_path: Path) -> None:
    assert program_problem("/bin/sh") == ""
    assert "cannot be run" in program_problem("/no/such")
    assert "is not a program" in program_problem("/etc/passwd")
    assert "is not a program" in program_problem("/usr")
    loose = tmp_path / "loose"
    loose.write_text("#!/bin/sh\n")
    loose.chmod(0o777)
    assert "can be changed by others" in program_problem(str(loose))
