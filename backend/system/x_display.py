"""The X display that a person looks at, made usable inside a container without any network there.

An X server is reached through a UNIX socket that can be mounted elsewhere. A display that came over
SSH is a TCP port of this machine: a relay puts a UNIX socket in front of it.
"""

import contextlib
import os
import pwd
import re
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import InvalidInput, Refused
from backend.system.files import read_if_there
from backend.system.socket_relay import relay

_NAME = re.compile(r"(?P<host>[A-Za-z0-9._-]*|\[[0-9A-Fa-f:]+\]):(?P<number>\d{1,5})(?:\.\d{1,3})?")
SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - where every X server has its socket
FIRST_PORT = 6000
MOST_DISPLAYS = 65535 - FIRST_PORT
ANY_HOST = 0xFFFF  # FamilyWild of Xauth(3): the entry counts under every host name
MOST_AUTHORITY = 1 << 20  # bytes of the file with the cookies


@dataclass(frozen=True, slots=True)
class Display:
    """A display: its number, the host whose TCP port it is ("" for a UNIX socket), its cookies."""

    number: int
    host: str = ""
    authority: bytes = field(default=b"", repr=False)  # an Xauthority file for any host name

    @property
    def name(self) -> str:
        """What DISPLAY is to be where the socket is mounted."""
        return f":{self.number}"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Display":
        """Return the display of an environment; raises Refused without one, InvalidInput."""
        name = environment.get("DISPLAY", "")
        if not name:
            raise Refused.of(
                "display.none", "There is no display to show the window on: DISPLAY is not set.",
                "Start it in a terminal of a desktop, or log in with ssh -X.",
            )  # fmt: skip
        match = _NAME.fullmatch(name)
        if match is None or int(match["number"]) > MOST_DISPLAYS:
            raise InvalidInput.of(
                "display.name", f"DISPLAY is {name[:60]!a}, which names no X display.",
                "Usually it is :0, or localhost:10.0 after ssh -X.",
            )  # fmt: skip
        number, host = int(match["number"]), match["host"].strip("[]")
        content = _authority(environment)
        found = for_any_host(content, number)
        return cls(number, "" if host == "unix" else host, found)

    @contextlib.contextmanager
    def socket(self, directory: Path) -> Iterator[Path]:
        """Yield a UNIX socket of the display, made below ``directory`` when it has none itself.

        Raises Refused when the X server is not there.
        """
        if not self.host:
            own = SOCKETS / f"X{self.number}"
            if not own.is_socket():
                raise Refused.of(
                    "display.no-socket", f"The X server of DISPLAY :{self.number} has no socket {own}.",
                    "Is it running on this machine?",
                )  # fmt: skip
            yield own
            return
        with tempfile.TemporaryDirectory(prefix="display-", dir=directory) as made:
            path = Path(made) / "socket"
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(relay(path, self.host, FIRST_PORT + self.number))
                except OSError as problem:
                    why = os.strerror(problem.errno) if problem.errno else str(problem)
                    raise Refused.of(
                        "display.no-answer",
                        f"The X display {self.host}:{self.number} does not answer: {why}.",
                        "Log in anew with ssh -X.",
                    ) from problem
                yield path


def _authority(environment: Mapping[str, str]) -> bytes:
    """Return the file with the cookies: the one that is named, or the one of who used sudo."""
    files = [environment["XAUTHORITY"]] if environment.get("XAUTHORITY") else []
    for user in (environment.get("SUDO_USER", ""), "root"):
        with contextlib.suppress(KeyError):
            files.append(f"{pwd.getpwnam(user).pw_dir}/.Xauthority")
    for file in files:
        with contextlib.suppress(OSError):
            content = read_if_there(Path(file))
            if content:
                return content[:MOST_AUTHORITY]
    return b""


def for_any_host(content: bytes, number: int) -> bytes:
    """Return the entries of a display from an Xauthority file, for every host name. Pure.

    A container has a host name of its own. What is damaged ends the file.
    """
    found = b""
    position = 2
    while position < len(content):
        parts: list[bytes] = []  # address, display, name of the method, cookie
        for _part in range(4):
            if position + 2 > len(content):
                return found
            (length,) = struct.unpack_from(">H", content, position)
            parts.append(content[position + 2 : position + 2 + length])
            position += 2 + length
        if position > len(content):
            return found
        if parts[1] in (b"", str(number).encode()):
            packed = [struct.pack(">H", len(one)) + one for one in (b"", *parts[1:])]
            found += struct.pack(">H", ANY_HOST) + b"".join(packed)
        position += 2  # the next entry's family
    return found
