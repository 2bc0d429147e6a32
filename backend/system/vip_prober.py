"""Measures who answers for the virtual IPs of a failover world: ``vip_prober.py JSON``.

One real-time process with sockets in several network namespaces. It sends, each in its rhythm,

* from a client on each network one ICMP echo to the virtual IP, with the client's ordinary ARP
  cache: what an application would see;
* from the judge's machine, on each network, three ICMP echoes to the virtual IP at the MAC
  addresses of the heads, without any ARP: A, B, A in one tick and B, A, B in the next. Three
  answers prove that both heads answered at the moment of the one in the middle, whatever happened
  to this process in between;
* from the judge's machine an ARP request, which two heads must not both answer,

and appends a record for each answer, and for each delay of its own, to a file (see RECORD).

Standard library only and run with ``-I``: it is a program, never imported by the product for more
than its constants.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any

# When the question was sent (microseconds of CLOCK_MONOTONIC), a number that depends on the kind,
# the kind, the network's place, the head's place plus one (0: unknown).
RECORD = struct.Struct("<qiBBBx")
CLIENT, JUDGE, ARP, LATE = 1, 2, 3, 4  # the number: round trip us; place in the tick; -; us late
FLUSH_US = 20_000
NOTED_US = 1_000  # delays of its own that are recorded
CLONE_NEWNET = 0x40000000
ETH_ARP = 0x0806
SOL_RAW, ICMP_FILTER = 255, 1
ONLY_ECHO_REPLIES = struct.pack("=I", 0xFFFFFFFE)
CLIENT_ID, JUDGE_ID = 0x4300, 0x4A00
PRIORITY = 9


def now_us() -> int:
    """Return the time in microseconds."""
    return time.monotonic_ns() // 1000


def checksum(data: bytes) -> int:
    """Return the Internet checksum of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(identifier: int, sequence: int) -> bytes:
    """Return an ICMP echo request."""
    head = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(head), identifier, sequence)


def frame_head(target: bytes, source: bytes, address: str, vip: str) -> bytes:
    """Return the Ethernet and IPv4 headers of a judge's echo."""
    ends = socket.inet_aton(address) + socket.inet_aton(vip)
    packet = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0x4000, 64, 1, 0) + ends
    packet = packet[:10] + struct.pack("!H", checksum(packet)) + packet[12:]
    return target + source + b"\x08\x00" + packet


def enter(libc: ctypes.CDLL, path: str) -> None:
    """Enter a network namespace; sockets opened from now on are in it."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(handle)


def icmp_socket() -> socket.socket:
    """Return a socket that receives echo replies with their IP headers."""
    made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    made.setsockopt(SOL_RAW, ICMP_FILTER, ONLY_ECHO_REPLIES)
    made.setblocking(False)
    return made


class Client:
    """A client on one network."""

    def __init__(self, net: int, vip: str) -> None:
        self.net = net
        self.vip = (vip, 0)
        self.wire = icmp_socket()
        self.sequence = 0
        self.sent = [0] * 65536

    def ask(self) -> None:
        """Send one echo as any program would."""
        self.sequence = number = (self.sequence + 1) & 0xFFFF
        self.sent[number] = now_us()
        with contextlib.suppress(OSError):  # no neighbour, no route: no answer
            self.wire.sendto(echo(CLIENT_ID | self.net, number), self.vip)


class Card:
    """The judge's card on one network."""

    def __init__(self, net: int, card: dict[str, Any]) -> None:
        heads = card["heads"]
        self.net = net
        self.mac = bytes.fromhex(card["mac"])
        self.vip = socket.inet_aton(card["vip"])
        self.heads = {bytes.fromhex(one): place for place, one in enumerate(heads, start=1)}
        ends = card["address"], card["vip"]
        self.starts = [frame_head(bytes.fromhex(one), self.mac, *ends) for one in heads]
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.wire.bind((card["interface"], 0))
        self.ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ARP))
        self.ears.bind((card["interface"], ETH_ARP))
        self.ears.setblocking(False)
        question = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac
        question += socket.inet_aton(card["address"]) + bytes(6) + self.vip
        self.question = b"\xff" * 6 + self.mac + struct.pack("!H", ETH_ARP) + question
        self.asked = 0

    def send(self, frame: bytes) -> None:
        """Send a frame; a card without carrier loses it."""
        with contextlib.suppress(OSError):
            self.wire.send(frame)


