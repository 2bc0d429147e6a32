"""The status as plain values."""

import json

from backend.agent.chronicle import Chronicle
from backend.agent.core.messages import Health
from backend.agent.core.state import Peer, Role, start
from backend.agent.core.timing import Members, Timing
from backend.agent.settings import Member, Network, Settings, VirtualIP
from backend.agent.status import head_status, virtual_ips

SETTINGS = Settings(
    cluster="beowulf",
    me=1,
    members=(
        Member(1, "head1", True, ("10.0.0.1", "192.0.2.1")),
        Member(2, "head2", True, ("10.0.0.2", "192.0.2.2")),
        Member(3, "node1", False, ("10.0.0.3", "")),
    ),
    networks=(Network("private", "eth0"), Network("public", "eth1")),
    virtual_ips=(VirtualIP("10.0.0.9", 0),),
    key_file="",
    state_directory="",
    run_directory="",
)


def test_an_active_head_says_who_grants() -> None:
    now = 10_000_000
    chronicle = Chronicle(lambda _line: None, lambda: 5.0, lambda: now)
    chronicle.decision("active, term 4: elected")
    head = start(Members(1, (1, 2), (3,)), Timing(), 0, fresh=False)._replace(
        role=Role.ACTIVE,
        term=4,
        lease_until=now + 200_000,
        acks=(now - 1000, now - 2000, now - 900_000),
        health=Health.FIT | Health(1),
        peer=Peer(Health.FIT | Health(3), now - 2000),
    )
    found = head_status(head, SETTINGS, chronicle, now)
    json.dumps(found)
    assert (found["role"], found["term"], found["lease_remaining_us"]) == ("active", 4, 200_000)
    assert [(one["name"], one["state"]) for one in found["voters"]] == [
        ("head1", "granting"), ("head2", "granting"), ("node1", "silent")
    ]  # fmt: skip
    assert found["health"]["networks"] == {"private": True, "public": False}
    assert found["peer"]["alive"]
    assert found["last_decision"]["sentence"] == "active, term 4: elected"


def test_a_standby_has_no_lease() -> None:
    chronicle = Chronicle(lambda _line: None, lambda: 5.0, lambda: 0)
    head = start(Members(1, (1, 2), (3,)), Timing(), 0, fresh=False)._replace(lease_until=99)
    found = head_status(head, SETTINGS, chronicle, 50)
    assert found["lease_remaining_us"] == 0
    assert {one["state"] for one in found["voters"]} == {"not asked"}
    assert found["peer"]["heard_ago_us"] is None
    assert found["last_decision"] is None


def test_virtual_ips_are_named_with_their_interface() -> None:
    assert virtual_ips(SETTINGS, frozenset({"10.0.0.9"}), 7)[0] == {
        "address": "10.0.0.9", "network": "private", "interface": "eth0",
        "configured": True, "gate_remaining_us": 7,
    }  # fmt: skip
