"""What must be right between the tables about the failover agent and the rest of a site file."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from backend.agent.config_resources import SECRETS, cycle, wrong_options
from backend.agent.config_schema import MOST_WITNESSES
from backend.site import locate
from backend.site.draft import Draft, Findings, Table
from backend.site.schema import NODE, PRIMARY, PRIVATE, PUBLIC, STANDBY
from backend.site.schema_agent import AGENT, FENCING, RESOURCE


def check_agent(draft: Draft, findings: Findings) -> None:
    """Add every contradiction in the tables about the agent."""
    _Checks(draft, findings).run()


class _Checks:
    """One run over one draft."""

    def __init__(self, draft: Draft, findings: Findings) -> None:
        self._findings = findings
        self._agent = draft.single.get(AGENT.path)
        self._resources = draft.repeated[RESOURCE.path[0]]
        self._fencing = draft.repeated[FENCING.path[0]]
        self._nodes = {str(one.values.get("name")): one for one in draft.repeated[NODE.path[0]]}
        self._standbys = [str(one.values.get("name")) for one in draft.repeated[STANDBY.path[0]]]
        primary = draft.single.get(PRIMARY.path)
        self._primary = None if primary is None else str(primary.values.get("name"))
        self._networks: list[IPv4Network] = [
            table.values["network"]
            for section in (PRIVATE, PUBLIC)
            if (table := draft.single.get(section.path)) is not None and "network" in table.values
        ]

    def run(self) -> None:
        if self._agent is not None:
            self._check_lease(self._agent)
            self._check_heads(self._agent)
            self._check_witnesses(self._agent)
            self._check_metrics(self._agent)
        self._check_order()
        for resource in self._resources:
            self._check_exclusive(resource)
            self._check_options(resource)
        for fencing in self._fencing:
            self._check_fencing(fencing)

    def _error(self, path: locate.Path, code: str, text: str, remedy: str) -> None:
        self._findings.error(path, code, text, remedy)

    def _policy(self, key: str) -> Any:
        return None if self._agent is None else self._agent.values.get(key)

    def _check_lease(self, agent: Table) -> None:
        if "profile" in agent.values and "lease_ms" in agent.values:
            text = "Both profile and lease_ms say how long the lease is."
            self._error(agent.at("lease_ms"), "site.two-leases", text, "Keep one of them.")

    def _check_heads(self, agent: Table) -> None:
        partner = self._policy("standby")
        if partner is not None and partner not in self._standbys:
            text = f"standby: there is no standby {partner}."
            self._error(agent.at("standby"), "site.no-standby", text, "Name one of the [[standby]]s.")  # fmt: skip
        elif partner is None and len(self._standbys) > 1 and "standby" not in agent.values:
            text = f"There are {len(self._standbys)} standbys, and the agents are for two heads."
            remedy = f'Add to [agent]: standby = "{self._standbys[0]}"'
            self._error(agent.path, "site.which-standby", text, remedy)
        preferred = self._policy("preferred")
        if preferred is not None and preferred not in (self._primary, *self._standbys):
            text = f"preferred: {preferred} is not one of the heads."
            self._error(agent.at("preferred"), "site.no-head", text, "Name a head, or leave it out.")  # fmt: skip

    def _check_witnesses(self, agent: Table) -> None:
        names = self._policy("witnesses") or ()
        path = agent.at("witnesses")
        if len(names) > MOST_WITNESSES:
            text = f"witnesses: {len(names)} are more than {MOST_WITNESSES}."
            self._error(path, "site.witnesses", text, "Three or five are enough.")
        for name in sorted({one for one in names if names.count(one) > 1}):
            text = f"witnesses: {name} is given twice."
            self._error(path, "site.witnesses", text, "Name each node once.")
        for name in dict.fromkeys(names):
            node = self._nodes.get(name)
            if node is None:
                text, remedy = f"witnesses: there is no node {name}.", "Add it as [[node]]."
                self._error(path, "site.witnesses", text, remedy)
            elif not self._reachable(node):
                text = f"witnesses: the node {name} has no address on a network of the heads."
                self._error(path, "site.witnesses", text, "Give it one, or choose another node.")

    def _reachable(self, node: Table) -> bool:
        address = node.values.get("address")
        if not isinstance(address, IPv4Address):
            return False
        return not self._networks or any(address in network for network in self._networks)

    def _check_metrics(self, agent: Table) -> None:
        metrics = str(self._policy("metrics") or "")
        if metrics and not metrics.startswith("127."):
            text = f"metrics: {metrics} can be read by every machine that reaches this address."
            remedy = "Use 127.0.0.1 unless that is wanted."
            self._findings.warning(agent.at("metrics"), "site.open-metrics", text, remedy)

    def _check_order(self) -> None:
        after = {
            str(one.values["name"]): tuple(one.values.get("after", ()))
            for one in self._resources
            if "name" in one.values
        }
        for resource in self._resources:
            for name in resource.values.get("after", ()):
                if name not in after:
                    text, remedy = f"after: there is no resource {name}.", "Add it as [[resource]]."
                    self._error(resource.at("after"), "site.no-resource", text, remedy)
        ring = cycle(after)
        if ring:
            first = next(one for one in self._resources if one.values.get("name") == ring[0])
            text = f"The resources {' -> '.join((*ring, ring[0]))} each wait for the next one."
            remedy = "Take one of these names out of after."
            self._error(first.at("after"), "site.resource-ring", text, remedy)

    def _check_exclusive(self, resource: Table) -> None:
        if not resource.values.get("exclusive") or self._policy("watchdog"):
            return
        if len(self._fencing) < 2:
            text = (
                f"The resource {resource.values.get('name')} is exclusive, "
                "and nothing can make sure that the other head is off."
            )
            remedy = "Add a [[fencing]] table for each head, or a watchdog to [agent]."
            self._error(resource.at("exclusive"), "site.exclusive", text, remedy)

    def _check_options(self, resource: Table) -> None:
        kind, options = resource.values.get("kind", ""), resource.values.get("options", ())
        for text, remedy in wrong_options(kind, options):
            self._error(resource.at("options"), "site.options", text, remedy.replace('": "', '" = "'))  # fmt: skip

    def _check_fencing(self, fencing: Table) -> None:
        name = fencing.values.get("name")
        heads = [one for one in (self._primary, *self._standbys) if one is not None]
        if name is not None and name not in heads:
            text = f"name: {name} is not one of the heads."
            remedy = f"Name the head that is switched off: {' or '.join(heads)}."
            self._error(fencing.at("name"), "site.no-head", text, remedy)
        elif len(self._fencing) == 1:
            text = f"Only {name} can be switched off by the other head, not the other way round."
            remedy = "Add a [[fencing]] table for the other head, too."
            self._findings.warning(fencing.path, "site.one-fencing", text, remedy)
        for option, _ in fencing.values.get("options", ()):
            if any(part in option.lower() for part in SECRETS):
                text = f"options: {option} is a secret, and this file is none."
                remedy = f"Put the line {option}=... into credentials_file."
                self._error(fencing.at("options"), "site.secret", text, remedy)
