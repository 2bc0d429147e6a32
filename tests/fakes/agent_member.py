"""Members that only pretend: files below a directory, a systemd of a few lines, an agent's socket.

What is sent to ``python3`` is really executed (far_side), on the member's own directory.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError
from backend.reports import error
from backend.rollout import far, far_side
from backend.rollout.far import PROGRAM as FAR_SIDE
from backend.rollout.member import Member
from backend.rollout.places import (
    AGENT_UNITS,
    CONFIG,
    PROGRAM,
    SNMPD_UNIT,
    UNITS,
    WATCH_CONFIG,
    WATCH_SOCKET,
    WATCH_UNIT,
    unit_file,
)
from backend.rollout.services import ASK, CLEAR_GATE
from backend.rollout.snmpd_look import SNMP, SNMPD
from backend.rollout.waiting import Patience
from backend.snmpd.needs import Wish
from backend.system.runner import Command, Result, failure
from tests.fakes.snmpd_member import FakeSnmpd

SHOWN = (*UNITS, SNMPD_UNIT)
GOOD, BETTER, BAD, LIAR = b"agent 1", b"agent 2", b"bad agent", b"silent agent"
FLAPPING = b"an agent that ends soon after it has started"
MACHINE_ID = "0123456789abcdef0123456789abcdef"


def config(
    name: str, *, voters: tuple[str, ...] = ("head1", "head2", "node1"), **more: object
) -> bytes:
    """Return an agent.json of which the installer understands everything."""
    members = [{"id": n, "name": one} for n, one in enumerate(voters, 1)]
    return json.dumps({"me": name, "members": members, **more}).encode()


def member(name: str, *, watch: bytes = b"", snmp: Wish | None = None, **more: object) -> Member:
    """Return a member; names that begin with "head" are heads."""
    return Member(
        name, name.startswith("head"), f"10.0.0.{len(name)}", config(name, **more),  # type: ignore[arg-type]
        preferred=name == "head1", watch=watch, snmp=snmp,
    )  # fmt: skip


@dataclass
class Unit:
    """A unit as systemd knows it."""

    state: str = "inactive"
    enabled: bool = False
    pid: int = 0


@dataclass
class FakeCluster:
    """What the members have in common: which head is active, and a clock nobody waits for."""

    active: str = ""
    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    members: "dict[str, FakeMember]" = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def patience(self) -> Patience:
        return Patience(sleep=self.sleep, clock=lambda: self.now)

    def add(self, root: Path, name: str) -> "FakeMember":
        made = FakeMember(root / name, name, self)
        self.members[name] = made
        return made

    def running(self, name: str) -> bool:
        return any(self.members[name].units[unit].state == "active" for unit in AGENT_UNITS)


@dataclass
class FakeMember:
    """A Runner: one machine."""

    root: Path
    name: str
    cluster: FakeCluster
    units: dict[str, Unit] = field(default_factory=lambda: {unit: Unit() for unit in SHOWN})
    snmpd: FakeSnmpd = field(init=False)
    facts: dict[str, object] = field(default_factory=dict)  # what it says instead of the truth
    cards: dict[str, str] = field(default_factory=dict)  # the interface of each address
    before: Callable[[Command], None] = lambda _command: None  # may raise, as a cut line does
    seen: list[Command] = field(default_factory=list)
    next_pid: int = 100

    def __post_init__(self) -> None:
        for path in ("run/systemd/system", "etc/systemd/system"):
            (self.root / path).mkdir(parents=True)
        self.snmpd = FakeSnmpd(self.root)
        (self.root / "etc/machine-id").write_text(f"{MACHINE_ID}\n")

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def everything(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*")}

    def run(self, command: Command, *, check: bool = True) -> Result:
        self.seen.append(command)
        self.before(command)
        code, out, errors = self._answer(command)
        result = Result(command, code, out, errors, 0.0)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(self, command: Command, *_arguments: object, **_more: object) -> Result:
        assert command.argv[0] == "apt-get", "nothing else is streamed"
        return self.run(command)

    def _answer(self, command: Command) -> tuple[int, str, str]:
        match command.argv:
            case ("python3", *_words):
                return self._python(command)
            case ("systemctl", *words):
                return self._systemctl(words)
            case ("apt-get" | "dpkg-query", *_words):
                return self.snmpd.packages(command.argv)
            case ("ip", "-json", "address", "show"):
                links = [
                    {"ifname": card, "addr_info": [{"local": address}]}
                    for address, card in self.cards.items()
                ]
                return 0, json.dumps(links), ""
            case ("journalctl", *_words):
                return 0, "last words\n\x1b[31mred\n", ""
        raise AssertionError(f"{self.name} does not know {command}")

    def _python(self, command: Command) -> tuple[int, str, str]:
        match command.argv:
            case ("python3", "-I", "-c", text) if text == FAR_SIDE:
                return 0, json.dumps(self._far(command)), ""
            case ("python3", "-I", "-c", text) if text in (SNMPD, SNMP):
                running = self.units[SNMPD_UNIT].state == "active"
                return 0, json.dumps(self.snmpd.answer(text == SNMP, command, running)), ""
            case ("python3", "-I", "-c", text, path) if (text, path) == (ASK, WATCH_SOCKET):
                silent = b"silent" in self.at(WATCH_CONFIG).read_bytes()
                return (1, "", "timed out") if silent else (0, '{"ok": true}', "")
            case ("python3", "-I", "-c", text, _path) if text == ASK:
                return self._control(command)
            case ("python3", "-I", "-c", text, _path, _config) if text == CLEAR_GATE:
                self.cluster.log.append(f"{self.name} gate cleared")
                return 0, "", ""
            case ("python3", "-I", program, "check", "--config", file):
                assert program == PROGRAM
                assert file in (CONFIG, WATCH_CONFIG)
                wrong = b"wrong" in self.at(file).read_bytes()
                return (1, "agent.json:3: error: no", "") if wrong else (0, "ok\n", "")
        raise AssertionError(f"{self.name} does not know {command}")

    def _far(self, command: Command) -> dict[str, object]:
        assert not isinstance(command.stdin, bytes | None)
        request = {**json.loads(command.stdin.reveal()), "root": str(self.root)}
        answer = far_side.answer(json.dumps(request))
        if request["do"] == "facts" and answer["ok"]:
            answer |= {"uid": 0, "host": self.name, "kernel": "6.1.0", **self.facts}
            for file in answer["files"].values():
                if file.get("owner") == os.geteuid():
                    file["owner"] = 0
        return answer

    def _control(self, command: Command) -> tuple[int, str, str]:
        assert isinstance(command.stdin, bytes)
        if self._program() == LIAR:
            return 1, "", "TimeoutError: timed out"
        peer = "head2" if self.name == "head1" else "head1"
        alive = peer in self.cluster.members and self.cluster.running(peer)
        if json.loads(command.stdin)["command"] == "switchover":
            self.cluster.log.append(f"{self.name} switchover")
            if not alive:
                return 0, '{"ok": false, "error": "no switchover: nobody is there"}', ""
            self.cluster.active = peer
            return 0, '{"ok": true}', ""
        role = "active" if self.cluster.active == self.name else "standby"
        return 0, json.dumps({"ok": True, "role": role, "peer": {"alive": alive}}), ""

    def _program(self) -> bytes:
        return self.at(PROGRAM).read_bytes() if self.at(PROGRAM).exists() else b""

    def _systemctl(self, words: list[str]) -> tuple[int, str, str]:
        verb = words[0]
        if verb == "show":
            for unit in self.units.values():
                unit.pid += unit.state == "active" and self._program() == FLAPPING
            return 0, "\n".join(self._block(unit) for unit in SHOWN), ""
        if verb in ("daemon-reload", "mask", "unmask"):
            return 0, "", ""
        name = words[-1]
        unit = self.units[name]
        there = self._there(name)
        if verb in ("enable", "disable"):
            if verb == "disable" and "--now" in words:
                self._stop(unit)
            if not there:
                return 1, "", f"Unit {name} does not exist"
            unit.enabled = verb == "enable"
            return self._start(name) if verb == "enable" and "--now" in words else (0, "", "")
        if verb == "stop":
            self._stop(unit)
            return 0, "", ""
        if verb in ("restart", "kill"):
            whose = {WATCH_UNIT: " watch", SNMPD_UNIT: " snmpd"}.get(name, "")
            self.cluster.log.append(f"{self.name}{whose} {verb}")
            return self._start(name)
        assert verb == "reset-failed"
        return 0, "", ""

    def _start(self, name: str) -> tuple[int, str, str]:
        unit = self.units[name]
        if self._program() == BAD:
            unit.state, unit.pid = "activating", 0
            return 1, "", f"Job for {name} failed."
        self.next_pid += 1
        unit.state, unit.pid = "active", self.next_pid
        if name == UNITS[0] and not self.cluster.active:
            self.cluster.active = self.name
        return 0, "", ""

    def _there(self, name: str) -> bool:
        return self.snmpd.installed if name == SNMPD_UNIT else self.at(unit_file(name)).exists()

    def _stop(self, unit: Unit) -> None:
        if unit is self.units[UNITS[0]] and unit.pid and self.cluster.active == self.name:
            self.cluster.active = ""
        unit.state, unit.pid = "inactive", 0

    def _block(self, name: str) -> str:
        unit, there = self.units[name], self._there(name)
        loaded = "loaded" if there or unit.state != "inactive" else "not-found"
        enabled = "enabled" if unit.enabled and there else "disabled" if there else ""
        return (
            f"Id={name}\nLoadState={loaded}\nActiveState={unit.state}\n"
            f"UnitFileState={enabled}\nMainPID={unit.pid}\n"
        )


def cut(_command: Command) -> None:
    """Fail as a connection does that was cut."""
    raise CommandFailed(error("ssh.cut", "The connection was cut.", "Look at the network."))


def cut_at(which: Callable[[Command], bool]) -> Callable[[Command], None]:
    """Return what cuts the connection for good at the first command that ``which`` accepts."""
    gone = []

    def before(command: Command) -> None:
        if gone or which(command):
            gone.append(command)
            cut(command)

    return before


def is_write(command: Command) -> bool:
    """Whether a command is the one that writes the files."""
    stdin = command.stdin
    return command.argv[-1] == far.PROGRAM and '"write"' in stdin.reveal()  # type: ignore[union-attr]


def refused(problem: HaoscarError) -> str:
    """Return everything that an error says."""
    return " ".join(str(one) for one in problem.reports)
