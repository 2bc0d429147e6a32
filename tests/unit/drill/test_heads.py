"""When there may be no drill, and what must be true after one."""

import json
from typing import Any

import pytest

from backend.drill.faults import Fault
from backend.drill.heads import Head, danger, pair, role_problem, suicide, unfit
from backend.errors import HaoscarError
from backend.rollout.member import Member
from tests.fakes.drill_pair import status


def heads(active: dict[str, Any] | None = None, standby: dict[str, Any] | None = None) -> tuple[Head, Head]:  # fmt: skip
    return (
        Head.of(status(**(active or {}))),
        Head.of(status("head2", active=False, **(standby or {}))),
    )


def test_a_healthy_pair_may_have_every_drill() -> None:
    active, standby = heads()
    assert pair([standby, active]) == (active, standby)
    for fault in Fault:
        assert unfit(fault, active, standby) == []
    assert active.virtual_ips == (("10.0.0.1", "private"), ("192.0.2.10", "public"))
    assert (active.term, active.lease_ms, active.voters, active.witnesses_granting) == (
        7,
        300,
        3,
        1,
    )


@pytest.mark.parametrize(
    ("active", "standby", "said"),
    [
        ({}, {"health": {"fit": False, "maintenance": False, "stopping": False}}, "head2 is not fit"),
        ({"maintenance_seconds": 60.0}, {}, "Maintenance is on at head1"),
        ({}, {"maintenance_seconds": 60.0}, "Maintenance is on at head2"),
        ({}, {"promised": True}, "head2 has promised"),
        ({"serving_alone": True}, {}, "head2 has promised"),
        ({"peer": {"name": "head2", "alive": False}}, {}, "head1 does not hear head2"),
        ({}, {"peer": {"name": "head1", "alive": False}}, "head2 does not hear head1"),
        ({}, {"health": {"fit": True, "maintenance": False, "stopping": True}}, "head2 is stopping"),
        ({"resources": [{"name": "home", "failed": True}]}, {}, "Resource home has failed on head1"),
    ],
)  # fmt: skip
def test_what_is_not_healthy_is_refused_with_its_reason(
    active: dict[str, Any], standby: dict[str, Any], said: str
) -> None:
    found = unfit(Fault.PLANNED, *heads(active, standby))
    assert len(found) == 1
    assert said in found[0].text
    assert found[0].remedy


def test_all_reasons_are_named_at_once() -> None:
    active = {"maintenance_seconds": 9.0, "peer": {"name": "head2", "alive": False}}
    found = unfit(Fault.PLANNED, *heads(active, {"promised": True}))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("witnesses", "silent", "fault", "refused"),
    [
        (1, 0, Fault.POWER_LOSS, False),  # 2 of 3
        (1, 1, Fault.POWER_LOSS, True),  # 1 of 3
        (1, 1, Fault.AGENT_FROZEN, True),
        (1, 1, Fault.AGENT_KILLED, False),  # the machine still grants to itself when it is back
        (1, 1, Fault.PLANNED, False),  # the pair alone is a quorum
        (2, 1, Fault.POWER_LOSS, True),  # 2 of 4 is no majority
        (3, 1, Fault.POWER_LOSS, False),  # 3 of 5
        (3, 2, Fault.POWER_LOSS, True),  # 2 of 5
    ],
)
def test_a_standby_without_a_majority_could_not_take_over(
    witnesses: int, silent: int, fault: Fault, refused: bool
) -> None:
    said = status(witnesses=witnesses)
    for one in said["voters"][len(said["voters"]) - silent :]:
        one["state"] = "silent"
    found = unfit(fault, Head.of(said), heads()[1])
    assert bool(found) == refused
    if refused:
        assert "voters would be left: head2 could not take over." in found[0].text


