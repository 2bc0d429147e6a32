"""Making sure that the other head is off, by a program of the fence-agents project.

``off`` is asked for, and then ``status`` until it says off: only that counts. Some agents report
success before the machine is off, others report a failure although it is; and a device that does
not answer, because it lost its power together with the machine, proves nothing at all.
An exit code of 2 alone is not believed: it is "off" for ``status``, "wrong arguments" elsewhere in
the same library, and what an interpreter says that cannot open its script. The text must agree.
Parameters travel on standard input. Interface: the project's FenceAgentAPI.md and fencing.py.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple, Union

from backend.agent.core.timing import SECOND
from backend.agent.settings import Fencing
from backend.system.agent.program import Ended, How, Program

PREFIX = "fencing"  # of the names of jobs
DIRECTORY = "/usr/sbin"
STATUS_LIMIT = 20.0  # seconds; what the agents allow for power to change
POLL = 1 * SECOND  # between two looks while the machine goes off
SHORTEST_PAUSE, LONGEST_PAUSE = 2 * SECOND, 60 * SECOND  # between two tries
GUARD = 20 * SECOND  # beyond a program's own limit until its end counts as lost
FOREVER = 1 << 62
_ON, _OFF = 0, 2  # exit codes of status
_SAYS_OFF = re.compile(r"^Status: OFF\s*$", re.MULTILINE | re.IGNORECASE)
_SAYS_ON = re.compile(r"^Status: ON\s*$", re.MULTILINE | re.IGNORECASE)


class Stage(enum.Enum):
    """What fencing is at."""

    IDLE = "idle"
    DELAYED = "delayed"
    SWITCHING = "switching off"
    LOOKING = "looking"
    PAUSING = "pausing"  # before the next look, or the next try
    CONFIRMED = "confirmed"


class Verdict(enum.Enum):
    """What a try has shown."""

    CONFIRMED = "confirmed"  # it is off
    REFUSED = "refused"  # the device answers, and the machine is on
    UNKNOWN = "unknown"  # nobody can say


class State(NamedTuple):
    """What is known; moments are microseconds of this head's clock."""

    fencing: Fencing
    stage: Stage = Stage.IDLE
    wanted: bool = False
    job: str = ""
    wake: int = 0  # the next Tick that means something; 0: none
    until: int = 0  # of this try
    pause: int = SHORTEST_PAUSE
    off_said: str = ""  # how the switching off ended, when that was no success
    tries: int = 0
    jobs: int = 0


class Fence(NamedTuple):
    """The other head is to be off. ``delay`` (microseconds) lets another head go first."""

    delay: int = 0


class Stop(NamedTuple):
    """It need not be off any more: no further try. A program that runs goes on to its end."""


class Tick(NamedTuple):
    """A moment that was waited for (``wake_at``) has come."""


class Finished(NamedTuple):
    """A program has ended."""

    ended: Ended


Event = Union[Fence, Stop, Tick, Finished]


class Run(NamedTuple):
    """Have the worker run a program."""

    job: str
    program: Program


class Report(NamedTuple):
    """A try has ended. After anything but CONFIRMED another one follows, until Stop."""

    verdict: Verdict


Action = Union[Run, Report]


class Decision(NamedTuple):
    """The new state, what is to be done, and a sentence; empty when nothing was decided."""

    state: State
    actions: tuple[Action, ...] = ()
    sentence: str = ""


def program(fencing: Fencing, action: str, limit: float) -> Program:
    """Return the program for an action. What the credentials file says comes first, and the
    agents take the last of two lines with the same name: it cannot change the action."""
    lines = [f"{name}={value}" for name, value in (*fencing.options, ("action", action))]
    return Program(
        (f"{DIRECTORY}/{fencing.agent}",),
        input="".join(f"{line}\n" for line in lines),
        secrets=fencing.credentials_file,
        limit=limit,
        finish=True,  # half switched off helps nobody
    )


