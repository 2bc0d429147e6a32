"""SNMP from inside the built one file: v2c and v3 with the real snmpd, a trap to the real snmptrapd.

Both with the package cryptography that this project runs with and with the distribution's, which
may be years older: pysnmp looks for AES where only recent versions have it.
"""

import contextlib
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.agentfile.build import write
from backend.system.agent.control_socket import ask
from tests.lab.agent_site import wait_until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace"),
    pytest.mark.skipif(
        not all(Path("/usr/sbin", one).exists() for one in ("snmpd", "snmptrapd")),
        reason="needs the packages snmpd and snmptrapd",
    ),
]
SYSTEM = "/usr/bin/python3"
HAS_CIPHERS = (
    "import sys, cryptography; assert sys.version_info >= (3, 10); print(cryptography.__version__)"
)
V2C = "community = s3cret-word\n"
V3 = "user = watcher\nauth = sha256\nauth_key = authentic-key\npriv = aes\npriv_key = a-private-key\n"
USER = 'createUser watcher SHA-256 "authentic-key" AES "a-private-key"\n'
SNMPD = f"agentAddress udp:10.9.0.1:161\nrocommunity s3cret-word\n{USER}rouser watcher priv\nproc snmpd\n"
TRAPD = f"authCommunity log public\n{USER}authUser log watcher priv\n"
REF = "heads:processes"


class ActiveAgent(socketserver.BaseRequestHandler):
    """What the failover agent of a head that serves says."""

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b'{"ok": true, "role": "active", "term": 1}\n')


class World:
    """A namespace with snmpd, snmptrapd and one watch process."""

    def __init__(self, place: Path, program: Path, python: str) -> None:
        self.place, self.program, self.python = place, program, python
        self.name = f"haoscar-file-{os.getpid()}"
        self.socket = place / "run" / "watch"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, login: str) -> None:
        """Start all of it."""
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.inside("ip", "link", "set", "lo", "up").wait()
        self.inside("ip", "address", "add", "10.9.0.1/32", "dev", "lo").wait()
        for name, text in (
            ("snmpd", SNMPD),
            ("snmptrapd", TRAPD),
            ("key", "5" * 64),
            ("login", login),
        ):
            file = self.place / name
            file.touch(0o600)
            file.write_text(text)
        self.inside(
            "/usr/sbin/snmpd",
            "-f",
            "-C",
            "-c",
            str(self.place / "snmpd"),
            "-Lf",
            str(self.place / "snmpd.log"),
        )
        self.inside(
            "/usr/sbin/snmptrapd", "-f", "-C", "-c", str(self.place / "snmptrapd"), "-On", "-m", "",
            "-Lf", str(self.place / "traps"), "udp:10.9.0.1:162",
        )  # fmt: skip
        for name in ("snmpd.log", "traps"):
            wait_until(lambda name=name: "NET-SNMP version" in self.text(name), name)
        (self.place / "watch.json").write_text(json.dumps(self.document()))
        self.inside(
            self.python, str(self.program), "watch", "--config", str(self.place / "watch.json")
        )

    def inside(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a program in the namespace; all of these are stopped at the end."""
        kept = {"SNMP_PERSISTENT_DIR": str(self.place / Path(words[0]).name / "kept"), "MIBS": ""}
        with (self.place / "output").open("ab") as output:
            self._running.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", self.name, *words], stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **kept},
                )
            )  # fmt: skip
        return self._running[-1]

    def document(self) -> dict[str, Any]:
        """Return the configuration of the watch process."""
        trap = {"program": "snmp-trap", "words": ["10.9.0.1"], "run": "startup"}
        service = {
            "group": "heads", "name": "processes", "hosts": ["head1"], "interval": 0.5, "limit": 5.0,
            "monitor": "netsnmp-proc.monitor", "words": ["snmpd"],
            "periods": [{"when": "", "name": "always", "alerts": [trap]}],
        }  # fmt: skip
        return {
            "version": 1, "kind": "watch", "cluster": "c", "key_file": str(self.place / "key"),
            "state_directory": str(self.place / "state"), "run_directory": str(self.place / "run"),
            "agent_socket": str(self.place / "agent"), "snmp_file": str(self.place / "login"),
            "me": {"name": "head1", "addresses": ["10.9.0.1"]},
            "other": {"name": "head2", "addresses": ["10.9.0.2"]}, "services": [service],
        }  # fmt: skip

    def text(self, name: str) -> str:
        """Return what a file holds so far."""
        file = self.place / name
        return file.read_text() if file.exists() else ""

    def state(self) -> str:
        """Return what the watch process says of the service; nothing before it answers."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            answer = json.loads(ask(str(self.socket), b'{"command": "status"}\n', 5.0))
            return next(
                f"{one['state']} {one['summary']}"
                for one in answer["services"]
                if one["ref"] == REF
            )
        return ""

    def wait_for(self, wanted: str) -> None:
        """Wait for the first check, and see what it found."""
        checked = ("ok", "failed", "unknown")
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.state().startswith(checked), "a check")
        assert self.state().startswith(wanted), f"{self.state()!r}\n{self.text('output')}"

    def stop(self) -> None:
        """Stop all of it."""
        for one in reversed(self._running):
            one.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(10)
            one.kill()
            one.wait()
        subprocess.run(["ip", "netns", "delete", self.name], check=False)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "haoscar-agent.pyz"
    write(path)
    return path


@pytest.fixture(params=[sys.executable, SYSTEM], ids=["our-cryptography", "the-distribution's"])
def world(program: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    python: str = request.param
    if python == SYSTEM:
        found = subprocess.run([python, "-c", HAS_CIPHERS], capture_output=True, check=False)
        if found.returncode:
            pytest.skip("the distribution's python3 has no cryptography, or is too old for pysnmp")
    with tempfile.TemporaryDirectory(prefix="hw") as place:  # short enough for a socket
        made = World(Path(place), program, python)
        with socketserver.ThreadingUnixStreamServer(
            str(made.place / "agent"), ActiveAgent
        ) as agent:
            threading.Thread(target=agent.serve_forever, daemon=True).start()
            try:
                yield made
            finally:
                made.stop()
                agent.shutdown()


@pytest.mark.parametrize("login", [V2C, V3], ids=["v2c", "v3"])
def test_snmp_works_from_inside_the_one_file(world: World, login: str) -> None:
    world.start(login)
    world.wait_for("ok")
    wait_until(lambda: "88.2.0.1" in world.text("traps"), "the trap")
    assert '"heads:processes"' in world.text("traps")


def test_a_wrong_key_is_unknown_and_says_so(world: World) -> None:
    world.start(V3.replace("a-private-key", "another-key1"))
    world.wait_for("unknown")
