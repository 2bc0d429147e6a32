"""What must be right between the values of a configuration, so that it cannot split the cluster."""

from __future__ import annotations

from backend.agent.config_draft import INFO, RISK, WARNING, Draft, Findings, Table
from backend.agent.config_json import Value
from backend.agent.config_schema import MEMBER, MOST_WITNESSES, NETWORK, PROFILES, VIRTUAL_IP
from backend.agent.config_values import dotted, number_of
from backend.agent.core.timing import MS, Timing

APART = "Give each its own; a virtual IP moves between the heads and belongs to no member."
QUICK = 250  # milliseconds; below it ordinary stalls of a machine cost the lease


def check(draft: Draft, findings: Findings) -> None:
    """Add every contradiction between values that are right on their own."""
    for section, key in ((NETWORK, "name"), (MEMBER, "name"), (MEMBER, "id")):
        unique(draft.all(section), key, findings)
    _check_top(draft, findings)
    _check_heads(draft, findings)
    _check_addresses(draft, findings)
    _check_paths_between(draft, findings)
    _check_cards(draft, findings)
    for table in draft.all(VIRTUAL_IP):
        _check_virtual(table, draft, findings)
    _check_voters(draft, findings)


def unique(tables: list[Table], key: str, findings: Findings) -> None:
    """Report values that two objects of one kind share."""
    seen: dict[object, int] = {}
    for table in tables:
        value = table.values.get(key)
        if value is None:
            continue
        same = value.casefold() if isinstance(value, str) else value
        if same in seen:
            text = f"Two {table.section.name} have the {key} {value}; the first is in line {seen[same]}."
            findings.error(table.line(key), text, "Give each its own.")
        seen.setdefault(same, table.line(key))


def with_role(draft: Draft, role: str) -> list[Table]:
    """Return the members of a role."""
    return [one for one in draft.all(MEMBER) if one.values.get("role") == role]


def myself(draft: Draft) -> Table | None:
    """Return the member that this machine is."""
    me = draft.top.values.get("me")
    return next((one for one in draft.all(MEMBER) if one.values.get("name") == me), None)


def _check_top(draft: Draft, findings: Findings) -> None:
    top = draft.top
    members = {one.values.get("name"): one for one in draft.all(MEMBER)}
    listed = ", ".join(str(name) for name in members if name)
    me, preferred = top.values.get("me"), top.values.get("preferred")
    if me is not None and me not in members and listed:
        findings.error(top.line("me"), f"me: no member is named {me}.", f"Members are {listed}.")
    head = members.get(preferred)
    if preferred is not None and (head is None or head.values.get("role", "head") != "head"):
        text = f"preferred: {preferred} is not one of the heads."
        findings.error(top.line("preferred"), text, "Name a head, or leave the key out.")
    if top.has("profile") and top.has("lease_ms"):
        text = "Both profile and lease_ms say how long the lease is."
        findings.error(top.line("lease_ms"), text, "Keep one of them.")
    state, run = top.values.get("state_directory"), top.values.get("run_directory")
    if state is not None and state == run:
        text = f"state_directory and run_directory are both {state}."
        findings.error(
            top.line("run_directory"), text, "Only the first survives a reboot: use two."
        )
    _check_lease(top, findings)
    metrics = top.values.get("metrics", "")
    if metrics and not metrics.startswith("127."):
        text = f"metrics: {metrics} can be read by every machine that reaches this address."
        findings.add(WARNING, top.line("metrics"), text, "Use 127.0.0.1 unless that is wanted.")


def _check_lease(top: Table, findings: Findings) -> None:
    profile = top.values.get("profile", "default")
    lease = top.values.get("lease_ms", PROFILES[profile])
    if lease < QUICK:
        key = "lease_ms" if top.has("lease_ms") else "profile"
        timing = Timing(lease * MS)
        text = (
            f"A lease of {lease} ms can be lost when a head stands still for {timing.stall // MS} ms,"
            f" and is lost when it does for {timing.usable // MS} ms."
        )
        findings.add(INFO, top.line(key), text, f"Use {PROFILES['default']} ms where that happens.")


def _check_heads(draft: Draft, findings: Findings) -> None:
    if any("role" not in one.values for one in draft.all(MEMBER)):
        return  # said already
    line = draft.top.line(MEMBER.name)
    heads, witnesses = with_role(draft, "head"), with_role(draft, "witness")
    if len(heads) != 2:
        text = f"There must be two heads, and {len(heads)} are given."
        findings.error(line, text, 'List both in members, each with "role": "head".')
    if len(witnesses) > MOST_WITNESSES:
        text = f"There are {len(witnesses)} witnesses, more than {MOST_WITNESSES}."
        findings.error(witnesses[MOST_WITNESSES].line(), text, "Three or five are enough.")


def addresses(table: Table) -> dict[str, Value]:
    """Return the addresses of a member by network."""
    found: dict[str, Value] = table.values.get("addresses", {})
    return found


