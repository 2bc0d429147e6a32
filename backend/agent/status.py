"""What ``haoscar status`` is made of: the agent's state as plain values for JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.agent.chronicle import Chronicle
from backend.agent.core.active import willing
from backend.agent.core.lease import ACTIVE, FIT, MAINTENANCE, my_bits, my_health
from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Role
from backend.agent.settings import Settings
from backend.agent.verdict import Verdict


def head_status(head: Head, settings: Settings, chronicle: Chronicle, now: int) -> dict[str, Any]:
    """Return roles, lease, term, voters and the last decision."""
    peer = settings.member(head.members.peer)
    last = chronicle.last("decision")
    alarm = chronicle.last("alarm")
    return {
        "cluster": settings.cluster,
        "me": settings.myself.name,
        "role": head.role.name.lower(),
        "term": head.term,
        "lease_us": head.timing.lease,
        "lease_remaining_us": max(0, head.lease_until - now) if head.role is Role.ACTIVE else 0,
        "serving_alone": bool(head.solo),
        "promised": bool(head.promised),
        "maintenance_seconds": max(0, head.maintenance_until - now) / 1e6,
        "health": describe(my_health(head, now), settings),
        "peer": {
            "name": peer.name,
            "alive": head.peer.alive(now, head.timing.lease),
            "heard_ago_us": now - head.peer.at if head.peer.at else None,
            "health": describe(head.peer.health, settings),
        },
        "vote": {
            "holder": name_of(settings, head.voter.holder),
            "term": head.voter.term,
            "remaining_us": max(0, head.voter.remaining(now)),
        },
        "voters": voters(head, settings, now),
        "last_decision": last.as_dict() if last else None,
        "last_alarm": alarm.as_dict() if alarm else None,
    }


def role_answer(head: Head, settings: Settings, verdict: Verdict, now: int) -> dict[str, Any]:
    """Return who serves, and whether the other head could; cheap, for one question a second."""
    peer = head.peer
    health = int(peer.health)
    unfit = verdict.unfit(now)
    return {
        "ok": True,
        "role": head.role.name.lower(),
        "term": head.term,
        "maintenance": bool(my_bits(head, now) & MAINTENANCE),
        "fit": bool(int(head.health) & FIT) and not unfit,
        "why": verdict.why if unfit else "",
        "peer": {
            "name": settings.member(head.members.peer).name,
            "alive": peer.alive(now, head.timing.lease),
            "fit": bool(health & FIT),
            "active": bool(health & ACTIVE),
            "maintenance": bool(health & MAINTENANCE),
            "willing": willing(head, now),
        },
    }


def voters(head: Head, settings: Settings, now: int) -> list[dict[str, Any]]:
    """Return each voter with whether it grants to this head; meaningful on the active head."""
    found = []
    for number, sent in zip(head.members.voters, head.acks):
        granting = sent > 0 and now - sent < head.timing.there
        state = "granting" if granting else "silent"
        if head.role is not Role.ACTIVE:
            state = "not asked"
        found.append(
            {
                "name": settings.member(number).name,
                "head": settings.member(number).head,
                "state": state,
                "granted_ago_us": now - sent if sent else None,
            }
        )
    return found


def describe(health: Health, settings: Settings) -> dict[str, Any]:
    """Return a head's word about itself as names."""
    networks = {one.name: bool(health & (1 << bit)) for bit, one in enumerate(settings.networks)}
    return {
        "networks": networks,
        "fit": bool(health & Health.FIT),
        "maintenance": bool(health & Health.MAINTENANCE),
        "active": bool(health & Health.ACTIVE),
        "stopping": bool(health & Health.STOPPING),
    }


def name_of(settings: Settings, number: int) -> str | None:
    """Return a member's name, None for nobody."""
    return settings.member(number).name if number else None


def virtual_ips(
    settings: Settings, present: Sequence[str] | frozenset[str], gate_us: int
) -> list[Mapping[str, Any]]:
    """Return each virtual IP, where it is, and for how long the kernel lets it pass."""
    return [
        {
            "address": one.address,
            "network": settings.networks[one.network].name,
            "interface": settings.networks[one.network].interface,
            "configured": one.address in present,
            "gate_remaining_us": gate_us,
        }
        for one in settings.virtual_ips
    ]
