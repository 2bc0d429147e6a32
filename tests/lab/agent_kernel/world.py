"""Three machines on one wire, as network namespaces, and a prober that needs no ARP cache."""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from backend.system.agent.process import boottime_us

MACHINES = {"head": "10.77.0.11", "other": "10.77.0.12", "client": "10.77.0.101"}
VIP, SECOND_VIP, STRANGE = "10.77.0.10", "192.0.2.10", "10.77.0.77"
VIPS = (("eth0", VIP), ("eth1", SECOND_VIP))
MS = 1_000
EVERYTHING = frozenset(("arp2", "echo"))
TOLERANCE = 25 * MS  # the promise
_CLONE_NEWNET = 0x40000000


class Answer(NamedTuple):
    at: int  # us since the machine started
    kind: str  # "arp" or "echo"
    address: str
    mac: bytes  # of the machine that answered


class World:
    """eth0 of all machines is on one switch; eth1 of the head ends at the client's eth1."""

    def __init__(self) -> None:
        self._prefix = f"hvk{os.getpid()}"
        self._files: dict[str, int] = {}
        self._library = ctypes.CDLL(None, use_errno=True)

    def build(self) -> None:
        for name in ("switch", *MACHINES):
            ip("netns", "add", self.namespace(name))
            self._files[name] = os.open(f"/run/netns/{self.namespace(name)}", os.O_RDONLY)
            self.ip(name, "link", "set", "lo", "up")
        self.ip("switch", "link", "add", "br0", "type", "bridge")
        self.ip("switch", "link", "set", "br0", "up")
        for name, address in MACHINES.items():
            self.plug(name)
            self.ip(name, "addr", "add", f"{address}/24", "dev", "eth0")
        peer = ("peer", "name", "eth1", "netns", self.namespace("client"))
        self.ip("head", "link", "add", "eth1", "type", "veth", *peer)
        for name, address in (("head", "192.0.2.11"), ("client", "192.0.2.101")):
            self.ip(name, "addr", "add", f"{address}/24", "dev", "eth1")
            self.ip(name, "link", "set", "eth1", "up")

    def plug(self, name: str) -> None:
        peer = ("peer", "name", f"to{name}", "netns", self.namespace("switch"))
        self.ip(name, "link", "add", "eth0", "type", "veth", *peer)
        self.ip("switch", "link", "set", f"to{name}", "master", "br0", "up")
        self.ip(name, "link", "set", "eth0", "up")

    def remove(self) -> None:
        for name, file in self._files.items():
            os.close(file)
            subprocess.run(["ip", "netns", "del", self.namespace(name)], check=False)

    def namespace(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def ip(self, name: str, *words: str) -> str:
        return ip("-n", self.namespace(name), *words)

    def run(self, name: str, *words: str) -> str:
        return run("ip", "netns", "exec", self.namespace(name), *words)

    def addresses(self, name: str) -> set[str]:
        links = json.loads(self.ip(name, "-j", "addr", "show"))
        return {one["local"] for link in links for one in link["addr_info"] if "local" in one}

    def mac(self, name: str, interface: str = "eth0") -> bytes:
        link = json.loads(self.ip(name, "-j", "link", "show", interface))[0]
        return bytes.fromhex(link["address"].replace(":", ""))

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Let this thread's new sockets be in the namespace of a machine."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            self._enter(self._files[name])
            yield
        finally:
            self._enter(before)
            os.close(before)

    def _enter(self, file: int) -> None:
        if self._library.setns(file, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def child(self, name: str, work: Callable[[], object]) -> "Child":
        """Run something in a process of its own inside a machine."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(reading)
                self._enter(self._files[name])
                os.write(writing, json.dumps(work()).encode())
                status = 0
            except BaseException as problem:
                os.write(writing, json.dumps(f"{type(problem).__name__}: {problem}").encode())
            finally:
                os._exit(status)
        os.close(writing)
        return Child(pid, reading)


class Child:
    """A forked process; ``result`` is what its work returned."""

    def __init__(self, pid: int, reading: int) -> None:
        self.pid = pid
        self._reading = reading
        self._status: int | None = None

    def wait_until_stopped(self) -> None:
        _pid, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self._status = status
            raise AssertionError(f"it ended instead: {os.read(self._reading, 65536)!r}")

    def result(self) -> object:
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        data = os.read(self._reading, 65536)
        return json.loads(data) if data else None

    def end(self) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._status = os.waitpid(self.pid, 0)[1]
        os.close(self._reading)


class Prober:
    """The client: asks a machine for its virtual IP with the machine's own MAC address."""

    def __init__(self, world: World, interface: str = "eth0") -> None:
        with world.inside("client"):
            kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, socket.htons(0x0003))
            self._socket.bind((interface, 0x0003))
        self._mac = self._socket.getsockname()[4]
        self._me = socket.inet_aton("10.77.0.101" if interface == "eth0" else "192.0.2.101")
        self._control = "10.77.0.11" if interface == "eth0" else "192.0.2.11"
        self.slack = 0  # us: how long at worst this busy machine kept the last watch from seeing

    def close(self) -> None:
        self._socket.close()

    def ask(self, mac: bytes, address: str) -> None:
        """Send one ARP question and one ICMP echo, and an ARP question for the control."""
        target = socket.inet_aton(address)
        head = b"\xff" * 6 + self._mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1)
        for one in (target, socket.inet_aton(self._control)):
            self._socket.send(head + self._mac + self._me + bytes(6) + one)
        echo = struct.pack("!BBHHH", 8, 0, 0, 0x4841, 1) + b"haoscar!"
        echo = echo[:2] + checksum(echo) + echo[4:]
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(echo), 1, 0, 64, 1, 0)
        packet += self._me + target
        packet = packet[:10] + checksum(packet) + packet[12:] + echo
        self._socket.send(mac + self._mac + b"\x08\x00" + packet)

    def answers(self) -> list[Answer]:
        """Return what has arrived."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, where = self._socket.recvfrom(2048)
                if where[2] == socket.PACKET_OUTGOING:
                    continue
                kind, sender = understood(data)
                if kind:
                    found.append(Answer(boottime_us(), kind, sender, data[6:12]))
        return found

    def watch(
        self,
        duration: int,
        mac: bytes,
        address: str,
        *,
        also: Callable[[], object] = lambda: None,
        wanted: frozenset[str] = frozenset(),
    ) -> list[Answer]:
        """Ask every 2 ms for so many us, and return all answers; ``also`` runs each time.

        It goes on until the control, an address of the head that is always there, has answered
        after that, and until everything ``wanted`` has come; 3 s at most.
        """
        found: list[Answer] = []
        began = due = boottime_us()
        until = began + duration
        late = 0
        while due < until + 3_000_000:
            late = max(late, boottime_us() - due)
            also()
            self.ask(mac, address)
            due = boottime_us() + 2_000
            while (left := due - boottime_us()) > 0:
                select.select([self._socket], (), (), left / 1_000_000)
                found += self.answers()
            seen = [one.at for one in found if one.address == self._control]
            if seen and seen[-1] > until and kinds(found, address) >= wanted:
                break
        else:
            raise AssertionError(
                f"after 3 s more only {kinds(found, address)}, {len(seen)} control"
            )
        self.slack = late + longest_gap([began, *seen])
        return found


def longest_gap(times: list[int]) -> int:
    return max(later - earlier for earlier, later in pairwise(times))


def understood(data: bytes) -> tuple[str, str]:
    if data[12:14] == b"\x08\x06" and data[20:22] in (b"\0\1", b"\0\2") and len(data) >= 42:
        return "arp" + str(data[21]), socket.inet_ntoa(data[28:32])
    if data[12:14] == b"\x08\x00" and data[23] == 1 and data[34] == 0:
        return "echo", socket.inet_ntoa(data[26:30])
    return "", ""


def checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)


def kinds(answers: list[Answer], address: str = VIP) -> set[str]:
    """Return how an address was heard: by ARP questions (arp1), ARP answers (arp2), echoes."""
    return {one.kind for one in answers if one.address == address}


def wait_for(condition: Callable[[], object], what: str, limit: float = 5.0) -> int:
    """Wait until something is so; returns how many us it took."""
    began = boottime_us()
    while not condition():
        if boottime_us() - began > limit * 1_000_000:
            raise AssertionError(f"{what} did not happen within {limit:g} s")
        time.sleep(0.0005)
    return boottime_us() - began


def run(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def ip(*words: str) -> str:
    return run("ip", *words)


@contextlib.contextmanager
def realtime() -> Iterator[None]:
    """Keep other processes of this machine from making a measurement late, where permitted."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(20))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@contextlib.contextmanager
def built() -> Iterator[World]:
    """A world that leaves nothing behind."""
    assert Path("/run/netns").is_dir() or os.geteuid() == 0
    world = World()
    try:
        world.build()
        yield world
    finally:
        world.remove()
