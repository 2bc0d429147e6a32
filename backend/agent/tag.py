"""HMAC-SHA256 (RFC 2104, FIPS 180-4) without OpenSSL, which costs a witness 3.5 MB of memory.

Python's own C code computes the hash; where it was left out, hashlib is used and costs what it
costs. Each key's two inner states are computed once.
"""

from __future__ import annotations

from _operator import _compare_digest  # what hmac.compare_digest is
from typing import Any

try:
    from _sha256 import sha256  # until 3.11
except ImportError:
    try:
        from _sha2 import sha256  # from 3.12
    except ImportError:
        from hashlib import sha256

_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_states: dict[bytes, tuple[Any, Any]] = {}


def tag(key: bytes, data: bytes) -> bytes:
    """Return the 32 bytes that prove that ``data`` comes from somebody who has ``key``."""
    pair = _states.get(key)
    if pair is None:
        pair = _states[key] = _prepare(key)
    inner = pair[0].copy()
    inner.update(data)
    outer = pair[1].copy()
    outer.update(inner.digest())
    found: bytes = outer.digest()
    return found


def same(one: bytes, other: bytes) -> bool:
    """Compare two tags in a time that does not tell where they differ."""
    return _compare_digest(one, other)


def _prepare(key: bytes) -> tuple[Any, Any]:
    short = sha256(key).digest() if len(key) > _BLOCK else key
    padded = short.ljust(_BLOCK, b"\0")
    return sha256(padded.translate(_INNER)), sha256(padded.translate(_OUTER))
