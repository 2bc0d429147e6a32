"""DNS questions and answers (RFC 1035); pure, and never raising, whatever arrives."""

from __future__ import annotations

import struct
from typing import NamedTuple

NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}  # fmt: skip
_CODES = {1: "a malformed question", 2: "it failed (SERVFAIL)", 4: "not implemented", 5: "it refuses (REFUSED)"}  # fmt: skip
_NO_SUCH_NAME = 3
_IN = 1
_MOST_RECORDS, _MOST_JUMPS = 100, 20


class Question(NamedTuple):
    """What is asked."""

    number: int
    name: str
    kind: str


class Answer(NamedTuple):
    """What a server said."""

    code: int
    cut: bool  # it did not fit in a datagram
    records: int  # of the kind that was asked for
    addresses: tuple[str, ...] = ()


def encode(question: Question) -> bytes:
    """Return the message."""
    head = struct.pack("!6H", question.number, 0x0100, 1, 0, 0, 0)  # recursion desired
    return head + _name(question.name) + struct.pack("!HH", NUMBERS[question.kind], _IN)


def decode(data: bytes, question: Question) -> Answer | None:
    """Return the answer to exactly this question; None for anything else."""
    try:
        number, flags, questions, answers, _, _ = struct.unpack_from("!6H", data)
        if number != question.number or not flags & 0x8000 or questions != 1:
            return None
        name, at = _read_name(data, 12)
        kind, family = struct.unpack_from("!HH", data, at)
        same = name.lower() == question.name.rstrip(".").lower()
        if not same or kind != NUMBERS[question.kind] or family != _IN:
            return None
        return _records(data, at + 4, answers, flags, kind)
    except (struct.error, IndexError, ValueError):
        return None


def complaint(answer: Answer, question: Question, wanted: str, *, strict: bool) -> str:
    """Say what is wrong with an answer; "": nothing."""
    if answer.code == _NO_SUCH_NAME:
        return f"it knows no {question.name}" if strict or wanted else ""
    if answer.code:
        return f"asked for {question.name}: {_CODES.get(answer.code, f'error {answer.code}')}"
    if wanted and wanted not in answer.addresses:
        told = ", ".join(answer.addresses) or "none"
        return f"{question.name} should have the address {wanted}, and has {told}"
    if strict and not answer.records and not answer.cut:
        return f"it has no {question.kind} record of {question.name}"
    return ""


def _name(text: str) -> bytes:
    labels = [label.encode("ascii")[:63] for label in text.strip(".").split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _records(data: bytes, at: int, count: int, flags: int, kind: int) -> Answer:
    cut = bool(flags & 0x0200)
    found, addresses = 0, []
    for _ in range(min(count, _MOST_RECORDS)):
        if cut and at >= len(data):
            break
        _, at = _read_name(data, at)
        this, _family, _ttl, length = struct.unpack_from("!HHIH", data, at)
        at += 10
        if at + length > len(data):
            raise ValueError("it ends too early")
        found += this == kind
        if this == NUMBERS["A"] and length == 4:
            addresses.append(".".join(str(byte) for byte in data[at : at + 4]))
        at += length
    return Answer(flags & 15, cut, found, tuple(addresses))


def _read_name(data: bytes, at: int) -> tuple[str, int]:
    """Return a name and where it ends; raises IndexError, ValueError."""
    labels: list[str] = []
    end = -1
    for _ in range(128 + _MOST_JUMPS):
        length = data[at]
        if length >= 0xC0:
            if end < 0:
                end = at + 2
            at = (length & 0x3F) << 8 | data[at + 1]
        elif length > 63:
            raise ValueError("a label of an unknown kind")
        elif length == 0:
            return ".".join(labels), at + 1 if end < 0 else end
        else:
            label = data[at + 1 : at + 1 + length]
            if len(label) < length:
                raise ValueError("it ends too early")
            labels.append(label.decode("ascii", "backslashreplace"))
            at += 1 + length
    raise ValueError("a name that does not end")
