"""The faults, by the names of the published baseline, and what is promised for each.

A fault is a few lines over a scene: it breaks something, waits, and (where healing is part of it)
mends it and watches on. What it leaves broken is mended afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.lab.failover.places import WITNESSES
from backend.lab.failover.scene import Scene
from backend.lab.topology import Net

BOTH = tuple(str(net) for net in Net)
AFTER = 1.5  # seconds of watching after a heal
CALM = 10.5  # the agent hands over for health every 10 s at most


@dataclass(frozen=True, slots=True)
class Promise:
    """What must hold in every repetition; times are milliseconds. Two heads never serve."""

    median: float | None = None  # of the outages
    worst: float | None = None  # outage
    apart: float | None = None  # the networks' virtual IPs
    takeovers: int | None = None  # exactly
    after: float | None = 250.0  # the longest outage after the heal


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which things go wrong."""

    name: str
    title: str
    run: Callable[[Scene], None]
    promise: Promise
    seconds: float  # that it takes, about
    prepare: Callable[[Scene], None] | None = None  # not measured
    nets: tuple[str, ...] = BOTH  # on which outages count
    long: bool = False  # is repeated less often
    ours_only: bool = False
    calm: bool = False  # needs a head that has not just handed over
    processors: int = 1  # that the machine must have


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
    scene.lasting(5, 2)
    scene.heal()
    scene.wait(AFTER)


def deaf(scene: Scene) -> None:
    """The standby hears nothing from the active head; everybody else does."""
    ports = scene.world.places.ports
    pairs = frozenset((a, b) for a in ports(scene.active) for b in ports(scene.standby))
    scene.world.wires = replace(scene.world.whole, deaf=pairs)
    scene.lasting(5, 2)
    scene.heal()
    scene.wait(AFTER)


def killed(scene: Scene) -> None:
    """The active head's engine is killed, and started again seconds later."""
    scene.engine.kill(scene.active)
    scene.lasting(3, 1.5)
    scene.mark_healed()
    scene.engine.start(scene.active)
    scene.wait(AFTER)


def restarted(scene: Scene) -> None:
    """The active head's engine is killed, and started again after 0.2 s."""
    scene.engine.kill(scene.active)
    scene.wait(0.2)
    scene.engine.start(scene.active)
    scene.wait(2.0)


def frozen(scene: Scene) -> None:
    """The active head's engine is stopped, and goes on later."""
    scene.freeze(scene.active)
    scene.lasting(10, 2)
    scene.mark_healed()
    scene.thaw()
    scene.wait(AFTER)


def stutter(scene: Scene) -> None:
    """Whoever is active is stopped for 0.1 to 0.5 s, again and again."""
    for _ in range(6 if scene.short else 40):
        scene.freeze(scene.server() or scene.active)
        scene.wait(scene.random.uniform(0.1, 0.5))
        scene.thaw()
        scene.until(lambda: scene.server() != "", 3)
        scene.wait(scene.random.uniform(0.1, 0.5))
    scene.mark_healed()
    scene.wait(AFTER)


STALLS = (0.2, 0.3, 0.4, 0.6, 1.0)


def all_frozen(scene: Scene) -> None:
    """Every engine stands still, as when a whole virtual machine does."""
    scene.freeze(*scene.engine.members)
    scene.wait(STALLS[scene.turn % len(STALLS)])
    scene.thaw()
    scene.wait(AFTER)


def lossy(percent: int) -> Callable[[Scene], None]:
    """Frames get lost everywhere."""

    def run(scene: Scene) -> None:
        scene.world.wires = replace(scene.world.whole, loss=percent)
        scene.lasting(60, 3)
        scene.heal()
        scene.wait(AFTER)

    return run


def starving(scene: Scene) -> None:
    """The active head has no processor time to spare."""
    with scene.starving():
        scene.lasting(30, 3)
    scene.mark_healed()
    scene.wait(AFTER)


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
    scene.wait(2.5)


