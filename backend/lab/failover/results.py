"""What came out of the repetitions of a fault, and whether the promises were kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from backend.lab.failover.catalogue import Fault, Promise
from backend.lab.failover.judge import Findings
from backend.lab.failover.places import HEADS, OURS


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition; ``after`` is what happened from the healing on."""

    broken: Findings
    after: Findings | None = None
    whole: bool = True  # whether everything was well again, without starting the engine anew

    @property
    def stalled(self) -> bool:
        """Whether the prober itself stood still: the repetition proves nothing."""
        return self.broken.stalled or (self.after is not None and self.after.stalled)

    @property
    def dual(self) -> float:
        """In which two heads answered, healing included; ms."""
        return self.broken.dual + (self.after.dual if self.after else 0.0)

    @property
    def settled(self) -> bool:
        """Whether one head served at the end."""
        last = self.after or self.broken
        return bool(last.serving) and last.ended


@dataclass(frozen=True, slots=True)
class Series:
    """One fault with one engine; all times are milliseconds."""

    engine: str
    kept: tuple[Repetition, ...] = ()
    left_out: int = 0  # repetitions in which the prober stood still

    def with_one(self, one: Repetition) -> "Series":
        """Return the series with one more repetition."""
        if one.stalled:
            return replace(self, left_out=self.left_out + 1)
        return replace(self, kept=(*self.kept, one))

    @property
    def outages(self) -> list[float]:
        """Of each repetition, on the network that had the longer one."""
        return [one.broken.worst for one in self.kept]

    @property
    def open(self) -> int:
        """How many outages lasted as long as the fault."""
        return sum(1 for one in self.kept if not one.broken.ended)

    @property
    def dual(self) -> float:
        """In which two heads answered, in the worst repetition."""
        return max((one.dual for one in self.kept), default=0.0)

    @property
    def takeovers(self) -> list[int]:
        """During the fault."""
        return [one.broken.takeovers for one in self.kept]

    @property
    def apart(self) -> float:
        """The longest time between the two networks' takeovers."""
        return max((one.broken.apart for one in self.kept), default=0.0)

    @property
    def after(self) -> float:
        """The longest outage from the healing on."""
        return max((one.after.worst for one in self.kept if one.after), default=0.0)

    def broken_promises(self, promise: Promise) -> list[str]:
        """Return what did not hold, each as a short sentence."""
        if not self.kept:
            return ["nothing was measured"]
        found = []
        if self.dual > 0:
            found.append(f"two heads served for {self.dual:.0f} ms")
        if promise.median is not None and median(self.outages) > promise.median:
            found.append(f"median above {promise.median:g} ms")
        if promise.worst is not None and (max(self.outages) > promise.worst or self.open):
            found.append(f"worst above {promise.worst:g} ms")
        if promise.apart is not None and self.apart > promise.apart:
            found.append(f"virtual IPs {self.apart:.0f} ms apart")
        if promise.takeovers is not None and set(self.takeovers) != {promise.takeovers}:
            found.append(f"takeovers {_span(self.takeovers)}, not {promise.takeovers}")
        if promise.after is not None and self.after > promise.after:
            found.append(f"{self.after:.0f} ms of outage after the heal")
        if promise.after is not None and not all(one.settled for one in self.kept):
            found.append("nobody served in the end")
        if not all(one.whole for one in self.kept):
            found.append("was not whole again")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "repetitions": len(self.kept),
            "left_out": self.left_out,
            "outage_ms": [round(one, 1) for one in self.outages],
            "median_ms": round(median(self.outages), 1) if self.kept else None,
            "worst_ms": round(max(self.outages), 1) if self.kept else None,
            "never_ended": self.open,
            "silence_ms": [round(one.broken.silence, 1) for one in self.kept],
            "dual_ms": [round(one.dual, 1) for one in self.kept],
            "takeovers": self.takeovers,
            "apart_ms": [round(one.broken.apart, 1) for one in self.kept],
            "after_heal_ms": [round(one.after.worst, 1) for one in self.kept if one.after],
            "whole_again": all(one.whole for one in self.kept),
            "prober_late_ms": [round(one.broken.late, 1) for one in self.kept],
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """What an engine uses on one machine while nothing happens."""

    cpu: float  # per cent of one processor
    bytes: float  # a second, sent and received
    memory: int  # bytes resident


HEAD_COST, WITNESS_COST = Cost(1.0, 50e3, 40_000_000), Cost(0.3, 50e3, 15_000_000)


def cost_of(name: str, profile: str) -> Cost:
    """Return what is promised for one of our members; a shorter lease is renewed more often."""
    found = HEAD_COST if name in HEADS else WITNESS_COST
    return replace(found, cpu=2 * found.cpu) if profile == "fast" else found


