"""Where the pair stands, from what real agents said in every situation."""

from dataclasses import replace

import pytest

from backend.actions.status import Entry, Link, Status
from backend.actions.status_recovery import (
    LOSSY,
    Recovery,
    in_flux,
    last_times,
    standing,
    witness_state,
)
from tests.recorded_status import NAMES, events, said, status

EXPECTED = {
    "healthy": (Recovery.HEALTHY, "stands by and could take over"),
    "network": (Recovery.SUSPECT, "does not reach the public network"),
    "witness": (Recovery.SUSPECT, "witness w2 is "),
    "dead": (Recovery.ALERT, "does not answer; nobody could take over"),
    "split": (Recovery.ALERT, ""),
    "closed": (Recovery.ALERT, "no head serves that"),
    "maintenance": (Recovery.ALERT, "maintenance, 10 min more: no automatic takeover"),
    "solo": (Recovery.ALERT, "has promised not to take over by itself"),
    "no-witness": (Recovery.ALERT, "has promised not to take over by itself"),
    "moving": (Recovery.TAKE_OVER, "not everything runs yet: home"),
    "restart": (Recovery.RESTART, "starting again on"),
    "failed": (Recovery.ALERT, ""),
}
HELD = ("maintenance", "solo", "no-witness")


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_situation_is_told(name: str) -> None:
    kind = name.rpartition("-")[0]
    found = standing(status(name), events(name))
    state, words = EXPECTED[kind]
    assert found.state is state
    assert words in found.why
    assert found.held == (kind in HELD)
    assert found.why.endswith(".")


def test_every_situation_was_recorded() -> None:
    assert {name.rpartition("-")[0] for name in NAMES} == set(EXPECTED)


def well(**changes: object) -> Status:
    return replace(status("healthy-active"), **changes)


def told(now: Status, *said: Entry) -> tuple[Recovery, str]:
    found = standing(now, said)
    return found.state, found.why


def heard(now: Status, ago_us: int | None, *, alive: bool = False) -> Status:
    return replace(now, peer=replace(now.peer, alive=alive, heard_ago_us=ago_us))


def entry(sentence: str, number: int = 1, kind: str = "decision") -> Entry:
    return Entry(number, float(number), kind, sentence)


@pytest.mark.parametrize(
    ("role", "words"), [("soliciting", "asked head-b for the hand-over"), ("candidate", "asks the voters")]
)  # fmt: skip
def test_a_head_that_wants_the_role_is_taking_over(role: str, words: str) -> None:
    state, why = told(well(role=role))
    assert state is Recovery.TAKE_OVER
    assert words in why


def test_silence_is_suspicion_first_and_an_alert_after_two_seconds() -> None:
    assert told(heard(well(), 400_000)) == (Recovery.SUSPECT, "head-b is silent for 400.0 ms.")
    state, why = told(heard(well(), 2_000_000))
    assert state is Recovery.ALERT
    assert why == "head-b does not answer; nobody could take over."
    assert "was never heard" in told(heard(well(), None))[1]


def test_both_heads_serving_is_an_alert() -> None:
    peer = well().peer
    both = well(peer=replace(peer, health=replace(peer.health, active=True)))
    state, why = told(both)
    assert state is Recovery.ALERT
    assert "both heads say that they serve" in why


def test_starting_after_a_failure_is_a_restart_and_after_a_takeover_is_not() -> None:
    starting = replace(status("restart-active"))
    failed = entry("home has failed: gone; starting it again", 5)
    taken = entry("term 5: starting the resources", 6)
    assert in_flux(starting) == ["home"]
    assert told(starting, failed)[0] is Recovery.RESTART
    assert told(starting, failed, entry("home is stopped", 7))[0] is Recovery.RESTART
    assert told(starting, failed, taken)[0] is Recovery.TAKE_OVER
    assert told(starting, taken, failed)[0] is Recovery.RESTART
    assert told(starting)[0] is Recovery.TAKE_OVER


def test_a_service_in_doubt_is_suspected() -> None:
    [home] = well().resources
    state, why = told(well(resources=(replace(home, why="its check timed out"),)))
    assert state is Recovery.SUSPECT
    assert "home is well: its check timed out" in why


def test_loss_is_named_when_it_is_worth_a_word() -> None:
    def lossy(share: float) -> Status:
        first, *others = well().links
        return well(links=(replace(first, loss=share), *others))

    assert told(lossy(LOSSY - 0.01))[0] is Recovery.HEALTHY
    state, why = told(lossy(0.25))
    assert state is Recovery.SUSPECT
    assert "25.0 % of what head-b sends over private is lost" in why


@pytest.mark.parametrize(
    ("role", "state", "ages", "expected"),
    [
        ("active", "granting", (10_000,), "granting"),
        ("active", "silent", (400_000, None), "silent"),
        ("active", "silent", (400_000, 20_000), "refusing"),
        ("active", "silent", (), "silent"),
        ("standby", "not asked", (320_000,), "answering"),
        ("standby", "not asked", (2_000_000,), "silent"),
        ("standby", "not asked", (None,), "silent"),
    ],
)
def test_a_witness_grants_refuses_answers_or_is_silent(role, state, ages, expected) -> None:
    links = tuple(Link("w1", f"net{i}", age, 0.0, 1.0, True) for i, age in enumerate(ages))
    now = well(role=role, links=links)
    [voter] = [one for one in now.voters if one.name == "w1"]
    assert witness_state(now, replace(voter, state=state)) == expected


def test_a_stopping_agent_and_unfit_heads_are_alerts() -> None:
    for changes, words in (
        ({"stopping": True}, "the agent of head-a is stopping"),
        ({"fit": False}, "head-a is not fit to serve"),
    ):
        state, why = told(well(health=replace(well().health, **changes)))
        assert state is Recovery.ALERT
        assert words in why


def test_what_is_soon_over_is_remembered_with_its_time() -> None:
    found = last_times(
        [
            entry("campaign for term 4: the other head is silent for 160 ms", 1),
            entry("active, term 4: elected, 280 ms of lease", 2),
            entry("home has failed: gone; starting it again", 3),
            entry("somebody has removed a virtual IP; it is put back", 4, "alarm"),
            entry("active, term 6: handed over with 200 ms left", 5),
            entry("ready", 6, "notice"),
        ]
    )
    assert {key: one.number for key, one in found.items()} == {
        "candidate": 1, "TAKE_OVER": 5, "RESTART": 3, "ALERT": 4,
    }  # fmt: skip


def test_real_agents_say_what_is_looked_for() -> None:
    """The words that tell a restart from a takeover are the agent's own."""
    assert last_times(events("restart-active")).keys() >= {"RESTART"}
    assert last_times(events("moving-standby")).keys() >= {"TAKE_OVER", "soliciting"}
    assert any(
        "starting the resources" in one["sentence"] for one in said("moving-standby")["events"]
    )
