"""Asks snmpd a question over SNMP v2c on the head itself: this text is given to its ``python3 -c``.

The program snmpget need not be there, and the community is on no command line. Only the standard
library, and nothing newer than Python 3.6. One JSON object in, one out.
"""

import json
import socket
import sys
from typing import Any


def answer(text: str) -> "dict[str, Any]":
    """Ask what a request says; an error is part of the answer, not raised."""
    try:
        return dict(ask(json.loads(text)), ok=True)
    except (OSError, ValueError, IndexError) as problem:
        return {"ok": False, "error": str(problem)[:300]}


def ask(request: "dict[str, Any]") -> "dict[str, Any]":
    """Walk a subtree; returns pairs of the rest of each name and its value."""
    start = [int(one) for one in request["oid"].split(".")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.settimeout(request.get("limit", 3))
        end.connect((request["address"], request.get("port", 161)))
        found = []  # type: list[list[Any]]
        at_now = start
        while len(found) < 500:
            end.send(question(request["community"], at_now))
            name, value = reading(end.recv(65535))
            if name[: len(start)] != start or name <= at_now or value is None:
                return {"found": found}
            found.append([".".join(map(str, name[len(start) :])), value])
            at_now = name
    return {"found": found}


def packed(tag: int, content: bytes) -> bytes:
    """Return a value as BER writes it."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    return bytes((tag, 0x82, size >> 8, size & 255)) + content


def question(community: str, name: "list[int]") -> bytes:
    """Return a GetNextRequest of SNMP v2c."""
    body = bytes((name[0] * 40 + name[1],))
    for number in name[2:]:
        digits = [number & 127]
        while number > 127:
            number >>= 7
            digits.insert(0, number & 127 | 128)
        body += bytes(digits)
    pair = packed(0x30, packed(6, body) + b"\x05\x00")
    zero = b"\x02\x01\x00"
    request = packed(0xA1, b"\x02\x01\x01" + zero + zero + packed(0x30, pair))
    return packed(0x30, b"\x02\x01\x01" + packed(4, community.encode()) + request)


def unpacked(data: bytes) -> "tuple[int, bytes, bytes]":
    """Return tag, content, and what follows; raises ValueError."""
    if len(data) < 2:
        raise ValueError("a short answer")
    size, start = data[1], 2
    if size & 128:
        start = 2 + (size & 127)
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        raise ValueError("a short answer")
    return data[0], data[start : start + size], data[start + size :]


def reading(data: bytes) -> "tuple[list[int], Any]":
    """Return name and value of an answer; no value at the end of everything. Raises ValueError."""
    rest = unpacked(unpacked(data)[1])[2]  # after the version
    rest = unpacked(unpacked(rest)[2])[1]  # within the response
    for _ in range(3):
        rest = unpacked(rest)[2]
    pair = unpacked(unpacked(rest)[1])[1]
    _, body, after = unpacked(pair)
    tag, value, _ = unpacked(after)
    name, number = [body[0] // 40, body[0] % 40], 0
    for one in body[1:]:
        number = number << 7 | one & 127
        if not one & 128:
            name.append(number)
            number = 0
    if tag in (5, 0x80, 0x81, 0x82):
        return name, None
    return name, value.decode("utf-8", "replace") if tag == 4 else int.from_bytes(
        value or b"\0", "big"
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(sys.stdin.read())) + "\n")