def _check_addresses(draft: Draft, findings: Findings) -> None:
    seen: dict[object, tuple[str, int]] = {}
    taken = [
        (value.data, member.called, value.line)
        for member in draft.all(MEMBER)
        for value in addresses(member).values()
    ]
    taken += [
        (one.values["address"], "a virtual IP", one.line("address"))
        for one in draft.all(VIRTUAL_IP)
        if "address" in one.values
    ]
    for address, whose, line in taken:
        if address in seen:
            before, first = seen[address]
            text = f"{address} is the address of {before} (line {first}) and of {whose}."
            findings.error(line, text, APART)
        seen.setdefault(address, (whose, line))
    for member in draft.all(MEMBER):
        for name, value in addresses(member).items():
            if not _known(name, draft):
                text = f"addresses: there is no network {ascii(name)[:60]}."
                findings.error(value.line, text, "Add it to networks, or correct the name.")


def _known(network: str, draft: Draft) -> bool:
    """Whether there is such a network, or a nameless one that could be it."""
    return any(one.values.get("name", network) == network for one in draft.all(NETWORK))


def _check_paths_between(draft: Draft, findings: Findings) -> None:
    """The heads must hear each other and every witness."""
    heads = with_role(draft, "head")
    if len(heads) != 2 or any("addresses" not in one.values for one in heads):
        return
    if not set(addresses(heads[0])) & set(addresses(heads[1])):
        text = "The two heads have no network in common."
        findings.error(heads[1].line("addresses"), text, "Give both an address on one network.")
    for witness in with_role(draft, "witness"):
        for head in heads:
            if "addresses" in witness.values and not set(addresses(witness)) & set(addresses(head)):
                text = f"{witness.called} and {head.called} have no network in common."
                remedy = "Give it an address on a network of both heads, or choose another witness."
                findings.error(witness.line("addresses"), text[0].upper() + text[1:], remedy)


def _check_cards(draft: Draft, findings: Findings) -> None:
    me = myself(draft)
    needed: set[str] = set()
    if me is not None and me.values.get("role") == "head":
        needed |= addresses(me).keys()
        needed |= {str(one.values.get("network")) for one in draft.all(VIRTUAL_IP)}
    cards: dict[str, object] = {}
    for network in draft.all(NETWORK):
        name, card = network.values.get("name"), network.values.get("interface", "")
        if card in cards:
            text = f"The networks {cards[card]} and {name} are both on {card}."
            remedy = "One broken card or cable then cuts off both."
            findings.add(WARNING, network.line("interface"), text, remedy)
        elif card:
            cards[card] = name
        elif name in needed:
            text = f"A head needs to know its interface on the network {name}."
            findings.error(network.line("interface"), text, 'Add: "interface": "eth0"')


def _check_virtual(table: Table, draft: Draft, findings: Findings) -> None:
    address, name, prefix = (table.values.get(key) for key in ("address", "network", "prefix"))
    if name is not None and not _known(name, draft):
        text = f"network: there is no network {name}."
        findings.error(table.line("network"), text, "Add it to networks, or correct the name.")
    if address is None or prefix is None:
        return
    number, size = number_of(address) or 0, 1 << (32 - prefix)
    first = number & -size
    net = f"{dotted(first)}/{prefix}"
    if number in (first, first + size - 1):
        which = "network" if number == first else "broadcast"
        text = f"{address} is the {which} address of {net}."
        remedy = f"Use an address from {dotted(first + 1)} to {dotted(first + size - 2)}."
        findings.error(table.line("address"), text, remedy)
    for head in with_role(draft, "head"):
        own = addresses(head).get(name or "")
        if own is not None and (number_of(str(own.data)) or 0) & -size != first:
            text = f"{address} is in {net}, but {own.data} of {head.called} is not."
            findings.error(table.line("address"), text, "Correct the address or its prefix.")


def _check_voters(draft: Draft, findings: Findings) -> None:
    if any("role" not in one.values for one in draft.all(MEMBER)):
        return
    top, line = draft.top, draft.top.line(MEMBER.name)
    witnesses = len(with_role(draft, "witness"))
    policy = "takeover_without_witness"
    if witnesses and witnesses % 2 == 0:
        text = f"{witnesses + 2} voters survive no more losses than {witnesses + 1} would."
        findings.add(INFO, line, text, f"Use {witnesses - 1} or {witnesses + 1} witnesses.")
    if witnesses or draft.fencing is not None:
        if top.has(policy):
            text = f"{policy} has no effect: there are witnesses, or there is fencing."
            findings.add(INFO, top.line(policy), text, "Leave it out.")
        return
    more = "Add a witness (any third machine), or fencing"
    if top.values.get(policy) == "risk":
        text = "Without witness and fencing both heads may serve at once when they do not hear each other."  # fmt: skip
        findings.add(RISK, top.line(policy), text, f"{more}.")
    elif top.values.get(policy) == "hold":
        text = "Without witness and fencing no head takes over when the other one dies."
        findings.add(WARNING, top.line(policy), text, f"{more}.")
    elif not top.has(policy):
        text = "There is no witness and no fencing: nobody can tell a dead head from a cut cable."
        remedy = f'{more}, or choose: "{policy}": "hold" (a human decides) or "risk" (both may serve).'  # fmt: skip
        findings.error(line, text, remedy)
