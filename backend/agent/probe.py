"""``haoscar-agent probe``: measures from this machine for how long an address does not answer.

Prints one JSON line when the first answer has come and one with the result at the end; it ends
after its time, or when its standard input, a pipe, ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import stat
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from backend.agent.errors import AgentError
from backend.agent.gaps import Gaps
from backend.system.agent.echo import Connection, Echo
from backend.system.agent.process import boottime_us, join_realtime

HELP = """\
usage: haoscar-agent probe --address IP [--tcp PORT] [--every MS] [--seconds S]

Asks every 5 ms (--every) for an ICMP echo, or with --tcp for a connection, for 60 s (--seconds) or
until standard input ends. Prints JSON: {"ready": true}, then the gaps between the answers.
"""
MOST_SECONDS = 3600.0


class Order(NamedTuple):
    """What to measure."""

    address: str
    port: int = 0  # 0: ICMP
    every: int = 5_000  # microseconds
    seconds: float = 60.0


def run(words: Sequence[str]) -> int:
    """Measure; returns the exit code: 0 it answered, 1 it never did. Raises AgentError."""
    if {"-h", "--help"} & set(words):
        sys.stdout.write(HELP)
        return 0
    order = parse(words)
    try:
        asker = Connection(order.address, order.port) if order.port else Echo(order.address)
    except OSError as problem:
        raise AgentError(str(problem)) from problem
    with contextlib.suppress(OSError):  # its own lateness is measured and told
        join_realtime(40)
    return _measure(order, asker)


def parse(words: Sequence[str]) -> Order:
    """Return the order; raises AgentError."""
    given: dict[str, str] = {}
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        if name not in ("--address", "--tcp", "--every", "--seconds"):
            raise AgentError(f"probe has no option {word[:60]!a}. Try: haoscar-agent probe --help")
        given[name] = value if equals else next(left, "")
    try:
        order = Order(
            given["--address"],
            int(given.get("--tcp", "0")),
            int(float(given.get("--every", "5")) * 1000),
            float(given.get("--seconds", "60")),
        )
    except KeyError:
        raise AgentError("probe needs an address: --address IP") from None
    except ValueError as problem:
        raise AgentError(f"probe: {problem}") from None
    if not (0 <= order.port < 65536 and 1000 <= order.every <= 1_000_000):
        raise AgentError("probe: a port is 1 to 65535, and --every is 1 to 1000 ms")
    if not 0 < order.seconds <= MOST_SECONDS:
        raise AgentError(f"probe: --seconds is more than 0 and at most {MOST_SECONDS:g}")
    return order


def _measure(order: Order, asker: Echo | Connection) -> int:
    gaps = Gaps(order.every)
    now = boottime_us()
    end, due, asked, said = now + int(order.seconds * 1e6), now, 0, False
    watching = _ends(os.fstat(0).st_mode)
    while now < end:
        if now >= due:
            if asked:
                gaps.late(now - due)
            asker.ask()
            asked += 1
            due = max(due + order.every, now)
        _wait(due - now, asker, watching=watching)
        now = boottime_us()
        for _ in range(asker.answers()):
            gaps.answered(now)
        if gaps.answers and not said:
            said = True
            _say({"ready": True})
        if watching and select.select((0,), (), (), 0)[0] and not os.read(0, 64):
            watching, end = False, now
    gaps.ended(now)
    asker.close()
    _say(gaps.as_dict(asked, time.time(), now))
    return 0 if gaps.answers else 1


def _ends(mode: int) -> bool:
    """Whether standard input is something that ends when its other side does."""
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _wait(microseconds: int, asker: Echo | Connection, *, watching: bool) -> None:
    """Wait for an answer, for the next question, or for the end of standard input."""
    readers: list[int] = [0] if watching else []
    if isinstance(asker, Echo):
        readers.append(asker.fileno())
    else:
        microseconds = min(microseconds, 1000)  # a connection is looked at, not waited for
    select.select(readers, (), (), max(0, microseconds) / 1e6)


def _say(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
