"""With which community or user this site asks SNMP agents; never on a command line, never shown."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from backend.system.watch.errors import CannotLook

AUTHENTICATION = ("sha", "sha224", "sha256", "sha384", "sha512")
PRIVACY = ("aes", "aes128", "aes192", "aes256")
_LARGEST = 4096  # bytes
_KEYS = ("community", "user", "auth", "auth_key", "priv", "priv_key")


class Login(NamedTuple):
    """A community for v2c, or a user with both keys for v3 (authPriv)."""

    community: str = ""
    user: str = ""
    auth: str = "sha256"
    auth_key: str = ""
    priv: str = "aes"
    priv_key: str = ""

    def __repr__(self) -> str:
        return "Login(********)"


class LoginFile:
    """The file, read again when it has changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._login = Login()

    def read(self) -> Login:
        """Return what is in it; raises CannotLook, which never holds any of it."""
        if not self._path:
            raise CannotLook(
                "No file says with which community SNMP is asked: set snmp_file in the "
                "configuration of the watch list."
            )
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._path, flags)
        except OSError as error:
            raise CannotLook(
                f"{self._path} cannot be read ({error.strerror}); it must hold a line "
                '"community = ...", or user, auth, auth_key, priv and priv_key.'
            ) from None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            self._judge(found)
            if seen != self._seen:
                self._login = parse(file.read(_LARGEST + 1), self._path)
                self._seen = seen
        return self._login

    def _judge(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
            raise CannotLook(f"{self._path} is no file of root's own; make it one.")
        if found.st_mode & 0o077:
            raise CannotLook(f"{self._path} can be read by others; give it the mode 0600.")


def parse(raw: bytes, path: str) -> Login:
    """Return what the lines say; raises CannotLook, which never holds any of them."""
    told: dict[str, str] = {}
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        raise CannotLook(f"{path} is no UTF-8 text.") from None
    for number, line in enumerate(lines, 1):
        name, mark, value = (part.strip() for part in line.partition("="))
        if not name or name.startswith("#"):
            continue
        if not mark or name not in _KEYS or name in told or not value.isprintable() or not value:
            raise CannotLook(
                f"Line {number} of {path} is not right: each line is NAME = VALUE, once, with one "
                f"of the names {', '.join(_KEYS)}."
            )
        told[name] = value
    if len(raw) > _LARGEST:
        raise CannotLook(f"{path} is too long: {_LARGEST} bytes at most.")
    login = Login(**told)
    _complete(login, path)
    return login


def _complete(login: Login, path: str) -> None:
    if bool(login.community) == bool(login.user):
        raise CannotLook(f"{path} must hold either a community or a user.")
    if not login.user:
        return
    if login.auth not in AUTHENTICATION or login.priv not in PRIVACY:
        raise CannotLook(
            f"{path}: auth is one of {', '.join(AUTHENTICATION)}; priv is one of "
            f"{', '.join(PRIVACY)}."
        )
    if min(len(login.auth_key), len(login.priv_key)) < 8:
        raise CannotLook(f"{path}: auth_key and priv_key must have 8 characters or more each.")
