"""Makes a fault happen on the active head, and sees to it that what can be undone is undone."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.drill import remote
from backend.drill.faults import FROZEN_SECONDS, Fault
from backend.errors import CommandFailed, HaoscarError, Refused
from backend.rollout import services
from backend.rollout.services import Service
from backend.system.runner import Runner

QUICK = 10.0  # seconds for what ends at once
Finish = Callable[[], None]  # waits until the fault itself is over


@contextmanager
def injected(fault: Fault, runner: Runner, service: Service) -> Iterator[Finish]:
    """Make the fault; the body gets what waits for its end. Raises HaoscarError, Refused.

    Leaving the body lets a frozen agent go on. ``service``: the active head's agent.
    """
    if fault is Fault.AGENT_FROZEN:
        with _frozen(runner, service.pid) as finish:
            yield finish
        return
    if fault is Fault.PLANNED:
        answer = services.control(runner, "switchover")
        if answer.get("ok") is not True:
            raise Refused.of("drill.refused", f"The agent refuses: {answer.get('error')}.")
    elif fault is Fault.AGENT_KILLED:
        runner.run(remote.kill(service.pid).within(QUICK))
    else:
        runner.run(remote.reset().within(QUICK))
    yield lambda: None


@contextmanager
def _frozen(runner: Runner, pid: int) -> Iterator[Finish]:
    over, begun = threading.Event(), threading.Event()
    said: list[str] = []
    problems: list[HaoscarError] = []

    def take(line: str) -> None:
        said.append(line)
        begun.set()

    def work() -> None:
        command = remote.freeze(pid, FROZEN_SECONDS).within(FROZEN_SECONDS + QUICK)
        try:
            runner.stream(command.held_until(over.is_set), take, check=False)
        except HaoscarError as problem:
            problems.append(problem)
        finally:
            begun.set()

    thread = threading.Thread(target=work, name="freeze", daemon=True)
    thread.start()
    try:
        begun.wait(QUICK)
        if said[:1] != ["frozen"]:
            raise _not_frozen(said, problems)
        yield lambda: thread.join(FROZEN_SECONDS + QUICK)
    finally:
        over.set()
        thread.join(QUICK)
        with contextlib.suppress(CommandFailed):  # systemd may have ended that process long ago
            runner.run(remote.thaw(pid).within(QUICK))


def _not_frozen(said: list[str], problems: list[HaoscarError]) -> HaoscarError:
    why = problems[0].reports[0].text if problems else " ".join(said)[:200]
    return HaoscarError.of("drill.freeze", f"The agent could not be frozen: {why or 'no answer'}.")


def clock_offset(runner: Runner) -> float:
    """Return our wall clock less that of a machine, in seconds, to a few milliseconds.

    Raises CommandFailed, HaoscarError.
    """
    heard: list[tuple[float, str]] = []
    runner.stream(remote.clock().within(QUICK), lambda line: heard.append((time.time(), line)))
    try:
        return heard[0][0] - float(heard[0][1])
    except (IndexError, ValueError) as problem:
        raise HaoscarError.of("drill.clock", "Its clock could not be read.") from problem


def reset_problem(runner: Runner) -> str:
    """Return why a machine must not be reset; empty where it may be."""
    result = runner.run(remote.may_reset().within(QUICK), check=False)
    if result.ok:
        return ""
    said = result.stderr.strip().splitlines() or ["it cannot be told whether it is a container"]
    return said[-1][:200]
