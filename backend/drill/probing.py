"""Probers on the witnesses: started together, ready together, ended together.

The probers of a witness are one program there, whose standard input is held open from here: they
end when it does, so also when this program or the connection is gone; and after LONGEST in any case.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from backend.drill import remote
from backend.drill.outcome import Row
from backend.drill.targets import Target
from backend.errors import HaoscarError
from backend.reports import Report, error
from backend.rollout.member import Member
from backend.system.runner import Runner
from backend.tasks import TaskContext

LONGEST = 1200.0  # seconds: longer than resources may take to stop
ENDING = 10.0  # seconds in which a witness must have given its results
STEP = 0.02


@dataclass
class _Witness:
    """What one witness has said so far; written by its thread, read when that has ended.

    Only ``ready`` and ``problem`` are read before, and a reader may miss the newest.
    """

    member: Member
    targets: tuple[Target, ...]
    ready: set[int] = field(default_factory=set)
    results: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    problem: str = ""
    offset: float = float("inf")  # our wall clock less the witness's, seconds; see take
    thread: threading.Thread | None = None

    def take(self, line: str) -> None:
        """Read a line that the program there has printed."""
        now = time.time()
        try:
            said = json.loads(line)
            number = int(said["number"])
            # The quickest line tells best; how long it took is the error, a few milliseconds.
            self.offset = min(self.offset, now - float(said["clock"]))
            answer = said.get("said")
        except (ValueError, KeyError, TypeError, AttributeError):
            self.problem = line.strip()[:300]
            return
        if not isinstance(answer, dict):
            self.errors[number] = str(said.get("error") or answer)
        elif answer.get("ready"):
            self.ready.add(number)
        else:
            self.results[number] = answer

    def rows(self, fault: float) -> list[Row]:
        """Return what was measured; ``fault``: its moment, by our wall clock."""
        zero = fault - self.offset
        return [self._row(number, one, zero) for number, one in enumerate(self.targets)]

    def _row(self, number: int, target: Target, zero: float) -> Row:
        if number in self.results:
            return Row.of(self.member.name, target, self.results[number], zero)
        said = self.errors.get(number) or self.problem or "its prober has given no result"
        return Row(self.member.name, target, problem=_shown(said))

    def silent(self) -> list[Report]:
        """Return a report for each target without an answer up to now."""
        if self.problem:
            return [_unusable(self.member, self.problem)]
        found = []
        for number, target in enumerate(self.targets):
            if number in self.errors:
                found.append(_unusable(self.member, self.errors[number]))
            elif number not in self.ready:
                found.append(_no_answer(self.member, target))
        return found


class Probing:
    """A context manager: probers run inside, and none is left when it ends."""

    def __init__(
        self, shares: Mapping[Member, tuple[Target, ...]], runners: Mapping[Member, Runner]
    ) -> None:
        self._witnesses = [_Witness(member, mine) for member, mine in shares.items()]
        self._runners = runners
        self._over = threading.Event()

    def __enter__(self) -> Self:
        for one in self._witnesses:
            one.thread = threading.Thread(
                target=self._work, args=(one,), name=f"probes on {one.member.name}", daemon=True
            )
            one.thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end()

    def wait_ready(self, limit: float, context: TaskContext) -> None:
        """Wait until each target has answered once; raises HaoscarError, Cancelled.

        A target that does not answer within ``limit`` seconds is named.
        """
        deadline = time.monotonic() + limit
        while silent := [report for one in self._witnesses for report in one.silent()]:
            given_up = any(one.problem or one.errors for one in self._witnesses)
            if given_up or time.monotonic() >= deadline:
                raise HaoscarError(*silent)
            context.check_cancelled()
            context.cancel.wait(STEP)

    def finish(self, fault: float) -> tuple[Row, ...]:
        """End the probers; returns what they measured around the moment ``fault`` (wall clock)."""
        self._end()
        return tuple(row for one in self._witnesses for row in one.rows(fault))

    def _end(self) -> None:
        self._over.set()
        deadline = time.monotonic() + ENDING
        for one in self._witnesses:
            if one.thread is not None:
                one.thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, one: _Witness) -> None:
        orders = [target.words(LONGEST) for target in one.targets]
        command = remote.measure(orders).within(LONGEST + 30).held_until(self._over.is_set)
        try:
            self._runners[one.member].stream(command, one.take, check=False)
        except HaoscarError as problem:
            one.problem = problem.reports[0].text
        else:
            if not (self._over.is_set() or one.problem or one.errors):
                one.problem = "the probers ended by themselves"


def _no_answer(member: Member, target: Target) -> Report:
    if target.service:
        todo = "Does it run, and is it to be reached from there? NAME=ADDRESS:PORT names one virtual IP only."
    else:
        todo = "A drill needs virtual IPs that answer pings: look at its firewall."
    return error("drill.no-answer", f"{target.what} does not answer {member.name}.", todo)


def _unusable(member: Member, said: str) -> Report:
    return error(
        "drill.prober",
        f"Nothing can be measured on {member.name}: {_shown(said)}",
        "Is its agent of this version? haoscar install-agent.",
    )


def _shown(text: str) -> str:
    return text if text.isprintable() else ascii(text)
