"""The units against their golden files: as little power as the configuration allows."""

import os
from pathlib import Path

import pytest

from backend.errors import HaoscarError
from backend.rollout.member import Member
from backend.rollout.units import unit_text, watch_unit_text
from tests.fakes.agent_member import MACHINE_ID, member

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "agent"
UNIT = {"name": "nfs", "kind": "unit", "stop_limit": 90}
CASES = {
    "head.service": member("head1"),
    "head-unit-resource.service": member("head1", resources=[UNIT]),
    "head-fencing-watchdog.service": member(
        "head1", fencing={"agent": "fence_ipmilan"}, watchdog="/dev/watchdog"
    ),
    "head-fencing.service": member("head1", fencing={"agent": "fence_ipmilan"}),
    "head-mount.service": member("head1", resources=[UNIT, {"name": "home", "kind": "mount"}]),
    "head-not-realtime.service": member("head1", realtime=False),
    "witness.service": member("node1"),
    "witness-not-realtime.service": member("node1", realtime=False),
}


COMMAND = b'{"services": [{"recovery": {"kind": "command"}}, {"recovery": null}, {}]}'
WATCHING = {
    "watch.service": member("head1", watch=b'{"services": [{"recovery": {"kind": "unit"}}]}'),
    "watch-command.service": member("head1", watch=COMMAND),
}


@pytest.mark.parametrize("name", WATCHING)
def test_unit_of_the_watch_process_is_the_golden_one(name: str) -> None:
    rendered = watch_unit_text(WATCHING[name], "/usr/bin/python3", MACHINE_ID)
    golden = GOLDEN / name
    if os.environ.get("REGOLD"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")
    assert ("KillMode=process" in rendered) is (name == "watch-command.service")


@pytest.mark.parametrize("name", CASES)
def test_unit_is_the_golden_one(name: str) -> None:
    rendered = unit_text(CASES[name], "/usr/bin/python3", MACHINE_ID)
    golden = GOLDEN / name
    if os.environ.get("REGOLD"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")
    assert rendered.endswith("multi-user.target\n")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {one.name for one in GOLDEN.iterdir()} == set(CASES) | set(WATCHING)


def test_a_machine_without_an_id_gets_no_condition() -> None:
    for machine_id in ("", "uninitialized", f"{MACHINE_ID}\nExecStart=/bin/sh"):
        assert "ConditionHost" not in unit_text(member("node1"), "/usr/bin/python3", machine_id)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"members": 3}', b'{"members": [], "watchdog": "/dev/a b"}']
)
def test_a_configuration_that_is_none_makes_no_unit(content: bytes) -> None:
    with pytest.raises(HaoscarError, match="is none"):
        unit_text(Member("head1", True, "10.0.0.1", content), "/usr/bin/python3", MACHINE_ID)
