"""What "Fetch Image" is asked to do: the panel's fields and the command's options, as typed values."""

import enum
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from backend.errors import InvalidInput
from backend.model.names import DomainName, ImageName, UserName
from backend.model.site import ImageSource, IpAssignment, PostInstall
from backend.reports import Place, Report

DEFAULT_NAME = "serverimage"
DEFAULT_IP_ASSIGNMENT = IpAssignment.STATIC
DEFAULT_POST_INSTALL = PostInstall.REBOOT
T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True)
class FetchImageRequest:
    """A checked request; ``user`` None means this head itself, without SSH."""

    name: ImageName
    client: str  # a host name, a domain name or an address
    user: UserName | None = None
    port: int = 22
    ip_assignment: IpAssignment = DEFAULT_IP_ASSIGNMENT
    post_install: PostInstall = DEFAULT_POST_INSTALL
    keep: int | None = None  # complete versions kept afterwards; None keeps all
    leave_out: tuple[str, ...] = ()  # absolute paths that shall not be in the image
    compare_content: bool = False  # read every file on both sides instead of trusting size and time

    @classmethod
    def parse(cls, fields: Mapping[str, str], own_name: str) -> "FetchImageRequest":
        """Read the fields of the panel; raises InvalidInput with every problem at its field.

        Known fields: name, client, user, port, ip_assignment, post_install, keep, leave_out (one
        path a line), compare_content ("yes"). A missing or empty field means its default. ``own_name`` is the host name of
        this head: the default client, and without a user the one that needs no SSH.
        """
        reader = _Reader(fields)
        name = reader.read("name", DEFAULT_NAME, ImageName.parse)
        client = reader.read("client", own_name, _client)
        user = reader.read("user", "", lambda text: UserName.parse(text) if text else None)
        port = reader.read("port", "22", lambda text: _number(text, 1, 65535))
        method = reader.read("ip_assignment", DEFAULT_IP_ASSIGNMENT, _choice(IpAssignment))
        action = reader.read("post_install", DEFAULT_POST_INSTALL, _choice(PostInstall))
        keep = reader.read("keep", "", lambda text: _number(text, 1, 999) if text else None)
        leave_out = reader.read("leave_out", "", _paths)
        if reader.reports:
            raise InvalidInput(*reader.reports)
        assert client is not None
        assert name is not None
        assert port is not None
        assert method is not None
        assert action is not None
        assert leave_out is not None
        if user is None and not is_this_host(client, own_name):
            user = UserName("root")
        compare = fields.get("compare_content", "") == "yes"
        return cls(name, client, user, port, method, action, keep, leave_out, compare)

    @property
    def over_ssh(self) -> bool:
        """Whether the golden client is reached over SSH."""
        return self.user is not None

    def as_source(self) -> ImageSource:
        """Return what the site file remembers of this request."""
        return ImageSource(self.name, self.client, self.user, self.ip_assignment, self.post_install)


def is_this_host(client: str, own_name: str) -> bool:
    """Whether a client name means this head itself."""
    own = own_name.lower()
    return client.lower() in {own, own.partition(".")[0], "localhost", "127.0.0.1", "::1"}


class _Reader:
    """Reads fields one after another and collects what is wrong with them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.reports: list[Report] = []

    def read(self, field: str, default: str, parse: Callable[[str], T]) -> T | None:
        text = self._fields.get(field, "")
        text = (text if field == "leave_out" else text.strip()) or str(default)
        try:
            return parse(text)
        except InvalidInput as problem:
            self.reports += [
                Report(one.severity, one.code, one.text, one.remedy, Place(field=field))
                for one in problem.reports
            ]
            return None


def _client(text: str) -> str:
    try:
        if "%" in text:  # the scope of an IPv6 address may be any text
            raise ValueError(text)
        return str(ipaddress.ip_address(text))
    except ValueError:
        return DomainName.parse(text)


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise InvalidInput.of(
            "request.number",
            f"{ascii(text)[:60]} is not a number from {least} to {most}.",
            "Write it in digits.",
        )
    return int(text)


def _choice(kind: type[E]) -> Callable[[str], E]:
    def parse(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(kind)
            raise InvalidInput.of(
                "request.choice", f"{ascii(text)[:60]} is not one of the choices.", f"Use {known}."
            ) from None

    return parse


def _paths(text: str) -> tuple[str, ...]:
    paths = tuple(line for line in text.split("\n") if line)
    for path in paths:
        parts = path.split("/")
        if not path.startswith("/") or ".." in parts or not path.strip("/") or "\0" in path:
            raise InvalidInput.of(
                "request.path",
                f"{ascii(path)[:60]} cannot be left out of an image.",
                "Give an absolute path below /, without '..'.",
            )
    return tuple(path.rstrip("/") for path in paths)
