"""Makes the faults of a plan happen in a world, and end."""

from backend.agent.core.events import Condition, Force, Maintenance, Stop, Switchover
from backend.agent.core.messages import Health
from backend.agent.core.standby import campaign, why_not
from backend.agent.core.state import Role
from backend.agent.core.timing import MS
from backend.simulation.plan import HEADS, LEASE, Fault, Kind
from backend.simulation.world import FAULT, World

WELL = Health.FIT | Health(3)
COMMANDS = (Kind.SWITCH, Kind.STOP, Kind.MAINTENANCE, Kind.FORCE)


class Faults:
    """The faults that are in force."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.present: list[Fault] = []
        for fault in world.plan.faults:
            world.push(fault.begin, FAULT, 0, 0, lambda _world, one=fault: self.begin(one))
            if fault.end > fault.begin:
                end = min(fault.end, world.plan.heal)
                world.push(end, FAULT, 0, 0, lambda _world, one=fault: self.end(one))

    def begin(self, fault: Fault) -> None:
        """Let it begin."""
        world, who = self.world, fault.who
        if world.story is not None:
            world.story.fault(world.now, fault, "")
        if fault.end > fault.begin:
            self.present.append(fault)
        kind = fault.kind
        if kind is Kind.CUT or kind is Kind.CARRIER or kind is Kind.UNFIT:
            self.reach()
        elif kind is Kind.DISK:
            world.full[who] = True
        elif kind is Kind.EAGER:
            self._eager(fault)
        elif not world.alive[who]:
            return
        elif kind is Kind.PAUSE:
            world.freeze(
                who, min(fault.end, world.plan.heal), messages_first=bool(fault.choice & 1)
            )
        elif kind in COMMANDS:
            self._command(fault)
        else:
            if kind is Kind.POWER:
                world.powered[who] = False
            world.die(who, power=kind is Kind.POWER)

    def end(self, fault: Fault) -> None:
        """Let it end."""
        world, who, kind = self.world, fault.who, fault.kind
        if fault not in self.present:
            return
        self.present.remove(fault)
        if world.story is not None:
            world.story.fault(world.now, fault, "over: ")
        if kind is Kind.CUT or kind is Kind.CARRIER or kind is Kind.UNFIT:
            self.reach()
        elif kind is Kind.DISK:
            world.full[who] = False
        elif kind is Kind.MAINTENANCE and world.alive[who]:
            world.happen(who, Maintenance(0))
        elif kind is Kind.FORCE and not world.powered[3 - who]:
            self._start(fault._replace(kind=Kind.POWER, who=3 - who))
        elif kind in (Kind.KILL, Kind.POWER, Kind.OFF, Kind.STOP) and not world.alive[who]:
            self._start(fault)

    def heal(self) -> None:
        """End everything; whoever is dead starts."""
        world = self.world
        world.loss = world.late = world.twice = 0.0
        world.delay = min(world.delay, 3 * MS)
        for fault in tuple(self.present):
            self.end(fault)

    def _start(self, fault: Fault) -> None:
        world, who = self.world, fault.who
        if fault.kind is Kind.POWER:
            # A clock starts anew with its machine.
            world.offsets[who] -= world.local(who, world.now)
            world.powered[who] = True
        elif who < 3 and not world.powered[who]:
            return  # the agent cannot start before its machine
        memory = fault.choice & 2 == 0 or fault.kind is Kind.STOP
        world.boot(who, memory=memory, adopts=bool(fault.choice & 1))

    def _command(self, fault: Fault) -> None:
        world, who = self.world, fault.who
        if world.frozen[who] > world.now:
            return
        if fault.kind is Kind.SWITCH:
            world.happen(who, Switchover())
        elif fault.kind is Kind.STOP:
            world.happen(who, Stop())
            self._leave(fault, world.life[who])
        elif fault.kind is Kind.MAINTENANCE:
            world.happen(who, Maintenance(1 << 60))
        else:
            if world.alive[3 - who]:
                world.die(3 - who, power=True)
            world.gates[3 - who] = 0
            world.powered[3 - who] = False
            # Whoever confirms this repairs the networks before the other machine starts again.
            world.forced = True
            self.reach()
            world.happen(who, Force())

    def _eager(self, fault: Fault) -> None:
        """Campaign whenever it can: safety must not rest on politeness, the voters must refuse."""
        world, who = self.world, fault.who
        if fault not in self.present:
            return
        if world.alive[who] and world.frozen[who] <= world.now:
            head, own = world.heads[who], world.local(who, world.now)
            if head.role is Role.STANDBY and not why_not(head, own):
                world.carry_out(who, campaign(head, own), None, own)
        world.push(world.now + LEASE // 8, FAULT, 0, 0, lambda _world: self._eager(fault))

    def _leave(self, fault: Fault, life: int) -> None:
        """A stopped agent ends when it has nothing more to do."""
        world, who = self.world, fault.who
        if world.life[who] != life:
            return
        if world.heads[who].finished and world.frozen[who] <= world.now:
            world.die(who)
            if fault not in self.present:  # it is wanted again already
                self._start(fault)
            return
        again = world.now + world.plan.timing.round // 4
        world.push(again, FAULT, 0, 0, lambda _world: self._leave(fault, life))

    def reach(self) -> None:
        """Work out anew which networks work from whom to whom, and what the heads say of it."""
        world = self.world
        dead = dict.fromkeys(range(world.count), 0)
        unfit = set()
        cuts: list[Fault] = []
        for fault in self.present:
            if fault.kind is Kind.CARRIER:
                dead[fault.who] |= fault.networks
            elif fault.kind is Kind.UNFIT:
                unfit.add(fault.who)
            elif fault.kind is Kind.CUT and not world.forced:
                cuts.append(fault)
        self._join(dead, cuts)
        for head in HEADS:
            health = Health(3 & ~dead[head]) | (Health.NONE if head in unfit else Health.FIT)
            if health != world.health[head]:
                world.health[head] = health
                if world.alive[head] and world.frozen[head] <= world.now:
                    world.happen(head, Condition(health))

    def _join(self, dead: dict[int, int], cuts: list[Fault]) -> None:
        world = self.world
        public = 3 if world.plan.public else 1
        for source in range(1, world.count):
            for to in range(1, world.count):
                ways = (3 if source < 3 and to < 3 else public) & ~(dead[source] | dead[to])
                for cut in cuts:
                    there = cut.who == source and cut.other in (0, to)
                    back = cut.who == to and (not cut.other or cut.choice & 1)
                    if there or (back and cut.other in (0, source)):
                        ways &= ~cut.networks
                world.ways[source][to] = (ways & 1) + (ways >> 1)
