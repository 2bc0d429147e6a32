"""The end of the demo: agents on both heads, the primary loses its power, the clone takes over.

Everything is done by the commands of the head; the outage is measured on a compute node, by the
agent's own prober, at the address that the compute nodes have always known the head by.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from backend.errors import HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.stages import StageClock
from backend.lab.takeover_facts import TakeoverFacts
from backend.rollout.places import PROGRAM
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.runner import Command
from backend.tasks import TaskContext

HEAD, PROBER = "head1", "node1"
NODES = ("node1", "node2")
PROBE_SECONDS = 7
READY_LIMIT = 60.0  # seconds until the emulated standby is well
TAKEN_LIMIT = 30.0


class Rehearsal:
    """Installs the agents and cuts the power of the primary, in a lab with a finished clone."""

    def __init__(
        self, lab: VirtualCluster, context: TaskContext, clock: StageClock, run: Callable[..., Any]
    ) -> None:
        """``run`` runs a command of the head, as in the rest of the demo."""
        self._lab = lab
        self._context = context
        self._clock = clock
        self._run = run

    def install(self, standby_key: str) -> str:
        """Make the head's address a virtual IP, install the agents; returns the virtual IP."""
        with self._clock.stage("virtual-ip", "The head's address becomes a virtual IP") as detail:
            moved = self._run("virtual-ip", "apply")
            detail.text = f"{moved['virtual_ip']}; the head's own is {moved['own_address']}"
        with self._clock.stage("agents", "Step 5: agents on both heads and a witness") as detail:
            keys = [*(self._fingerprint(one) for one in NODES), self._print_of(standby_key)]
            options = [word for key in keys for word in ("--host-key", key)]
            installed = self._run("install-agent", *options)
            detail.text = ", ".join(one["name"] for one in installed["members"])
        with self._clock.stage("pair", "The pair finds itself") as detail:
            status = self._wait(self._healthy, "a head that serves and one that could", READY_LIMIT)
            detail.text = f"{status['me']} is {status['role']}, {status['peer']['name']} stands by"
        return str(moved["virtual_ip"])

    def lose_power(self, virtual_ip: str, standby: str, address: str) -> TakeoverFacts:
        """Cut the power of the primary under the eyes of a compute node."""
        with (
            self._clock.stage("takeover", "The primary loses its power", "check") as detail,
            self._probing(virtual_ip) as probe,
        ):
            self._lab.node(HEAD).power_cut()
            after = self._wait(lambda: self._took_over(address), f"{standby} to serve", TAKEN_LIMIT)
            result = probe()
            facts = _facts(result, after, virtual_ip, standby)
            detail.text = f"{facts.outage_ms:.0f} ms without an answer, seen from {PROBER}"
        return facts

    @contextmanager
    def _probing(self, virtual_ip: str) -> Iterator[Callable[[], dict[str, Any]]]:
        """Measure on a compute node meanwhile; yields when it has its first answer."""
        answers: list[dict[str, Any]] = []
        ready = threading.Event()
        command = Command.of(
            "python3", "-I", "-S", PROGRAM, "probe", "--address", virtual_ip, "--seconds",
            str(PROBE_SECONDS),
        ).within(PROBE_SECONDS + 20)  # fmt: skip

        def take(line: str) -> None:
            answers.append(json.loads(line))
            ready.set()

        def work() -> None:
            try:
                self._lab.node(PROBER).runner.stream(command, take, check=False)
            finally:
                ready.set()

        thread = threading.Thread(target=work, name="probe", daemon=True)
        thread.start()

        def result() -> dict[str, Any]:
            thread.join(PROBE_SECONDS + 30)
            if not answers or "longest_ms" not in answers[-1]:
                raise HaoscarError.of("demo.probe", f"The prober on {PROBER} measured nothing.")
            return answers[-1]

        try:
            if not ready.wait(20) or not answers:
                raise HaoscarError.of("demo.no-answer", f"{virtual_ip} does not answer {PROBER}.")
            yield result
        finally:
            thread.join(PROBE_SECONDS + 30)

    def _healthy(self) -> dict[str, Any] | None:
        said = self._lab.node(HEAD).runner.run(
            Command.of("python3", "-I", PROGRAM, "ctl", "status"), check=False
        )
        status = _json(said.stdout)
        if status is None or status["role"] != "active" or not status["peer"]["alive"]:
            return None
        return status if status["peer"]["health"]["fit"] else None

    def _took_over(self, address: str) -> dict[str, Any] | None:
        """Ask the standby over SSH, from a compute node's place in the network."""
        inside = self._lab.node(PROBER).inside
        runner = NamespaceRunner(lambda: _network_of(inside()))
        words = ("python3", "-I", PROGRAM, "ctl")
        said = runner.run(self._lab.ssh(address, *words, "status"), check=False)
        status = _json(said.stdout)
        if status is None or status["role"] != "active":
            return None
        events = _json(runner.run(self._lab.ssh(address, *words, "events"), check=False).stdout)
        return {**status, "events": events["events"] if events else []}

    def _wait(
        self, look: Callable[[], dict[str, Any] | None], what: str, limit: float
    ) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        while True:
            found = look()
            if found is not None:
                return found
            self._context.check_cancelled()
            if time.monotonic() > deadline:
                raise HaoscarError.of("demo.takeover", f"Waited {limit:.0f} s in vain for {what}.")
            time.sleep(0.2)

    def _fingerprint(self, node: str) -> str:
        file = "/etc/ssh/ssh_host_ed25519_key.pub"
        return _word(self._lab.node(node).runner.run(Command.of("ssh-keygen", "-lf", file)).stdout)

    def _print_of(self, key: str) -> str:
        command = Command.of("ssh-keygen", "-lf", "-").given(key.encode() + b"\n")
        return _word(self._lab.node(HEAD).runner.run(command).stdout)


def _network_of(inside: Inside) -> Inside:
    return replace(inside, files=False, uts=False, ipc=False)


def _word(line: str) -> str:
    """Return the fingerprint of a line of ``ssh-keygen -l``."""
    return line.split()[1]


def _json(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("ok") else None


def _facts(
    probe: dict[str, Any], status: dict[str, Any], virtual_ip: str, standby: str
) -> TakeoverFacts:
    return TakeoverFacts(
        virtual_ip=virtual_ip,
        prober=PROBER,
        outage_ms=float(probe["longest_ms"]),
        prober_lateness_ms=float(probe["own_lateness_ms"]),
        asked=int(probe["asked"]),
        answered=int(probe["answered"]),
        lost_power=HEAD,
        active=standby,
        term=int(status["term"]),
        lease_ms=status["lease_us"] / 1000,
        sentences=tuple(
            str(one["sentence"]) for one in status["events"] if one["kind"] == "decision"
        )[-6:],
    )
