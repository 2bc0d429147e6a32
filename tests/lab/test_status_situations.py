"""What real agents say in every situation of a pair, and what the window makes of it.

``REGOLD=1`` keeps what they said in tests/golden/status, for the tests that run without them.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.actions.status import Status, entries
from backend.actions.status_recovery import Recovery, Standing, standing
from backend.lab.failover.agents import Agents, Program
from backend.lab.failover.places import HEADS, WITNESSES
from backend.lab.failover.scene import Scene
from backend.lab.failover.world import World
from backend.lab.topology import Net
from backend.paths import Paths
from tests.lab.agents_with_service import WithService

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
GOLDEN = Path(__file__).parents[1] / "golden/status"
LIMIT = 45.0  # seconds; loss is told of the last 256 datagrams of a way, ten a second


class WithoutWitness(Agents):
    """Two heads and nobody else."""

    members = HEADS

    def document(self, name: str) -> dict[str, object]:
        return {**super().document(name), "takeover_without_witness": "hold"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Scene.open(Paths(tmp_path_factory.mktemp("world")), _with_service) as made:
        yield made


def _with_service(world: World) -> Agents:
    return WithService(world, Program.of(None))


def _without_witness(world: World) -> Agents:
    return WithoutWitness(world, Program.of(None))


def all_is_well(scene: Scene) -> None:
    del scene


def standby_loses_power(scene: Scene) -> None:
    scene.power_cut(scene.standby)


def active_is_cut_off(scene: Scene) -> None:
    scene.world.silence(scene.active)


def a_network_is_cut(scene: Scene) -> None:
    scene.world.silence(scene.standby, Net.PUBLIC)


def a_witness_dies(scene: Scene) -> None:
    scene.engine.kill("w2")


def the_witnesses_die(scene: Scene) -> None:
    scene.engine.kill(*WITNESSES)


def maintenance(scene: Scene) -> None:
    ask(scene, scene.active, command="maintenance", seconds=600.0)


def nobody_hears_anybody(scene: Scene) -> None:
    for name in (*WITNESSES, *HEADS):
        scene.world.silence(name)


def roles_are_exchanged(scene: Scene) -> None:
    scene.engine.switch_over(scene.active)


def a_service_stops(scene: Scene) -> None:
    (scene.world.machines[scene.active].disk / "home").unlink()


def a_service_breaks(scene: Scene) -> None:
    (scene.world.machines[scene.active].disk / "broken").touch()
    a_service_stops(scene)


@dataclass(frozen=True)
class Situation:
    """What happens, and where the two heads then say that the pair stands."""

    happens: Callable[[Scene], None]
    active: Recovery | None  # as the head sees it that was active before; None: it is not asked
    standby: Recovery | None
    held: bool = False


SITUATIONS = {
    "healthy": Situation(all_is_well, Recovery.HEALTHY, Recovery.HEALTHY),
    "network": Situation(a_network_is_cut, Recovery.SUSPECT, Recovery.SUSPECT),
    "witness": Situation(a_witness_dies, Recovery.SUSPECT, Recovery.SUSPECT),
    "dead": Situation(standby_loses_power, Recovery.ALERT, None),
    "split": Situation(active_is_cut_off, Recovery.ALERT, Recovery.ALERT),
    "maintenance": Situation(maintenance, Recovery.ALERT, Recovery.ALERT, held=True),
    "solo": Situation(the_witnesses_die, Recovery.ALERT, Recovery.ALERT, held=True),
    "closed": Situation(nobody_hears_anybody, Recovery.ALERT, Recovery.ALERT),
    "moving": Situation(roles_are_exchanged, None, Recovery.TAKE_OVER),
    "restart": Situation(a_service_stops, Recovery.RESTART, None),
    "failed": Situation(a_service_breaks, Recovery.ALERT, Recovery.ALERT),
}  # fmt: skip


@pytest.mark.parametrize("name", list(SITUATIONS))
def test_the_window_tells_what_has_happened(scene: Scene, name: str) -> None:
    scene.settle()
    well(scene)
    try:
        check(scene, name, SITUATIONS[name])
    finally:
        mend(scene)


def test_a_pair_without_a_witness_is_well_while_both_live(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    paths = Paths(tmp_path_factory.mktemp("world"))
    with Scene.open(paths, _without_witness) as scene:
        told(scene, scene.active, Recovery.ALERT)  # without witnesses it soon asks for the promise
        check(
            scene, "no-witness", Situation(all_is_well, Recovery.ALERT, Recovery.ALERT, held=True)
        )


def check(scene: Scene, name: str, situation: Situation) -> None:
    """Let it happen, and compare what the heads say with what is expected, and with the records."""
    before = {"active": scene.active, "standby": scene.standby}
    situation.happens(scene)
    expected = {"active": situation.active, "standby": situation.standby}
    for who, state in expected.items():
        if state is None:
            continue
        found, said = told(scene, before[who], state)
        assert found.held == situation.held, found
        file = GOLDEN / f"{name}-{who}.json"
        if os.environ.get("REGOLD"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(said, indent=1) + "\n")
        assert shape(json.loads(file.read_text())["status"]) == shape(said["status"])


def told(scene: Scene, head: str, state: Recovery) -> tuple[Standing, dict[str, Any]]:
    """Wait until a head's word means that the pair stands there; returns that word."""
    deadline = time.monotonic() + LIMIT
    while True:
        said = {
            "status": ask(scene, head, command="status"),
            "events": ask(scene, head, command="events", most=20)["events"],
        }
        found = standing(Status.of(said["status"]), entries(said))
        if found.state is state:
            return found, said
        assert time.monotonic() < deadline, f"{head}: {found}, not {state}"
        scene.wait(0.02)


def well(scene: Scene) -> None:
    for name in HEADS:
        told(scene, name, Recovery.HEALTHY)


def mend(scene: Scene) -> None:
    """Take back what ``settle`` does not know of."""
    scene.settle()
    for name in HEADS:
        (scene.world.machines[name].disk / "broken").unlink(missing_ok=True)
        ask(scene, name, command="maintenance", seconds=0.0)
        ask(scene, name, command="forget")


def ask(scene: Scene, head: str, **question: Any) -> dict[str, Any]:
    assert isinstance(scene.engine, Agents)
    return scene.engine.ask(head, **question)


def shape(value: Any) -> Any:
    """Return what a reader relies on: the names, not the values; None may become a number."""
    if isinstance(value, Mapping):
        networks = set(value) <= {"private", "public"}
        return "networks" if networks else {key: shape(one) for key, one in value.items()}
    return "list" if isinstance(value, list) else "value"
