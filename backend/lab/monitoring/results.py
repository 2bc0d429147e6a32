"""What the monitoring bench has measured, and whether the promises were kept. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.lab.monitoring.meter import Traffic

MOST_CPU = 0.9  # per cent of one core: the original's figure for one check
MOST_BYTES = 10_000.0  # a second
MOST_LATE = 1.0  # seconds
INTERVALS = (1.0, 3.0, 10.0, 30.0, 60.0)  # seconds between two polls
SIZES = (1, 5, 20, 50)  # processes that an SNMP agent lists


@dataclass(frozen=True, slots=True)
class Late:
    """How late checks began."""

    worst: float  # seconds
    median: float
    checks: int  # that were seen
    skipped: int  # that were due while the one before ran
    whole: bool = True  # every service was seen over two intervals


@dataclass(frozen=True, slots=True)
class Load:
    """What a watch list costs."""

    name: str  # for programs
    title: str  # for people
    mix: str
    services: int
    seconds: float  # over which it was measured
    checks: float  # a second, as configured
    cpu: Mapping[str, float]  # program: per cent of one core
    memory: Mapping[str, int]  # program: bytes resident
    traffic: Traffic  # a second, on the cables of the head that checks
    late: Late | None = None
    asked: str = ""  # what else the watch process did meanwhile, because of the bench
    not_well: tuple[str, ...] = ()  # services that were not ok, with what they said

    @property
    def watch_cpu(self) -> float:
        """Of the watch process that checks, with its children."""
        return self.cpu["watch"]

    @property
    def check_us(self) -> float | None:
        """Microseconds of the processor for each check with all around it; None: too few of them."""
        return self.watch_cpu * 1e4 / self.checks if self.checks >= 1 else None


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll of the processes of one machine costs the network."""

    size: int  # processes that its SNMP agent lists
    bytes: float  # of one poll: question and answer, with all headers
    frames: float
    polls: int  # that were counted
    measured: Mapping[float, float]  # interval: bytes a second that were measured

    def rate(self, interval: float) -> float:
        """Return bytes a second: measured, or reckoned from the bytes of one poll."""
        return self.measured.get(interval, self.bytes / interval)


@dataclass(frozen=True, slots=True)
class Promise:
    """One figure with its promise."""

    what: str
    value: float
    limit: float
    unit: str
    name: str

    @property
    def kept(self) -> bool:
        """Whether it is within its limit."""
        return self.value <= self.limit

    @property
    def verdict(self) -> str:
        """Say it in words."""
        if self.kept:
            return "kept"
        return f"missed: {self.value / self.limit:.2f} times what was promised"


