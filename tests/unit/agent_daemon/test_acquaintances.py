"""Whom the active head reminds of itself, and when: only while frames get lost."""

import pytest

from backend.agent import acquaintances
from backend.agent.acquaintances import AT_ONCE, Acquaintances
from backend.system.agent.neighbours import Neighbour


def neighbours(count: int, first: int = 0) -> list[Neighbour]:
    return [
        Neighbour(bytes((10, 0, one >> 8, one & 255)), b"\2\0\0\0" + bytes((one >> 8, one & 255)))
        for one in range(first, first + count)
    ]


class Table:
    """The kernel's table as the test has it."""

    def __init__(self) -> None:
        self.content: list[Neighbour] = []
        self.reads = 0

    def of(self, interface: str, most: int) -> list[Neighbour]:
        assert interface == "eth0"
        self.reads += 1
        return self.content[:most]


class Asked:
    """Takes the place of Arp."""

    def __init__(self) -> None:
        self.whom: list[Neighbour] = []

    def refresh(self, interface: str, neighbour: Neighbour) -> None:
        assert interface == "eth0"
        self.whom.append(neighbour)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    one = Table()
    monkeypatch.setattr(acquaintances, "Neighbours", lambda: one)
    return one


def test_nobody_is_asked_while_nothing_is_lost(table: Table) -> None:
    asked = Asked()
    one = Acquaintances(asked, {"eth0": 0}, lambda _network: False)
    table.content = neighbours(3)
    one.refresh()
    assert not asked.whom
    assert not table.reads


def test_all_get_their_turn(table: Table) -> None:
    asked = Asked()
    one = Acquaintances(asked, {"eth0": 0}, lambda _network: True)
    table.content = neighbours(AT_ONCE * 2 + 7)
    for _turn in range(3):
        one.refresh()
    assert set(asked.whom) == set(table.content)
    assert len(asked.whom) == AT_ONCE * 3


def test_who_is_gone_from_the_table_is_asked_while_it_lasts(table: Table) -> None:
    asked = Asked()
    lossy = True
    one = Acquaintances(asked, {"eth0": 0}, lambda _network: lossy)
    table.content = neighbours(2)
    one.refresh()
    table.content = neighbours(1, first=5)
    asked.whom.clear()
    one.refresh()
    assert set(asked.whom) == {*neighbours(2), *neighbours(1, first=5)}
    lossy = False
    one.refresh()
    lossy = True
    asked.whom.clear()
    one.refresh()
    assert asked.whom == neighbours(1, first=5)


def test_who_is_sought_is_asked_where_it_was(table: Table) -> None:
    asked = Asked()
    one = Acquaintances(asked, {"eth0": 0}, lambda _network: True)
    table.content = neighbours(1)
    one.refresh()
    sought = [item._replace(mac=b"") for item in neighbours(2)]
    table.content = sought
    asked.whom.clear()
    one.refresh()
    assert asked.whom == [neighbours(1)[0], sought[1]]


def test_memory_is_bounded(table: Table) -> None:
    asked = Asked()
    one = Acquaintances(asked, {"eth0": 0}, lambda _network: True)
    for turn in range(10):
        table.content = neighbours(400, first=turn * 400)
        asked.whom.clear()
        for _ in range(5):
            one.refresh()
        assert len(set(asked.whom)) <= acquaintances.MOST
