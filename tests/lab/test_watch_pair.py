"""Two heads with real agents, each with a watch process: healing, takeover, and what survives it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from backend.lab.failover.agents import Program
from backend.lab.failover.places import HEADS, other_head
from backend.lab.failover.scene import Scene
from backend.lab.failover.world import World
from backend.paths import Paths
from tests.lab.watch_pair import INTERVAL, NOTE, REF, WatchPair, until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
QUIET = 30.0  # seconds without a second takeover


def _pair(world: World) -> WatchPair:
    return WatchPair(world, Program.of(None))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Scene.open(Paths(tmp_path_factory.mktemp("world")), _pair) as made:
        pair = made.engine
        assert isinstance(pair, WatchPair)
        pair.start_watch(*HEADS)
        yield made


@pytest.fixture
def pair(scene: Scene) -> Iterator[WatchPair]:
    """Everything is well, and nothing is remembered of an earlier healing."""
    pair = scene.engine
    assert isinstance(pair, WatchPair)
    for name in HEADS:
        for file in ("broken", "note", "alerts", "started"):
            (scene.world.machines[name].disk / file).unlink(missing_ok=True)
        if name not in pair.watches:
            pair.start_watch(name)
    scene.settle()
    until(lambda: pair.watching(scene.active), "the watch process of the active head")
    until(lambda: connected(pair), "the link")
    pair.ask_watch(scene.active, command="enable", service=REF)
    until(lambda: pair.service(scene.active)["state"] == "ok", "the service")
    until(lambda: not pair.service(scene.active)["recovery"], "the end of the healing")
    pair.shoot(other_head(scene.active))  # what an earlier test has left there
    yield pair
    for name, watch in pair.watches.items():
        text = pair.watch_log(name).read_text(errors="replace")
        print(f"{name}:\n{text[-6000:]}")  # noqa: T201 - shown when it has failed
        assert watch.running, text[-3000:]
        assert "Traceback" not in text, text[-3000:]
        assert "alarm:" not in text, text[-3000:]


def connected(pair: WatchPair) -> bool:
    return all(pair.ask_watch(name, command="status")["connected"] for name in HEADS)


def takeovers(pair: WatchPair) -> int:
    return sum(int(pair.ask(name, command="status")["counters"]["takeovers"]) for name in HEADS)


def break_on(scene: Scene, *names: str) -> None:
    for name in names:
        (scene.world.machines[name].disk / "broken").touch()


def test_a_killed_service_runs_again_within_an_interval_and_a_second(
    scene: Scene, pair: WatchPair
) -> None:
    before = pair.pid(scene.active)
    shot = pair.shoot(scene.active)
    again = until(lambda: pair.pid(scene.active) not in (0, before), "the restart")
    assert again - shot < INTERVAL + 1.0
    until(lambda: pair.service(scene.active)["state"] == "ok", "its success")
    until(lambda: any("works on" in one for one in pair.history(scene.active, REF)), "the verdict")
    assert takeovers(pair) == 1  # that of the start
    # The standby knows the same, and its commands reach the active head.
    standby = other_head(scene.active)
    until(lambda: pair.service(standby)["state"] == "ok", "the standby's knowledge")
    status = pair.ask_watch(standby, command="status")
    assert (status["active"], status["by"], status["me"]) == (False, scene.active, standby)
    tested = pair.ask_watch(standby, command="test", service=REF)
    assert (tested["outcome"], tested["by"]) == ("ok", scene.active)
    here = pair.ask_watch(standby, command="test", service=REF, here=True)
    assert (here["outcome"], here["by"]) == ("failed", standby)  # it runs on the active head only
    assert pair.service(scene.active)["state"] == "ok"
    assert pair.history(standby) == pair.history(scene.active)


def test_what_is_known_survives_a_failover(scene: Scene, pair: WatchPair) -> None:
    old, new = scene.active, other_head(scene.active)
    (scene.world.machines[old].disk / "note").write_text("out of paper\n")
    (scene.world.machines[new].disk / "note").write_text("out of paper\n")
    until(lambda: note(pair, old)["state"] == "failed", "the failure")
    until(lambda: bool(pair.lines(old, "alerts")), "the alert")
    said = pair.ask_watch(new, command="ack", service=NOTE, text="paper is ordered")["sentence"]
    assert said == f"{NOTE} was acknowledged by root: paper is ordered."
    failed_since = note(pair, old)["since"]
    until(lambda: pair.history(new) == pair.history(old), "the history on the standby")
    before = pair.history(old)
    pair.switch_over(old)
    until(lambda: pair.watching(new), "the new head's watch process")
    found = note(pair, new)
    assert found["state"] == "failed"
    assert found["acknowledged"]["text"] == "paper is ordered"
    assert abs(found["since"] - failed_since) < 1.0
    until(lambda: note(pair, new)["last_check"] > found["last_check"] + 2 * INTERVAL, "more checks")
    assert told(pair, new) == []  # nobody is told a second time
    after = pair.history(new)
    assert after[: len(before)] == before
    until(lambda: not pair.watching(old), "its end")
    # The acknowledgement ends with the failure, and the new head tells of the end.
    for name in HEADS:
        (scene.world.machines[name].disk / "note").unlink()
    until(lambda: note(pair, new)["state"] == "ok", "the recovery")
    until(lambda: told(pair, new) == ["note up admin"], "the up-alert")
    assert note(pair, new)["acknowledged"] is None
    spans = pair.ask_watch(new, command="availability", service=NOTE)["availability"][NOTE]
    assert spans["day"]["failed"] > 0
    assert 0 < spans["day"]["share"] < 1


def told(pair: WatchPair, name: str) -> list[str]:
    return [one for one in pair.lines(name, "alerts") if one.startswith("note ")]


def note(pair: WatchPair, name: str) -> dict[str, Any]:
    return pair.service(name, NOTE)


def test_one_takeover_when_it_cannot_be_healed_here(scene: Scene, pair: WatchPair) -> None:
    old, new = scene.active, other_head(scene.active)
    before = takeovers(pair)
    break_on(scene, old)
    pair.shoot(old)
    assert scene.until(lambda: scene.server() == new, 20.0)  # the agents are calm for a while
    until(lambda: pair.pid(new) != 0, "the service on the other head")
    until(lambda: pair.service(new)["state"] == "ok", "its success there")
    assert len(pair.lines(old, "started")) == 2  # the whole budget was used
    since = time.monotonic()
    while time.monotonic() < since + QUIET:
        assert pair.service(new)["state"] == "ok"
        assert takeovers(pair) == before + 1
        time.sleep(0.5)
    assert scene.server() == new
    assert len(pair.lines(new, "started")) == 1
    said = pair.history(new, REF)
    assert any(f"giving the role to {new}" in one for one in said), said
    assert said == pair.history(old, REF)


def test_broken_on_both_it_is_held_and_somebody_told(scene: Scene, pair: WatchPair) -> None:
    old, new = scene.active, other_head(scene.active)
    before = takeovers(pair)
    break_on(scene, *HEADS)
    pair.shoot(old)
    until(lambda: "held" in pair.service(new).get("recovery", ""), "the end of trying", 30.0)
    assert takeovers(pair) == before + 1
    tried = sum(len(pair.lines(name, "started")) for name in HEADS)
    assert tried == 4  # two restarts on each head
    until(lambda: "app failure admin" in pair.lines(new, "alerts"), "the alert")
    checked = pair.service(new)["last_check"]
    until(lambda: pair.service(new)["last_check"] > checked + 4.0, "four seconds of checks")
    assert takeovers(pair) == before + 1
    assert sum(len(pair.lines(name, "started")) for name in HEADS) == tried
    # Mended and enabled, it is healed again.
    for name in HEADS:
        (scene.world.machines[name].disk / "broken").unlink()
    pair.ask_watch(old, command="enable", service=REF)  # on the standby: it passes it on
    until(lambda: pair.service(new)["state"] == "ok", "the healing")


def test_a_killed_watch_process_goes_on_where_it_was(scene: Scene, pair: WatchPair) -> None:
    active = scene.active
    (scene.world.machines[active].disk / "note").write_text("out of paper\n")
    until(lambda: note(pair, active)["state"] == "failed", "the failure")
    until(lambda: pair.lines(active, "alerts") == ["note failure admin"], "the alert")
    since = note(pair, active)["since"]
    state = scene.world.machines[active].disk / "watch-state/watch/state.json"
    until(lambda: b"out of paper" in state.read_bytes(), "the stored state")
    pair.kill_watch(active)
    pair.start_watch(active)
    until(lambda: pair.watching(active), "its return")
    assert note(pair, active)["state"] == "failed"
    assert abs(note(pair, active)["since"] - since) < 1.0
    until(lambda: note(pair, active)["last_check"] > time.time() - 0.5, "a check")
    assert pair.lines(active, "alerts") == ["note failure admin"]
    assert takeovers(pair) >= 1
    assert pair.ask(active, command="status")["role"] == "active"
