"""The agent's memory of its sentences."""

from backend.agent.chronicle import KEPT, Chronicle


class World:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wall = 100.0
        self.chronicle = Chronicle(self.lines.append, lambda: self.wall, lambda: 7)


def test_each_sentence_is_kept_and_logged() -> None:
    world = World()
    world.chronicle.decision("active, term 3")
    world.chronicle.notice("ready")
    assert world.lines == ["decision: active, term 3", "notice: ready"]
    assert [one.sentence for one in world.chronicle.since(0)] == ["active, term 3", "ready"]
    assert [one.sentence for one in world.chronicle.since(1)] == ["ready"]
    last = world.chronicle.last("decision")
    assert last is not None
    assert last.as_dict() == {
        "number": 1, "time": 100.0, "moment_us": 7, "kind": "decision", "sentence": "active, term 3"
    }  # fmt: skip
    assert world.chronicle.last("alarm") is None


def test_the_same_alarm_is_not_repeated_at_once() -> None:
    world = World()
    for _ in range(10):
        world.chronicle.alarm("the disk is full")
    assert len(world.lines) == 1
    world.wall += 61
    world.chronicle.alarm("the disk is full")
    assert len(world.lines) == 2


def test_only_so_many_are_kept() -> None:
    world = World()
    for number in range(KEPT + 10):
        world.chronicle.notice(str(number))
    assert len(world.chronicle.since(0)) == KEPT
    assert world.chronicle.since(0)[0].sentence == "10"
    assert len(world.chronicle.since(0, most=3)) == 3