@dataclass
class MonitoringBench:
    """Everything that was measured."""

    quick: bool = False
    began: str = ""  # ISO 8601
    program: str = ""  # what was measured
    machine: str = ""  # that it was measured on
    loads: list[Load] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)

    def load(self, name: str) -> Load | None:
        """Return one of the loads."""
        return next((one for one in self.loads if one.name == name), None)

    @property
    def promises(self) -> list[Promise]:
        """Each figure with its promise."""
        found = []
        usual, many = self.load("usual"), self.load("many")
        if usual is not None:
            what = "the three default rows and 20 more services at 3 s"
            cpu = "processor time of the watch process, per cent of one core"
            found = [
                Promise(f"{what}: {cpu}", usual.watch_cpu, MOST_CPU, "%", "cpu_percent"),
                Promise(f"{what}: network", usual.traffic.monitoring / 1000, MOST_BYTES / 1000,
                        "kB/s", "kilobytes_per_second"),
            ]  # fmt: skip
        if many is not None and many.late is not None:
            what = f"{many.title}: the latest check"
            found.append(Promise(what, many.late.worst, MOST_LATE, "s", "late_seconds"))
        return found

    @property
    def problems(self) -> list[str]:
        """What makes figures doubtful, in sentences."""
        found = []
        for one in self.loads:
            if one.not_well:
                found.append(f"{one.title}: {len(one.not_well)} services were not well: {one.not_well[0]}")  # fmt: skip
            if one.late is not None and not one.late.whole:
                found.append(f"{one.title}: not every service was seen over two intervals.")
            if one.late is not None and one.late.skipped:
                found.append(f"{one.title}: {one.late.skipped} checks were left out, because the one before had not ended.")  # fmt: skip
        return found

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and every figure is what it should be."""
        return all(one.kept for one in self.promises) and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "quick": self.quick,
            "began": self.began,
            "program": self.program,
            "machine": self.machine,
            "promises_kept": self.kept,
            "promises": [
                {"name": one.name, "what": one.what, "value": round(one.value, 3),
                 "limit": one.limit, "unit": one.unit, "kept": one.kept}
                for one in self.promises
            ],
            "problems": self.problems,
            "loads": [_load(one) for one in self.loads],
            "polling": [_poll(one) for one in self.polls],
        }  # fmt: skip


def _load(one: Load) -> dict[str, Any]:
    late = one.late
    traffic = one.traffic
    return {
        "name": one.name, "title": one.title, "mix": one.mix, "services": one.services,
        "seconds": round(one.seconds, 1), "checks_per_second": round(one.checks, 2),
        "cpu_percent": {name: round(value, 3) for name, value in one.cpu.items()},
        "cpu_us_per_check": None if one.check_us is None else round(one.check_us),
        "resident_bytes": dict(one.memory),
        "bytes_per_second": {
            "monitoring": round(traffic.monitoring), "snmp": round(traffic.snmp),
            "link": round(traffic.link), "checks": round(traffic.checks),
            "agent": round(traffic.agent),
        },
        "late": None if late is None else {
            "worst_s": round(late.worst, 4), "median_s": round(late.median, 4),
            "checks": late.checks, "skipped": late.skipped, "whole": late.whole,
        },
        "asked": one.asked, "not_well": list(one.not_well),
    }  # fmt: skip


def _poll(one: Poll) -> dict[str, Any]:
    return {
        "processes": one.size, "bytes_per_poll": round(one.bytes, 1),
        "frames_per_poll": round(one.frames, 1), "polls_counted": one.polls,
        "bytes_per_second": {
            f"{interval:g}": {
                "value": round(one.rate(interval), 1), "measured": interval in one.measured,
            }
            for interval in INTERVALS
        },
    }  # fmt: skip


PROMISE_HEADERS = ("what", "measured", "promised", "verdict")
LOAD_HEADERS = (
    "watch list", "checks/s", "watch", "standby's", "snmpd", "us/check", "memory", "SNMP",
    "heads", "others", "in all", "late", "median",
)  # fmt: skip
POLL_HEADERS = ("processes", "bytes/poll", "frames", *(f"{one:g} s" for one in INTERVALS))


def promise_cells(promises: list[Promise]) -> list[tuple[str, ...]]:
    """Return the rows of the table of promises."""
    return [
        (one.what, f"{one.value:.2f} {one.unit}", f"{one.limit:g} {one.unit}", one.verdict)
        for one in promises
    ]


def load_cells(loads: list[Load]) -> list[tuple[str, ...]]:
    """Return the rows of the table of loads; rates in kB/s."""
    return [
        (
            one.title, f"{one.checks:.1f}", f"{one.watch_cpu:.2f} %",
            f"{one.cpu['watch of the standby']:.2f} %", f"{one.cpu['snmpd']:.2f} %",
            "-" if one.check_us is None else f"{one.check_us:.0f}", f"{one.memory['watch'] / 1e6:.1f} MB",
            *(f"{each / 1000:.2f}" for each in (
                one.traffic.snmp, one.traffic.link, one.traffic.checks, one.traffic.monitoring,
            )),
            "-" if one.late is None else f"{one.late.worst:.3f} s",
            "-" if one.late is None else f"{one.late.median:.3f} s",
        )
        for one in loads
    ]  # fmt: skip


def poll_cells(polls: list[Poll]) -> list[tuple[str, ...]]:
    """Return the rows of the table of polling, in bytes a second; ~ is reckoned, not measured."""
    return [
        (
            str(one.size), f"{one.bytes:.0f}", f"{one.frames:.0f}",
            *(f"{'' if each in one.measured else '~'}{one.rate(each):.0f}" for each in INTERVALS),
        )
        for one in polls
    ]  # fmt: skip
