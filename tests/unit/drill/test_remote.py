"""The programs that are sent to members, run for real; and input that stays open."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.drill import remote
from backend.errors import Cancelled
from backend.system.runner import Command, LocalRunner

pytestmark = pytest.mark.programs
LIMIT = 10.0
# Instead of the agent's file: says its arguments, then waits until its input ends.
PROBER = """\
import json, select, sys
if "bad" in sys.argv:
    sys.exit("haoscar-agent: this is wrong")
print(json.dumps({"ready": True}), flush=True)
sys.stdin.buffer.read()
print(json.dumps({"words": sys.argv[1:]}), flush=True)
"""


def wait_for(done: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"


def goes_on(agent: subprocess.Popen[bytes]) -> None:
    wait_for(lambda: state(agent.pid) in "SR", "its going on")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Return a process whose command line looks like an agent's."""
    program = tmp_path / "agent.py"
    program.write_text("import sys; sys.stdin.read()\n")
    with subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE) as process:
        wait_for(lambda: str(program) in command_line(process.pid), "the process")
        yield process
        process.kill()


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def of(agent: subprocess.Popen[bytes], command: Command) -> Command:
    """Return a command for this agent: with its file instead of the usual place."""
    program = command_line(agent.pid)[1]
    words = [program if one == remote.PROGRAM else one for one in command.argv]
    return Command((sys.executable, *words[1:]), command.stdin, open_until=command.open_until)


def test_a_held_input_ends_when_it_is_over() -> None:
    over, lines = threading.Event(), []

    def take(line: str) -> None:
        lines.append(line)
        over.set()

    text = "import sys; print('on', flush=True); print(len(sys.stdin.read()))"
    command = Command.of(sys.executable, "-c", text).given(b"data").held_until(over.is_set)
    assert LocalRunner().stream(command, take).ok
    assert lines == ["on", "4"]


def test_a_program_with_a_held_input_can_be_cancelled() -> None:
    seen = threading.Event()
    text = "import sys; print('on', flush=True); sys.stdin.read()"
    command = Command.of(sys.executable, "-c", text).held_until(lambda: False)
    with pytest.raises(Cancelled):
        LocalRunner().stream(command, lambda _line: seen.set(), cancelled=seen.is_set)


def test_probers_of_one_witness_end_together(tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text(PROBER)
    over, found = threading.Event(), []

    def take(line: str) -> None:
        found.append(json.loads(line))
        if sum("error" in one or one.get("said") == {"ready": True} for one in found) == 3:
            over.set()

    words = remote.measure([["--address", "10.0.0.1"], ["--tcp", "22"], ["bad"]]).argv
    command = Command((sys.executable, *words[1:4], str(program), words[5]))
    assert LocalRunner().stream(command.held_until(over.is_set).within(LIMIT), take).ok
    results = {
        one["number"]: one["said"]["words"] for one in found if "words" in one.get("said", {})
    }
    assert results == {0: ["probe", "--address", "10.0.0.1"], 1: ["probe", "--tcp", "22"]}
    [wrong] = [one for one in found if "error" in one]
    assert (wrong["number"], wrong["error"]) == (2, "haoscar-agent: this is wrong")
    assert all(abs(one["clock"] - time.time()) < LIMIT for one in found)


def test_a_frozen_agent_goes_on_when_the_input_ends(agent: subprocess.Popen[bytes]) -> None:
    over, seen = threading.Event(), []

    def take(line: str) -> None:
        wait_for(lambda: state(agent.pid) == "T", "the stop")
        seen.append(line)
        over.set()

    began = time.monotonic()
    command = of(agent, remote.freeze(agent.pid, 60.0)).held_until(over.is_set)
    assert LocalRunner().stream(command.within(LIMIT), take).ok
    assert seen == ["frozen"]
    assert time.monotonic() - began < LIMIT
    goes_on(agent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_frozen_agent_goes_on_when_the_freezer_is_ended(
    agent: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    words = of(agent, remote.freeze(agent.pid, 60.0)).argv
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as freezer:
        assert freezer.stdout is not None
        assert freezer.stdout.readline() == b"frozen\n"
        wait_for(lambda: state(agent.pid) == "T", "the stop")
        freezer.send_signal(number)
        freezer.wait(LIMIT)
    goes_on(agent)


def test_it_thaws_by_itself(agent: subprocess.Popen[bytes]) -> None:
    over: list[str] = []
    command = of(agent, remote.freeze(agent.pid, 0.1)).held_until(lambda: False)
    assert LocalRunner().stream(command.within(LIMIT), over.append).ok
    assert over == ["frozen"]
    goes_on(agent)


def test_a_second_program_thaws_it_too(agent: subprocess.Popen[bytes]) -> None:
    agent.send_signal(signal.SIGSTOP)
    wait_for(lambda: state(agent.pid) == "T", "the stop")
    assert LocalRunner().run(of(agent, remote.thaw(agent.pid))).ok
    goes_on(agent)


def test_only_the_agent_is_killed(agent: subprocess.Popen[bytes]) -> None:
    for make in (remote.kill, remote.thaw, lambda pid: remote.freeze(pid, 1.0)):
        refused = LocalRunner().run(of(agent, make(os.getpid())), check=False)
        assert not refused.ok
        assert "is not the agent any more" in refused.stderr
    assert LocalRunner().run(of(agent, remote.kill(agent.pid))).ok
    assert agent.wait(LIMIT) == -signal.SIGKILL


def test_the_clock() -> None:
    words = remote.clock().argv
    assert abs(float(LocalRunner().run(Command(words)).stdout) - time.time()) < LIMIT


def test_a_reset_begins_with_all_that_may_forbid_it() -> None:
    """As it is the program is run by no test: on a machine of flesh it would do what it says."""
    assert remote.RESET.startswith(remote.MAY_RESET)
    assert remote.MAY_RESET.index("sys.exit") < remote.MAY_RESET.index("/proc/sysrq-trigger")
    assert "write" not in remote.MAY_RESET


def test_a_reset_comes_when_its_program_has_ended(tmp_path: Path) -> None:
    """With a file in the place of the kernel's trigger, and this PID namespace taken for the first."""
    trigger = tmp_path / "trigger"
    trigger.touch()
    own = Path("/proc/self/ns/pid").stat().st_ino
    text = remote.RESET.replace("/proc/sysrq-trigger", str(trigger))
    text = text.replace("0xEFFFFFFC", str(own))
    assert "sysrq" not in text
    ended = LocalRunner().run(Command.of(sys.executable, "-c", text))
    assert (ended.exit_code, trigger.read_bytes()) == (0, b"")
    wait_for(lambda: trigger.read_bytes() == b"b", "the reset")
    other = text.replace(f"!= {own}", f"!= {own + 1}")
    refused = LocalRunner().run(Command.of(sys.executable, "-c", other), check=False)
    assert refused.exit_code == 1
    assert "it is a container" in refused.stderr
