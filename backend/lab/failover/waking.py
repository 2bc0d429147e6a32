"""What waking up alone costs on this machine, beside an idle agent: on virtual machines that differs
much from one to the next, and from hour to hour."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from backend.agent.core.timing import SECOND, Timing
from backend.lab.failover.machine import Machine
from backend.lab.failover.programs import Program
from backend.system.runner import Command

WAKING = "only wakes up"  # stands in the place of an engine
IN_A_ROUND = 2  # an active head at rest wakes up to ask, and to read the answers
_LOOP = "import select\nwhile True:\n    select.select((), (), (), {:f})"


@contextlib.contextmanager
def only_waking(machine: Machine, logs: Path) -> Iterator[Program]:
    """Run a Python program on a machine that wakes up as often as an active head at rest."""
    loop = _LOOP.format(Timing().rest / IN_A_ROUND / SECOND)
    command = Command.of(sys.executable, "-I", "-S", "-c", loop).within(None)
    program = machine.start(command, logs / "waking.out")
    try:
        yield program
    finally:
        program.kill()
