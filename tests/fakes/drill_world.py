"""Two heads and a witness that only pretend, for drills: faults move the role, probers tell a gap."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backend.drill import remote
from backend.errors import HaoscarError
from backend.rollout.services import ASK
from backend.system.runner import Command, Result, failure
from tests.fakes.drill_pair import status

LEASE_US = 10_000
PIDS = {"head1": 111, "head2": 222}


@dataclass
class DrillWorld:
    """What all machines have in common."""

    active: str = "head1"
    term: int = 7
    moves: bool = True  # whether the other head takes over
    gap_ms: float = 8.0  # what the probers see, from the fault on; 0: nothing
    dumb: set[str] = field(default_factory=set)  # addresses that answer no prober
    wrong: str = ""  # what the probers say instead of measuring
    container: bool = False
    spoilt: dict[str, dict[str, Any]] = field(default_factory=dict)  # keys of a head's status
    dead: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    frozen: set[str] = field(default_factory=set)
    probing: int = 0  # probers that run now
    on_fault: Callable[[], None] = lambda: None
    fault_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def machine(self, name: str) -> "Machine":
        return Machine(self, name)

    def fault(self, what: str) -> None:
        self.log.append(what)
        self.fault_at = time.time()
        if self.moves and "kill" not in what:
            self.active, self.term = "head2" if self.active == "head1" else "head1", self.term + 1
        self.on_fault()


@dataclass
class Machine:
    """A Runner."""

    world: DrillWorld
    name: str

    def run(self, command: Command, *, check: bool = True) -> Result:
        code, out, errors = self._answer(command)
        result = Result(command, code, out, errors, 0.0)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(
        self, command: Command, on_line: Callable[[str], None], **_options: object
    ) -> Result:
        text = command.argv[3]
        if text == remote.CLOCK:
            on_line(str(time.time()))
        elif text == remote.FREEZE:
            self._freeze(command, on_line)
        else:
            assert text == remote.MEASURE
            self._measure(command, on_line)
        return Result(command, 0, "", "", 0.0)

    def _answer(self, command: Command) -> tuple[int, str, str]:
        world = self.world
        if self.name in world.dead:
            raise HaoscarError.of("ssh.cut", "The connection was cut.")
        match command.argv:
            case ("python3", "-I", "-c", text, _path) if text == ASK:
                assert isinstance(command.stdin, bytes)
                return 0, json.dumps(self._control(json.loads(command.stdin)["command"])), ""
            case ("python3", "-I", "-c", text, _program, pid) if text == remote.KILL:
                world.fault(f"{self.name} kill {pid}")
                return 0, "", ""
            case ("python3", "-I", "-c", text, _program, _pid) if text == remote.THAW:
                world.log.append(f"{self.name} thaw")
                return 0, "", ""
            case ("python3", "-I", "-c", text) if text == remote.MAY_RESET:
                return (1, "", "it is a container") if world.container else (0, "", "")
            case ("python3", "-I", "-c", text) if text == remote.RESET:
                world.dead.add(self.name)
                world.fault(f"{self.name} reset")
                return 0, "", ""
            case ("systemctl", "show", *_words):
                block = f"Id=haoscar-agent.service\nActiveState=active\nMainPID={PIDS[self.name]}\n"
                return 0, block, ""
        raise AssertionError(f"{self.name} does not know {command}")

    def _control(self, command: str) -> dict[str, Any]:
        world, active = self.world, self.world.active == self.name
        if command == "switchover":
            if "refuse" in world.spoilt.get(self.name, {}):
                return {"ok": False, "error": "no switchover: not now"}
            world.fault(f"{self.name} switchover")
            return {"ok": True}
        if command == "events":
            sentence = {"kind": "decision", "sentence": f"{self.name} speaks"}
            times = (world.fault_at - 100, world.fault_at + 0.01)
            return {"ok": True, "events": [{**sentence, "time": one} for one in times]}
        assert command == "status"
        more = {"term": world.term, "lease_us": LEASE_US, **world.spoilt.get(self.name, {})}
        return status(self.name, active=active, **more)

    def _freeze(self, command: Command, on_line: Callable[[str], None]) -> None:
        world = self.world
        world.frozen.add(self.name)
        on_line("frozen")
        world.fault(f"{self.name} freeze {command.argv[6]}")
        assert command.open_until is not None
        deadline = time.monotonic() + 0.05  # instead of seconds
        while not command.open_until() and time.monotonic() < deadline:
            time.sleep(0.001)
        world.frozen.discard(self.name)

    def _measure(self, command: Command, on_line: Callable[[str], None]) -> None:
        world, orders = self.world, json.loads(command.argv[5])

        def say(number: int, **more: object) -> None:
            on_line(json.dumps({"number": number, "clock": time.time(), **more}))

        if world.wrong:
            say(0, error=world.wrong)
            return
        with world.lock:
            world.probing += len(orders)
        for number, words in enumerate(orders):
            if words[1] not in world.dumb:
                say(number, said={"ready": True})
        assert command.open_until is not None
        while not command.open_until():
            time.sleep(0.001)
        gaps = [{"time": world.fault_at, "ms": world.gap_ms}] if world.gap_ms else []
        for number, _words in enumerate(orders):
            say(
                number,
                said={
                    "asked": 90, "answered": 80, "gaps": gaps, "own_lateness_ms": 0.1, "doubtful": 0,
                },
            )  # fmt: skip
        with world.lock:
            world.probing -= len(orders)
