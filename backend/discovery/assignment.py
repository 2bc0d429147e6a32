"""Which card belongs to which standby: pure functions from a site to a new site.

Nothing here is ever refused silently and nothing is half done: an outcome with an error carries the
site unchanged.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from backend.discovery.mac_files import Entry
from backend.discovery.macs import known_machines
from backend.model.addresses import Mac
from backend.model.site import Node, Site, Standby
from backend.reports import Place, Report, Severity, error, info, warning

NEEDS_CONFIRMATION = "macs.belongs-to-node"  # the code of the one refusal that a user may overrule


@dataclass(frozen=True, slots=True)
class Outcome:
    """The site afterwards, the addresses that are free again, and what is to be said."""

    site: Site
    returned: tuple[Mac, ...] = ()
    reports: tuple[Report, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not any(one.severity is Severity.ERROR for one in self.reports)

    @property
    def needs_confirmation(self) -> bool:
        """Whether asking again with ``node_is_mine`` would be accepted."""
        errors = [one for one in self.reports if one.severity is Severity.ERROR]
        return bool(errors) and all(one.code == NEEDS_CONFIRMATION for one in errors)


def assign(
    site: Site,
    mac: Mac,
    name: str,
    *,
    node_is_mine: bool = False,
    own: Collection[Mac] = (),
) -> Outcome:
    """Give a card to a standby; the card it had is returned.

    ``own`` are the cards of this head. A compute node's card is taken only if ``node_is_mine``.
    """
    standby = site.standby(name)
    if standby is None:
        return Outcome(site, reports=(_no_standby(site, name),))
    if standby.mac == mac:
        text = f"{mac} belongs to {name} already; nothing was changed."
        return Outcome(site, reports=(info("macs.unchanged", text),))
    refusals = _refusals(site, mac, own, node_is_mine=node_is_mine)
    if refusals:
        return Outcome(site, reports=tuple(refusals))
    said = [info("macs.assigned", f"{mac} now belongs to {name}.")]
    owner = _node_with(site, mac)
    if owner is not None:
        site = _with_node(site, replace(owner, mac=None))
        said.append(
            warning(
                "macs.taken-from-node",
                f"{mac} was the card of the compute node {owner.name}.",
                f"{owner.name} will be installed as {name} when it boots from the network;"
                " take its entry out of the DHCP server's configuration.",
            )
        )
    returned = () if standby.mac is None else (standby.mac,)
    return Outcome(_with_standby(site, replace(standby, mac=mac)), returned, tuple(said))


def assign_all(
    site: Site,
    macs: Iterable[Mac],
    *,
    nodes_are_mine: bool = False,
    own: Collection[Mac] = (),
) -> Outcome:
    """Give the oldest free card to each standby without one, top-down, until either runs out.

    ``macs`` come in the order of arrival. Cards of compute nodes are left out unless
    ``nodes_are_mine``; cards that belong to somebody already are left out without a word.
    """
    said: list[Report] = []
    free = iter(macs)
    empty = [standby.name for standby in site.standbys if standby.mac is None]
    for name in empty:
        for mac in free:
            if any(standby.mac == mac for standby in site.standbys):
                continue
            outcome = assign(site, mac, name, node_is_mine=nodes_are_mine, own=own)
            if outcome.ok:
                site = outcome.site
                said.extend(outcome.reports)
                break
            said.extend(_as_skipped(one) for one in outcome.reports)
    missing = [standby.name for standby in site.standbys if standby.mac is None]
    if missing:
        said.append(
            warning(
                "macs.too-few",
                f"No card was left for {', '.join(missing)}.",
                "Switch the machine on with network boot while MAC addresses are collected.",
            )
        )
    elif not empty:
        said.append(info("macs.unchanged", "Every standby has a card already."))
    return Outcome(site, reports=tuple(said))


def delete(site: Site, name: str) -> Outcome:
    """Take the card from a standby and return it to the list."""
    standby = site.standby(name)
    if standby is None:
        return Outcome(site, reports=(_no_standby(site, name),))
    if standby.mac is None:
        text = f"{name} has no card; nothing was changed."
        return Outcome(site, reports=(info("macs.unchanged", text),))
    text = f"{standby.mac} was taken from {name} and is free again."
    return Outcome(
        _with_standby(site, replace(standby, mac=None)),
        (standby.mac,),
        (info("macs.deleted", text),),
    )


def restore(
    site: Site, entries: Sequence[Entry], *, own: Collection[Mac] = (), source: str | None = None
) -> Outcome:
    """Restore the bindings of a file, to standbys and compute nodes; the rest goes to the list.

    A binding never takes a card from a compute node. What cannot be bound is said, and free.
    """
    said: list[Report] = []
    returned: list[Mac] = []
    for entry in entries:
        if entry.node is None:
            returned.append(entry.mac)
            continue
        if site.standby(entry.node) is not None:
            outcome = assign(site, entry.mac, entry.node, own=own)
        else:
            outcome = _restore_node(site, entry)
        site = outcome.site
        said.extend(replace(one, place=Place(source)) if source else one for one in outcome.reports)
        returned.extend(outcome.returned if outcome.ok else (entry.mac,))
    bound = known_machines(site)
    free = tuple(mac for mac in dict.fromkeys(returned) if mac not in bound)
    return Outcome(site, free, tuple(said))


def _restore_node(site: Site, entry: Entry) -> Outcome:
    node = next((one for one in site.nodes if one.name == entry.node), None)
    if node is None:
        text = f"This site has no machine {entry.node}; {entry.mac} was put into the list."
        remedy = f"Add {entry.node} as a standby, or assign the address to another one."
        return Outcome(site, (entry.mac,), (warning("macs.unknown-client", text, remedy),))
    if node.mac == entry.mac:
        text = f"{entry.mac} belongs to {node.name} already; nothing was changed."
        return Outcome(site, reports=(info("macs.unchanged", text),))
    refusals = _refusals(site, entry.mac, (), node_is_mine=False)
    if node.mac is not None:
        text = f"The compute node {node.name} has the card {node.mac}, not {entry.mac}."
        remedy = f"If its card was exchanged, change the address of {node.name} in site.toml."
        refusals.append(error("macs.other-card", text, remedy))
    if refusals:
        return Outcome(site, reports=tuple(refusals))
    text = f"{entry.mac} now belongs to the compute node {node.name}."
    bound = _with_node(site, replace(node, mac=entry.mac))
    return Outcome(bound, reports=(info("macs.assigned", text),))


def _refusals(site: Site, mac: Mac, own: Collection[Mac], *, node_is_mine: bool) -> list[Report]:
    found = []
    if mac in own:
        text = f"{mac} is a card of this head itself."
        found.append(error("macs.own-card", text, "Choose the card of the standby machine."))
    holder = next((one for one in site.standbys if one.mac == mac), None)
    if holder is not None:
        text = f"{mac} belongs to {holder.name} already."
        remedy = f"Take it away first: haoscar macs delete {holder.name}"
        found.append(error("macs.duplicate", text, remedy))
    owner = _node_with(site, mac)
    if owner is not None and not node_is_mine:
        found.append(
            error(
                NEEDS_CONFIRMATION,
                f"{mac} is the card of the compute node {owner.name}.",
                "Its disk would be overwritten by the installation. If this machine really is to"
                " become a standby, say so with --yes-node-is-mine.",
            )
        )
    return found


def _as_skipped(refusal: Report) -> Report:
    """Turn a refusal into the note that assign-all left this card out."""
    return warning(refusal.code, f"Left out: {refusal.text}", refusal.remedy, refusal.place)


def _no_standby(site: Site, name: str) -> Report:
    known = ", ".join(standby.name for standby in site.standbys)
    remedy = f"Choose one of: {known}." if known else "Define the standby first."
    return error("macs.no-standby", f"The site has no standby {ascii(name)[:70]}.", remedy)


def _node_with(site: Site, mac: Mac) -> Node | None:
    return next((node for node in site.nodes if node.mac == mac), None)


def _with_standby(site: Site, standby: Standby) -> Site:
    """Return the site with this standby changed in its place: the order is the order of assigning."""
    changed = tuple(standby if one.name == standby.name else one for one in site.standbys)
    return replace(site, standbys=changed)


def _with_node(site: Site, node: Node) -> Site:
    return replace(site, nodes=tuple(node if one.name == node.name else one for one in site.nodes))
