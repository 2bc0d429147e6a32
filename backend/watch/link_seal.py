"""How what the two watch processes tell each other is proved and signed. Pure.

Both ends send a hello with a nonce, then a proof over both hellos; from then on every frame has a
number and a tag made with a key of this connection and direction. So nothing can be forged, sent
back to where it came from, or played again.
"""

from __future__ import annotations

import hashlib
import hmac

VERSION = 1
MAGIC = b"HAWL"
NONCE = 32
TAG = 16
LABEL = b"haoscar watch link"
REFUSED = b"HAWL!"  # begins the frame that says why not
LONGEST_SENTENCE = 300


class LinkRefused(Exception):
    """What came is not what the other head's process would send; the text says why."""


def link_key(agent_key: bytes) -> bytes:
    """Return the key of the link, made of the agents' common key."""
    return hmac.digest(agent_key, LABEL, "sha256")


class Seal:
    """Signs and checks the frames of one connection; each direction has its own key and numbers."""

    def __init__(self, sending: bytes, receiving: bytes) -> None:
        self._sending = sending
        self._receiving = receiving
        self._sent = 0
        self._received = 0

    def seal(self, payload: bytes) -> bytes:
        """Return the next frame with this payload."""
        number = self._sent.to_bytes(8, "big")
        self._sent += 1
        return number + _tag(self._sending, number + payload) + payload

    def open(self, frame: bytes) -> bytes:
        """Return the payload of the next frame; raises LinkRefused."""
        number, tag, payload = frame[:8], frame[8 : 8 + TAG], frame[8 + TAG :]
        if not hmac.compare_digest(tag, _tag(self._receiving, number + payload)):
            raise LinkRefused("a frame is not signed by the other head")
        if int.from_bytes(number, "big") != self._received:
            raise LinkRefused("a frame came out of its order, or for the second time")
        self._received += 1
        return payload


class Handshake:
    """The beginning of one connection, seen from one of its ends."""

    def __init__(
        self, key: bytes, cluster: str, names: tuple[str, str], nonce: bytes, *, connecting: bool
    ) -> None:
        """``names`` are mine and the other head's; ``nonce`` is fresh and random."""
        self._key = key
        self._cluster = cluster.encode()
        self._other = names[1]
        self._mine, self._theirs = (
            (b"connect", b"accept") if connecting else (b"accept", b"connect")
        )
        self._connecting = connecting
        self._transcript = b""
        self.hello = MAGIC + bytes([VERSION]) + nonce + names[0].encode()

    def heard(self, hello: bytes) -> bytes:
        """Take the other end's hello and return the proof to send; raises LinkRefused."""
        if hello.startswith(REFUSED):
            said = hello[len(REFUSED) :].decode("utf-8", "replace")
            raise LinkRefused(f"the other end refuses: {said}")
        if not hello.startswith(MAGIC) or len(hello) < len(MAGIC) + 1:
            raise LinkRefused("this is no watch process")
        version = hello[len(MAGIC)]
        if version != VERSION:
            raise LinkRefused(
                f"the other head speaks version {version} of the watch link and this one {VERSION}; "
                "install the same version of HA-OSCAR on both"
            )
        name = hello[len(MAGIC) + 1 + NONCE :].decode("utf-8", "replace")
        if name != self._other:
            raise LinkRefused(f"{name[:64]!a} is not {self._other}")
        both = (self.hello, hello) if self._connecting else (hello, self.hello)
        digest = hashlib.sha256()
        for part in (self._cluster, *both):
            digest.update(len(part).to_bytes(4, "big") + part)
        self._transcript = digest.digest()
        return self._made(b"proof", self._mine)

    def proved(self, proof: bytes) -> Seal:
        """Check the other end's proof and return what signs from now on; raises LinkRefused."""
        if proof.startswith(REFUSED):
            said = proof[len(REFUSED) :].decode("utf-8", "replace")
            raise LinkRefused(f"the other end refuses: {said}")
        if not hmac.compare_digest(proof, self._made(b"proof", self._theirs)):
            raise LinkRefused("the other end does not know the cluster's key")
        return Seal(self._made(b"session", self._mine), self._made(b"session", self._theirs))

    def _made(self, what: bytes, side: bytes) -> bytes:
        return hmac.digest(self._key, what + b" " + side + b" " + self._transcript, "sha256")


def refusal(sentence: str) -> bytes:
    """Return the frame that tells the other end why it is refused."""
    return REFUSED + sentence.encode()[:LONGEST_SENTENCE]


def _tag(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:TAG]
