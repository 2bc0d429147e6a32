"""Alert programs: mon's contract, its arguments, its environment and its text. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from backend.watch.alerts.message import Message
from backend.watch.results import (
    LONGEST_DETAIL,
    LONGEST_SUMMARY,
    REPORT,
    SILENCE,
    Outcome,
    harmless,
    printed,
)
from backend.watch.settings import STARTUP, UP

BUILT_IN = ("mail", "webhook", "syslog", "snmp-trap")
PLACES = tuple(
    f"{base}/alert.d" for base in ("/usr/local/lib/mon", "/usr/lib/mon", "/usr/lib64/mon")
)
MOST_TEXT = 60_000  # bytes
LONGEST_VARIABLE = 32_000  # characters; the kernel takes 128 KiB for one
# What mon calls its own directories; alerts keep files of their own there.
DIRECTORIES = {
    "MON_CFBASEDIR": "/etc/mon", "MON_LOGDIR": "/var/log/mon", "MON_STATEDIR": "/var/lib/mon",
}  # fmt: skip
_STATUS = {Outcome.FAILED: "0", Outcome.OK: "1", Outcome.UNKNOWN: "5"}  # mon's STAT_FAIL and so on
_UNTESTED = "7"
_TYPES = {UP: "up", STARTUP: "startup"}
_SOURCES = {REPORT: ("-T", "trap"), SILENCE: ("-O", "traptimeout")}  # of a failure
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")


class Call(NamedTuple):
    """How a program is started."""

    places: tuple[str, ...]  # the first of these that is there
    arguments: tuple[str, ...]
    environment: dict[str, str]
    text: bytes


def problems(program: str, words: tuple[str, ...]) -> list[str]:
    """Say what is wrong with a program's name and parameters."""
    if not places(program):
        shown = harmless(program, 80)
        return [f"{shown!r} is no alert. Built in are {', '.join(BUILT_IN)}; others end in .alert, or are paths from the root."]  # fmt: skip
    if any("\0" in word for word in words):
        return [f"{harmless(program, 80)}: no program can be given a NUL character."]
    return []


def places(program: str) -> tuple[str, ...]:
    """Return the paths of which one must be there; none for what is no program."""
    if program.startswith("/"):
        right = program.isprintable() and not {"", ".", ".."} & set(program.split("/")[1:])
        return (program,) if right else ()
    if program.endswith(".alert") and _NAME.fullmatch(program):
        return tuple(f"{place}/{program}" for place in PLACES)
    return ()


def build(message: Message) -> Call:
    """Return the call of an alert program."""
    service = message.service
    arguments = ["-s", service.name, "-g", service.group, "-h", " ".join(message.hosts)]
    arguments += ["-l", f"{message.every:.0f}", "-t", str(int(message.wall))]
    if message.run == UP:
        arguments.append("-u")
    elif message.result.source in _SOURCES:
        arguments.append(_SOURCES[message.result.source][0])
    return Call(
        places(message.alert.program),
        (*arguments, *message.alert.words),
        _environment(message),
        text(message).encode("utf-8", "backslashreplace")[:MOST_TEXT],
    )


def text(message: Message) -> str:
    """Return what the program reads: the summary, then the detail; of a start-up alert nothing."""
    if message.run == STARTUP:
        return ""
    summary = harmless(message.result.summary, LONGEST_SUMMARY)
    detail = harmless(message.result.detail, LONGEST_DETAIL, lines=True)
    return printed(message.result._replace(summary=summary, detail=detail))


def _environment(message: Message) -> dict[str, str]:
    service, result = message.service, message.result
    started = message.run == STARTUP
    given = {
        **dict(service.environment),
        **DIRECTORIES,
        "MON_GROUP": service.group,
        "MON_SERVICE": service.name,
        "MON_RETVAL": str(result.code),
        "MON_OPSTATUS": _UNTESTED if started else _STATUS[result.outcome],
        "MON_ALERTTYPE": _type(message),
        "MON_FIRST_SUCCESS": "",  # mon 1.3.6 names it and never fills it
        "MON_LAST_SUCCESS": str(int(message.last_success)),
        "MON_LAST_FAILURE": str(int(message.last_failed)),
    }
    if service.description:
        given["MON_DESCRIPTION"] = service.description
    if not started:
        given["MON_LAST_SUMMARY"] = result.summary
        before = text(message) if message.run == UP else message.previous
        if before:
            given["MON_LAST_OUTPUT"] = before
        given["MON_FIRST_FAILURE"] = str(int(message.first_failed))
    if message.acknowledged:
        given["MON_ACK"] = message.acknowledged
    return {name: _variable(value) for name, value in given.items()}


def _type(message: Message) -> str:
    _, kind = _SOURCES.get(message.result.source, ("", "failure"))
    return _TYPES.get(message.run, kind)


def _variable(value: str) -> str:
    return value.replace("\0", "")[:LONGEST_VARIABLE].encode("utf-8", "backslashreplace").decode()
