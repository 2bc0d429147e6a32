"""The agent's one configuration file, in JSON: read strictly, with every problem at once.

docs/agent.md explains the keys. The file is made from the site file; it can be written by hand.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.agent.config_checks import addresses, check, with_role
from backend.agent.config_draft import RISK, WARNING, Draft, Findings, Problem, Table, read_draft
from backend.agent.config_files import check_files, read_text
from backend.agent.config_json import NotJson, read_json
from backend.agent.config_resources import check_resources
from backend.agent.config_schema import NETWORK, PROFILES, RESOURCE, VIRTUAL_IP
from backend.agent.config_values import Wrong
from backend.agent.core.timing import MS, Timing
from backend.agent.settings import Fencing, Member, Network, Resource, Settings, VirtualIP

# Keys of the file that are keys of Settings; what is absent has the default there.
PLAIN = (
    "cluster", "key_file", "state_directory", "run_directory", "port", "watchdog", "metrics",
    "realtime", "takeover_without_witness",
)  # fmt: skip


class Configuration(NamedTuple):
    """What a file says; ``settings`` is None when it has an error."""

    settings: Settings | None
    problems: tuple[Problem, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the status of a running agent must name: risks, and what is probably a mistake."""
        return tuple(
            f"{one.weight}: {one.text} {one.remedy}"
            for one in self.problems
            if one.weight in (RISK, WARNING)
        )


def load(file: str) -> Configuration:
    """Read a configuration and look at the files that it names; raises nothing."""
    try:
        text = read_text(file)
    except Wrong as problem:
        found = Findings()
        found.error(problem.line, problem.text, problem.remedy)
        return Configuration(None, found.sorted())
    return understand(text, files=True)


def understand(text: str, *, files: bool = False) -> Configuration:
    """Return what a text says; with ``files`` also the key and the credentials are looked at."""
    findings = Findings()
    try:
        document, repeated = read_json(text)
    except NotJson as problem:
        findings.error(problem.line, str(problem), "Correct this first; nothing else was checked.")
        return Configuration(None, findings.sorted())
    for one in repeated:
        what = f"The key {one.name[:60]!a} is given twice, first in line {one.first}."
        findings.error(one.line, what, "Take one of them out.")
    draft = read_draft(document, findings)
    if draft.top.values:  # otherwise it is no file of this form, and that is said
        check(draft, findings)
        check_resources(draft, findings)
        if files:
            check_files(draft, findings)
    settings = None if findings.failed else _settings(draft)
    return Configuration(settings, findings.sorted())


def _settings(draft: Draft) -> Settings:
    """Return the settings of a draft without errors."""
    top = draft.top.values
    networks = [one.values["name"] for one in draft.all(NETWORK)]
    members = _members(draft, networks)
    lease = top.get("lease_ms", PROFILES[top.get("profile", "default")])
    virtual = tuple(
        VirtualIP(
            one.values["address"], networks.index(one.values["network"]), one.values["prefix"]
        )
        for one in draft.all(VIRTUAL_IP)
    )
    return Settings(
        me=next(one.id for one in members if one.name == top["me"]),
        members=members,
        networks=tuple(
            Network(one.values["name"], one.values.get("interface", ""))
            for one in draft.all(NETWORK)
        ),
        virtual_ips=virtual,
        timing=Timing(lease=lease * MS),
        resources=tuple(Resource(**one.values) for one in draft.all(RESOURCE)),
        fencing=None if draft.fencing is None else Fencing(**draft.fencing.values),
        **{name: top[name] for name in PLAIN if name in top},
    )


def _members(draft: Draft, networks: list[str]) -> tuple[Member, ...]:
    """Return the heads, the preferred one first, then the witnesses in the order of their ids."""

    def member(table: Table) -> Member:
        own = addresses(table)
        found = tuple(str(own[name].data) if name in own else "" for name in networks)
        values = table.values
        return Member(values["id"], values["name"], values["role"] == "head", found)

    heads = [member(table) for table in with_role(draft, "head")]
    preferred = draft.top.values.get("preferred", heads[0].name)
    heads.sort(key=lambda one: one.name != preferred)
    witnesses = sorted(member(table) for table in with_role(draft, "witness"))
    return (*heads, *witnesses)
