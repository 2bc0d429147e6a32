"""Looks at a head's snmpd, and sends what is to be done about it; reads ``snmpd_far``."""

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.model.distribution import Family, parse_os_release
from backend.model.secrets import Secret
from backend.rollout import far
from backend.rollout.places import (
    CREDENTIALS,
    SNMPD_ACCESS,
    SNMPD_DIRECTORY,
    SNMPD_INCLUDE,
    SNMPD_LINES,
    SNMPD_LINES_ALONE,
)
from backend.snmpd.head import Existing, Head, Running, existing
from backend.snmpd.needs import Wish
from backend.snmpd.wanted import NFS_THREAD, units_asked
from backend.system import snmp_far, snmpd_far
from backend.system.runner import Runner

SNMPD = Path(snmpd_far.__file__).read_text(encoding="utf-8")
SNMP = Path(snmp_far.__file__).read_text(encoding="utf-8")
OURS = (SNMPD_LINES, SNMPD_LINES_ALONE, SNMPD_ACCESS, CREDENTIALS)
PACKAGES = {Family.DEBIAN: "snmpd", Family.RHEL: "net-snmp"}


class Line(enum.Enum):
    """What becomes of our line in snmpd.conf."""

    PUT = True
    TAKE = False
    LEAVE = None


@dataclass(frozen=True, slots=True)
class SnmpdFacts:
    """The snmpd of a head as it was found."""

    installed: bool = False
    existing: Existing = field(default_factory=Existing)
    directory: bool = False  # its configuration includes SNMPD_DIRECTORY
    line: bool = False  # our line is in it
    head: Head = field(default_factory=Head)
    family: Family = Family.OTHER
    no_ciphers: bool = False  # it is asked with v3, and its python3 cannot encrypt

    @property
    def package(self) -> str:
        """The package that it comes in; nothing where that is not known."""
        return PACKAGES.get(self.family, "")


def gather(runner: Runner, wish: Wish) -> SnmpdFacts:
    """Return what a head's snmpd is; reads only. Raises HaoscarError, CommandFailed."""
    return parse(
        ask(
            runner,
            {
                "do": "facts", "ours": OURS, "directory": SNMPD_DIRECTORY, "line": SNMPD_INCLUDE,
                "units": units_asked(wish), "threads": [NFS_THREAD], "login": wish.file,
            },
        )
    )  # fmt: skip


def parse(answer: Mapping[str, Any]) -> SnmpdFacts:
    """Read the answer of snmpd_far; raises HaoscarError when it is none."""
    try:
        return SnmpdFacts(
            installed=bool(answer["program"]),
            existing=existing(str(one) for one in answer["lines"]),
            directory=answer["directory"] is True,
            line=answer["line"] is True,
            head=Head(
                cpus=max(1, int(answer["cpus"])),
                mounts=tuple(str(one) for one in answer["mounts"]),
                running=tuple(
                    Running(str(unit), str(comm), bool(enabled))
                    for unit, comm, enabled in answer["running"]
                ),
                kernel_threads=tuple(str(one) for one in answer["threads"]),
            ),
            family=parse_os_release(str(answer["os_release"])).family,
            no_ciphers=answer.get("no_ciphers") is True,
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise _not_understood(f"{problem!r}") from problem


def edit(
    runner: Runner, line: Line, *, readable: Sequence[str] = (), forget: str = ""
) -> dict[str, Any]:
    """Put our line into snmpd.conf, take it out, or leave that; see snmpd_far. Raises HaoscarError."""
    return ask(
        runner,
        {
            "do": "edit",
            "line": SNMPD_INCLUDE,
            "put": line.value,
            "readable": list(readable),
            "forget": forget,
        },
    )


def complaints(runner: Runner, text: Secret) -> list[str]:
    """Return what snmpd itself says against a configuration; raises HaoscarError."""
    answer = ask(runner, {"do": "validate", "text": text.reveal()})
    wrong = [str(one) for one in answer.get("wrong", ())]
    if not wrong and answer.get("started") is not True:
        wrong = ["it does not start", *(str(one) for one in answer.get("last", ()))]
    return [one[:200] for one in wrong[:10]]


def walk(runner: Runner, address: str, community: Secret, oid: str) -> dict[str, str]:
    """Return what snmpd answers on the head itself; raises HaoscarError when it does not."""
    answer = ask(
        runner, {"address": address, "community": community.reveal(), "oid": oid}, program=SNMP
    )
    return {str(name): str(value) for name, value in answer.get("found", ())}


def ask(runner: Runner, request: dict[str, Any], program: str = SNMPD) -> dict[str, Any]:
    """Return an answer; the request is given as a secret. Raises HaoscarError, CommandFailed."""
    command = far.python("-c", program).within(far.SECONDS)
    result = runner.run(command.given(Secret(json.dumps(request))))
    try:
        answer = json.loads(result.stdout)
        assert isinstance(answer, dict)
    except (ValueError, AssertionError) as problem:
        raise _not_understood(f"{result.stdout[:200]!a}") from problem
    if answer.get("ok") is not True:
        raise HaoscarError.of("rollout.snmpd", f"About snmpd: {str(answer.get('error'))[:300]}.")
    return answer


def _not_understood(what: str) -> HaoscarError:
    return HaoscarError.of(
        "rollout.answer", f"Its answer about snmpd cannot be understood: {what}."
    )
