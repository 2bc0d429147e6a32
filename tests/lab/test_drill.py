"""Drills on real machines: measured, reported, cut off; nothing is left behind."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from backend.drill.remote import MAY_RESET
from backend.lab.cluster import VirtualCluster
from backend.lab.overlay import LAUNCHER
from backend.lab.topology import Topology
from backend.paths import Paths
from tests.lab.agent_site import MEMBERS, NODES, Site, wait_until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
HEADS = ("head1", "head2")
STALL = 500.0  # ms that a machine of two cores, which is itself many, may stand still


@pytest.fixture(scope="module")
def installed() -> Iterator[Site]:
    with VirtualCluster.start(Paths(), topology=Topology(NODES)) as lab:
        site = Site(lab)
        done = site.haoscar("install-agent", "--yes", *site.host_keys)
        assert done.exit_code == 0, done.stderr
        yield site


@pytest.fixture
def site(installed: Site) -> Site:
    """Return the site when both heads are well."""
    wait_until(lambda: installed.haoscar("status").exit_code == 0, "a healthy pair")
    return installed


def drill(site: Site, *words: str) -> tuple[int, dict[str, Any]]:
    done = site.haoscar("drill", "--yes", "--json", "--seconds", "0.5", *words)
    assert done.stdout, done.stderr
    return done.exit_code, json.loads(done.stdout)


def active(site: Site) -> str:
    [found] = [name for name in HEADS if site.role(name) == "active"]
    return found


def probers(site: Site) -> list[str]:
    listed = site.on("node1", "ps", "-eo", "args").stdout.splitlines()
    return [line for line in listed if " probe " in line]


def is_frozen(site: Site, name: str, pid: int) -> bool:
    said = site.on(name, "cat", f"/proc/{pid}/stat", check=False).stdout
    return said.rpartition(")")[2].split()[:1] == ["T"]


def test_a_planned_drill_there_and_back(site: Site) -> None:
    before = active(site)
    code, said = drill(site, "--service", "ssh=22", "--return", "--report", "/var/tmp/drill")
    there, back = said["drills"]
    assert code == (0 if said["ok"] else 1)
    assert (there["before"]["active"], back["before"]["active"]) == (
        before,
        there["after"]["active"],
    )
    assert there["after"]["active"] != before
    assert back["after"] == {"active": before, "term": there["before"]["term"] + 2}
    for one in said["drills"]:
        assert [(row["witness"], row["address"], row["port"]) for row in one["rows"]] == [
            ("node1", "10.77.0.10", None), ("node1", "10.77.0.10", 22),
        ]  # fmt: skip
        for row in one["rows"]:
            assert row["longest_ms"] < STALL
            # Every 5 ms for more than a second, and nearly all were answered.
            assert row["answered"] > 200
            assert row["answered"] > 0.8 * row["asked"]
        assert {entry["head"] for entry in one["sentences"]} == set(HEADS)
        assert any("handed over" in entry["sentence"] for entry in one["sentences"])
        assert "192.0.2.10" in one["notes"][0]  # the witness is not on that network
    report = site.lab.node("head1").disk / "var/tmp/drill/report.html"
    assert "<svg" in report.read_text()
    assert probers(site) == []


def test_the_agent_is_killed(site: Site) -> None:
    before, pids = active(site), site.pids()
    code, said = drill(site, "--fault", "agent-killed")
    [one] = said["drills"]
    assert code == (0 if said["ok"] else 1)
    assert one["budget_ms"] == 420
    assert one["problems"] == []
    assert one["rows"][0]["longest_ms"] < one["budget_ms"] + STALL
    now = site.pids()
    assert {name for name in MEMBERS if now[name] != pids[name]} == {before}
    assert probers(site) == []


@pytest.mark.parametrize(("signal", "victim"), [("INT", "head1"), ("KILL", "head2")])
def test_a_drill_that_is_cut_off_leaves_no_prober_and_no_frozen_agent(
    site: Site, signal: str, victim: str
) -> None:
    """The command runs on head1: the agent there is frozen directly, the other one over SSH."""
    if active(site) != victim:
        assert site.haoscar("switchover", "--yes").exit_code == 0
    pid = site.pid(victim)
    site.on(
        "head1", "systemd-run", "--unit=drill", "--collect", "--setenv=HOME=/root",
        str(LAUNCHER), "drill", "--yes", "--fault", "agent-frozen",
    )  # fmt: skip
    try:
        wait_until(lambda: is_frozen(site, victim, pid), "the frozen agent")
        assert probers(site)
    finally:
        site.on("head1", "systemctl", "kill", "--kill-who=main", f"--signal={signal}", "drill")
    # Sooner than it would have gone on by itself.
    wait_until(lambda: not is_frozen(site, victim, pid), "its going on", 3.0)
    wait_until(lambda: not probers(site), "the end of the probers", 5.0)
    assert site.pid(victim) == pid  # nobody had to start it again
    wait_until(
        lambda: not site.on("head1", "systemctl", "is-active", "drill", check=False).ok,
        "the end of the command",
    )


def test_a_container_is_never_reset(site: Site) -> None:
    """The look that comes before a reset; the reset itself is tried nowhere."""
    refused = site.on("head2", "python3", "-I", "-c", MAY_RESET, check=False)
    assert refused.exit_code == 1
    assert "it is a container" in refused.stderr
