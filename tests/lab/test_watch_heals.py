"""Healing on real heads: what is killed runs again, what cannot run moves once, what is broken is held."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.watch_heads import (
    AGENT,
    BORROWED,
    HEADS,
    INTERVALS,
    LOADING,
    SERVICES,
    Pair,
    installed,
    other,
    until,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(
        not all(Path(one).exists() for one in BORROWED), reason="needs mon and Nagios plugins"
    ),
]
Record = Callable[[str, object], None]
EXTRA = 1.0  # seconds beyond the interval until what was killed runs again
BUDGET = 2  # restarts of each service
QUIET = 20.0  # seconds in which nothing flaps


@pytest.fixture(scope="module")
def heads() -> Iterator[Pair]:
    with installed() as pair:
        yield pair


@pytest.fixture
def pair(heads: Pair) -> Iterator[Pair]:
    """Everything is well, and nothing is remembered of an earlier healing."""
    heads.settle()
    yield heads
    print(heads.log())  # noqa: T201 - shown when it has failed


@pytest.fixture
def movable(pair: Pair) -> Pair:
    """The other head would take the role."""
    until(pair.fit, "two fit heads", 40.0)
    return pair


def killed(pair: Pair, head: str, names: tuple[str, ...]) -> dict[str, float]:
    """Kill each service on a head just after it was checked; returns how long each was down."""
    active = pair.active
    checked = {name: pair.service(name, active)["last_check"] for name in names}
    shot: dict[str, float] = {}
    while len(shot) < len(names):
        for name in names:
            if name not in shot and pair.service(name, active)["last_check"] > checked[name]:
                shot[name] = pair.kill(head, name)
    down = {}
    for name, at in shot.items():
        pair.until_started(head, name, at)
        down[name] = pair.since(head, name) - at
    return down


def assert_quiet(pair: Pair, active: str, term: int, seconds: float) -> None:
    """Nothing moves, and nothing is restarted, for so long."""
    before = {name: pair.history(name) for name in INTERVALS}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert (pair.active, pair.term()) == (active, term)
        time.sleep(0.25)
    for name, lines in before.items():
        more = pair.history(name)[len(lines) :]
        assert not [one for one in more if "restarting" in one or "giving" in one], more


def test_nobody_is_told_anything_because_of_an_installation(heads: Pair) -> None:
    assert [heads.alerts(name) for name in HEADS] == [[], []]
    assert not [one for name in SERVICES for one in heads.history(name) if "restarting" in one]


def test_what_is_killed_runs_again_within_an_interval_and_a_second(
    pair: Pair, record_property: Record
) -> None:
    active, took = pair.active, pair.takeovers()
    for _ in range(BUDGET):
        down = killed(pair, active, tuple(INTERVALS))
        for name, seconds in down.items():
            record_property(f"{name}, checked every {INTERVALS[name]:g} s, down for", seconds)
            assert seconds <= INTERVALS[name] + EXTRA, (name, seconds)
        pair.until_well()
    assert pair.takeovers() == took
    assert any(f"works on {active}" in one for one in pair.history("proc"))


def test_what_is_killed_on_the_standby_is_restarted_there(
    pair: Pair, record_property: Record
) -> None:
    standby, took = pair.standby, pair.takeovers()
    for name, seconds in killed(pair, standby, ("proc", "port")).items():
        record_property(f"{name} on the standby, down for", seconds)
        assert seconds <= INTERVALS[name] + EXTRA, (name, seconds)
    pair.until_well()
    assert any(f"works on {standby}" in one for one in pair.history("proc"))
    assert pair.takeovers() == took


def test_a_full_disk_a_load_and_an_snmpd_that_does_not_answer(
    pair: Pair, record_property: Record
) -> None:
    active, standby, term = pair.active, pair.standby, pair.term()
    known = {name: len(pair.history(name)) for name in SERVICES}

    def shown(name: str, state: str, what: str) -> None:
        began = time.monotonic()
        until(lambda: pair.state(name) == state, f"{name}: {state}", 60.0)
        record_property(f"{what}: {name} is {state} after", time.monotonic() - began)

    pair.put(active, "/usr/local/sbin/lab-load", LOADING.encode())
    pair.run(active, "systemd-run --quiet --unit=lab-load python3 /usr/local/sbin/lab-load")
    pair.run(active, "dd if=/dev/zero of=/full/file bs=1k count=960 2>/dev/null")
    shown("disk", "failed", "a full disk")
    pair.run(active, "rm /full/file")
    for head in (standby, active):
        where = "the standby" if head == standby else "the active head"
        pair.run(head, "systemctl kill --signal=STOP snmpd")
        shown("proc", "unknown", f"snmpd hangs on {where}")
        pair.run(head, "systemctl kill --signal=CONT snmpd")
        shown("proc", "ok", "snmpd goes on")
    shown("disk", "ok", "the disk is free again")
    until(lambda: pair.load() >= 50.0, "a load of 50", 60.0)
    shown("load", "failed", "a load of 50")
    record_property("the load", pair.load())
    pair.run(active, "systemctl stop lab-load")
    pair.run(active, "systemctl stop snmpd")
    shown("proc", "unknown", "snmpd is stopped")
    pair.run(active, "systemctl start snmpd")
    shown("proc", "ok", "snmpd runs again")
    shown("load", "ok", "the load has gone")
    assert (pair.active, pair.term()) == (active, term)
    for name, count in known.items():
        assert not [one for one in pair.history(name)[count:] if "restarting" in one]
    assert {"disk failure", "disk up", "load failure"} <= set(pair.alerts(active))


def again_and_again(pair: Pair, head: str, name: str) -> None:
    """Kill a service on a head as soon as it runs, until the budget is used up."""
    at = 0.0
    for _ in range(BUDGET + 1):
        pair.until_started(head, name, at)
        at = pair.kill(head, name)


def test_beyond_the_budget_the_role_moves_once(movable: Pair, record_property: Record) -> None:
    pair = movable
    old, took = pair.active, pair.takeovers()
    new = other(old)
    kept = pair.shown(new, "unit")["MainPID"]
    known = len(pair.history("app"))
    again_and_again(pair, old, "unit")
    last = time.monotonic()
    moved = pair.until_serves(new)
    record_property("from the last kill to the takeover", moved - last)
    until(lambda: pair.state("unit") == "ok", "its success there")
    assert_quiet(pair, new, pair.term(), QUIET)
    assert pair.takeovers() == took + 1
    assert pair.shown(new, "unit")["MainPID"] == kept != "0"  # it ran there all the time
    # What the agent stopped to hand over was not taken for broken.
    assert not [one for one in pair.history("app")[known:] if "restarting" in one]
    assert any(f"giving the role to {new}" in one for one in pair.history("unit"))


def test_resources_stop_before_the_role_moves(movable: Pair, record_property: Record) -> None:
    pair = movable
    old, took = pair.active, pair.takeovers()
    new = other(old)
    again_and_again(pair, old, "app")
    until(lambda: pair.shown(old, "base")["ActiveState"] == "deactivating", "the drain")
    assert pair.active == old  # it serves while its resources stop
    assert pair.has_address(old)
    seen = time.time()
    pair.until_serves(new)
    until(lambda: pair.running(new, "app"), "the resource there")
    stopped, began = pair.base(old, "stopped"), pair.base(new, "started")
    record_property("from the stop here to the start there", began - stopped)
    assert seen < stopped < began
    assert pair.since(new, "app") >= pair.since(new, "base")
    assert pair.has_address(new)
    assert not pair.has_address(old)
    pair.until_well()
    assert pair.takeovers() == took + 1


def test_a_planned_switchover_is_no_failure_of_what_moves(movable: Pair) -> None:
    pair = movable
    old, known = pair.active, len(pair.history("app"))
    new = other(old)
    told = {name: pair.alerts(name).count("app failure") for name in HEADS}
    pair.ask(old, AGENT, command="switchover")
    until(lambda: pair.shown(old, "base")["ActiveState"] == "deactivating", "the drain")
    pair.until_serves(new)
    until(lambda: pair.running(new, "app"), "the resource there")
    pair.until_well()
    assert {name: pair.alerts(name).count("app failure") for name in HEADS} == told
    assert not [one for one in pair.history("app")[known:] if "failed" in one]


def test_down_on_both_at_once_nothing_moves(pair: Pair) -> None:
    active, term = pair.active, pair.term()
    known = len(pair.history("proc"))
    for name in (pair.standby, active):
        pair.spoil(name, "proc")
        pair.kill(name, "proc")

    def given_up() -> bool:
        said = " ".join(pair.history("proc")[known:])
        return all(f"nothing more is tried on {name}" in said for name in HEADS)

    until(given_up, "the end of trying", 30.0)
    tried = [one for one in pair.history("proc")[known:] if "restarting" in one]
    assert len(tried) == BUDGET * len(HEADS)
    until(lambda: "proc failure" in pair.alerts(active), "the alert")
    assert_quiet(pair, active, term, 5.0)
    assert pair.state("proc") == "failed"


def test_broken_on_both_it_is_held_and_somebody_told(
    movable: Pair, record_property: Record
) -> None:
    pair = movable
    old, took = pair.active, pair.takeovers()
    new = other(old)
    for name in (old, new):
        pair.spoil(name, "unit")
    pair.kill(old, "unit")
    pair.until_serves(new)
    until(lambda: pair.state("unit") == "ok", "its success there")
    shot = pair.kill(new, "unit")
    held = until(lambda: "held" in pair.service("unit").get("recovery", ""), "the end of trying")
    record_property("from the kill there to held", held - shot)
    until(lambda: "unit failure" in pair.alerts(new), "the alert")
    assert_quiet(pair, new, pair.term(), 8.0)
    assert pair.takeovers() == took + 1
    assert "unit failure" in pair.alerts(old)
    assert pair.state("unit") == "failed"
    # Mended and enabled, it is healed again.
    for name in (old, new):
        pair.mend(name)
    pair.enable("unit")
    until(lambda: pair.state("unit") == "ok", "the healing")
    until(lambda: "unit up" in pair.alerts(new), "the alert that it is up")
