"""What a head's agent says, as typed values: everything that real agents said, and rubbish."""

import copy
from typing import Any

import pytest

from backend.actions.status import Status, entries
from backend.errors import HaoscarError
from tests.recorded_status import NAMES, said, status

REQUIRED = (
    "me", "role", "term", "lease_us", "lease_remaining_us", "serving_alone", "promised",
    "maintenance_seconds", "health", "peer", "voters", "links", "virtual_ips", "resources",
    "explain", "risks", "last_decision", "last_alarm",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_of_what_an_agent_says(name: str) -> None:
    answer = said(name)["status"]
    found = Status.of(answer)
    assert (found.me, found.role, found.term) == (answer["me"], answer["role"], answer["term"])
    assert found.active == (answer["role"] == "active")
    assert [(one.name, one.state, one.head) for one in found.voters] == [
        (one["name"], one["state"], one["head"]) for one in answer["voters"]
    ]
    assert [(one.member, one.network, one.loss, one.well) for one in found.links] == [
        (one["member"], one["network"], one["loss"], one["well"]) for one in answer["links"]
    ]
    assert [(one.address, one.configured, one.gate_us) for one in found.virtual_ips] == [
        (one["address"], one["configured"], one["gate_remaining_us"])
        for one in answer["virtual_ips"]
    ]
    assert [(one.name, one.state, one.why) for one in found.resources] == [
        (one["name"], one["state"], one["why"]) for one in answer["resources"]
    ]
    assert dict(found.health.networks) == answer["health"]["networks"]
    assert found.vote == (answer["vote"]["holder"] or "", answer["vote"]["remaining_us"])
    assert found.verdict == answer["explain"][-1]
    assert found.last_decision is not None
    assert found.last_decision.sentence == answer["last_decision"]["sentence"]


@pytest.mark.parametrize("key", REQUIRED)
def test_an_answer_without_something_is_an_error_with_a_remedy(key: str) -> None:
    answer = said("healthy-active")["status"]
    del answer[key]
    with pytest.raises(HaoscarError) as caught:
        Status.of(answer)
    [report] = caught.value.reports
    assert report.code == "agent.answer"
    assert "haoscar install-agent" in report.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"term": "many"}, {"term": None}, {"voters": 3}, {"voters": [None]}, {"health": []},
        {"peer": "head2"}, {"links": [{"member": "x"}]}, {"health": {"networks": 5}},
        {"last_decision": {"time": "noon", "sentence": ""}}, {"lease_us": {}},
    ],
)  # fmt: skip
def test_an_answer_of_another_kind_is_an_error_as_well(changes: dict[str, Any]) -> None:
    answer = {**said("healthy-active")["status"], **changes}
    with pytest.raises(HaoscarError):
        Status.of(answer)
    with pytest.raises(HaoscarError):
        entries({"events": [changes]})
    with pytest.raises(HaoscarError):
        entries({})


def test_an_older_agent_that_says_less_is_understood() -> None:
    answer = copy.deepcopy(said("healthy-active")["status"])
    del answer["vote"], answer["gate"]
    for one in answer["links"]:
        del one["well"]
    for one in answer["virtual_ips"]:
        del one["gate_remaining_us"]
    found = Status.of(answer)
    assert found.vote == ("", 0)
    assert all(one.well for one in found.links)


def test_truth_is_not_what_is_merely_not_empty() -> None:
    found = status("healthy-active", health={"fit": "no"}, promised="no", serving_alone=1)
    assert not found.health.fit
    assert not found.promised
    assert not found.serving_alone


def test_maintenance_at_a_head_that_is_gone_does_not_count() -> None:
    health = said("healthy-active")["status"]["peer"]["health"]
    peer = {"health": {**health, "maintenance": True}}
    assert status("healthy-active", peer=peer).maintenance
    assert not status("healthy-active", peer={**peer, "alive": False}).maintenance
