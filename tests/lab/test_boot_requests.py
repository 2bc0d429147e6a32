"""What the boot server hears of booting machines, on a real wire: two namespaces and a veth pair."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]
ROOT = Path(__file__).resolve().parents[2]
HEAD, STANDBY = "10.77.9.1", "10.77.9.2"

# Hears until standard input is closed; prints each source, port and what is understood.
LISTENER = """
import asyncio, json, sys
from collections import Counter
from backend.discovery.dhcp_packet import parse_frame
from backend.netboot.signs import tftp_file
from backend.system.boot_requests import BootRequests

def take(source, port, packet):
    request = parse_frame(bytes(12) + b"\\x08\\0" + packet, Counter())
    mac = None if request is None else request.mac
    print(json.dumps([str(source), port, mac or tftp_file(packet)]), flush=True)

async def main():
    requests = BootRequests(sys.argv[1], take)
    requests.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    requests.stop()
    requests.stop()

asyncio.run(main())
"""
# A request of a ROM without an address, a fetch by TFTP, and what is none of both, before and after.
SENDER = """
import os, socket, sys
from tests.lab.dhcp_client import discover

interface, head = sys.argv[1:3]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in (4000, 68):
    udp.sendto(b"noise", (head, port))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((interface, 0))
mac = bytes.fromhex("525400000002")
wire.send(discover(mac, os.urandom(4), {60: b"PXEClient:Arch:00000:UNDI:002001"}))
udp.sendto(b"\\0\\1haoscar/linux\\0octet\\0", (head, 69))
udp.sendto(b"noise", (head, 6900))
"""


def run(*words: str) -> None:
    """Run a program of the test's own set-up."""
    subprocess.run(words, check=True, capture_output=True, timeout=20)


@pytest.fixture
def wire() -> Iterator[tuple[str, str]]:
    """Two namespaces with a veth pair between them: (of the head, of the standby)."""
    here, there = (f"hoboot{os.getpid()}{side}" for side in "ab")
    with contextlib.ExitStack() as cleaning:
        for name in (here, there):
            run("ip", "netns", "add", name)
            cleaning.callback(run, "ip", "netns", "del", name)
        run("ip", "-n", here, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", there)  # fmt: skip
        for name, link, address in ((here, "wire0", HEAD), (there, "wire1", STANDBY)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", link)
            run("ip", "-n", name, "link", "set", link, "up")
        yield here, there


def python(namespace: str, script: str, *words: str) -> list[str]:
    """Return the command that runs a script in a namespace."""
    return ["ip", "netns", "exec", namespace, sys.executable, "-c", script, *words]


def test_requests_are_heard_and_nothing_else_is(wire: tuple[str, str]) -> None:
    here, there = wire
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        python(here, LISTENER, "wire0"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=environment,
    ) as listener:  # fmt: skip
        try:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "ready\n"
            subprocess.run(
                python(there, SENDER, "wire1", HEAD), env=environment, check=True, timeout=30
            )
            heard = [json.loads(listener.stdout.readline()) for _ in range(2)]
            rest, _ = listener.communicate(timeout=30)
        finally:
            listener.kill()
    assert heard == [["0.0.0.0", 67, "52:54:00:00:00:02"], [STANDBY, 69, "haoscar/linux"]]
    assert rest == ""
    assert listener.returncode == 0
