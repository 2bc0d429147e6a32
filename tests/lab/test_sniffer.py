"""The sniffer on a real wire: a veth pair between two namespaces, and a burst of frames.

The sniffer and the sender are child processes, each in its own namespace. All times are on the
monotonic clock, which they share.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
MACHINES = 10_000

# Collects until enough machines were heard, or until standard input is closed.
SNIFFER = """
import json, os, sys, threading, time
from backend.discovery.macs import Collection
from backend.errors import HaoscarError
from backend.model.names import InterfaceName
from backend.system import packets

times = {}
interface, wanted, without_libpcap, slow = sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:5])
if without_libpcap:
    import scapy.arch.linux
    def missing(*_words):
        times["without libpcap"] = True
        raise ImportError("libpcap is not available")
    scapy.arch.linux.compile_filter = missing
if slow:
    packets.RECEIVE_BUFFER, packets.WAITING_LIMIT = 65536, 1
collection = Collection(packets.own_cards())
closed = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()

def take(batch):
    if "ready" not in times:
        times["ready"] = time.monotonic()
        print("ready", flush=True)
        if slow:
            time.sleep(slow)
    collection.take(batch.frames, batch.lost)
    if len(collection) >= wanted:
        times.setdefault("complete", time.monotonic())

try:
    packets.listen(
        InterfaceName.parse(interface), take, lambda: closed.is_set() or "complete" in times
    )
except HaoscarError as problem:
    sys.exit(problem.reports[0].code)
print(json.dumps({
    "machines": len(collection), "lost": collection.lost, "first": [m.mac for m in collection][:3],
    "rejected": sum(collection.rejected.values()), "times_heard": [m.times_heard for m in collection][:3],
    "complete": times.get("complete"), "without_libpcap": "without libpcap" in times,
    "kind": [m.kind for m in collection][:1], "host": [m.host_name for m in collection][:1],
    "vlan": [m.vlan for m in collection][:3],
}))
"""

# Sends frames that were all made before: as fast as the kernel takes them, or spread over a time.
SENDER = r"""
import json, os, socket, sys, time
from tests.fakes.dhcp_frames import frame

interface, count, spread, kind = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
def mac(n):
    return bytes((0x02, 0x10)) + n.to_bytes(4, "big")
if kind == "noise":
    frames = [frame(mac(n), port=4000 + n % 100) for n in range(count)]
elif kind == "vlan":
    frames = [frame(mac(n), vlans=(42,)) for n in range(count)]
else:
    rom = ((53, b"\x01"), (60, b"PXEClient:Arch:00007:UNDI:003000"), (93, b"\0\7"))
    frames = [frame(mac(n), *rom) for n in range(count)]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((interface, 0))
began = time.monotonic()
for number, data in enumerate(frames):
    if spread and number % 50 == 0:
        time.sleep(max(0.0, began + spread * number / count - time.monotonic()))
    wire.send(data)
print(json.dumps({"began": began, "ended": time.monotonic()}))
"""


CHILDREN: list["subprocess.Popen[str]"] = []


def run(*words: str) -> None:
    """Run a program of the test's own set-up."""
    subprocess.run(words, check=True, capture_output=True, timeout=20)


@pytest.fixture
def wire() -> Iterator[tuple[str, str]]:
    """Two namespaces with a veth pair between them: (of the sniffer, of the sender)."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    here, there = (f"hosniff{os.getpid()}{side}" for side in "ab")
    with contextlib.ExitStack() as cleaning:
        for name in (here, there):
            run("ip", "netns", "add", name)
            cleaning.callback(run, "ip", "netns", "del", name)
        run("ip", "-n", here, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", there)  # fmt: skip
        run("ip", "-n", here, "link", "set", "wire0", "up")
        run("ip", "-n", there, "link", "set", "wire1", "up")
        cleaning.callback(end_children)
        yield here, there


def end_children() -> None:
    """End what a failed test left running; those that ended are only forgotten."""
    while CHILDREN:
        process = CHILDREN.pop()
        process.kill()
        process.communicate()


def child(namespace: str, script: str, *words: object) -> "subprocess.Popen[str]":
    """Start a Python script in a namespace; a timer ends it when it hangs."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", namespace, sys.executable, "-c", script, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    timer = threading.Timer(60, process.send_signal, (signal.SIGKILL,))
    timer.daemon = True
    timer.start()
    CHILDREN.append(process)
    return process


class Sniffing:
    """A sniffer that is listening, as a context manager; ``result`` when it has ended."""

    def __init__(
        self, namespace: str, wanted: int, *, without_libpcap: bool = False, slow: int = 0
    ) -> None:
        self._process = child(namespace, SNIFFER, "wire0", wanted, int(without_libpcap), slow)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            pytest.fail(self._process.communicate(timeout=20)[1])

    def result(self, *, close: bool = False) -> dict:
        """Wait for its end; ``close`` cancels it."""
        if not close:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
        out, said = self._process.communicate(timeout=30)  # closes its input: that cancels it
        assert self._process.returncode == 0, said
        return json.loads(out)


def send(namespace: str, count: int, spread: float = 0.0, kind: str = "dhcp") -> dict:
    """Send frames and return when it began and ended."""
    process = child(namespace, SENDER, "wire1", count, spread, kind)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return json.loads(out)


