"""Which network is the cluster's private one and which the public one, and why. Pure."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from backend.model.names import InterfaceName
from backend.reports import Report, warning
from backend.system.links import Link, LinkAddress, NetworkSnapshot

PRIVATE = tuple(IPv4Network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
# Bridges that containers and virtual machines of this host live behind: no cluster's wire.
INTERNAL = ("docker", "virbr", "lxcbr", "lxdbr", "podman", "cni", "veth", "br-", "cali", "flannel")


class Certainty(enum.StrEnum):
    """How sure the decision is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Side:
    """One network this head is on, with the reason for the part it was given."""

    interface: InterfaceName
    network: IPv4Network
    address: IPv4Address  # this head's own
    aliases: tuple[IPv4Address, ...]  # further addresses there, such as a virtual IP
    why: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Sides:
    """The decision; either side may be missing."""

    private: Side | None = None
    public: Side | None = None
    others: tuple[Side, ...] = ()
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    link: Link
    own: LinkAddress
    aliases: tuple[IPv4Address, ...]
    default: bool  # the default route leaves here
    nodes: int  # known machines of the cluster in it
    served: bool  # an existing DHCP configuration serves it

    @property
    def network(self) -> IPv4Network:
        return self.own.network

    @property
    def private_range(self) -> bool:
        return is_private(self.network)

    @property
    def order(self) -> tuple[bool, bool, bool, bool, int]:
        """What speaks for being the cluster's network, the strongest sign first."""
        return (
            self.nodes > 0, self.served, self.private_range, not self.default, -self.link.index
        )  # fmt: skip

    def side(self, why: str, certainty: Certainty) -> Side:
        return Side(self.link.name, self.network, self.own.address, self.aliases, why, certainty)


def is_private(network: IPv4Network) -> bool:
    """Return whether it lies in RFC 1918's ranges; the documentation's TEST-NETs do not."""
    return any(network.subnet_of(one) for one in PRIVATE)


def decide(
    snapshot: NetworkSnapshot,
    cluster: Iterable[IPv4Address] = (),
    served: Iterable[IPv4Network] = (),
) -> Sides:
    """Decide from the interfaces, the cluster's known addresses and the networks DHCP serves."""
    candidates = _candidates(snapshot, frozenset(cluster), frozenset(served))
    if not candidates:
        return Sides()
    private = max(candidates, key=lambda one: one.order)
    rest = [one for one in candidates if one is not private]
    chosen = _private_side(private, rest)
    if chosen is None:
        public = next((one for one in candidates if one.default), candidates[0])
        others = tuple(_other(one) for one in candidates if one is not public)
        return Sides(None, _public_side(public), others)
    outside = [one for one in rest if one.default or not one.private_range]
    public_candidate = max(outside, key=lambda one: (one.default, -one.link.index), default=None)
    others = tuple(_other(one) for one in rest if one is not public_candidate)
    reports = _doubts(chosen, private, rest)
    return Sides(
        chosen, _public_side(public_candidate) if public_candidate else None, others, reports
    )


def usable(link: Link) -> bool:
    """Return whether an interface may lead to a cluster or to its users."""
    name = link.name.lower()
    outside = link.kind != "loopback" and link.bridge is None
    return outside and link.up and not name.startswith(INTERNAL)


def _candidates(
    snapshot: NetworkSnapshot, cluster: frozenset[IPv4Address], served: frozenset[IPv4Network]
) -> list[_Candidate]:
    default = snapshot.default_route
    found = []
    for link in snapshot.links:
        if not usable(link):
            continue
        own_addresses = [
            one for one in link.addresses
            if not one.alias and one.network.prefixlen < 31
            and not (one.address.is_link_local or one.address.is_loopback)
        ]  # fmt: skip
        for own in own_addresses:
            aliases = tuple(
                one.address for one in link.addresses
                if one is not own and one.address in own.network
            )  # fmt: skip
            leaves = (
                default is not None
                and default.interface == link.name
                and (default.gateway is None or default.gateway in own.network)
            )
            nodes = sum(one in own.network and one != own.address for one in cluster)
            found.append(_Candidate(link, own, aliases, leaves, nodes, own.network in served))
    return found


def _private_side(one: _Candidate, rest: list[_Candidate]) -> Side | None:
    """Return the private side with its reason, or None when nothing speaks for this network."""
    where = f"{one.link.name} ({one.network})"
    if one.nodes:
        known = f"{one.nodes} known machine{'s' if one.nodes > 1 else ''} of the cluster"
        return one.side(f"{where} is private: {known} are in it.", Certainty.CERTAIN)
    if one.served:
        return one.side(
            f"{where} is private: the existing DHCP configuration serves it.", Certainty.CERTAIN
        )
    if not rest:
        kind = "a private range" if one.private_range else "not a private range"
        sure = Certainty.LIKELY if one.private_range else Certainty.GUESS
        return one.side(
            f"{where} is taken as private: this head has no other network; it is {kind}.", sure
        )
    if one.private_range and not one.default:
        sure = Certainty.LIKELY
        if any(other.private_range and not other.default for other in rest):
            sure = Certainty.GUESS
        return one.side(
            f"{where} is private: its addresses are of a private range (RFC 1918) and the default "
            "route leaves elsewhere.",
            sure,
        )
    if one.private_range:
        return one.side(
            f"{where} is private: it alone has addresses of a private range (RFC 1918), although the "
            "default route leaves here.",
            Certainty.LIKELY,
        )
    if not one.default:
        return one.side(
            f"{where} is taken as private: the default route leaves elsewhere, but its addresses "
            "are not of a private range.",
            Certainty.GUESS,
        )
    return None


def _public_side(one: _Candidate) -> Side:
    where = f"{one.link.name} ({one.network})"
    if one.default:
        return one.side(f"{where} is public: the default route leaves here.", Certainty.CERTAIN)
    return one.side(
        f"{where} is public: its addresses are not of a private range.", Certainty.LIKELY
    )


def _other(one: _Candidate) -> Side:
    return one.side(
        f"{one.link.name} ({one.network}) is neither: nothing known of the cluster is in it and no "
        "default route leaves there.",
        Certainty.GUESS,
    )


def _doubts(chosen: Side, private: _Candidate, rest: list[_Candidate]) -> tuple[Report, ...]:
    if chosen.certainty is not Certainty.GUESS:
        return ()
    names = ", ".join(f"{one.link.name} ({one.network})" for one in (private, *rest))
    return (
        warning(
            "network.uncertain",
            f"It is not certain which network is the cluster's private one; {private.link.name} was "
            f"chosen among {names}.",
            "Check it, and name the right one with --private.",
        ),
    )