class Prober:
    """The loop."""

    def __init__(self, order: dict[str, Any]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.records: list[bytes] = []
        self.flushed = now_us()
        self.ttl = {int(ttl): place for place, ttl in enumerate(order["ttls"], start=1)}
        self.clients = []
        for net, one in enumerate(order["clients"]):
            enter(libc, one["netns"])
            self.clients.append(Client(net, one["vip"]))
        enter(libc, str(order["observer"]))
        self.answers = icmp_socket()
        self.cards = [Card(net, one) for net, one in enumerate(order["cards"])]
        self.tick = 0
        self.ticks = [0] * 65536
        self.every = [int(one) for one in order["every_us"]]  # client, judge, ARP

    def note(self, sent: int, number: int, kind: int, net: int, head: int) -> None:
        """Remember one record."""
        self.records.append(RECORD.pack(sent, number, kind, net, head))

    def ask_as_clients(self) -> None:
        """One tick of the clients."""
        for client in self.clients:
            client.ask()

    def ask_as_judge(self) -> None:
        """One tick of the judge: three echoes on each network, each at once after the other."""
        self.tick = number = (self.tick + 1) & 0xFFFF
        self.ticks[number] = now_us()
        first = number & 1
        for card in self.cards:
            for place, head in enumerate((first, 1 - first, first)):
                identifier = JUDGE_ID | card.net << 4 | place
                card.send(card.starts[head] + echo(identifier, number))

    def ask_by_arp(self) -> None:
        """One tick of ARP requests."""
        for card in self.cards:
            card.asked = now_us()
            card.send(card.question)

    def drain(self) -> None:
        """Read every answer that is there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._judged(self.answers.recv(128))
        for client in self.clients:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._answered(client, client.wire.recv(128))
        for card in self.cards:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._claimed(card, card.ears.recv(64))

    def _answered(self, client: Client, packet: bytes) -> None:
        start = (packet[0] & 15) * 4
        identifier, sequence = struct.unpack_from("!HH", packet, start + 4)
        if identifier == CLIENT_ID | client.net:
            sent = client.sent[sequence]
            head = self.ttl.get(packet[8], 0)
            self.note(sent, now_us() - sent, CLIENT, client.net, head)

    def _judged(self, packet: bytes) -> None:
        start = (packet[0] & 15) * 4
        identifier, sequence = struct.unpack_from("!HH", packet, start + 4)
        if identifier & 0xFF00 == JUDGE_ID:
            net, place = identifier >> 4 & 15, identifier & 15
            self.note(self.ticks[sequence], place, JUDGE, net, self.ttl.get(packet[8], 0))

    def _claimed(self, card: Card, frame: bytes) -> None:
        # An answer to our own question: not a gratuitous one, not somebody else's.
        if frame[:6] == card.mac and frame[20:22] == b"\0\2" and frame[28:32] == card.vip:
            self.note(card.asked, 0, ARP, card.net, card.heads.get(frame[22:28], 0))

    def flush(self, now: int) -> None:
        """Write what was remembered."""
        if self.records and now - self.flushed >= FLUSH_US:
            os.write(self.log, b"".join(self.records))
            self.records.clear()
            self.flushed = now

    def run(self) -> None:
        """Ask and listen for ever."""
        asks = (self.ask_as_clients, self.ask_as_judge, self.ask_by_arp)
        due = [now_us() + 1000] * 3
        ears = [
            self.answers,
            *(one.wire for one in self.clients),
            *(one.ears for one in self.cards),
        ]
        while True:
            wanted = min(due)
            now = now_us()
            if now < wanted:
                select.select(ears, (), (), (wanted - now) / 1e6)
                now = now_us()
            if now - wanted > NOTED_US:
                self.note(wanted, now - wanted, LATE, 0, 0)
            for which, ask in enumerate(asks):
                if now >= due[which]:
                    ask()
                    due[which] += self.every[which]
                    if due[which] <= now:  # no crowd of questions after a delay
                        due[which] = now + self.every[which]
            self.drain()
            self.flush(now)


def main() -> None:
    """Begin, and say so."""
    prober = Prober(json.loads(sys.argv[1]))
    ctypes.CDLL(None).mlockall(3)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        said = "ready, real-time\n"
    except OSError as problem:
        said = f"ready, without real-time priority: {problem.strerror}\n"
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.stdout.write(said)
    sys.stdout.flush()
    prober.run()


if __name__ == "__main__":
    main()
