"""What is asked by whom: virtual IPs, services on them, and the witnesses that can reach them. Pure."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from backend.drill.faults import EVERY_MS
from backend.errors import InvalidInput
from backend.rollout.member import Member

SERVICE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,32})=(?:(?P<address>[0-9.]{7,15}):)?(?P<port>[0-9]{1,5})"
    r"(?:/(?P<budget>[0-9]{1,7}))?"
)
MOST = 32  # probers of one witness: more would measure each other


@dataclass(frozen=True, slots=True)
class Service:
    """A TCP service that clients use at a virtual IP."""

    name: str
    port: int
    address: str = ""  # of one virtual IP; empty: at each of them
    budget_ms: float | None = None  # what its user wants; None: what is promised

    @classmethod
    def parse(cls, text: str) -> "Service":
        """Read NAME=[ADDRESS:]PORT[/MS]; raises InvalidInput."""
        found = SERVICE.fullmatch(text)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise InvalidInput.of(
                "drill.service",
                f"{text[:60]!a} is no service.",
                "Give NAME=PORT, as in web=443; or NAME=ADDRESS:PORT for one virtual IP only; /MS after"
                " the port is how long it may be away.",
            )
        budget = None if found["budget"] is None else float(found["budget"])
        address = found["address"] or ""
        try:
            return cls(found["name"], int(found["port"]), str(IPv4Address(address)) if address else "", budget)  # fmt: skip
        except AddressValueError as problem:
            raise InvalidInput.of("drill.service", f"{address!a} is no address.") from problem


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that one prober asks."""

    address: str
    network: str
    service: str = ""  # empty: the virtual IP itself, by ICMP
    port: int = 0
    budget_ms: float | None = None  # None: nothing is promised

    @property
    def what(self) -> str:
        """What it is, for people."""
        if not self.service:
            return self.address
        return f"{self.service} at {self.address}:{self.port}"

    def words(self, seconds: float) -> list[str]:
        """Return the prober's arguments."""
        words = ["--address", self.address, "--every", f"{EVERY_MS:g}", "--seconds", f"{seconds:g}"]
        return [*words, "--tcp", str(self.port)] if self.port else words


def targets(
    virtual_ips: Sequence[tuple[str, str]],
    services: Sequence[Service],
    budget_ms: float,
    *,
    resources: bool,
) -> tuple[Target, ...]:
    """Return everything to be measured.

    ``virtual_ips``: (address, network). With ``resources`` a service may have to be started first;
    how long that takes nobody has promised. Raises InvalidInput for a service at another address.
    """
    known = {address for address, _network in virtual_ips}
    for one in services:
        if one.address and one.address not in known:
            raise InvalidInput.of(
                "drill.service",
                f"Service {one.name}: {one.address} is no virtual IP.",
                f"The virtual IPs are: {', '.join(sorted(known)) or 'none'}.",
            )
    promised = None if resources else budget_ms
    found: list[Target] = []
    for address, network in virtual_ips:
        found.append(Target(address, network, budget_ms=budget_ms))
        found += [
            Target(
                address, network, one.name, one.port,
                promised if one.budget_ms is None else one.budget_ms,
            )
            for one in services
            if one.address in ("", address)
        ]  # fmt: skip
    return tuple(found)


def networks_of(member: Member) -> frozenset[str]:
    """Return the names of the networks that a member is on."""
    members = json.loads(member.config)["members"]
    mine = next(one for one in members if one["name"] == member.name)
    return frozenset(mine["addresses"])


def share_out(
    witnesses: Iterable[Member], wanted: Sequence[Target]
) -> dict[Member, tuple[Target, ...]]:
    """Return what each witness measures: what is on its own networks; those with nothing are left out.

    Raises InvalidInput when it is too much for one witness.
    """
    shares: dict[Member, tuple[Target, ...]] = {}
    for member in witnesses:
        networks = networks_of(member)
        mine = tuple(one for one in wanted if one.network in networks)
        if len(mine) > MOST:
            raise InvalidInput.of(
                "drill.too-many",
                f"{member.name} would run {len(mine)} probers; {MOST} is the most that measure well.",
                "Name fewer services, each at one virtual IP: --service NAME=ADDRESS:PORT",
            )
        if mine:
            shares[member] = mine
    return shares


def unmeasured(
    wanted: Sequence[Target], shares: Iterable[tuple[Target, ...]]
) -> tuple[Target, ...]:
    """Return what no witness can measure."""
    measured = {one for share in shares for one in share}
    return tuple(one for one in wanted if one not in measured)
