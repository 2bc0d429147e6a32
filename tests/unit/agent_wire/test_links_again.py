"""Links over longer stories: a path that dies again, and what is left out while all is well."""

import pytest

from backend.agent.core.timing import MS
from backend.agent.links import Links
from tests.unit.agent_wire.two_heads import World


@pytest.mark.parametrize("healed", [1000, 4000, 12_000])
def test_a_path_that_dies_again_is_found_as_quickly(healed: int) -> None:
    for seed in range(12):
        world = World(seed)
        world.run(3000)
        world.down.add((1, 0))
        world.run(3000)
        world.heal()
        world.run(healed)
        world.moves.clear()
        world.down.add((1, 0))
        began = world.now
        world.run(1000)
        assert world.moves
        assert world.moves[0] - began <= 550 * MS, seed


@pytest.mark.parametrize("seed", range(6))
def test_what_is_left_out_in_calm_changes_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same story, with every network judged at every look."""

    def story() -> tuple[list[tuple[int, int]], list[int], dict[tuple[int, int, int], int]]:
        world = World(seed)
        world.run(1500)
        world.loss = 0.1 * (seed % 3)
        world.run(1500)
        world.down.add((1 + seed % 2, seed % 2))
        world.run(1000)
        world.heal()
        world.dead.add(3)
        world.run(1500)
        return world.seen, world.moves, world.counters

    with_shortcut = story()
    monkeypatch.setattr(Links, "_calm", lambda _self: False)
    assert story() == with_shortcut
