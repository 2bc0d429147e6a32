"""The alert ``syslog``: one message for journald, and the same for any other log. Pure."""

from __future__ import annotations

import time

from backend.watch.alerts.message import (
    Message,
    identity,
    lines,
    one_line,
    sentence,
)  # fmt: skip
from backend.watch.results import LONGEST_DETAIL, Outcome
from backend.watch.settings import STARTUP, UP, Settings

IDENTIFIER = "haoscar-watch"
FACILITIES = {
    "user": 1, "mail": 2, "daemon": 3, "auth": 4, "cron": 9, "authpriv": 10,
    **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip
ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6  # severities, RFC 5424
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def problems(words: tuple[str, ...]) -> list[str]:
    """Say what is wrong with the parameters: at most one, a facility."""
    if not words or (len(words) == 1 and words[0] in FACILITIES):
        return []
    return [
        f"syslog: the only parameter is a facility: {', '.join(FACILITIES)}. Without it, daemon."
    ]


def severity(message: Message) -> int:
    """Return how grave it is."""
    if message.run == STARTUP:
        return INFO
    if message.run == UP:
        return NOTICE
    return WARNING if message.result.outcome is Outcome.UNKNOWN else ERROR


def for_journal(settings: Settings, message: Message) -> bytes:
    """Return the datagram of journald's own protocol, with fields to search by."""
    service, result = message.service, message.result
    fields = {
        "MESSAGE": sentence(message),
        "PRIORITY": str(severity(message)),
        "SYSLOG_FACILITY": str(_facility(message)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "HAOSCAR_CLUSTER": settings.cluster,
        "HAOSCAR_GROUP": service.group,
        "HAOSCAR_SERVICE": service.name,
        "HAOSCAR_EVENT": message.run,
        "HAOSCAR_OUTCOME": result.outcome.value,
        "HAOSCAR_CODE": str(result.code),
        "HAOSCAR_ALERT_ID": identity(settings.cluster, message),
        "HAOSCAR_FAILED_HOSTS": one_line(" ".join(result.failed_hosts), 4000),
        "HAOSCAR_DETAIL": lines(result.detail.rstrip(), LONGEST_DETAIL),
    }
    return b"".join(_field(name, value) for name, value in fields.items() if value)


def for_log(message: Message) -> bytes:
    """Return the datagram that syslog(3) would write to /dev/log.

    Programs behind that socket read this form everywhere; that of RFC 5424 is for networks, and
    journald and old syslogds would show its header as text.
    """
    priority = _facility(message) * 8 + severity(message)
    at = time.localtime(message.wall)
    stamp = (
        f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    )
    return f"<{priority}>{stamp} {IDENTIFIER}: {sentence(message)}".encode(
        "utf-8", "backslashreplace"
    )


def _facility(message: Message) -> int:
    words = message.alert.words
    return FACILITIES.get(words[0], FACILITIES["daemon"]) if words else FACILITIES["daemon"]


def _field(name: str, value: str) -> bytes:
    raw = value.encode("utf-8", "backslashreplace")
    if b"\n" not in raw:
        return name.encode() + b"=" + raw + b"\n"
    return name.encode() + b"\n" + len(raw).to_bytes(8, "little") + raw + b"\n"
