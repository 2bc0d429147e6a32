"""SNTP questions and answers (RFC 4330); pure, and never raising, whatever arrives."""

from __future__ import annotations

import struct
from typing import NamedTuple

_SINCE_1900 = 2_208_988_800  # seconds until 1970
_ERA = 1 << 32  # seconds
_CLIENT = 0x23  # version 4, mode 3
_SERVER_MODES = (4, 5)


class Answer(NamedTuple):
    """What a time server said."""

    offset: float  # seconds that its clock is ahead of ours
    error: float  # seconds that the offset may be wrong by
    problem: str = ""  # why its time counts for nothing


def encode(nonce: bytes) -> bytes:
    """Return the question; it carries 8 random bytes in place of our time, which is nobody's
    business, and which nobody can guess."""
    return bytes((_CLIENT,)) + bytes(39) + nonce


def decode(data: bytes, nonce: bytes, sent: float, received: float) -> Answer | None:
    """Return the answer to this question; None for anything else."""
    if len(data) < 48 or data[24:32] != nonce or data[0] & 7 not in _SERVER_MODES:
        return None
    leap, stratum = data[0] >> 6, data[1]
    if stratum == 0:
        code = data[12:16].decode("ascii", "backslashreplace").rstrip("\0")
        return Answer(0.0, 0.0, f"it gives no time: {code}")
    if leap == 3 or stratum > 15:
        return Answer(0.0, 0.0, "its clock is not synchronised")
    came, left = _moment(data[32:40], sent), _moment(data[40:48], sent)
    if not any(data[40:48]) or left < came:
        return Answer(0.0, 0.0, "its times make no sense")
    offset = ((came - sent) + (left - received)) / 2
    travel = max(0.0, (received - sent) - (left - came))
    return Answer(offset, travel / 2)


def _moment(raw: bytes, near: float) -> float:
    """Return seconds since 1970, in the era of 136 years that is nearest to ``near``."""
    whole, fraction = struct.unpack("!II", raw)
    moment = whole - _SINCE_1900 + fraction / _ERA
    return float(moment + round((near - moment) / _ERA) * _ERA)
