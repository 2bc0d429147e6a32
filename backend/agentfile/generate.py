"""Makes the agent's configuration of each member from the site; docs/agent.md explains the keys."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from backend.agent.config import understand
from backend.agent.config_draft import ERROR, INFO, Problem
from backend.agent.config_schema import VERSION
from backend.agentfile.members import PRIVATE, PUBLIC, Participant, participants
from backend.errors import InvalidInput
from backend.model.agent import AgentPolicy, ClusterResource
from backend.model.site import Site
from backend.reports import Place, Report, error, info, warning

Object = dict[str, Any]


class Places(NamedTuple):
    """Where an agent's files are on its machine."""

    key_file: str = "/etc/haoscar/agent.key"
    state_directory: str = "/var/lib/haoscar-agent"
    run_directory: str = "/run/haoscar-agent"


USUAL = Places()


class Generated(NamedTuple):
    """The configuration of one member."""

    name: str
    head: bool
    address: str  # where it can be reached: private, or else public
    content: bytes  # JSON
    reports: tuple[Report, ...]  # risks, warnings and remarks, the same that its agent will name


def generate(
    site: Site,
    places: Places = USUAL,
    interfaces: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Generated, ...]:
    """Return the configuration of every member, the primary first, then the standby.

    ``interfaces`` holds, for each member of whom more is known than the site file says, its
    interface on each network ("private", "public"). Raises Refused when the site cannot have
    agents, InvalidInput when their configuration would be refused.
    """
    members = participants(site)
    made: list[Generated] = []
    for me in members:
        cards = {**me.interfaces, **(interfaces or {}).get(me.name, {})}
        content = as_json(_document(site, me, members, cards, places))
        where = me.addresses.get(PRIVATE) or me.addresses[PUBLIC]
        made.append(Generated(me.name, me.head, str(where), content, _judged(me.name, content)))
    return tuple(made)


def generate_one(site: Site, name: str) -> Generated:
    """Return the configuration of one member; raises as ``generate`` does, and for other names."""
    made = generate(site)
    for one in made:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in made)
    text = f"{name[:60]!a} runs no agent in this site."
    raise InvalidInput.of("agentfile.no-member", text, f"These do: {names}.")


def _judged(name: str, content: bytes) -> tuple[Report, ...]:
    """Judge a configuration as its agent will; raises InvalidInput."""
    found = understand(content.decode()).problems
    reports = tuple(_report(name, one) for one in found)
    errors = [report for one, report in zip(found, reports, strict=True) if one.weight == ERROR]
    if errors:
        raise InvalidInput(*errors)
    return reports


def _report(name: str, problem: Problem) -> Report:
    say = {ERROR: error, INFO: info}.get(problem.weight, warning)
    text = f"Risk: {problem.text}" if problem.weight == "risk" else problem.text
    return say(f"agentfile.{problem.weight}", text, problem.remedy, Place(f"the agent of {name}"))


def _document(
    site: Site,
    me: Participant,
    members: tuple[Participant, ...],
    cards: Mapping[str, str],
    places: Places,
) -> Object:
    policy = site.agent or AgentPolicy()
    networks = [PRIVATE] if site.public is None else [PRIVATE, PUBLIC]
    document: Object = {
        "version": VERSION,
        "cluster": site.cluster,
        "me": me.name,
        **places._asdict(),
        "port": policy.port,
        **_lease(policy),
        "preferred": policy.preferred or members[0].name,
    }
    if policy.takeover_without_witness is not None:
        document["takeover_without_witness"] = policy.takeover_without_witness
    document["realtime"] = policy.realtime
    if me.head:
        document |= {key: getattr(policy, key) for key in ("watchdog", "metrics") if getattr(policy, key)}  # fmt: skip
    document["networks"] = [_network(name, cards) for name in networks]
    document["members"] = [_member(one) for one in members]
    document["virtual_ips"] = _virtual_ips(site)
    if me.head:
        document["resources"] = [_resource(one) for one in site.resources]
        peer = next(one for one in members if one.head and one is not me)
        document |= _fencing(site, peer.name)
    return document


def _lease(policy: AgentPolicy) -> Object:
    if policy.lease_ms is not None:
        return {"lease_ms": policy.lease_ms}
    return {"profile": policy.profile or "default"}


def _network(name: str, cards: Mapping[str, str]) -> Object:
    return {"name": name, "interface": cards[name]} if name in cards else {"name": name}


def _member(one: Participant) -> Object:
    addresses = {network: str(address) for network, address in one.addresses.items()}
    role = "head" if one.head else "witness"
    return {"id": one.id, "name": one.name, "role": role, "addresses": addresses}


def _virtual_ips(site: Site) -> list[Object]:
    return [
        {
            "address": str(network.virtual_ip),
            "network": name,
            "prefix": network.network.prefixlen,
        }
        for name, network in ((PRIVATE, site.private), (PUBLIC, site.public))
        if network is not None and network.virtual_ip is not None
    ]


def _resource(one: ClusterResource) -> Object:
    return {
        key: _json(value)
        for key, value in asdict(one).items()
        if value != () and value is not False
    }


def _fencing(site: Site, victim: str) -> Object:
    for one in site.fencing:
        if one.name == victim:
            found = {key: _json(value) for key, value in asdict(one).items() if value not in ((), "")}  # fmt: skip
            del found["name"]
            return {"fencing": found}
    return {}


def _json(value: object) -> Any:
    """Return a value of the site as JSON has it: pairs are an object, other tuples a list."""
    if isinstance(value, tuple):
        return dict(value) if value and isinstance(value[0], tuple) else list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_json(document: Object) -> bytes:
    """Return a document with each key, and each object of a list, on a line of its own."""
    lines = []
    for key, value in document.items():
        text = json.dumps(value)
        if isinstance(value, list) and value:
            inside = ",\n".join(f"    {json.dumps(one)}" for one in value)
            text = f"[\n{inside}\n  ]"
        lines.append(f"  {json.dumps(key)}: {text}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
