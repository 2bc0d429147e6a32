"""The SSH host keys that the administrator has confirmed, in a file of our own (0600).

The lines are those of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", without hashing, markers or patterns.
"""

import base64
import binascii
import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InvalidInput
from backend.reports import Place
from backend.system.files import make_private, read_if_there, write_atomically

_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@.-]{0,63}")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key."""

    type: str  # "ssh-ed25519" ...
    blob: bytes

    @property
    def base64(self) -> str:
        """The key as known_hosts files have it."""
        return base64.b64encode(self.blob).decode()

    @property
    def fingerprint(self) -> str:
        """What ``ssh-keygen -lf`` prints: SHA256 and unpadded Base64."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @classmethod
    def parse(cls, kind: str, encoded: str, place: Place | None = None) -> "HostKey":
        """Read the two words of a key; raises InvalidInput when they do not belong together."""
        try:
            blob = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            blob = b""
        name = kind.encode("ascii", "replace")
        inside = len(name).to_bytes(4, "big") + name  # the blob begins with its type (RFC 4253 6.6)
        if not _TYPE.fullmatch(kind) or not blob.startswith(inside) or len(blob) == len(inside):
            raise InvalidInput.of(
                "ssh.host-key",
                f"{ascii(kind)[:40]} {ascii(encoded)[:20]}... is not an SSH public key.",
                "Take the two words from the host's /etc/ssh/ssh_host_*_key.pub.",
                place,
            )
        return cls(kind, blob)


def host_pattern(host: str, port: int) -> str:
    """Return a host's name in a known_hosts file: with brackets and port unless the port is 22."""
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """The file; may be used by several processes, which take turns to write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self, host: str, port: int) -> tuple[HostKey, ...]:
        """Return the confirmed keys of a host; raises InvalidInput for a damaged file."""
        wanted = host_pattern(host, port)
        return tuple(key for name, key in self._entries() if name == wanted)

    def add(self, host: str, port: int, key: HostKey) -> None:
        """Remember a key that the administrator has confirmed; raises OSError."""
        with self._turn():
            if key in self.keys(host, port):
                return
            before = read_if_there(self.path) or b""
            line = f"{host_pattern(host, port)} {key.type} {key.base64}\n"
            write_atomically(self.path, before + line.encode(), 0o600)

    def forget(self, host: str, port: int) -> int:
        """Forget a host's keys; returns how many there were. Raises OSError."""
        with self._turn():
            wanted = host_pattern(host, port)
            entries = list(self._entries())
            kept = [f"{name} {key.type} {key.base64}\n" for name, key in entries if name != wanted]
            if len(kept) != len(entries):
                write_atomically(self.path, "".join(kept).encode(), 0o600)
            return len(entries) - len(kept)

    def _entries(self) -> Iterator[tuple[str, HostKey]]:
        content = (read_if_there(self.path) or b"").decode("utf-8", "replace")
        for number, line in enumerate(content.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            place = Place(self.path, number)
            if len(words) < 3:
                raise InvalidInput.of(
                    "ssh.known-hosts",
                    "This line of the confirmed host keys cannot be read.",
                    "Remove the line; the key will be asked for again.",
                    place,
                )
            yield words[0], HostKey.parse(words[1], words[2], place)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.path.parent.is_dir():
            make_private(self.path.parent)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