def witnesses_off(*names: str) -> Callable[[Scene], None]:
    """Witnesses are switched off, and come back."""

    def run(scene: Scene) -> None:
        scene.engine.kill(*names)
        scene.lasting(4, 4)
        scene.mark_healed()
        scene.engine.start(*names)
        scene.wait(AFTER)

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
    scene.wait(AFTER)


def standby_off(scene: Scene) -> None:
    """The standby loses its power, and comes back."""
    scene.power_cut(scene.standby)
    scene.lasting(3, 1.5)
    scene.mark_healed()
    scene.power_on(scene.standby)
    scene.wait(AFTER)


def private_switch_dead(scene: Scene) -> None:
    """The private switch, with every witness on it, is dead; the public network is alive."""
    scene.world.kill_switch(Net.PRIVATE)
    scene.lasting(4, 2.5)
    scene.heal()
    scene.wait(AFTER)


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
    scene.wait(AFTER)


ONE = Promise(worst=1000, takeovers=1)
NONE = Promise(worst=100, takeovers=0)
SAFE = Promise()
FAULTS = (
    Fault("F0", "nothing happens", nothing, Promise(worst=100, takeovers=0, after=None), 22, long=True),
    Fault("F1", "power loss of the active head", power_loss,
          Promise(median=300, worst=400, takeovers=1), 3.5),
    Fault("F2", "private cable of the active head cut", cable(Net.PRIVATE), ONE, 6, calm=True),
    Fault("F3", "public cable of the active head cut", cable(Net.PUBLIC), ONE, 6, calm=True),
    Fault("F2s", "private path dead, carrier up", dead_path(Net.PRIVATE), ONE, 7, calm=True),
    Fault("F3s", "public path dead, carrier up", dead_path(Net.PUBLIC), ONE, 7, calm=True),
    Fault("F4", "both cables of the active head cut", both_cables, ONE, 5),
    Fault("F4i", "both paths dead, carriers up", isolated, ONE, 5),
    Fault("F4s", "the heads do not hear each other", apart, NONE, 9),
    Fault("F5", "kill -9 of the engine", killed, Promise(worst=400), 8),
    Fault("F5r", "kill -9, restarted after 0.2 s", restarted, Promise(worst=400), 5),
    Fault("F6", "SIGSTOP for 10 s", frozen, Promise(worst=400), 14, long=True),
    Fault("F6s", "random stops of the active head", stutter, Promise(worst=1000), 45, long=True),
    Fault("F6v", "all stand still for 0.2 to 1 s", all_frozen, Promise(worst=1500, takeovers=0), 4),
    Fault("F7a", "20 % loss", lossy(20), Promise(worst=250, takeovers=0), 65, long=True),
    Fault("F7b", "40 % loss", lossy(40), Promise(worst=250, takeovers=0), 65, long=True),
    Fault("F8", "the active head's processor starved", starving,
          Promise(worst=250, takeovers=0), 35, long=True, processors=2),
    Fault("F9", "the standby does not hear the active head", deaf, NONE, 9),
    Fault("F10", "planned switchover", switchover, Promise(median=10, apart=10, takeovers=1), 3),
    Fault("F11", "the old active head returns", returns, NONE, 7, prepare=without_active),
    Fault("W0", "all witnesses off", witnesses_off(*WITNESSES), NONE, 8, ours_only=True),
    Fault("W1", "all witnesses but one off", witnesses_off(*WITNESSES[1:]), NONE, 8, ours_only=True),
    Fault("W0S", "all witnesses off, then the standby", alone, NONE, 10, ours_only=True),
    Fault("S0", "the standby off", standby_off, NONE, 7),
    Fault("P0", "the private switch dead", private_switch_dead, SAFE, 8, nets=("public",)),
    Fault("C0", "both heads start cold", cold_boot, Promise(takeovers=0), 7, prepare=both_off),
)  # fmt: skip


def by_name(name: str) -> Fault:
    """Return a fault; raises KeyError."""
    for one in FAULTS:
        if one.name == name:
            return one
    raise KeyError(name)
