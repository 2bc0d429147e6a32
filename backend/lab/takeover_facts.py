"""What a demo's takeover looked like: pure data for the report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TakeoverFacts:
    """What the compute node saw, and what the agents say."""

    virtual_ip: str
    prober: str
    outage_ms: float
    prober_lateness_ms: float
    asked: int
    answered: int
    lost_power: str
    active: str
    term: int
    lease_ms: float
    sentences: tuple[str, ...]  # the decisions of the head that took over
