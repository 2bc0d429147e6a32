"""A board, a clock that the test moves, and short words for what happens."""

from typing import Any

from backend.periods import Period
from backend.watch.core import events
from backend.watch.core.actions import Action, Cancel, Heal, Note, Run, Tell
from backend.watch.core.board import Board
from backend.watch.results import Moment, Outcome, Result
from backend.watch.settings import UP, Alert, AlertPeriod, Head, Recovery, Service, Settings

WALL = 1_772_000_000.0  # a Wednesday, 06:13:20 UTC
ALWAYS = Period.read("")
ME, OTHER = Head("head1", ("192.0.2.1",)), Head("head2", ("192.0.2.2",))
RECOVERY = Recovery(kind="unit")


def period(*alerts: Alert, **values: Any) -> AlertPeriod:
    """Return a period that is always in force, with an alert down and one up."""
    told = alerts or (Alert("mail"), Alert("up", UP))
    values = {"when": ALWAYS, "name": "p", **values}
    return AlertPeriod(alerts=told, **values)


def service(name: str = "s", *periods: AlertPeriod, **values: Any) -> Service:
    """Return a service that is checked every 10 s."""
    values = {"monitor": "x", "interval": 10.0, "hosts": ("a1", "b1"), **values}
    return Service(group="g", name=name, periods=periods or (period(),), **values)


def settings(*services: Service, me: Head = ME) -> Settings:
    return Settings("lab", me, OTHER if me is ME else ME, "", "", "", "", services)


class World:
    """Lets time pass and monitors end."""

    def __init__(self, *services: Service, memory: Any = None, me: Head = ME, begin: bool = True):
        self.board = Board(settings(*services, me=me), memory, lambda: 0.5)
        self.now = Moment(5000.0, WALL)
        self.actions: list[Action] = []
        self.sentences: tuple[str, ...] = ()
        if begin:
            self.step(events.Begin())

    def step(self, event: Any) -> list[Action]:
        self.actions, self.sentences = map(list, self.board.step(event, self.now))  # type: ignore[assignment]
        return self.actions

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass, with a Tick whenever the board wants one; return all that was decided."""
        end, found = self.now.mono + seconds, []
        while self.board.wake_at() <= end:
            self._go(max(self.board.wake_at(), self.now.mono))
            found += self.step(events.Tick())
        self._go(end)
        self.actions = found
        return found

    def _go(self, mono: float) -> None:
        self.now = Moment(mono, self.now.wall + mono - self.now.mono)

    def ends(
        self, name: str = "s", summary: str = "", code: int = 1, detail: str = ""
    ) -> list[Tell]:
        """Let the check of a service end, starting one when none runs; return the alerts."""
        ref = f"g:{name}"
        if not self.shown(name)["running"]:
            self.step(events.TestNow(ref))
        outcome = Outcome.FAILED if code else Outcome.OK
        self.step(events.Finished(ref, Result(outcome, code, summary, detail)))
        return self.tells()

    def fails(self, name: str = "s", summary: str = "a1", code: int = 1, detail: str = "") -> list[str]:  # fmt: skip
        """Return the programs of the alerts."""
        return [one.alert.program for one in self.ends(name, summary, code, detail)]

    def well(self, name: str = "s") -> list[str]:
        return [one.alert.program for one in self.ends(name, "fine", 0)]

    def unknown(self, name: str = "s", summary: str = "no answer") -> list[Tell]:
        if not self.shown(name)["running"]:
            self.step(events.TestNow(f"g:{name}"))
        self.step(events.Finished(f"g:{name}", Result(Outcome.UNKNOWN, 2, summary)))
        return self.tells()

    def tells(self) -> list[Tell]:
        return [one for one in self.actions if isinstance(one, Tell)]

    def runs(self) -> list[str]:
        return [one.ref for one in self.actions if isinstance(one, Run)]

    def kinds(self, kind: type) -> list[Any]:
        return [one for one in self.actions if isinstance(one, kind)]

    def shown(self, name: str = "s") -> dict[str, Any]:
        found = self.board.snapshot(self.now)
        return next(one for one in found if one["service"] == name)


__all__ = ["RECOVERY", "WALL", "Cancel", "Heal", "Note", "World", "period", "service", "settings"]