def step(state: State, event: Event, now: int) -> Decision:
    """Return what follows from an event at ``now``; events must come in order of time."""
    if isinstance(event, Fence):
        return _begin(state, event.delay, now)
    if isinstance(event, Stop):
        stage = state.stage if state.job else Stage.IDLE
        wake = state.wake if state.job else 0
        return Decision(state._replace(wanted=False, stage=stage, wake=wake))
    if isinstance(event, Finished):
        return _finished(state, event.ended, now)
    if not state.wake or now < state.wake:
        return Decision(state)
    if state.job:
        return _finished(state, Ended(state.job, How.LOST), now)
    if state.stage is Stage.PAUSING and now < state.until:
        return _look(state, now)
    return _switch_off(state, now)


def wake_at(state: State) -> int:
    """Return the moment of the next Tick that this state needs; FOREVER when it needs none."""
    return state.wake or FOREVER


def _begin(state: State, delay: int, now: int) -> Decision:
    state = state._replace(wanted=True)
    if state.job or state.stage in (Stage.DELAYED, Stage.PAUSING):
        return Decision(state)  # at it already
    state = state._replace(pause=SHORTEST_PAUSE, tries=0)
    if delay:
        return Decision(state._replace(stage=Stage.DELAYED, wake=now + delay))
    return _switch_off(state, now)


def _run(state: State, stage: Stage, action: str, limit: float, now: int) -> Decision:
    count = state.jobs + 1
    job = f"{PREFIX}:{action}:{count}"
    wake = now + int(limit * SECOND) + GUARD
    state = state._replace(stage=stage, job=job, wake=wake, jobs=count)
    return Decision(state, (Run(job, program(state.fencing, action, limit)),))


def _switch_off(state: State, now: int) -> Decision:
    limit = state.fencing.limit
    state = state._replace(until=now + int(limit * SECOND), off_said="", tries=state.tries + 1)
    sentence = f"switching the other head off with {state.fencing.agent}, try {state.tries}"
    return _run(state, Stage.SWITCHING, "off", limit, now)._replace(sentence=sentence)


def _look(state: State, now: int) -> Decision:
    return _run(state, Stage.LOOKING, "status", min(STATUS_LIMIT, state.fencing.limit), now)


def _finished(state: State, ended: Ended, now: int) -> Decision:
    if not state.job or ended.job != state.job:
        return Decision(state)
    state = state._replace(job="", wake=0)
    if state.stage is Stage.SWITCHING:
        well = ended.how is How.EXITED and ended.code == 0
        return _look(state._replace(off_said="" if well else f"off {ended.ending}"), now)
    verdict = read_status(ended)
    if verdict is Verdict.CONFIRMED:
        state = state._replace(stage=Stage.CONFIRMED, wanted=False)
        tail = f", although {state.off_said}" if state.off_said else ""
        sentence = f"the other head is off: {state.fencing.agent} says so{tail}"
        return Decision(state, (Report(verdict),), sentence)
    if verdict is Verdict.REFUSED and not state.off_said and now + POLL < state.until:
        return Decision(state._replace(stage=Stage.PAUSING, wake=now + POLL))
    return _failed(state, verdict, ended, now)


def _failed(state: State, verdict: Verdict, ended: Ended, now: int) -> Decision:
    """Pause, longer each time, and try again."""
    fencing = state.fencing
    if verdict is Verdict.REFUSED:
        why = f"{fencing.agent} says that the other head is still on"
    else:
        why = f"{fencing.agent} cannot say whether the other head is off: status {ended.ending}"
    if state.off_said:
        why = f"{why} ({state.off_said})"
    if not state.wanted:
        return Decision(state._replace(stage=Stage.IDLE), (Report(verdict),), why)
    sentence = f"{why}; trying again in {state.pause // SECOND} s"
    wake, longer = now + state.pause, min(LONGEST_PAUSE, state.pause * 2)
    state = state._replace(stage=Stage.PAUSING, wake=wake, until=now, pause=longer)
    return Decision(state, (Report(verdict),), sentence)


def read_status(ended: Ended) -> Verdict:
    """Return what the end of a ``status`` shows; what is not said twice over is UNKNOWN."""
    if ended.how is How.EXITED:
        off, on = _SAYS_OFF.search(ended.output), _SAYS_ON.search(ended.output)
        if ended.code == _OFF and off and not on:
            return Verdict.CONFIRMED
        if ended.code == _ON and on and not off:
            return Verdict.REFUSED
    return Verdict.UNKNOWN
