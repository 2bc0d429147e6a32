"""While the role is given away, what the agent stops for the other head is not healed here."""

from __future__ import annotations

import pytest

from backend.watch.healing import RESOURCE
from backend.watch.role import read_role
from tests.unit.watch.process.link_pair import go, until
from tests.unit.watch.recovery.test_healer import ACTIVE, MOVES, UNIT, World, service

APP = UNIT._replace(kind=RESOURCE, options=(("resource", "app"),))


def test_nothing_is_healed_while_the_agent_drains() -> None:
    async def work() -> None:
        world = World(service(), service(APP, "app"))
        world.healer.role(ACTIVE._replace(draining=True))
        world.fails()
        world.fails(number=1)
        assert (world.phase(), world.phase("app")) == ("healthy", "healthy")
        world.healer.role(ACTIVE)
        world.fails()
        assert world.phase() == "restarting"
        await world.healer.close()

    go(work)


def test_a_resource_is_left_alone_from_the_moment_the_role_is_given_away() -> None:
    async def work() -> None:
        world = World(service(MOVES), service(APP, "app"), service(name="other"))
        world.other_says = {"fit": True, "alive": True}
        world.fails()
        await until(lambda: world.phase() == "moving", "the move")
        world.fails(number=1)
        assert world.phase("app") == "healthy"  # the agent may not have said yet that it drains
        world.fails(number=2)
        assert world.phase("other") == "restarting"  # the other head may yet refuse the role
        await world.healer.close()

    go(work)


@pytest.mark.parametrize(("value", "drains"), [(True, True), (False, False), ("yes", False)])
def test_draining_is_read_strictly(value: object, drains: bool) -> None:
    assert read_role({"role": "active", "draining": value}).draining is drains