@pytest.mark.parametrize("spread", [0.0, 1.8], ids=["at once", "over 1.8 s"])
def test_burst_of_ten_thousand_machines_loses_none(wire, spread, record_property):
    here, there = wire
    sniffing = Sniffing(here, MACHINES)
    sent = send(there, MACHINES, spread)
    result = sniffing.result()
    assert sent["ended"] - sent["began"] < 2.0
    assert result["machines"] == MACHINES
    assert (result["lost"], result["rejected"]) == (0, 0)
    assert result["first"][0] == "02:10:00:00:00:00"
    seconds = result["complete"] - sent["began"]
    record_property("complete_after_s", seconds)
    assert seconds < 3.0, seconds


def test_without_libpcap_our_own_filter_serves(wire):
    here, there = wire
    sniffing = Sniffing(here, 500, without_libpcap=True)
    send(there, 200, kind="noise")
    send(there, 500)
    result = sniffing.result()
    assert result["without_libpcap"]
    assert (result["machines"], result["lost"], result["rejected"]) == (500, 0, 0)


def test_filter_keeps_other_traffic_out_and_cancelling_ends_it(wire):
    here, there = wire
    sniffing = Sniffing(here, 500)
    send(there, 200, kind="noise")
    send(there, 3)
    result = sniffing.result(close=True)
    assert (result["machines"], result["rejected"]) == (3, 0)


def test_tagged_requests_are_heard_with_their_vlan(wire):
    here, there = wire
    sniffing = Sniffing(here, 3)
    send(there, 3, kind="vlan")
    assert sniffing.result()["vlan"] == [42, 42, 42]


def test_what_the_kernel_drops_is_counted(wire):
    here, there = wire
    sniffing = Sniffing(here, MACHINES, slow=2)
    send(there, MACHINES)
    result = sniffing.result(close=True)
    assert result["lost"] > 0
    assert result["machines"] + result["lost"] == MACHINES


def test_interface_that_is_taken_away_is_said(wire):
    here, there = wire
    process = child(here, SNIFFER, "wire0", 1, 0, 0)
    assert process.stdout.readline() == "ready\n"
    run("ip", "-n", there, "link", "del", "wire1")
    process.wait(timeout=10)
    assert "sniffer.interface-gone" in process.communicate()[1]


@pytest.mark.parametrize(
    ("interface", "code"), [("nothere0", "sniffer.no-interface"), ("lo", "sniffer.interface-down")]
)
def test_missing_or_switched_off_interface_is_refused(wire, interface, code):
    here, _there = wire
    out, said = child(here, SNIFFER, interface, 1, 0, 0).communicate(timeout=20)
    assert out == ""
    assert code in said


def test_a_real_client_is_recognised(wire):
    if shutil.which("busybox") is None:
        pytest.skip("needs busybox")
    here, there = wire
    sniffing = Sniffing(here, 1)
    words = (
        "ip", "netns", "exec", there, "busybox", "udhcpc", "-i", "wire1", "-V", "haoscar-installer",
        "-x", "hostname:blank", "-t", "1", "-T", "1", "-s", "/bin/true", "-f", "-n",
    )  # fmt: skip
    asked = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert "no lease" in asked.stderr  # nobody answers here
    result = sniffing.result()
    assert (result["kind"], result["host"]) == (["installer"], ["blank"])


# The command line itself, with its files below a directory of the test.
COMMAND = """
import sys
from pathlib import Path
from backend.cli import main as cli
from backend.cli.app import App
from backend.cli.commands import macs
from backend.cli.output import Output
from backend.wiring import Wiring

parser = cli.Parser(top=True)
macs.register(parser.add_subparsers(parser_class=cli.Parser))
args = parser.parse_args(["macs", "collect", "--interface", "wire0", *sys.argv[2:]])
sys.exit(cli.run(args, App(Wiring.rooted_at(Path(sys.argv[1])), args.json, out=Output(args.json))))
"""


def wait_for_line(process: "subprocess.Popen[str]", beginning: str) -> None:
    """Read until a line begins so; the timer of ``child`` ends a process that never says it."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return
    pytest.fail(f"never said {beginning!r}: {process.communicate()[1]}")


def test_command_keeps_up_with_the_burst_and_saves_the_list(wire, tmp_path):
    here, there = wire
    process = child(here, COMMAND, tmp_path, "--until-count", MACHINES)
    wait_for_line(process, "Listening on wire0")
    send(there, MACHINES)
    out, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert f"{MACHINES} machines heard" in out
    saved = json.loads((tmp_path / "var/lib/haoscar/macs.json").read_text())["machines"]
    assert len(saved) == MACHINES
    assert saved[0]["description"] == "network boot ROM, x86-64 UEFI"


def test_interrupting_the_command_ends_it_well(wire, tmp_path):
    here, there = wire
    process = child(here, COMMAND, tmp_path)
    wait_for_line(process, "Listening on wire0")
    send(there, 2)
    wait_for_line(process, "02:10:00:00:00:01")
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "2 machines heard" in out
    assert len(json.loads((tmp_path / "var/lib/haoscar/macs.json").read_text())["machines"]) == 2
