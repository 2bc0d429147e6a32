"""The prober: its words, its loop with a clock that nobody waits for, and the real one."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.agent import probe
from backend.agent.errors import AgentError
from backend.agent.probe import Order

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["--address", "10.0.0.1"], Order("10.0.0.1")),
        (["--address=10.0.0.1", "--tcp=22"], Order("10.0.0.1", 22)),
        (["--address", "h", "--every", "2.5", "--seconds", "0.5"], Order("h", 0, 2500, 0.5)),
    ],
)
def test_words(words: list[str], order: Order) -> None:
    assert probe.parse(words) == order


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs an address"),
        (["--tcp", "22"], "needs an address"),
        (["--address", "h", "--what"], "no option"),
        (["--address", "h", "--tcp", "65536"], "a port is"),
        (["--address", "h", "--tcp", "x"], "probe: "),
        (["--address", "h", "--every", "0.5"], "1 to 1000 ms"),
        (["--address", "h", "--every"], "probe: "),
        (["--address", "h", "--seconds", "0"], "--seconds"),
        (["--address", "h", "--seconds", "3601"], "--seconds"),
    ],
)
def test_wrong_words(words: list[str], said: str) -> None:
    with pytest.raises(AgentError, match=said):
        probe.parse(words)


class World:
    """A clock, and an address that answers at once except in some time."""

    def __init__(self, away: tuple[int, int], stall: tuple[int, int] = (0, 0)) -> None:
        self.now = 1_000_000
        self.away = away
        self.stall = stall  # at a moment, for so long: the prober does not run
        self.waiting = 0
        self.closed = False

    def wait(self, microseconds: int, *_more: object, **_options: object) -> None:
        at, length = self.stall
        self.now += max(1, min(microseconds, 1000))
        if length and self.now >= at:
            self.now, self.stall = self.now + length, (0, 0)

    def ask(self) -> None:
        self.waiting += not self.away[0] <= self.now < self.away[1]

    def answers(self) -> int:
        found, self.waiting = self.waiting, 0
        return found

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def measure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[dict[str, Any]]]]:
    def run(world: World, seconds: float) -> tuple[int, list[dict[str, Any]]]:
        monkeypatch.setattr(probe, "boottime_us", lambda: world.now)
        monkeypatch.setattr(probe, "_wait", world.wait)
        monkeypatch.setattr(probe, "_ends", lambda _mode: False)
        code = probe._measure(Order("h", seconds=seconds), world)  # type: ignore[arg-type]
        assert world.closed
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_the_loop_finds_an_outage(measure: Any) -> None:
    code, (ready, found) = measure(World(away=(2_000_000, 2_300_000)), 3.0)
    assert code == 0
    assert ready == {"ready": True}
    assert found["longest_ms"] == pytest.approx(300, abs=11)
    assert len(found["gaps"]) == 1
    assert found["asked"] == pytest.approx(600, abs=2)
    assert found["own_lateness_ms"] < 2
    assert found["doubtful"] == 0


def test_its_own_stall_is_told(measure: Any) -> None:
    _code, (_ready, found) = measure(World(away=(0, 0), stall=(2_000_000, 200_000)), 3.0)
    assert found["longest_ms"] == pytest.approx(200, abs=11)
    assert found["own_lateness_ms"] == pytest.approx(200, abs=6)
    assert found["doubtful"] == 1


def test_what_never_answers_is_never_ready(measure: Any) -> None:
    code, lines = measure(World(away=(0, 10_000_000)), 1.0)
    assert code == 1
    [found] = lines
    assert found["answered"] == 0


def test_what_is_back_too_late_has_a_gap_to_the_end(measure: Any) -> None:
    _code, (_ready, found) = measure(World(away=(2_000_000, 99_000_000)), 3.0)
    assert found["longest_ms"] == pytest.approx(2000, abs=11)


@pytest.mark.programs
def test_the_real_prober_and_a_service_that_goes_away() -> None:
    """A listener is closed and opened again; the measured gap is as long as it was away."""
    door = _listen(0)
    port = door.getsockname()[1]
    words = ["probe", "--address", "127.0.0.1", "--tcp", str(port), "--seconds", "30"]
    command = [
        sys.executable,
        "-c",
        "import sys; from backend.agent.main import main; sys.exit(main())",
    ]
    with subprocess.Popen(
        [*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as prober:
        assert prober.stdin is not None
        assert prober.stdout is not None
        assert json.loads(prober.stdout.readline()) == {"ready": True}
        door.close()
        gone, passes = time.monotonic(), switches(prober.pid)
        deadline = gone + 10
        while switches(prober.pid) < passes + 100:  # it has asked for a while, in vain
            assert time.monotonic() < deadline
        away = (time.monotonic() - gone) * 1000
        door = _listen(port)
        taken, _where = door.accept()  # it has been seen again
        taken.close()
        prober.stdin.close()
        found = json.loads(prober.stdout.readline())
        assert prober.wait(10) == 0
    door.close()
    assert away > 20
    assert away <= found["longest_ms"] < away + 2000
    assert found["answered"] > 0


def switches(pid: int) -> int:
    """Return how often a process has waited."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("voluntary_")).split()[1])


def _listen(port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen(512)
    door.settimeout(10)
    return door
