"""The host keys that root's own ssh trusts: only read, to be compared with what a machine shows.

See sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Names may be hashed; patterns, revoked keys and those of
certificate authorities are left out.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

from backend.errors import InvalidInput
from backend.paths import Paths
from backend.system.files import read_if_there
from backend.system.known_hosts import HostKey, host_pattern

FILES = (Path("/root/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))


def keys_of_user(paths: Paths, host: str, port: int) -> set[HostKey]:
    """Return the keys that root's ssh knows a host by; a file that cannot be read says nothing."""
    wanted = host_pattern(host, port)
    found: set[HostKey] = set()
    for file in FILES:
        with contextlib.suppress(OSError):
            text = (read_if_there(paths.at(file)) or b"").decode("utf-8", "replace")
            found.update(key for names, key in _entries(text) if _names(names, wanted))
    return found


def _entries(text: str) -> Iterator[tuple[str, HostKey]]:
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0].startswith(("#", "@")):
            continue
        with contextlib.suppress(InvalidInput):
            yield words[0], HostKey.parse(words[1], words[2])


def _names(names: str, wanted: str) -> bool:
    """Tell whether the first word of a line names this host."""
    if not names.startswith("|1|"):
        return wanted in names.split(",")
    try:
        salt, digest = (base64.b64decode(one, validate=True) for one in names[3:].split("|"))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, wanted.encode(), hashlib.sha1).digest(), digest)
