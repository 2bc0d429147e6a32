"""The parameters of the monitors that are built in: words such as "port=22", and plain ones. Pure."""

from __future__ import annotations

import re
from typing import Callable, NamedTuple

SECRET = ("community", "password", "passwd", "auth_key", "priv_key", "key")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "ms": 0.001}
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|[smhd]?)")
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]{1,200}")
_INTERFACE = re.compile(r"[A-Za-z0-9_.@:-]{1,15}")
_DNS = re.compile(r"[A-Za-z0-9_*.-]{1,253}")
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
DNS_TYPES = ("A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV")


class Option(NamedTuple):
    """A parameter that is given as NAME=VALUE."""

    name: str
    kind: str  # "number", "span", "yes", "text", or the name of a pattern
    default: str = ""
    low: float = 0.0
    high: float = 0.0


class Form(NamedTuple):
    """What a monitor takes."""

    options: tuple[Option, ...] = ()
    words: str = ""  # what plain words are; "": there are none
    kind: str = "text"  # of each
    least: int = 0
    most: int = 0


class Given(NamedTuple):
    """Parameters that were read."""

    options: dict[str, str]
    words: tuple[str, ...]
    problems: list[str]

    def number(self, name: str) -> int:
        """Return a whole number."""
        return int(self.options[name])

    def span(self, name: str) -> float:
        """Return seconds."""
        return seconds(self.options[name])

    def yes(self, name: str) -> bool:
        """Whether an option says yes."""
        return self.options[name] == "yes"


def _timeout(default: str) -> Option:
    return Option("timeout", "span", default, 0.1, 3600.0)


def _port(default: str) -> Option:
    return Option("port", "number", default, 1, 65535)


_SNMP = Form((_port("161"), _timeout("5s")), "names", "text", 0, 100)
FORMS = {
    "netsnmp-proc.monitor": _SNMP,
    "netsnmp-loadaverage.monitor": _SNMP,
    "netsnmp-freespace.monitor": _SNMP,
    "systemd-unit": Form((_timeout("10s"),), "units", "unit", 1, 100),
    "tcp": Form((_timeout("10s"),), "a port", "port", 1, 1),
    "http": Form(
        (
            _port(""), Option("tls", "yes", "no"), Option("verify", "yes", "yes"),
            Option("authorities", "path"), Option("name", "dns"), Option("status", "number", "", 100, 599),
            Option("text", "text"), _timeout("10s"),
        ),
        "a path", "path", 0, 1,
    ),
    "icmp": Form((Option("tries", "number", "3", 1, 20), _timeout("3s"))),
    "dns": Form(
        (
            Option("name", "dns", "localhost"), Option("type", "dnstype", "A"),
            Option("address", "address"), _port("53"), _timeout("5s"),
        ),
    ),
    "ntp": Form((Option("offset", "span", "1s", 0.001, 86400.0), _port("123"), _timeout("5s"))),
    "nfs": Form((_timeout("20s"),), "a directory", "path", 1, 1),
    "slurm": Form((Option("all", "yes", "no"), _timeout("20s"))),
    "dhcp": Form(
        (Option("server", "address"), Option("mac", "mac"), _timeout("9s")),
        "an interface", "interface", 1, 1,
    ),
    "file-age": Form((Option("older", "span", "", 1.0, 366 * 86400.0), _timeout("10s")), "paths", "path", 1, 50),
}  # fmt: skip
REQUIRED = {"file-age": ("older",)}


def seconds(text: str) -> float:
    """Return the seconds of "3s", "1.5h", "20"; raises ValueError."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(text)
    return float(found[1]) * _UNITS[found[2]]


def read(monitor: str, words: tuple[str, ...]) -> Given:
    """Return what the parameters of a monitor that is built in say, and what is wrong with them."""
    form = FORMS[monitor]
    known = {one.name: one for one in form.options}
    options = {one.name: one.default for one in form.options}
    plain: list[str] = []
    given: set[str] = set()
    problems: list[str] = []
    for word in words:
        name, mark, value = word.partition("=")
        if name in SECRET or word in ("-c", "--community"):
            problems.append(
                f"{monitor} takes no secrets: keys and communities stand in the SNMP file of the head."
            )
        elif mark and name in known:
            wrong = _wrong(known[name], value)
            if name in given:
                wrong = f"{name} is given twice"
            if wrong:
                problems.append(f"{monitor}: {wrong}.")
            given.add(name)
            options[name] = value
        elif not form.words or (mark and form.kind != "path"):
            problems.append(f"{monitor} does not know {word!r}; it takes {_takes(form)}.")
        else:
            wrong = _wrong(Option("", form.kind, "", 1, 65535), word)
            if wrong:
                problems.append(f"{monitor}: {wrong}.")
            plain.append(word)
    problems += [
        f"{monitor} needs {name}=VALUE, such as {name}=10m."
        for name in REQUIRED.get(monitor, ())
        if name not in given
    ]
    if form.words and not form.least <= len(plain) <= form.most:
        problems.append(f"{monitor} takes {_takes(form)}.")
    return Given(options, tuple(plain), problems)


def _takes(form: Form) -> str:
    told = [form.words] if form.words else []
    return " and ".join([*told, ", ".join(f"{one.name}=VALUE" for one in form.options)])


def _wrong(option: Option, value: str) -> str:
    """Say what is wrong with a value; "": nothing."""
    what = f"{option.name}={value}" if option.name else value
    if not value or not value.isprintable() or len(value) > 255:
        return f"{what!r} is empty, too long or has control characters"
    said = _JUDGES[option.kind](option, value)
    return f"{what!r} is {said}" if said else ""


def _number(option: Option, value: str) -> str:
    right = value.isascii() and value.isdigit() and len(value) < 10
    if right and option.low <= int(value) <= option.high:
        return ""
    return f"not a whole number from {option.low:g} to {option.high:g}"


def _span(option: Option, value: str) -> str:
    try:
        if option.low <= seconds(value) <= option.high:
            return ""
    except ValueError:
        pass
    return f"not a span of time such as 3s or 10m, from {option.low:g} s to {option.high:g} s"


def _path(_option: Option, value: str) -> str:
    return "" if value.startswith("/") else "not a path that begins with /"


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Option, str], str]:
    return lambda _option, value: "" if pattern.fullmatch(value) else f"not {what}"


def _one_of(*allowed: str) -> Callable[[Option, str], str]:
    return lambda _option, value: "" if value in allowed else f"not one of {', '.join(allowed)}"


_JUDGES: dict[str, Callable[[Option, str], str]] = {
    "number": _number,
    "port": _number,
    "span": _span,
    "path": _path,
    "text": lambda _option, _value: "",
    "yes": _one_of("yes", "no"),
    "dnstype": _one_of(*DNS_TYPES),
    "unit": _matching(_UNIT, "the name of a unit"),
    "interface": _matching(_INTERFACE, "the name of an interface"),
    "dns": _matching(_DNS, "a name"),
    "address": _matching(_ADDRESS, "an IPv4 address"),
    "mac": _matching(_MAC, "a MAC address"),
}
