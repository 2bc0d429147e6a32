"""Step 5 as it stands: who takes part, which addresses are virtual, what is proposed. Reads only."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.actions.reaching import Way
from backend.actions.witnesses import proposed
from backend.addressing import status as addressing
from backend.agentfile.members import partner
from backend.clone.installs import Installs
from backend.errors import HaoscarError, Refused
from backend.imaging.client import known_hosts
from backend.model.site import Site
from backend.reports import Report, error
from backend.rollout.record import Record
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.links import snapshot
from backend.system.open_ports import answering
from backend.system.ssh import Credentials, connect
from backend.system.user_known_hosts import keys_of_user
from backend.tasks import TaskContext
from backend.wiring import Wiring

ANSWER_LIMIT = 1.5  # seconds that a machine has to take a connection


@dataclass(frozen=True, slots=True)
class Machine:
    """A head, or a node that may vote."""

    name: str
    head: bool
    address: str
    here: bool  # it is this machine
    answers: bool  # its sshd takes connections
    agent: bool  # it has been given the agent


@dataclass(frozen=True, slots=True)
class Address:
    """An address of this head on one network."""

    side: str  # "private" or "public"
    interface: str
    virtual: str  # follows the active head; empty: there is none yet
    own: str  # this head's; may become the virtual one
    reversible: bool = False  # it was made virtual here, and may become this head's own again

    @property
    def movable(self) -> bool:
        """Whether this head's own address may become virtual."""
        return not self.virtual and bool(self.own)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to decide upon, and what is proposed."""

    machines: tuple[Machine, ...] = ()
    witnesses: tuple[str, ...] = ()  # proposed, or as the site file says
    addresses: tuple[Address, ...] = ()
    waiting: bool = False  # a change of addresses is not confirmed yet
    problems: tuple[Report, ...] = ()  # why there can be no agents yet

    @property
    def complete(self) -> bool:
        """Whether both heads have the agent."""
        heads = [one for one in self.machines if one.head]
        return bool(heads) and all(one.agent for one in heads)


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """A host key that nobody has confirmed yet."""

    name: str
    address: str
    key: HostKey
    note: str = ""  # where the same key is known from


def look(wiring: Wiring, context: TaskContext) -> Outlook:
    """Return how step 5 stands; takes a second or two. Raises HaoscarError, Cancelled."""
    context.step("Reading the site")
    status = addressing.status(wiring.paths)
    waiting = status.waiting is not None or status.going_back is not None
    store = wiring.store()
    if not store.exists():
        return Outlook(waiting=waiting, problems=(_no_site(),))
    site = store.load()
    problems: tuple[Report, ...] = ()
    try:
        heads = _heads(site)
    except Refused as problem:
        problems, heads = problem.reports, [(site.primary.name, site.primary.private_address)]
    nodes = [(one.name, one.address) for one in site.nodes if one.address is not None]
    context.step("Looking which machines answer")
    addresses = [str(address) for _name, address in (*heads, *nodes)]
    there = answering(addresses, Way().port, ANSWER_LIMIT, lambda: context.cancel.cancelled)
    context.check_cancelled()
    own = {str(one) for one in snapshot().addresses}
    agents = Record(wiring.paths).members()

    def machines(found: Iterable[tuple[str, IPv4Address]], *, head: bool) -> tuple[Machine, ...]:
        return tuple(
            Machine(
                str(name), head, str(one), str(one) in own, str(one) in there or str(one) in own,
                name in agents,
            )
            for name, one in found
        )  # fmt: skip

    voters = machines(nodes, head=False)
    return Outlook(
        (*machines(heads, head=True), *voters),
        proposed(site, [one.name for one in voters if one.answers]),
        tuple(_addresses(site, [] if status.agent else [one.side for one in status.in_force])),
        waiting,
        problems,
    )


def unknown_keys(
    wiring: Wiring, machines: Iterable[Machine], way: Way, context: TaskContext
) -> tuple[OfferedKey, ...]:
    """Return the host keys that must still be confirmed; nothing but a key exchange happens.

    Machines that do not answer are left out: the installation names them. Raises Cancelled.
    """
    known = known_hosts(wiring.paths)
    installed = _installed_keys(wiring)
    found = []
    for machine in machines:
        if machine.here or known.keys(machine.address, way.port):
            continue
        context.step(f"Asking {machine.name} for its host key")
        key = _shown_by(machine.address, way, known)
        if key is None:
            continue
        note = ""
        if f"{key.type} {key.base64}" == installed.get(machine.name):
            note = "its installation has reported the same"
        elif key in keys_of_user(wiring.paths, machine.address, way.port):
            note = "root's ssh knows it by the same"
        elif key in keys_of_user(wiring.paths, machine.name, way.port):
            note = "root's ssh knows its name by the same"
        found.append(OfferedKey(machine.name, machine.address, key, note))
    return tuple(found)


def trust(wiring: Wiring, keys: Iterable[OfferedKey], way: Way) -> None:
    """Remember host keys that a person has confirmed; raises OSError."""
    known = known_hosts(wiring.paths)
    for one in keys:
        known.add(one.address, way.port, one.key)


def _shown_by(address: str, way: Way, known: KnownHosts) -> HostKey | None:
    """Return the key that a machine shows, without logging in; None when it does not answer."""
    shown: list[HostKey] = []

    def decide(_host: str, key: HostKey) -> bool:
        shown.append(key)
        return False

    with contextlib.suppress(HaoscarError):
        connect(address, way.port, Credentials(way.user, agent=False), known, decide).close()
    return shown[0] if shown else None


def _installed_keys(wiring: Wiring) -> dict[str, str]:
    """Return the host keys that clones have reported over their own authenticated connection."""
    installs = Installs(wiring.paths)
    found = {}
    for ticket in installs.tickets():
        with contextlib.suppress(HaoscarError):
            state = installs.state(ticket.mac)
            if state is not None and state.succeeded:
                words = state.facts.get("hostkey", "").split()
                found[str(ticket.standby)] = " ".join(words[:2])
    return found


def _heads(site: Site) -> list[tuple[str, IPv4Address]]:
    """Return the two heads; raises Refused when there is no second one, or too many."""
    other = partner(site)
    return [(site.primary.name, site.primary.private_address), (other.name, other.address)]


def _addresses(site: Site, reversible: Sequence[str]) -> Iterator[Address]:
    own = {"private": site.primary.private_address, "public": site.primary.public_address}
    for side, network in (("private", site.private), ("public", site.public)):
        if network is not None:
            virtual = "" if network.virtual_ip is None else str(network.virtual_ip)
            mine = own[side]
            yield Address(
                side, str(network.interface), virtual, "" if mine is None else str(mine),
                side in reversible,
            )  # fmt: skip


def _no_site() -> Report:
    return error(
        "site.missing",
        "This head has no site file yet: no standby has been defined.",
        "Go through the steps before this one first.",
    )
