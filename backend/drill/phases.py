"""The phases of a takeover, in milliseconds after the fault, from what a drill has seen. Pure."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from backend.drill.outcome import Outcome, Sentence

NOTICED = ("campaign for ", "ready to take over")  # how a standby's first sentence begins
STARTED = " runs; its start took "  # a part of what is said when a resource has been started


class Phase(NamedTuple):
    """A part of the time that a takeover takes, both ends in milliseconds after the fault."""

    name: str
    begin: float
    end: float


def phases(outcome: Outcome) -> tuple[Phase, ...]:
    """Return detect, decide, take over, announce and services, each beginning where the last ended.

    They are the takeover's: a gap that begins when a head serves again is another outage. Detect ends
    when the head that serves says that it noticed, decide when it says that it serves: until then
    its addresses are configured behind the gate. Take over ends with the first witness's answer at a
    virtual IP, announce with the last one's, services with the last service that answers and the
    last resource that runs. An end that nobody has seen is that of the phase before; services are
    left out where there are none. The heads' clocks are compared to a few milliseconds, the
    witnesses' as well: nothing but the services ends later than the last answer.
    """
    found: list[Phase] = []
    begin = 0.0
    for name, end in _ends(outcome):
        end = max(begin, round(end, 1))
        found.append(Phase(name, begin, end))
        begin = end
    return tuple(found)


def total_ms(outcome: Outcome) -> float:
    """Return for how long the takeover kept a virtual IP away, as a witness measured it."""
    gaps = (outcome.takeover(one) for one in outcome.rows if not one.target.service)
    return max((gap.ms for row in gaps for gap in row), default=0.0)


def _ends(outcome: Outcome) -> Iterator[tuple[str, float]]:
    """Yield the end of each phase; 0 where nobody has seen it."""
    serving = outcome.served
    active = outcome.after[0] if serving is None else serving.head
    said = [one for one in outcome.sentences if one.head == active and one.kind == "decision"]
    noticed = next((one for one in said if one.text.startswith(NOTICED)), None)
    addresses = _answers(outcome, service=False)
    services = _answers(outcome, service=True)
    services += [_ms(one) for one in said if STARTED in one.text]
    last = max(addresses, default=0.0) or math.inf
    yield "detect", min(_ms(noticed), last)
    yield "decide", min(_ms(serving), last)
    yield "take over", min(addresses, default=0.0)
    yield "announce", max(addresses, default=0.0)
    if services:
        yield "services", max(services)


def _ms(sentence: Sentence | None) -> float:
    return 0.0 if sentence is None else max(0.0, sentence.at * 1000)


def _answers(outcome: Outcome, *, service: bool) -> list[float]:
    """Return for each row when it answered again, in milliseconds after the fault."""
    return [
        max((gap.end * 1000 for gap in outcome.takeover(row)), default=0.0)
        for row in outcome.rows
        if not row.problem and bool(row.target.service) == service
    ]
