"""What a member is before anything is changed there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.errors import CommandFailed, HaoscarError
from backend.model.addresses import parse_address
from backend.model.names import InterfaceName
from backend.rollout import far, services, snmpd_look
from backend.rollout.far_side import NEW, PREVIOUS
from backend.rollout.member import Member
from backend.rollout.places import (
    AGENT_FILES,
    DIRECTORIES,
    FILES,
    PROGRAM,
    SECRET,
    STATES,
    WATCH_UNIT,
)
from backend.rollout.services import Said, Service
from backend.rollout.snmpd_look import SnmpdFacts
from backend.system.runner import Command, Runner


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file on a member; the text only where it is short and no secret."""

    kind: str = "absent"  # "file", "absent" or "other"
    mode: int = 0
    owner: int = 0
    size: int = 0
    digest: str = ""
    text: str | None = None


ABSENT = FileFact()


@dataclass(frozen=True, slots=True)
class Facts:
    """A member as it was found."""

    python: tuple[int, ...] = ()
    interpreter: str = ""
    uid: int = 0
    host: str = ""
    machine_id: str = ""
    systemd: bool = True
    kernel: str = ""  # its release, "6.1.0-40-amd64"
    files: Mapping[str, FileFact] = field(default_factory=dict)
    there: frozenset[str] = frozenset()  # which of PLACES exist
    free: int = 1 << 40  # bytes, where the program goes
    units: Mapping[str, Service] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    watch_said: Said = field(default_factory=Said)
    snmpd: SnmpdFacts | None = None  # of a head whose snmpd is asked for something
    cards: Mapping[str, str] = field(default_factory=dict)  # IPv4 address -> interface
    spare: tuple[tuple[str, ...], ...] = ()  # all names of each Ethernet card without one

    def file(self, path: str) -> FileFact:
        """Return what is known of a file."""
        return self.files.get(path, ABSENT)

    def service(self, unit: str) -> Service:
        """Return what is known of a unit."""
        return self.units.get(unit, Service())


def temporary(path: str) -> str:
    """Return the name under which a file is written before it is renamed."""
    directory, _, name = path.rpartition("/")
    return f"{directory}/.{name}{NEW}"


def left_of(files: Sequence[str]) -> tuple[str, ...]:
    """Return what a cut installation of these files leaves beside them."""
    return (*(path + PREVIOUS for path in files), *(temporary(path) for path in files))


LEFT = left_of(FILES)
AGENT_LEFT = left_of(AGENT_FILES)
PLACES = (*LEFT, *DIRECTORIES, *STATES)


def gather(runner: Runner, member: Member) -> Facts:
    """Return what a member is; reads only. Raises HaoscarError, CommandFailed."""
    request = {
        "do": "facts", "files": FILES, "secret": sorted(SECRET), "places": PLACES, "space": [PROGRAM],
    }  # fmt: skip
    try:
        answer = far.ask(runner, request)
    except CommandFailed as problem:
        raise _no_python(problem) from problem
    if not answer.get("ok"):
        raise HaoscarError.of("rollout.facts", f"It could not be looked at: {answer.get('error')}.")
    facts = parse(answer)
    units = services.look(runner) if facts.systemd else {}
    said = services.said_by(runner, member.unit, units.get(member.unit, Service()))
    watch_said = Said()
    if units.get(WATCH_UNIT, Service()).running:
        watch_said = services.said_by(runner, WATCH_UNIT, units[WATCH_UNIT])
    seen = _addresses(runner)
    return replace(
        facts, units=units, said=said, watch_said=watch_said,
        snmpd=None if member.snmp is None else snmpd_look.gather(runner, member.snmp),
        cards=cards_of(seen), spare=spare_of(seen),
    )  # fmt: skip


def _addresses(runner: Runner) -> str:
    """Return what ip-address(8) says there; empty where there is none."""
    return runner.run(Command.of("ip", "-json", "address", "show"), check=False).stdout


def cards_of(text: str) -> dict[str, str]:
    """Return the interface of each IPv4 address; what is not understood is left out. Pure."""
    try:
        return {
            str(parse_address(address)): str(InterfaceName.parse(str(link["ifname"])))
            for link in json.loads(text or "[]")
            for address in _ipv4(link)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def spare_of(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the names of each Ethernet card that has no IPv4 address, the usual one first. Pure."""
    try:
        return tuple(
            (str(InterfaceName.parse(str(link["ifname"]))), *map(str, link.get("altnames", ())))
            for link in json.loads(text or "[]")
            if link.get("link_type") == "ether" and not _ipv4(link)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _ipv4(link: Any) -> list[str]:
    found = [str(one["local"]) for one in link.get("addr_info", ())]
    return [one for one in found if ":" not in one]


def parse(answer: Mapping[str, Any]) -> Facts:
    """Read the answer of far_side; raises HaoscarError when it is none."""
    try:
        return Facts(
            python=tuple(int(one) for one in answer["python"]),
            interpreter=str(answer["interpreter"]),
            uid=int(answer["uid"]),
            host=str(answer["host"]),
            machine_id=str(answer["machine_id"]),
            systemd=answer["systemd"] is True,
            kernel=str(answer["kernel"]),
            files={str(name): FileFact(**one) for name, one in answer["files"].items()},
            there=frozenset(str(one) for one in answer["there"]),
            free=min(int(one) for one in answer["free"].values()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise HaoscarError.of(
            "rollout.answer", f"Its answer cannot be understood: {problem!r}."
        ) from problem


def _no_python(problem: CommandFailed) -> HaoscarError:
    report = problem.reports[0]
    missing = "exit code 127" in report.text or report.code == "command.not-started"
    if not missing:
        return problem
    return HaoscarError.of("rollout.python", "python3 is not installed.", "Install it there.")