def broken_cost(name: str, cost: Cost, profile: str) -> list[str]:
    """Return what one of our members uses too much of while nothing happens."""
    promised = cost_of(name, profile)
    found = []
    if cost.cpu > promised.cpu:
        found.append(f"processor above {promised.cpu:g} %")
    if cost.bytes > promised.bytes:
        found.append(f"traffic above {promised.bytes / 1000:g} kB/s")
    if cost.memory > promised.memory:
        found.append(f"memory above {promised.memory / 1e6:g} MB")
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One fault."""

    fault: Fault
    ours: Series
    theirs: Series | None

    @property
    def ratio(self) -> float | None:
        """Their median outage divided by ours; None where there is nothing to compare."""
        theirs = self.theirs
        if theirs is None or not theirs.kept or not self.ours.kept:
            return None
        if theirs.open or self.ours.open:  # one that never ended is as long as one watched it
            return None
        return median(theirs.outages) / max(median(self.ours.outages), 0.001)

    def broken_promises(self, profile: str) -> list[str]:
        """Return what did not hold."""
        found = self.ours.broken_promises(promise_of(self.fault, profile))
        if self.fault.name == "F1" and self.ratio is not None and self.ratio <= 1:
            found.append("not below keepalived")
        return found

    def as_dict(self, profile: str) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "fault": self.fault.name,
            "title": self.fault.title,
            "ours": self.ours.as_dict(),
            "theirs": None if self.theirs is None else self.theirs.as_dict(),
            "ratio": None if self.ratio is None else round(self.ratio, 2),
            "broken_promises": self.broken_promises(profile),
        }


@dataclass
class FailoverBench:
    """Everything that was measured."""

    profile: str
    against: str  # "" for nothing
    rows: list[Row] = field(default_factory=list)
    costs: dict[str, dict[str, Cost]] = field(default_factory=dict)  # engine, machine
    skipped: dict[str, str] = field(default_factory=dict)  # fault, why
    realtime: bool = True

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        idle = self.costs.get(OURS, {}).items()
        return not any(row.broken_promises(self.profile) for row in self.rows) and not any(
            broken_cost(name, cost, self.profile) for name, cost in idle
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "profile": self.profile,
            "against": self.against or None,
            "promises_kept": self.kept,
            "prober_realtime": self.realtime,
            "faults": [row.as_dict(self.profile) for row in self.rows],
            "idle": {
                engine: {
                    name: {
                        "cpu_percent": round(one.cpu, 2),
                        "bytes_per_second": round(one.bytes),
                        "resident_bytes": one.memory,
                    }
                    for name, one in costs.items()
                }
                for engine, costs in self.costs.items()
            },
            "skipped": self.skipped,
        }


FAST = {"F1": Promise(median=130, worst=250, takeovers=1)}


def promise_of(fault: Fault, profile: str) -> Promise:
    """Return what is promised for a fault under a profile."""
    return FAST.get(fault.name, fault.promise) if profile == "fast" else fault.promise


HEADERS = (
    "fault", "what", "n", "ours ms", "max", "theirs ms", "max", "ratio", "dual ms", "theirs",
    "takeovers", "theirs", "after heal", "verdict",
)  # fmt: skip


def cells(row: Row, profile: str) -> tuple[str, ...]:
    """Return a row of the table, see HEADERS."""
    broken = row.broken_promises(profile)
    ours, theirs = row.ours, row.theirs
    left_out = f" (-{ours.left_out})" if ours.left_out else ""
    return (
        row.fault.name, row.fault.title, f"{len(ours.kept)}{left_out}", *_outage(ours),
        *(("-", "-") if theirs is None else _outage(theirs)),
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        f"{ours.dual:.0f}", "-" if theirs is None else f"{theirs.dual:.0f}",
        _span(ours.takeovers), "-" if theirs is None else _span(theirs.takeovers),
        f"{ours.after:.0f}" if any(one.after for one in ours.kept) else "-",
        "; ".join(broken) if broken else "kept",
    )  # fmt: skip


def cost_cells(costs: dict[str, dict[str, Cost]], profile: str) -> list[tuple[str, ...]]:
    """Return the rows of the table of idle costs."""
    return [
        (engine, name, f"{one.cpu:.2f} %", f"{one.bytes / 1000:.1f} kB/s",
         f"{one.memory / 1e6:.1f} MB",
         ("; ".join(broken_cost(name, one, profile)) or "kept") if engine == OURS else "")
        for engine, found in costs.items()
        for name, one in found.items()
    ]  # fmt: skip


COST_HEADERS = ("engine", "machine", "processor", "traffic", "memory", "verdict")


def _outage(series: Series) -> tuple[str, str]:
    if not series.kept:
        return "-", "-"
    if series.open == len(series.kept):
        return "never", "never"
    worst = "never" if series.open else f"{max(series.outages):.0f}"
    return f"{median(series.outages):.0f}", worst


def _span(counts: Sequence[int]) -> str:
    if not counts:
        return "-"
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}-{high}"
