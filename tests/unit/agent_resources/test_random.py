"""Random lives of random resources: what must never happen does not, and everything ends well."""

import random

import pytest

from backend.agent.core.timing import SECOND
from backend.agent.resources.state import (
    Drain,
    FencingSaid,
    Forget,
    PeerOff,
    PeerWord,
    Phase,
    Retire,
    Rules,
    Serve,
)
from backend.agent.settings import Resource
from backend.system.agent.program import How
from tests.unit.agent_resources.world import LEASE, OCF_NOT_RUNNING, World, blind, ocf


class Machine(World):
    """Knows what really runs, and whether it may."""

    def __init__(self, dice: random.Random, *resources: Resource, rules: Rules) -> None:
        self.real: set[str] = {one.name for one in resources if dice.random() < 0.2}
        self.needs = {one.name: one.after for one in resources}
        self.exclusive = {one.name for one in resources if one.exclusive}
        self.dice = dice
        self.proof = False  # of this term
        self.begun = False
        super().__init__(*resources, rules=rules, probed=False)
        self.begun = True

    def check(self) -> None:
        super().check()
        for what in self.running:
            verb, name = what.split()
            if verb != "start":
                continue
            if name in self.exclusive and self.fresh(what):
                assert self.proof or self.bound(), f"{name} was started without proof"
        if self.begun and self.board.all_stopped:
            assert not self.real, self.real
        if self.board.exclusive_stopped:
            assert not self.real & self.exclusive

    def fresh(self, what: str) -> bool:
        """Whether it was begun by the step that has just been made."""
        return what in self.order[self.mark :]

    def bound(self) -> bool:
        rules = self.board.rules
        wait = rules.lease + rules.peer_watchdog + rules.margin
        return bool(rules.peer_watchdog) and self.now >= self.board.served + wait

    def some_end(self, kind: float) -> None:
        what = self.dice.choice(list(self.running))
        verb, name = what.split()
        cancelled = what in self.cancelled
        self.cancelled = [one for one in self.cancelled if one != what]
        if cancelled and self.dice.random() < 0.8:
            self.real ^= {name} if verb == "start" and self.dice.random() < 0.5 else set()
            return self.end(what, how=How.CANCELLED)
        good = self.dice.random() < kind
        if verb == "start":
            if good or self.dice.random() < 0.5:
                self.real.add(name)
            return self.end(what, 0 if good else 1)
        if verb == "stop":
            if good:
                self.real.discard(name)
            return self.end(what, 0 if good else 1)
        if not good:
            return self.end(what, how=How.TIMED_OUT)
        return self.end(what, 0 if name in self.real else OCF_NOT_RUNNING)

    def some_event(self) -> None:
        dice, board = self.dice, self.board
        choice = dice.randrange(8)
        if choice == 0:
            self.proof = self.proof and board.serving
            self.tell(Serve(board.term + 1))
        elif choice in (1, 2):
            self.proof = False
            self.tell(Retire())
        elif choice == 3:
            self.tell(Drain())
        elif choice == 4:
            self.proof = self.proof or board.serving
            if board.serving:
                self.tell(PeerOff())
        elif choice == 5:
            stopped = dice.random() < 0.5
            self.proof = self.proof or (stopped and board.serving)
            self.tell(PeerWord(stopped, self.now))
        elif choice == 6:
            self.tell(FencingSaid("no answer"))
        else:
            self.tell(Forget(dice.choice(["", *self.needs])))


def resources(dice: random.Random) -> list[Resource]:
    made: list[Resource] = []
    for number in range(dice.randrange(1, 6)):
        after = [one.name for one in made if dice.random() < 0.4]
        if dice.random() < 0.2:
            made.append(blind(f"r{number}", *after))
        else:
            made.append(ocf(f"r{number}", *after, exclusive=dice.random() < 0.4))
    return made


@pytest.mark.parametrize("seed", range(100))
def test_random_lives(seed: int) -> None:
    dice = random.Random(seed)
    watchdog = dice.choice([0, 5 * SECOND])
    rules = Rules(LEASE, dice.random() < 0.5, watchdog)
    machine = Machine(dice, *resources(dice), rules=rules)
    for _ in range(dice.randrange(20, 80)):
        if machine.running and dice.random() < 0.6:
            machine.some_end(dice.choice([1.0, 0.8, 0.3]))
        elif dice.random() < 0.5:
            machine.some_event()
        if not machine.running:
            machine.advance(dice.choice([0.1, 1, 12, 40]))
    settle_down(machine)


def settle_down(machine: Machine) -> None:
    """When programs work again, a head that serves runs everything, one that does not nothing."""
    machine.proof = False
    machine.tell(Retire())
    finish(machine)
    assert machine.board.all_stopped
    assert not machine.real
    machine.tell(Forget())
    machine.tell(Serve(machine.board.term + 1))
    machine.proof = True
    machine.tell(PeerOff())
    finish(machine)
    assert all(item.phase is Phase.RUNNING for item in machine.board.items), machine.phases()
    assert machine.real == set(machine.needs)
    assert machine.board.fit


def finish(machine: Machine) -> None:
    """Let every program end well, and what waits for a while try again."""
    for _ in range(200):
        while any(not one.startswith("check") for one in machine.running):
            machine.some_end(1.0)
        while machine.running:
            machine.some_end(1.0)
        if machine.board.all_stopped and not machine.board.serving:
            return
        if machine.board.serving and all(one.doubts == 0 for one in machine.board.items):
            phases = {item.phase for item in machine.board.items}
            if phases == {Phase.RUNNING} and not machine.running:
                return
        machine.advance(1)
