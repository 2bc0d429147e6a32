"""Netlink by hand: messages and attributes as bytes, and a socket that waits for nothing.

The kernel answers a request on these sockets within the system call that sends it, so the answer
can be read without waiting. Layouts: linux/netlink.h. Nothing is imported that costs memory.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ROUTE, NETFILTER = 0, 12  # protocols
REQUEST, ACK, DUMP, REPLACE, CREATE, APPEND = 0x001, 0x004, 0x300, 0x100, 0x400, 0x800  # flags
ERROR, DONE = 2, 3  # message types
NESTED = 0x8000
NET_BYTE_ORDER = 0x4000

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ATTRIBUTE = struct.Struct("=HH")
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_CAPPED, _ACK_TLVS = 0x100, 0x200  # flags of an error message
_ERROR_TEXT = 1  # NLMSGERR_ATTR_MSG
_LARGEST = 1 << 16
_BUFFER = 1 << 20


class KernelError(OSError):
    """The kernel refused something; the text is a sentence, ``errno`` says which kind."""

    def __str__(self) -> str:
        return str(self.strerror)


class Message(NamedTuple):
    """One message without its header."""

    kind: int
    flags: int
    sequence: int
    body: bytes


class Verdict(NamedTuple):
    """The kernel's answer to one message."""

    sequence: int
    code: int  # an error number; 0: done
    words: str  # the kernel's own; mostly empty


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded."""
    return _ATTRIBUTE.pack(len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, *inner: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | NESTED, b"".join(inner))


def text(kind: int, value: str) -> bytes:
    """Return an attribute that holds a name."""
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """Return an attribute that holds a 32-bit number in network order, as nftables wants it."""
    return attribute(kind, struct.pack("!I", value & 0xFFFFFFFF))


def message(kind: int, flags: int, body: bytes, sequence: int = 0) -> bytes:
    """Return a whole message; the request flag is set."""
    return _HEADER.pack(16 + len(body), kind, flags | REQUEST, sequence, 0) + body


def attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes in ``data`` by their kind; ends quietly at the first malformed one."""
    found = {}
    place = 0
    while place + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, place)
        if length < 4 or place + length > len(data):
            break
        found[kind & ~(NESTED | NET_BYTE_ORDER)] = data[place + 4 : place + length]
        place += (length + 3) & ~3
    return found


def listed(data: bytes) -> Iterator[bytes]:
    """Yield the values of a list, whose attributes are all of the same kind."""
    place = 0
    while place + 4 <= len(data):
        length, _kind = _ATTRIBUTE.unpack_from(data, place)
        if length < 4 or place + length > len(data):
            return
        yield data[place + 4 : place + length]
        place += (length + 3) & ~3


def messages(data: bytes) -> Iterator[Message]:
    """Yield the messages of one datagram; ends quietly at the first malformed one."""
    place = 0
    while place + 16 <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, place)
        if length < 16 or place + length > len(data):
            return
        yield Message(kind, flags, sequence, data[place + 16 : place + length])
        place += (length + 3) & ~3


def verdict(answer: Message) -> Verdict:
    """Return what an error message says; acknowledgements are error messages, too."""
    if len(answer.body) < 4:
        return Verdict(answer.sequence, errno.EPROTO, "")
    code = -int(struct.unpack_from("=i", answer.body)[0])
    words = b""
    if answer.flags & _ACK_TLVS and len(answer.body) >= 20:
        skip = 20
        if not answer.flags & _CAPPED:
            skip += max(0, struct.unpack_from("=I", answer.body, 4)[0] - 16)
        words = attributes(answer.body[skip:]).get(_ERROR_TEXT, b"")
    return Verdict(answer.sequence, code, words.rstrip(b"\0").decode("utf-8", "replace"))


