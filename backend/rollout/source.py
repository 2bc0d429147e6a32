"""The members of a site, each with the configuration that its agent gets."""

from collections.abc import Iterable, Mapping, Sequence

from backend.agentfile.generate import Generated, Places, generate
from backend.agentfile.members import PRIVATE, PUBLIC, Participant, participants
from backend.agentfile.watch import WatchPlaces, generate_watch
from backend.errors import InvalidInput
from backend.model.site import Site
from backend.reports import Report, info
from backend.rollout.facts import Facts
from backend.rollout.member import Member
from backend.rollout.places import (
    CREDENTIALS,
    KEY,
    RUN,
    STATE,
    WATCH_RUN,
    WATCH_STATE,
)
from backend.rollout.services import SOCKET
from backend.snmpd.needs import Wish, wish_of


def members_of(
    site: Site, interfaces: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[list[Member], list[Report]]:
    """Return the members, heads first, and what there is to say about their configuration.

    ``interfaces``: what is known of a member's cards, by network; see ``interfaces_of``.

    Raises Refused when the site cannot have agents, InvalidInput when one would refuse it.
    """
    made = generate(site, Places(KEY, STATE, RUN), interfaces)
    wishes = {one.name: wish_of(site, one.name) for one in made if one.head}
    watched = _watched(site, wishes)
    wanted = None if site.agent is None else site.agent.preferred
    preferred = wanted or site.primary.name
    members = [
        Member(
            one.name, one.head, one.address, one.content,
            preferred=one.name == preferred,
            watch=watched[one.name].content if one.name in watched else b"",
            snmp=wishes.get(one.name),
        )
        for one in made
    ]  # fmt: skip
    told = [report for one in (*made, *watched.values()) for report in one.reports]
    return members, list(dict.fromkeys((*told, *_unwatched(site))))


def _unwatched(site: Site) -> Sequence[Report]:
    if site.watch.services:
        return ()
    text = (
        "The watch list is empty: the heads take over from each other, but nothing else is watched."
    )
    remedy = "Save one on the page Edit Watch List; the original's three services: haoscar watch add --defaults."
    return (info("rollout.unwatched", text, remedy),)


def _watched(site: Site, wishes: Mapping[str, Wish | None]) -> dict[str, Generated]:
    """Return the watch list as each head gets it, by the head's name; nothing when it is empty."""
    asked = any(one is not None for one in wishes.values())
    places = WatchPlaces(KEY, WATCH_STATE, WATCH_RUN, SOCKET, CREDENTIALS if asked else "")
    return {one.name: one for one in generate_watch(site, places)}


def interfaces_of(site: Site, found: Mapping[Member, Facts]) -> dict[str, dict[str, str]]:
    """Return for each member that was looked at the card that carries its address, by network.

    The site file names the primary's cards only; a standby's may be called something else.
    """
    known = {one.name: one for one in participants(site)}
    return {
        member.name: {
            network: card
            for network in (PRIVATE, PUBLIC)
            if (card := _card(known[member.name], network, facts))
        }
        for member, facts in found.items()
        if member.name in known
    }


def _card(one: Participant, network: str, facts: Facts) -> str:
    """Return the card on a network: the one with its address there, else the one that is left."""
    address = one.addresses.get(network)
    if address is not None:
        return facts.cards.get(str(address), "")
    said = one.interfaces.get(network)
    if said is None or any(said in names for names in facts.spare):
        return said or ""
    return facts.spare[0][0] if len(facts.spare) == 1 else ""


def chosen(members: Sequence[Member], names: Iterable[str]) -> list[Member]:
    """Return the members of these names, all when there are none; raises InvalidInput."""
    known = {one.name: one for one in members}
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise InvalidInput.of(
            "rollout.member",
            f"{', '.join(f'{name[:60]!a}' for name in unknown)}: no such member.",
            f"The members are: {', '.join(known) or 'none'}.",
        )
    return [known[name] for name in wanted] if wanted else list(members)