@pytest.mark.parametrize("roles", [("active", "active"), ("standby", "standby"), ("active",)])
def test_there_must_be_one_of_each(roles: tuple[str, ...]) -> None:
    found = [Head.of(status(f"head{n}", role=role)) for n, role in enumerate(roles, 1)]
    with pytest.raises(HaoscarError, match="one active head and one standby"):
        pair(found)


def test_a_machine_is_not_reset_from_itself() -> None:
    active, standby = heads()
    assert suicide(Fault.POWER_LOSS, active, "head2", "") == []
    assert suicide(Fault.POWER_LOSS, active, "", "") == []
    assert suicide(Fault.AGENT_FROZEN, active, "head1", "") == []
    assert suicide(Fault.AGENT_FROZEN, active, "head2", "It may be fenced.") == []
    [fenced] = suicide(Fault.AGENT_FROZEN, active, "head1", "It may be fenced.")
    assert "It may be fenced." in fenced.text
    [found] = suicide(Fault.POWER_LOSS, active, "head1", "")
    assert "head1 is the active head, and this command runs on it" in found.text
    assert "haoscar switchover" in found.remedy
    assert standby.name not in found.text


def configured(name: str, **more: object) -> Member:
    return Member(name, True, "10.0.0.1", json.dumps(more).encode())


@pytest.mark.parametrize("fault", Fault)
def test_exclusive_resources_may_cost_the_active_head_its_power(fault: Fault) -> None:
    exclusive = [{"name": "home"}, {"name": "db", "exclusive": True}]
    fencing = {"agent": "fence_ipmilan"}
    one = configured("head1", resources=exclusive, fencing=fencing, watchdog="/dev/watchdog")
    two = configured("head2", resources=exclusive, fencing=fencing)
    found = danger(fault, one, two)
    if fault is Fault.PLANNED:
        assert found == ""
        return
    assert "head1 may be switched off or reset" in found
    assert "head2 by fence_ipmilan or its watchdog /dev/watchdog" in found
    assert "watchdog" not in danger(fault, two, two)
    assert danger(fault, one, configured("head2", fencing=fencing, resources=exclusive[:1])) == ""
    assert danger(fault, configured("head1"), configured("head2", resources=exclusive)) == ""


def test_a_head_that_may_have_been_fenced_need_not_answer() -> None:
    after = [Head.of(status("head2"))]
    assert role_problem(Fault.AGENT_FROZEN, "head1", "head2", after, may_end=True) == ""
    assert role_problem(Fault.AGENT_FROZEN, "head1", "head2", after) != ""


def test_a_status_that_is_none() -> None:
    for wrong in ({}, {**status(), "voters": 3}, {**status(), "lease_us": None}):
        with pytest.raises(HaoscarError, match="cannot be understood"):
            Head.of(wrong)


@pytest.mark.parametrize(
    ("fault", "roles", "said"),
    [
        (Fault.PLANNED, ("standby", "active"), ""),
        (Fault.PLANNED, ("active", "standby"), "head1 is still active"),
        (Fault.AGENT_KILLED, ("active", "standby"), ""),
        (Fault.AGENT_KILLED, ("standby", "active"), ""),
        (Fault.AGENT_KILLED, ("active", "active"), "Both heads say"),
        (Fault.AGENT_FROZEN, ("standby", "standby"), "No head is active"),
        (Fault.AGENT_FROZEN, ("standby", "active"), ""),
        (Fault.AGENT_FROZEN, (None, "active"), "The agent of head1 does not answer"),
        (Fault.AGENT_KILLED, ("active", None), "The agent of head2 does not answer"),
        (Fault.POWER_LOSS, (None, "active"), ""),
        (Fault.POWER_LOSS, (None, "standby"), "No head is active"),
    ],
)
def test_roles_afterwards(fault: Fault, roles: tuple[str | None, ...], said: str) -> None:
    after = [Head.of(status(f"head{n}", role=role)) for n, role in enumerate(roles, 1) if role]
    found = role_problem(fault, "head1", "head2", after)
    assert found.startswith(said)
    assert bool(found) == bool(said)
