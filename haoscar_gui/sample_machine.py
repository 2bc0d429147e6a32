"""What answers on the made-up head of the pictures: its programs, its networks, its agent."""

import json
import time
import tkinter as tk
from collections.abc import Callable, Mapping
from typing import Any

from backend.actions.agent_client import SOCKET
from backend.clone.sshd import SshdFiles
from backend.model.distribution import Family
from backend.packages.catalog import wanted
from backend.paths import Paths
from backend.rollout.places import WATCH_SOCKET
from backend.system.agent.control_socket import ControlSocket
from backend.system.runner import Command, Result, Runner, failure
from haoscar_gui.sample_watch import SampleWatch

NEIGHBOURS = ("10.0.0.2", "10.0.0.11", "10.0.0.12")
NETWORK = (
    *(f"ip link add eth{n} type veth peer name wire{n}" for n in (0, 1)),
    "ip addr add 10.0.0.1/24 dev eth0",
    "ip addr add 192.0.2.11/24 dev eth1",
    *(f"ip link set {one} up" for one in ("lo", "wire0", "wire1", "eth0", "eth1")),
    "ip route add default via 192.0.2.1",
    *(f"ip route add local {one} dev lo" for one in NEIGHBOURS),  # they answer where one listens
)
SSH_PORT = 22
EVERY = 20  # milliseconds between two looks at the sockets
HEALTHY = {
    "networks": {"private": True, "public": True},
    "fit": True, "maintenance": False, "stopping": False,
}  # fmt: skip
STATUS: Mapping[str, Any] = {  # as an agent said it; the roles have been exchanged by a drill
    "ok": True, "cluster": "oscar", "me": "haoscar", "role": "standby", "term": 2,
    "lease_us": 300_000, "lease_remaining_us": 0, "serving_alone": False, "promised": False,
    "maintenance_seconds": 0.0, "health": {**HEALTHY, "active": False},
    "peer": {
        "name": "oscarserver1", "alive": True, "heard_ago_us": 18_851,
        "health": {**HEALTHY, "active": True},
    },
    "vote": {"holder": "oscarserver1", "term": 2, "remaining_us": 241_149},
    "voters": [
        {"name": name, "head": head, "state": "not asked", "granted_ago_us": None}
        for name, head in (("haoscar", True), ("oscarserver1", True), ("oscarnode1", False))
    ],
    "last_alarm": None,
    "virtual_ips": [
        {"address": address, "network": network, "interface": interface, "configured": False,
         "gate_remaining_us": 0}
        for address, network, interface in (
            ("10.0.0.200", "private", "eth0"), ("192.0.2.10", "public", "eth1")
        )
    ],
    "links": [
        {"member": member, "network": network, "loss": 0.0, "jitter_us": jitter, "age_us": 19_116,
         "well": True}
        for member, network, jitter in (
            ("oscarserver1", "private", 210), ("oscarnode1", "private", 340),
            ("oscarserver1", "public", 260),
        )
    ],
    "resources": [
        {"name": name, "state": "stopped", "why": "", "since": 0, "failed": False}
        for name in ("home", "slurmctld")
    ],
    "explain": [
        "this head is standby; the other head was heard 19 ms ago",
        "no takeover: the other head is well; after 150 ms of silence I ask the voters",
    ],
    "risks": [],
}  # fmt: skip
SENTENCES = (  # seconds ago, kind, sentence
    (95.0, "notice", "ready"),
    (94.0, "decision", "active, term 1: elected, 284 ms of lease"),
    (12.4, "decision", "switchover: asked the other head"),
    (12.3, "decision", "slurmctld is stopped"),
    (12.2, "decision", "home is stopped"),
    (12.1, "decision", "handed over with 254 ms left"),
)


def own_network(runner: Runner) -> None:
    """Make the head's networks in the network namespace of this process; raises CommandFailed."""
    for one in NETWORK:
        runner.run(Command.of(*one.split()))


class SamplePrograms:
    """A Runner on which nothing is installed but the package tool, which has everything else."""

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        found = command.argv[0] == "dpkg-query"
        text = "".join(f"installed {one}\n" for one in wanted(Family.DEBIAN)) if found else ""
        result = Result(command, 0 if found else 127, text, "" if found else "not installed", 0.0)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(
        self, command: Command, on_line: Callable[[str], None], *,
        cancelled: Callable[[], bool] = lambda: False, check: bool = True,
    ) -> Result:  # fmt: skip
        """See Runner.stream."""
        del on_line, cancelled
        return self.run(command, check=check)


class SampleSockets:
    """Answers as the head's agent and its boot server; an open port is all that its neighbours have.

    Works in the window's loop, for as long as that goes on.
    """

    def __init__(self, root: tk.Tk, paths: Paths) -> None:
        self._root = root
        self._began = time.time()
        agent, boot_server = paths.at(SOCKET), SshdFiles.of(paths).socket
        watch = paths.at(WATCH_SOCKET)
        for path in (agent, boot_server, watch):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._sockets = (
            ControlSocket(
                str(agent), self._agent, metrics=("", SSH_PORT), respond_metrics=lambda _text: b""
            ),
            ControlSocket(str(boot_server), lambda _question: b"{}\n"),
            ControlSocket(str(watch), SampleWatch().answer),
        )

    def serve(self) -> None:
        """Answer from now on."""
        for one in self._sockets:
            one.serve([*one.readers(), *one.writers()], time.monotonic_ns() // 1000)
        self._root.after(EVERY, self.serve)

    def _agent(self, question: bytes) -> bytes | None:
        if not question.endswith(b"\n"):
            return None
        events = [
            {"number": number, "time": self._began - ago, "kind": kind, "sentence": sentence}
            for number, (ago, kind, sentence) in enumerate(SENTENCES, 1)
        ]
        asked = json.loads(question).get("command")
        answer = {"ok": True, "events": events}
        if asked == "status":
            answer = {**STATUS, "last_decision": events[-1]}
        return json.dumps(answer).encode() + b"\n"
