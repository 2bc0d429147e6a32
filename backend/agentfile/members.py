"""Who takes part in the failover of a site: which two heads, which witnesses, with which ids."""

from ipaddress import IPv4Address
from typing import NamedTuple
from zlib import crc32

from backend.errors import Refused
from backend.model.site import Site, Standby

PRIVATE, PUBLIC = "private", "public"
PRIMARY_ID, STANDBY_ID, FIRST_WITNESS, LAST = 1, 2, 3, 255
ENOUGH = 3  # witnesses that are chosen when none are named


class Participant(NamedTuple):
    """A head or a witness."""

    id: int
    name: str
    head: bool
    addresses: dict[str, IPv4Address]  # by network
    interfaces: dict[str, str]  # by network; of a witness not known, and not needed


def participants(site: Site) -> tuple[Participant, ...]:
    """Return the two heads, the primary first, and the witnesses; raises Refused."""
    primary = site.primary
    standby = partner(site)
    public = site.public
    cards = {PRIVATE: str(site.private.interface)}
    own = {PRIVATE: primary.private_address}
    theirs = {PRIVATE: standby.address}
    their_cards = dict(cards)
    if public is not None:
        cards[PUBLIC] = str(public.interface)
        their_cards[PUBLIC] = str(standby.public_interface or public.interface)
        if primary.public_address is not None:
            own[PUBLIC] = primary.public_address
        if standby.public_address is not None:
            theirs[PUBLIC] = standby.public_address
    return (
        Participant(PRIMARY_ID, primary.name, True, own, cards),
        Participant(STANDBY_ID, standby.name, True, theirs, their_cards),
        *_witnesses(site, own.keys() & theirs.keys()),
    )


def partner(site: Site) -> Standby:
    """Return the standby that is the other head; raises Refused when that is not clear."""
    wanted = None if site.agent is None else site.agent.standby
    found = [one for one in site.standbys if wanted in (None, one.name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused.of(
            "agentfile.no-standby",
            "The site has no standby, and failover takes two heads.",
            "Define one with: haoscar add-standby",
        )
    names = ", ".join(one.name for one in found)
    raise Refused.of(
        "agentfile.which-standby",
        f"The site has several standbys ({names}), and failover is between two heads.",
        'Say which one: in the site file, below [agent], standby = "NAME".',
    )


def _witnesses(site: Site, everywhere: set[str]) -> list[Participant]:
    """Return the named witnesses, or choose some; ``everywhere`` are the networks of both heads."""
    found: dict[str, dict[str, IPv4Address]] = {}
    for node in site.nodes:
        if node.address is None:
            continue
        if node.address in site.private.network:
            found[node.name] = {PRIVATE: node.address}
        elif site.public is not None and node.address in site.public.network:
            found[node.name] = {PUBLIC: node.address}
    wanted = None if site.agent is None else site.agent.witnesses
    if wanted is None:
        names = [name for name, addresses in found.items() if addresses.keys() <= everywhere]
        # An even number of voters survives no more losses than one voter less.
        names = names[: ENOUGH if len(names) >= ENOUGH else 1]
    else:
        names = [str(name) for name in wanted]
    for name in names:
        if name not in found:
            text = f"The witness {name} has no address on a network of the heads."
            raise Refused.of("agentfile.witness", text, "Choose other witnesses below [agent].")
    ids = witness_ids(names)
    return [Participant(ids[name], name, False, found[name], {}) for name in names]


def witness_ids(names: list[str]) -> dict[str, int]:
    """Return an id for each witness: as a rule it stays the same when others come or go."""
    ids: dict[str, int] = {}
    size = LAST - FIRST_WITNESS + 1
    for name in sorted(names):
        number = crc32(name.casefold().encode()) % size
        while number + FIRST_WITNESS in ids.values():
            number = (number + 1) % size
        ids[name] = number + FIRST_WITNESS
    return ids
