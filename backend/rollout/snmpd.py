"""What has to be done about a head's snmpd, from what is there and what the watch list asks. Pure."""

import re
from dataclasses import dataclass, field

from backend.model.secrets import Secret
from backend.rendering import render
from backend.rollout.facts import Facts, left_of
from backend.rollout.member import Member
from backend.rollout.places import (
    CREDENTIALS,
    SNMPD_ACCESS,
    SNMPD_DROP_IN,
    SNMPD_FILES,
    SNMPD_LINES,
    SNMPD_LINES_ALONE,
    SNMPD_RECORD,
    SNMPD_UNIT,
    Mode,
)
from backend.rollout.snmpd_look import SnmpdFacts
from backend.rollout.writes import Contents, Run, Write, missing_directories, writes_of
from backend.snmpd import files
from backend.snmpd.needs import USUAL_FILE, Wish
from backend.snmpd.wanted import Wanted, wanted

LEFT = left_of(SNMPD_FILES)
OURS = re.compile(r"^agentaddress ", re.MULTILINE)  # in our own file
NO_KEY = Secret("")
Wrong = tuple[str, str, str]  # code, what, what to do


@dataclass(frozen=True, slots=True)
class SnmpdPlan:
    """Everything that is to be done about snmpd on one head."""

    package: str = ""  # that is installed first
    directories: tuple[str, ...] = ()
    writes: tuple[Write, ...] = ()
    stale: tuple[str, ...] = ()  # files of ours that are not needed any more
    include: bool = False  # our line is put into snmpd.conf
    enable: bool = False
    run: Run = Run.NOTHING
    retire: bool = False  # nothing is asked any more: all of it is taken back
    unfinished: bool = False
    key: Secret = field(default=NO_KEY, repr=False, compare=False)  # of the agents

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done."""
        return self == SnmpdPlan()


def plan_snmpd(member: Member, facts: Facts, key: Secret) -> SnmpdPlan:
    """Return what has to be done so that the watch list can ask this head."""
    there = [path for path in SNMPD_FILES if facts.file(path).kind != "absent"]
    if member.snmp is None or facts.snmpd is None:
        return SnmpdPlan(retire=bool(there))
    contents = contents_of(member.snmp, facts, key)
    writes = writes_of(facts, contents)
    stale = tuple(one for one in there if one not in contents and one != SNMPD_RECORD)
    include = SNMPD_LINES_ALONE in contents and not facts.snmpd.line
    unfinished = any(path in facts.there for path in LEFT)
    service = facts.service(SNMPD_UNIT)
    # Of the credentials only our own watch process reads.
    changed = include or unfinished or stale or any(one.path != CREDENTIALS for one in writes)
    run = Run.RESTART if changed else Run.NOTHING
    return SnmpdPlan(
        package="" if facts.snmpd.installed else facts.snmpd.package,
        directories=missing_directories(facts, contents),
        writes=writes,
        stale=stale,
        include=include,
        enable=not service.enabled,
        run=run if service.running else Run.START,
        unfinished=unfinished,
        key=key,
    )


def contents_of(wish: Wish, facts: Facts, key: Secret) -> Contents:
    """Return what our files are to hold."""
    lines = wanted_of(wish, facts)
    assert facts.snmpd is not None
    own = wish.file == USUAL_FILE  # else the site's own file says who asks, and it let him in
    access = files.access_file(wish, key, fresh=lines.fresh, own=own)
    found = {
        lines_path(facts.snmpd): (files.lines_file(lines, SNMPD_ACCESS), Mode.config),
        SNMPD_ACCESS: (access.reveal().encode(), Mode.access),
    }
    if own:
        found[CREDENTIALS] = (files.credentials_file(key).reveal().encode(), Mode.key)
    if lines.listen:
        found[SNMPD_DROP_IN] = (render("snmpd/snmpd.service.conf.j2").encode(), Mode.unit)
    return found


def wanted_of(wish: Wish, facts: Facts) -> Wanted:
    """Return the lines; where it listens stays ours to say when we have said it before."""
    assert facts.snmpd is not None
    ours = any(OURS.search(facts.file(one).text or "") for one in (SNMPD_LINES, SNMPD_LINES_ALONE))
    new = ours or not facts.snmpd.installed
    return wanted(wish, facts.snmpd.head, facts.snmpd.existing, new=new)


def lines_path(found: SnmpdFacts) -> str:
    """Return where our lines go; Debian's package includes a directory."""
    included = found.directory if found.installed else found.package == "snmpd"
    return SNMPD_LINES if included else SNMPD_LINES_ALONE


def plan_problems(wish: Wish, found: SnmpdFacts) -> tuple[list[Wrong], list[Wrong]]:
    """Return what stands against it, and what the administrator should know."""
    wrong, odd = [], []
    if not found.installed and not found.package:
        what = "the watch list asks its snmpd, which is not installed, and its distribution is unknown."
        wrong.append(("snmpd", what, "Install snmpd there."))
    if wanted(wish, found.head, found.existing, new=not found.installed).unheard:
        where = ", ".join(found.existing.addresses or ())
        what = (
            f"its snmpd.conf lets snmpd listen on {where[:200]} only: the other head cannot ask it."
        )
        todo = f"Add to agentaddress there: udp:{wish.address}:161"
        odd.append(("snmpd-unheard", what, todo))
    if found.no_ciphers:
        what = f"{wish.file} names a user of SNMP v3, and its python3 has no package cryptography:"
        what += " the watch list cannot ask there, and send no traps as that user."
        odd.append(("snmp-ciphers", what, "Install python3-cryptography there."))
    if found.existing.internal_user and "proc" in wish.tables:
        what = "its snmpd.conf has an iquerySecName already, so nothing is said about how old its"
        what += " table of processes may be: up to 30 s."
        odd.append(("snmpd-slow", what, "See docs/snmpd.md."))
    return wrong, odd
