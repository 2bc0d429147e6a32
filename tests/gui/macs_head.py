"""The MAC panel's surroundings: a network namespace for the window, and one for the machines.

``setup`` runs in the window's process: it moves it into its namespace before it has any thread. The
machines' frames are real ones, sent from the other end of a veth pair; so are the boot server and
the other DHCP server.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from backend.errors import Refused
from backend.model.addresses import Mac
from backend.netboot.server import tell_boot_server
from backend.paths import Paths
from backend.wiring import Wiring
from tests.gui.network_boot_head import Programs

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "HAOSCAR_TEST_NAMESPACE"  # environment: which one the window belongs to
NEW_NETWORK = 0x40000000  # CLONE_NEWNET, linux/sched.h
PRIVATE = "wire0"
LIMIT = 30.0

# Sends requests: one JSON list a line, [[mac, kind], ...]; or ["flood", first, count, seconds].
SENDER = r"""
import json, socket, sys, time
from tests.fakes.dhcp_frames import frame

KINDS = {
    "pxe-uefi": ((53, b"\1"), (60, b"PXEClient:Arch:00007:UNDI:003000"), (93, b"\0\7")),
    "pxe-bios": ((53, b"\1"), (60, b"PXEClient:Arch:00000:UNDI:002001"), (93, b"\0\0")),
    "http": ((53, b"\1"), (60, b"HTTPClient:Arch:00016:UNDI:003001"), (93, b"\0\x10")),
    "os": ((53, b"\1"), (12, b"desk"), (55, bytes(range(1, 12)))),
}
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("wire1", 0))
print("ready", flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    if wanted[0] == "flood":
        _word, first, count, seconds = wanted
        frames = [frame(bytes((2, 16)) + n.to_bytes(4, "big"), *KINDS["pxe-uefi"]) for n in range(first, first + count)]
        began = time.monotonic()
        for number, data in enumerate(frames):
            wire.send(data)
            if number % 20 == 0:
                time.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        print(json.dumps(time.monotonic() - began), flush=True)
    else:
        for mac, kind in wanted:
            wire.send(frame(bytes.fromhex(mac.replace(":", "")), *KINDS[kind], xid=time.monotonic_ns() % 2**32))
        print("sent", flush=True)
"""


def setup(root: Path) -> dict[str, Any]:
    """Enter the namespace; see tests/gui/window.py. No program of the host is ever started."""
    descriptor = os.open(f"/run/netns/{os.environ[NAMESPACE]}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(descriptor)
    return {"wiring": Wiring(Paths(root), PlayedPrograms(root))}


class PlayedPrograms(Programs):
    """Those of step 4, and a dhcpd that accepts every configuration."""

    def _dhcpd(self, _words: list[str]) -> tuple[str, int]:
        return "", 0


class Wire:
    """The private network: the head's end and the machines' end."""

    def __init__(self, here: str, there: str, cleaning: ExitStack) -> None:
        self.here, self.there = here, there
        self._cleaning = cleaning
        self._sender: subprocess.Popen[str] | None = None

    def child(self, namespace: str, *words: str | Path) -> "subprocess.Popen[str]":
        """Start a program in a namespace; it ends with the test, or by itself after a while."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        timer = threading.Timer(120, process.kill)
        timer.daemon = True
        timer.start()

        def end() -> None:
            timer.cancel()
            process.kill()
            process.communicate()

        self._cleaning.callback(end)
        return process

    def machines(self, *requests: tuple[Mac | str, str]) -> None:
        """Let machines ask for an address, each once: (MAC, kind)."""
        self._say([[str(mac), kind] for mac, kind in requests])

    def flood(self, first: int, count: int, seconds: float) -> float:
        """Let machines number ``first`` and on ask within some seconds; returns how long it took."""
        return float(self._say(["flood", first, count, seconds]))

    def _say(self, words: object) -> str:
        if self._sender is None:
            self._sender = self.child(self.there, sys.executable, "-c", SENDER)
            self._line(self._sender)
        assert self._sender.stdin is not None
        print(json.dumps(words), file=self._sender.stdin, flush=True)
        return self._line(self._sender)

    def _line(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the sender ended")
        return line.strip()

    def listeners(self) -> int:
        """Return how many packet sockets listen in the head's namespace."""
        shown = subprocess.run(
            ["ip", "netns", "exec", self.here, "cat", "/proc/net/packet"],
            capture_output=True, text=True, check=True, timeout=LIMIT,
        )  # fmt: skip
        return len(shown.stdout.splitlines()) - 1

    def boot_server(self, root: Path) -> None:
        """Run the real boot server on the head's end, and wait until it answers."""
        server = self.child(self.here, sys.executable, ROOT / "tests/lab/boot_server_head.py", root)
        wait_for(lambda: _answers(lambda: tell_boot_server(Paths(root))), server)

    def other_dhcp_server(self, directory: Path) -> str:
        """Run a DHCP server at the machines' end that nobody asked for; returns its card."""
        directory.mkdir()
        config, leases = directory / "dhcpd.conf", directory / "leases"
        config.write_text("subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.90 10.0.0.99; }\n")
        leases.touch()
        run("ip", "-n", self.there, "addr", "add", "10.0.0.254/24", "dev", "wire1")
        server = self.child(
            self.there, "dhcpd", "-4", "-f", "-q", "-cf", config, "-lf", leases,
            "-pf", directory / "pid", "wire1",
        )  # fmt: skip
        listening = f"ip netns exec {self.there} cat /proc/net/udp".split()
        wait_for(lambda: ":0043 " in run(*listening), server)
        shown = run("ip", "-n", self.there, "-br", "link", "show", "wire1")
        return shown.split()[2]


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Wait until a server is ready; raises with what it said when it has ended."""
    pause = threading.Event()
    for _ in range(int(LIMIT / 0.1)):
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it did not get ready")


def _answers(question: Callable[[], object]) -> bool:
    try:
        question()
    except Refused:
        return False
    return True


def run(*words: str) -> str:
    """Run a program of the test's own set-up; returns what it printed."""
    done = subprocess.run(words, check=True, capture_output=True, timeout=LIMIT, text=True)
    return done.stdout


@contextmanager
def private_network() -> Iterator[Wire]:
    """Two namespaces with a veth pair between them, the head's end with its address."""
    here, there = (f"hogui{os.getpid()}{side}" for side in "ab")
    with ExitStack() as cleaning:
        for name in (here, there):
            run("ip", "netns", "add", name)
            cleaning.callback(run, "ip", "netns", "del", name)
        run("ip", "-n", here, "link", "add", PRIVATE, "type", "veth", "peer", "name", "wire1", "netns", there)  # fmt: skip
        run("ip", "-n", here, "addr", "add", "10.0.0.1/24", "dev", PRIVATE)
        for end, name in ((here, PRIVATE), (here, "lo"), (there, "wire1")):
            run("ip", "-n", end, "link", "set", name, "up")
        yield Wire(here, there, cleaning)
