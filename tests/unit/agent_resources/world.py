"""A machine whose programs end when a test says so, around the planner."""

from backend.agent.core.timing import MS, SECOND
from backend.agent.resources.planner import settle, step, wake_at
from backend.agent.resources.state import (
    Begin,
    Cancel,
    Event,
    Fence,
    Finished,
    Phase,
    Rules,
    Run,
    SelfFence,
    StopFencing,
    Tick,
    begin,
)
from backend.agent.resources.turn import Turn
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, How, Program

LEASE = 300 * MS
LATE = 3 * MS  # a loop is never punctual
OCF_NOT_RUNNING = 7


def ocf(name: str, *after: str, **more: object) -> Resource:
    return Resource(name, "ocf", (("agent", "ocf:heartbeat:Dummy"),), after, **more)  # type: ignore[arg-type]


def blind(name: str, *after: str, **more: object) -> Resource:
    """A resource that nobody can look at."""
    options = (("start", "/bin/start"), ("stop", "/bin/stop"))
    return Resource(name, "command", options, after, **more)  # type: ignore[arg-type]


class World:
    """The board, the programs that run, and everything that was said and wanted."""

    def __init__(self, *resources: Resource, rules: Rules | None = None, probed: bool = True):
        self.now = 1000 * SECOND
        self.board = begin(resources, rules or Rules(LEASE), self.now)
        self.running: dict[str, str] = {}  # "start a" to the job
        self.programs: dict[str, Program] = {}
        self.cancelled: list[str] = []
        self.said: list[str] = []
        self.wanted: list[object] = []  # Fence, StopFencing, SelfFence
        self.order: list[str] = []  # everything that was started
        self.mark = 0  # what was in it before the last step
        self.tell(Begin())
        if probed:  # a machine that has just booted: nothing runs
            for one in resources:
                if f"probe {one.name}" in self.running:
                    self.end(f"probe {one.name}", OCF_NOT_RUNNING)
                elif f"stop {one.name}" in self.running:
                    self.end(f"stop {one.name}")
            self.order.clear()

    def tell(self, event: Event) -> None:
        decision = step(self.board, event, self.now)
        self.mark = len(self.order)
        self.board = decision.state
        if decision.sentence:
            self.said.append(decision.sentence)
        for action in decision.actions:
            if isinstance(action, Run):
                _, name, verb, _ = action.job.split(":")
                what = f"{verb} {name}"
                assert what not in self.running, f"{what} runs twice"
                assert not any(one.split()[1] == name for one in self.running), self.running
                self.running[what] = action.job
                self.programs[what] = action.program
                self.order.append(what)
            elif isinstance(action, Cancel):
                assert action.job in self.running.values()
                self.cancelled.append(next(k for k, v in self.running.items() if v == action.job))
            else:
                assert isinstance(action, (Fence, StopFencing, SelfFence))
                self.wanted.append(action)
        self.check()

    def check(self) -> None:
        """What must be true after every step, whatever has happened."""
        board = self.board
        again = Turn(board, self.now)
        settle(again)
        assert again.decision().state == board, "settled is not settled"
        for item in board.items:
            assert (item.verb is not None) == (item.job in self.running.values())
            if item.phase is Phase.STARTING:
                for name in item.resource.after:
                    assert board.item(name).phase is Phase.RUNNING or item.cancelled, name

    def end(self, what: str, code: int = 0, how: How = How.EXITED, output: str = "") -> None:
        """Let a program end."""
        job = self.running.pop(what)
        self.tell(Finished(Ended(job, how, code, output, 0.1)))

    def ends(self, *what: str) -> None:
        for one in what:
            self.end(one)

    def advance(self, seconds: float) -> None:
        """Let time go by, with every Tick that is wanted."""
        until = self.now + int(seconds * SECOND)
        while (moment := wake_at(self.board)) <= until:
            self.now = max(moment, self.now) + LATE
            self.tell(Tick())
            assert wake_at(self.board) > self.now, "a Tick that changed nothing"
        self.now = max(until, self.now)

    def phases(self) -> dict[str, str]:
        return {item.name: item.phase.value for item in self.board.items}

    @property
    def last(self) -> str:
        return self.said[-1] if self.said else ""
