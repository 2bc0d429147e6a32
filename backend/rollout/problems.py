"""What stands against installing the agent: on one member, and between all of them. Pure."""

import re
from collections.abc import Iterator, Mapping

from backend.reports import Report, error, warning
from backend.rollout.facts import Facts
from backend.rollout.member import ConfigView, Member, Software
from backend.rollout.places import CONFIG, FILES, KEY, PROGRAM
from backend.rollout.snmpd import plan_problems
from backend.rollout.writes import digest

PYTHON_LEAST = (3, 9)
KERNEL_LEAST = (5, 16)  # the first with nftables' egress hook; some distributions have it earlier
INTERPRETER = re.compile(r"/[A-Za-z0-9._/+-]{1,200}")
SPARE = 4  # times the program's size: the new one, the one before, and room to live

Wrong = tuple[str, str, str]  # code, what, what to do


def problems_of(member: Member, facts: Facts, software: Software) -> list[Report]:
    """Return everything that stands against installing on a member, and what looks odd."""
    wrong = [*_python(facts), *_system(facts), *_files(facts, software)]
    odd = [*_oddities(member, facts)]
    if member.snmp is not None and facts.snmpd is not None:
        errors, warnings = plan_problems(member.snmp, facts.snmpd)
        wrong += errors
        odd += warnings
    found = [error(f"rollout.{code}", f"{member}: {text}", todo) for code, text, todo in wrong]
    return [
        *found,
        *(warning(f"rollout.{code}", f"{member}: {text}", todo) for code, text, todo in odd),
    ]


def _oddities(member: Member, facts: Facts) -> Iterator[Wrong]:
    if facts.host.split(".")[0].casefold() != member.name.casefold():
        what = f"the machine that answers there calls itself {facts.host[:64]!a}."
        yield "name", what, "Make sure that it is the machine you mean."
    kernel = re.match(r"(\d{1,3})\.(\d{1,3})", facts.kernel)
    if member.head and kernel and (int(kernel[1]), int(kernel[2])) < KERNEL_LEAST:
        least = dotted(KERNEL_LEAST)
        what = f"its kernel is {facts.kernel[:40]!a}; the gate on the virtual IPs needs nftables'"
        yield "kernel", f"{what} egress hook, which Linux has since {least}.", "Use a newer kernel."


def _python(facts: Facts) -> Iterator[Wrong]:
    if facts.python[:2] < PYTHON_LEAST:
        what = f"its python3 is {dotted(facts.python)}, the agent needs {dotted(PYTHON_LEAST)}."
        yield "python", what, "Install a newer Python there, or choose another witness."
    elif not INTERPRETER.fullmatch(facts.interpreter):
        what = f"its Python is at {facts.interpreter[:80]!a}, a path that no unit can name."
        yield "python", what, "Install the distribution's python3 there."


def _system(facts: Facts) -> Iterator[Wrong]:
    if facts.uid != 0:
        yield "root", "the commands there do not run as root.", "Log in as root, or use sudo."
    if not facts.systemd:
        yield "systemd", "it was not started with systemd.", "Choose another witness."


def _files(facts: Facts, software: Software) -> Iterator[Wrong]:
    if facts.free < SPARE * len(software.program):
        yield "space", f"only {facts.free:,} bytes are free for {PROGRAM}.", "Make room there."
    for path in FILES:
        if facts.file(path).kind == "other":
            yield "not-a-file", f"{path} is no plain file.", "Move it away."
    key = facts.file(KEY)
    if key.kind == "file" and key.digest != digest(software.key.reveal().encode()):
        yield (
            "other-key",
            f"{KEY} is not the key of this cluster. It may be a member of another one.",
            "If it is not needed there any more, run: haoscar remove-agent, then install again.",
        )


def voters_problems(
    found: Mapping[Member, Facts], unseen: Mapping[Member, frozenset[str]]
) -> list[Report]:
    """Return what stands against changing who votes while somebody counts votes.

    Only heads count them, and heads are changed one after another: a majority of the old voters and
    one of the new ones have somebody in common only when the two sets differ by one; with more,
    both heads could serve. ``unseen``: heads that are not looked at now, with the voters that
    they were last given; they may come back with those.
    """
    reports = []
    for member, facts in found.items():
        before = ConfigView.of(facts.file(CONFIG).text)
        after = ConfigView.of(member.config)
        if before is None or after is None or not facts.service(member.unit).wanted:
            continue
        if before.port != after.port:
            text = f"{member}: its agent runs on port {before.port}, and the site file says {after.port}."
            todo = (
                "Agents on different ports do not hear each other. Run remove-agent, then install."
            )
            reports.append(error("rollout.port", text, todo))
        if member.head:
            reports += _voters(member, before.voters, after.voters)
    for member, voters in unseen.items():
        view = ConfigView.of(member.config)
        if view is not None:
            reports += _voters(member, voters, view.voters)
    return reports


def _voters(member: Member, before: frozenset[str], after: frozenset[str]) -> Iterator[Report]:
    names = [one.partition(" ")[2] for one in sorted(before ^ after)]
    if len(names) > 1:
        yield error(
            "rollout.voters",
            f"{member}: its agent counts the votes of other members than the site file has now; they"
            f" differ in {', '.join(names)}. Both heads could serve while they are exchanged.",
            "Add or remove one member at a time and run install-agent for all after each, or stop"
            " the agent everywhere first: haoscar remove-agent.",
        )


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version)) or "not known"