class Netlink:
    """One socket to the kernel. Not for two threads at once."""

    def __init__(self, protocol: int, groups: int = 0) -> None:
        """Raise OSError when the kernel has no such family or this process may not use it."""
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self.socket = socket.socket(socket.AF_NETLINK, kind, protocol)
        self._sequence = 0
        try:
            self.socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
            self.socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self.socket.bind((0, groups))
        except OSError:
            self.socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self.socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def next_sequence(self) -> int:
        """Return a number for the next message."""
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def receive(self) -> list[Message]:
        """Return what has arrived, without waiting.

        Raises KernelError with ENOBUFS when the kernel had to drop some of it.
        """
        found: list[Message] = []
        while True:
            try:
                data = self.socket.recv(_LARGEST)
            except BlockingIOError:
                return found
            except OSError as problem:
                raise KernelError(
                    problem.errno, f"The kernel's news could not be read: {problem.strerror}."
                ) from problem
            found.extend(messages(data))

    def confirm(self, batch: bytes, wanted: int, what: str) -> None:
        """Send messages of which ``wanted`` ask for an acknowledgement, and read the answers.

        Raises KernelError for the first refusal; what else the kernel says is then thrown away.
        """
        for one in self.verdicts(batch, wanted, what):
            if one.code:
                raise refused(one.code, one.words, what)

    def verdicts(self, batch: bytes, wanted: int, what: str) -> list[Verdict]:
        """Like ``confirm``, but return each answer.

        Raises KernelError when nothing could be sent or an answer is missing.
        """
        self._send(batch, what)
        found: list[Verdict] = []
        while len(found) < wanted:
            try:
                data = self.socket.recv(_LARGEST)
            except BlockingIOError:
                if any(one.code for one in found):
                    return found  # a refused batch: only what was refused is answered
                raise KernelError(
                    errno.ETIMEDOUT, f"The kernel did not acknowledge it: {what}."
                ) from None
            except OSError as problem:
                raise refused(problem.errno or errno.EIO, "", what) from problem
            found += [verdict(one) for one in messages(data) if one.kind == ERROR]
            if found and found[-1].code:
                found += self._rest()
                return found
        return found

    def dump(self, kind: int, body: bytes, what: str) -> list[Message]:
        """Ask for everything of one kind; waits for the whole answer. Raises KernelError."""
        sequence = self.next_sequence()
        self._send(message(kind, DUMP, body, sequence), what)
        found: list[Message] = []
        while True:
            try:
                data = self.socket.recv(_LARGEST)
            except OSError as problem:
                raise refused(problem.errno or errno.EIO, "", what) from problem
            for one in messages(data):
                if one.sequence != sequence:
                    continue
                if one.kind == ERROR:
                    said = verdict(one)
                    raise refused(said.code, said.words, what)
                if one.kind == DONE:
                    return found
                found.append(one)

    def _send(self, data: bytes, what: str) -> None:
        try:
            self.socket.send(data)
        except OSError as problem:
            raise refused(problem.errno or errno.EIO, "", what) from problem

    def _rest(self) -> list[Verdict]:
        try:
            return [verdict(one) for one in self.receive() if one.kind == ERROR]
        except KernelError:
            return []


def refused(code: int, words: str, what: str) -> KernelError:
    """Return the error for something that the kernel refused; EPERM says what is missing."""
    said = f"{os.strerror(code)}; {words}" if words else os.strerror(code)
    hint = ""
    if code in (errno.EPERM, errno.EACCES):
        hint = " The agent needs the capability CAP_NET_ADMIN in its network namespace."
    return KernelError(code, f"The kernel refused: {what} ({said}).{hint}")


def four_bytes(address: str) -> bytes:
    """Return an IPv4 address as the kernel has it; raises ValueError."""
    try:
        return socket.inet_pton(socket.AF_INET, address)
    except OSError:
        raise ValueError(f"{address!r} is not an IPv4 address") from None


def interface_index(name: str) -> int:
    """Return the number of an interface; raises KernelError when there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError as problem:
        raise KernelError(
            errno.ENODEV, f"This machine has no network interface {name}."
        ) from problem


VirtualIPs = Sequence[tuple[str, str]]  # of (interface, IPv4 address)
