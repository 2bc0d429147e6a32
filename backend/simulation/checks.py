"""What must be true after every step, and what must be true when everything is well again."""

from typing import TYPE_CHECKING

from backend.agent.core.state import Decision, Head, Role
from backend.simulation.plan import HEADS

if TYPE_CHECKING:
    from backend.simulation.world import World


class Violation(Exception):
    """Something happened that must never happen; ``rule`` is which."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


class Checks:
    """The invariants of one world; each raises Violation."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.forgotten = False  # a member has lost its memory: terms may repeat
        self.lost = [False] * 3  # this head has lost its promises
        self.highest = 0  # term of all activations
        self.changed = 0  # when a head last became or ceased to be active
        self.takeovers = self.handovers = self.lapses = self.solos = self.forces = 0
        self.campaigns = self.adoptions = 0
        self.serves_since_heal = 0

    def opened(self, member: int, length: int) -> None:
        """A head has opened its gate."""
        world = self.world
        other = 3 - member
        if not world.alive[member]:
            raise Violation("dead", f"head {member} opens its gate while it is dead")
        if world.gates[other] > world.now < world.gates[member]:
            left = (world.gates[other] - world.now) / 1000
            raise Violation(
                "dual", f"head {member} opens its gate, head {other}'s stays open for {left:.1f} ms"
            )
        if not 0 < length <= world.plan.timing.lease:
            raise Violation("length", f"head {member} opens its gate for {length} us")
        head = world.heads[member]
        if head.solo and not head.forced and not self.lost[other]:
            stored = world.disks[other][1]
            if stored != head.solo:
                raise Violation(
                    "promise", f"head {member} uses promise {head.solo}, head {other} has {stored}"
                )

    def served(self, member: int, term: int) -> None:
        """A head has become active."""
        self.serves_since_heal += 1
        # A forced head knows only its own term; the voters tell it theirs when it asks them.
        if self.world.heads[member].forced:
            return
        if term <= self.highest and not self.forgotten:
            raise Violation(
                "term", f"head {member} serves with term {term}; {self.highest} has served before"
            )
        self.highest = max(self.highest, term)

    def decided(self, member: int, before: Head, decision: Decision) -> None:
        """A head has changed its role or said something."""
        after, text = decision.state, decision.sentence
        if after.role is Role.ACTIVE and before.role is not Role.ACTIVE:
            self.changed = self.world.now
            if after.previous:
                self.handovers += 1
            elif "elected" in text:
                self.takeovers += 1
        elif before.role is Role.ACTIVE and after.role is not Role.ACTIVE:
            self.over()
            self.lapses += "my lease ran out" in text
        if after.solo and not before.solo:
            self.solos += not after.forced
            self.forces += after.forced
        self.campaigns += text.startswith("campaign for")
        self.adoptions += text.startswith("restarted")
        if after.role is not Role.ACTIVE and self.world.gates[member] > self.world.now:
            raise Violation("open", f"head {member} is {after.role.name} and its gate is open")

    def over(self, *, unwritten: bool = False) -> None:
        """A head no longer serves; it may have died before its disk knew what it knew."""
        self.changed = self.world.now
        self.forgotten = self.forgotten or unwritten

    def settled(self, healed: int, limit: int) -> None:
        """All faults ended at ``healed``: one head must serve within ``limit``, and go on."""
        world = self.world
        for one in HEADS:
            if not world.alive[one]:
                raise Violation("alive", f"head {one} has not come back")
        active = world.active()
        roles = ", ".join(f"head {one} {world.heads[one].role.name}" for one in HEADS)
        if len(active) != 1:
            raise Violation("liveness", f"{len(active)} heads serve long after the end: {roles}")
        if self.changed > healed + limit:
            late = (self.changed - healed) / 1000
            raise Violation("liveness", f"still a change of roles {late:.0f} ms after the end")
        # A very late word of an earlier time can cost a hand-over or two, never more.
        calm = world.plan.sessions and not world.plan.late and not world.plan.twice
        if self.serves_since_heal > (2 if calm else 4):
            raise Violation("flap", f"{self.serves_since_heal} role changes after the end: {roles}")
