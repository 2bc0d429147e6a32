"""What happens during an installation, as typed events; lines of the installer are hostile. Pure."""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from backend.clone.constants import BootSign, Stage

LONGEST_LINE = 1000  # bytes of one line of the installer
LONGEST_START = 300.0  # seconds that an installer may have run before it could say so
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class InstallEvent:
    """One thing that happened, at ``time`` (seconds since 1970)."""

    time: float
    kind: str  # armed, hello, stage, bytes, log, failed, booted, disarmed, refused, or a BootSign
    stage: Stage | None = None
    text: str = ""
    done: int | None = None  # bytes
    total: int | None = None
    uptime: float | None = None  # of the standby, seconds
    facts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the event as one line, without its newline."""
        data: dict[str, Any] = {"time": round(self.time, 3), "kind": self.kind}
        for name in ("stage", "text", "done", "total", "uptime", "facts"):
            value = getattr(self, name)
            if value not in (None, "", {}):
                data[name] = value
        return json.dumps(data, separators=(",", ":"))


def from_json(line: str) -> InstallEvent | None:
    """Return a stored event, or None for a line that was cut by a crash."""
    try:
        data = json.loads(line)
        return InstallEvent(
            time=float(data["time"]),
            kind=str(data["kind"]),
            stage=Stage(data["stage"]) if "stage" in data else None,
            text=str(data.get("text", "")),
            done=data.get("done"),
            total=data.get("total"),
            uptime=data.get("uptime"),
            facts={str(name): str(value) for name, value in data.get("facts", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def parse_line(raw: bytes, now: float) -> InstallEvent | None:
    """Return the event of one line of the installer, or None for what is not understood.

    Lines are ``stage=NAME uptime=S``, ``bytes=N``, ``log=TEXT`` and ``failed=TEXT``. A stage that
    began before there was a connection says so with `` ago=S`` at its end.
    """
    line = clean(raw[:LONGEST_LINE].rstrip(b"\r\n"))
    word, _, rest = line.partition("=")
    if word == "stage":
        name, _, tail = rest.partition(" uptime=")
        uptime, _, ago = tail.partition(" ago=")
        if name not in set(Stage) or name in (Stage.BOOTED, Stage.FAILED):
            return None
        began = now - min(_decimal(ago) or 0.0, LONGEST_START)
        return InstallEvent(began, "stage", stage=Stage(name), uptime=_decimal(uptime))
    if word == "bytes" and _NUMBER.fullmatch(rest):
        return InstallEvent(now, "bytes", done=int(rest))
    if word in ("log", "failed"):
        return InstallEvent(now, word, text=rest)
    return None


def parse_facts(raw: bytes) -> dict[str, str]:
    """Return the ``name=value`` lines of a first boot's report; unknown names are left out."""
    facts: dict[str, str] = {}
    for line in raw[:16384].split(b"\n")[:40]:
        name, _, value = clean(line[:2048]).partition("=")
        if name in FACTS:
            facts[name] = value
    return facts


FACTS = frozenset(
    {
        "hostname",
        "cmdline",
        "root",
        "root_uuid",
        "machine_id",
        "firmware",
        "uptime",
        "boot_id",
        "hostkey",
        "ssh",
    }
)


def clean(raw: bytes) -> str:
    """Return text that can be shown on any terminal: control characters become question marks."""
    text = raw.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _decimal(text: str) -> float | None:
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def stage_times(events: Iterable[InstallEvent]) -> list[tuple[Stage, float]]:
    """Return when each stage began (seconds since 1970), in the order they came, the first each."""
    seen: dict[Stage, float] = {}
    for event in events:
        if event.stage is not None:
            seen.setdefault(event.stage, event.time)
    return list(seen.items())


def sign_times(events: Iterable[InstallEvent]) -> list[tuple[BootSign, float]]:
    """Return when each sign of booting was seen (seconds since 1970), the first each."""
    seen: dict[BootSign, float] = {}
    for event in events:
        if event.kind in set(BootSign):
            seen.setdefault(BootSign(event.kind), event.time)
    return list(seen.items())
