"""The keys of installations: the head's own host key, and public keys that installers post."""

import base64
import binascii
import struct
from pathlib import Path
from typing import Self

from backend.errors import InvalidInput
from backend.paths import Paths
from backend.system.files import make_private
from backend.system.runner import Command, Runner

KIND = "ssh-ed25519"
_LENGTH = struct.calcsize(">I") * 2 + len(KIND) + 32  # RFC 8709 section 4: two strings


class PublicKey(str):
    """The blob of an ed25519 public key in Base64, without its kind and comment."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``ssh-ed25519 AAAA... comment``; raises InvalidInput for every other kind."""
        words = text.split()
        try:
            raw = base64.b64decode(words[1], validate=True) if len(words) in (2, 3) else b""
        except (binascii.Error, ValueError):
            raw = b""
        header = struct.pack(">I", len(KIND)) + KIND.encode() + struct.pack(">I", 32)
        if not words or words[0] != KIND or len(raw) != _LENGTH or not raw.startswith(header):
            raise InvalidInput.of(
                "key.public", f"{ascii(text)[:60]} is not an ed25519 public key.",
                "Build the installer image again.",
            )  # fmt: skip
        return cls(base64.b64encode(raw).decode())

    @property
    def line(self) -> str:
        """The key as OpenSSH writes it."""
        return f"{KIND} {self}"


def host_key_path(paths: Paths) -> Path:
    """Return where the private host key of the dedicated sshd lies (0600, root)."""
    return paths.state / "boot-server" / "ssh_host_ed25519_key"


def ensure_host_key(paths: Paths, runner: Runner) -> PublicKey:
    """Return the public host key, made first when there is none; raises CommandFailed, OSError.

    ``runner`` works on this machine's files as ``paths`` names them. The kernel line of every
    installer carries the key, so it stays the same until the administrator removes the file.
    """
    private = host_key_path(paths)
    public = private.with_suffix(".pub")
    if not (private.is_file() and public.is_file()):
        make_private(private.parent)
        private.unlink(missing_ok=True)
        runner.run(
            Command.of(
                "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "haoscar-boot", "-f", private
            )
        )
    private.chmod(0o600)
    return PublicKey.parse(public.read_text(encoding="ascii", errors="replace"))
