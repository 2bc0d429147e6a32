"""The faults: each breaks something in a scene, waits, and (where healing is part of it) mends it
and watches on. What it leaves broken is mended afterwards. catalogue.py names them."""

from collections.abc import Callable
from dataclasses import replace

from backend.lab.failover.places import WITNESSES
from backend.lab.failover.scene import Scene
from backend.lab.topology import Net

AFTER = 1.5  # seconds of watching after a heal


def nothing(scene: Scene) -> None:
    """Watch a healthy pair."""
    scene.lasting(20, 2)


def power_loss(scene: Scene) -> None:
    """The active head loses its power."""
    scene.power_cut(scene.active)
    scene.until_taken_over()
    scene.wait(0.3)


def cable(net: Net) -> Callable[[Scene], None]:
    """One of the active head's cables is cut, and mended."""

    def run(scene: Scene) -> None:
        scene.world.cut(scene.active, net)
        _over_and_healed(scene)

    return run


def dead_path(net: Net) -> Callable[[Scene], None]:
    """One of the active head's paths is dead although its card has a carrier."""

    def run(scene: Scene) -> None:
        scene.world.silence(scene.active, net)
        _over_and_healed(scene)

    return run


def both_cables(scene: Scene) -> None:
    """The active head's cables are cut, and mended."""
    scene.world.cut(scene.active)
    _over_and_healed(scene)


def isolated(scene: Scene) -> None:
    """Nothing of the active head passes the switch, although it has its carriers."""
    scene.world.silence(scene.active)
    _over_and_healed(scene)


def apart(scene: Scene) -> None:
    """The heads no longer hear each other; everybody else hears both."""
    ports = scene.world.places.ports
    scene.world.wires = scene.world.wires.apart(ports(scene.active), ports(scene.standby))
    scene.lasting(5, 1.2)
    scene.heal()
    scene.lasting(AFTER, 0.8)


def deaf(scene: Scene) -> None:
    """The standby hears nothing from the active head; everybody else does."""
    ports = scene.world.places.ports
    pairs = frozenset((a, b) for a in ports(scene.active) for b in ports(scene.standby))
    scene.world.wires = replace(scene.world.whole, deaf=pairs)
    scene.lasting(5, 1.2)
    scene.heal()
    scene.lasting(AFTER, 0.8)


def killed(scene: Scene) -> None:
    """The active head's engine is killed, and started again seconds later."""
    scene.engine.kill(scene.active)
    scene.lasting(3, 1.0)
    scene.mark_healed()
    scene.engine.start(scene.active)
    scene.lasting(AFTER, 0.8)


def restarted(scene: Scene) -> None:
    """The active head's engine is killed, and started again after 0.2 s."""
    scene.engine.kill(scene.active)
    scene.wait(0.2)
    scene.engine.start(scene.active)
    scene.wait(2.0)


def frozen(scene: Scene) -> None:
    """The active head's engine is stopped, and goes on later."""
    scene.freeze(scene.active)
    scene.lasting(10, 1.2)
    scene.mark_healed()
    scene.thaw()
    scene.lasting(AFTER, 0.8)


def stutter(scene: Scene) -> None:
    """Whoever is active is stopped for 0.1 to 0.5 s, again and again."""
    for _ in range(4 if scene.short else 40):
        scene.freeze(scene.server() or scene.active)
        scene.wait(scene.random.uniform(0.1, 0.5))
        scene.thaw()
        scene.until(lambda: scene.server() != "", 3)
        scene.wait(scene.random.uniform(0.1, 0.5))
    scene.mark_healed()
    scene.lasting(AFTER, 0.8)


STALLS = (0.2, 0.3, 0.4, 0.6, 1.0)


def all_frozen(scene: Scene) -> None:
    """Every engine stands still, as when a whole virtual machine does."""
    scene.freeze(*scene.engine.members)
    scene.wait(STALLS[scene.turn % len(STALLS)])
    scene.thaw()
    scene.lasting(AFTER, 0.8)


def lossy(percent: int) -> Callable[[Scene], None]:
    """Frames get lost everywhere."""

    def run(scene: Scene) -> None:
        scene.world.wires = replace(scene.world.whole, loss=percent)
        scene.lasting(60, 2.5)
        scene.heal()
        scene.lasting(AFTER, 0.8)

    return run


def starving(scene: Scene) -> None:
    """The active head has no processor time to spare."""
    with scene.starving():
        scene.lasting(30, 2.5)
    scene.mark_healed()
    scene.lasting(AFTER, 0.8)


def switchover(scene: Scene) -> None:
    """The roles are exchanged on purpose."""
    scene.engine.switch_over(scene.active)
    scene.until_taken_over()
    scene.wait(0.3)


def without_active(scene: Scene) -> None:
    """Prepare: the active head has lost its power, and the other one serves."""
    scene.power_cut(scene.active)
    scene.until_taken_over()
    scene.active = scene.server() or scene.active
    scene.wait(1.0)


def returns(scene: Scene) -> None:
    """The old active head comes back."""
    scene.power_on(scene.standby)
    scene.lasting(3, 1.5)


def witnesses_off(*names: str) -> Callable[[Scene], None]:
    """Witnesses are switched off, and come back."""

    def run(scene: Scene) -> None:
        scene.engine.kill(*names)
        scene.lasting(4, 4)
        scene.mark_healed()
        scene.engine.start(*names)
        scene.lasting(AFTER, 0.8)

    return run


def alone(scene: Scene) -> None:
    """All witnesses are switched off, and then the standby."""
    scene.engine.kill(*WITNESSES)
    scene.wait(4.0)
    scene.power_cut(scene.standby)
    scene.wait(2.0)
    scene.mark_healed()
    scene.engine.start(*WITNESSES)
    scene.power_on(scene.standby)
    scene.lasting(AFTER, 0.8)


def standby_off(scene: Scene) -> None:
    """The standby loses its power, and comes back."""
    scene.power_cut(scene.standby)
    scene.lasting(3, 1.0)
    scene.mark_healed()
    scene.power_on(scene.standby)
    scene.lasting(AFTER, 0.8)


def private_switch_dead(scene: Scene) -> None:
    """The private switch, with every witness on it, is dead; the public network is alive."""
    scene.world.kill_switch(Net.PRIVATE)
    scene.lasting(4, 1.5)
    scene.heal()
    scene.lasting(AFTER, 0.8)


def both_off(scene: Scene) -> None:
    """Prepare: both heads have no power."""
    for name in (scene.active, scene.standby):
        scene.power_cut(name)
    scene.wait(0.2)


def cold_boot(scene: Scene) -> None:
    """Both heads start at the same time."""
    scene.power_on(scene.active, scene.standby)
    scene.until(lambda: scene.server() != "", 8)
    scene.mark_healed()
    scene.wait(2.0)


def _over_and_healed(scene: Scene) -> None:
    scene.until_taken_over()
    scene.wait(0.5)
    scene.heal()
    scene.lasting(AFTER, 0.8)
