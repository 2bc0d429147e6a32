"""The agent's unit on a member, and what the agent says of itself over its control socket."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from backend.errors import CommandFailed
from backend.rollout.far import python
from backend.rollout.places import (
    CONFIG,
    PROGRAM,
    RUN,
    SNMPD_UNIT,
    UNITS,
    WATCH_SOCKET,
    WATCH_UNIT,
    WITNESS_UNIT,
)
from backend.system.runner import Command, Runner

SECONDS = 120.0  # systemd's own limit for a start is 90 s
LONGEST_STOP = 960.0  # resources may take long to stop
SOCKET = f"{RUN}/control"
LOOKED_AT = (*UNITS, SNMPD_UNIT)
# Run by the member's Python; the socket's path is the argument, the question comes by stdin.
ASK = """\
import socket, sys
end = socket.socket(socket.AF_UNIX)
end.settimeout(20)
end.connect(sys.argv[1])
end.sendall(sys.stdin.buffer.readline())
sys.stdout.buffer.write(end.makefile("rb").readline())
"""
# The same, with the agent's own file and its configuration as the arguments.
CLEAR_GATE = """\
import sys
sys.path.insert(0, sys.argv[1])
from backend.agent.config import load
from backend.system.agent.bpf_gate import DeadlineGate
found = load(sys.argv[2]).settings
vips = [] if found is None else [
    (found.networks[one.network].interface, one.address) for one in found.virtual_ips
]
DeadlineGate(vips).remove()
"""
PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,MainPID"


@dataclass(frozen=True, slots=True)
class Service:
    """What systemd says of a unit."""

    loaded: bool = False
    state: str = "inactive"
    enabled: bool = False
    pid: int = 0

    @property
    def running(self) -> bool:
        """Whether its agent runs now."""
        return self.state in ("active", "reloading") and self.pid > 0

    @property
    def wanted(self) -> bool:
        """Whether systemd runs it or tries to."""
        return self.state in ("active", "reloading", "activating", "deactivating")


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent answered; ``role`` is "active", "standby", "witness" ... or nothing."""

    answered: bool = False
    role: str = ""
    peer_alive: bool = False
    text: str = ""  # why there is no answer

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Said":
        """Read an answer to ``status``."""
        peer = answer.get("peer")
        return cls(
            answered=answer.get("ok") is not False,
            role=str(answer.get("role") or ""),
            peer_alive=isinstance(peer, dict) and peer.get("alive") is True,
            text=str(answer.get("error") or ""),
        )


def look(runner: Runner) -> dict[str, Service]:
    """Return what systemd says of our units, and of snmpd; raises CommandFailed."""
    command = Command.of("systemctl", "show", f"--property={PROPERTIES}", "--", *LOOKED_AT)
    return parse(runner.run(command.within(SECONDS)).stdout)


def parse(text: str) -> dict[str, Service]:
    """Read the blocks that ``systemctl show`` prints. Pure."""
    found = {unit: Service() for unit in LOOKED_AT}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("Id") in found:
            pid = values.get("MainPID", "")
            found[values["Id"]] = Service(
                loaded=values.get("LoadState") == "loaded",
                state=values.get("ActiveState", "inactive"),
                enabled=values.get("UnitFileState", "") in ("enabled", "enabled-runtime"),
                pid=int(pid) if pid.isascii() and pid.isdigit() else 0,
            )
    return found


def control(runner: Runner, command: str, socket: str = SOCKET) -> dict[str, Any]:
    """Ask a head's agent, or its watch process; returns the answer, or why there is none."""
    question = json.dumps({"command": command}).encode() + b"\n"
    words = python("-c", ASK, socket).given(question)
    try:
        result = runner.run(words.within(30.0), check=False)
        answer = json.loads(result.stdout)
    except CommandFailed as problem:
        return {"ok": False, "error": str(problem)}
    except ValueError:
        said = result.stderr.strip().splitlines() or ["it says nothing"]
        return {"ok": False, "error": said[-1][:200]}
    return answer if isinstance(answer, dict) else {"ok": False, "error": "no JSON object"}


def said_by(runner: Runner, unit: str, service: Service) -> Said:
    """Return what the agent of a running unit says; a witness says that it votes by being ready."""
    if not service.running:
        return Said(text=f"its service is {service.state}")
    if unit == WITNESS_UNIT:
        return Said(answered=True, role="witness")
    if unit == WATCH_UNIT:
        return Said.of(control(runner, "status", WATCH_SOCKET))
    return Said.of(control(runner, "status"))


def systemctl(runner: Runner, *words: str) -> None:
    """Run systemctl; raises CommandFailed."""
    runner.run(Command.of("systemctl", *words).within(SECONDS))


def last_lines(runner: Runner, unit: str) -> str:
    """Return the last that a unit's own processes wrote into the journal there, fit to print."""
    # --unit would also show what systemd says of it, which is always the same.
    command = Command.of(
        "journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=3", f"_SYSTEMD_UNIT={unit}"
    )
    try:
        said = runner.run(command.within(20.0), check=False).stdout
    except CommandFailed:
        return ""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(line if line.isprintable() else ascii(line) for line in lines)[-600:]


def clear_gate(runner: Runner) -> None:
    """Take away the agent's nftables tables, which a closed gate leaves behind; raises CommandFailed.

    The agent's own code does it, so that no program nft is needed there. Where the agent's file is
    gone already, only what the program nft can remove is removed.
    """
    done = runner.run(python("-c", CLEAR_GATE, PROGRAM, CONFIG).within(30.0), check=False)
    if done.ok:
        return
    for family in ("inet", "arp", "netdev"):
        with contextlib.suppress(CommandFailed):
            runner.run(Command.of("nft", "delete", "table", family, "haoscar_gate"), check=False)
