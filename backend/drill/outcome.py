"""What a drill has shown, row by row, with a verdict on each and on the whole. Pure."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.drill.faults import EVERY_MS, Fault
from backend.drill.targets import Target

NOTED_MS = 3 * EVERY_MS  # a prober calls nothing shorter a gap
SERVING = ("active, term ", "restarted within my lease")  # how a new lease's first sentence begins
STILL = 0.1  # seconds: what begins so soon after that sentence is the same outage; clocks differ


class Verdict(enum.StrEnum):
    """What is to be said of one row."""

    WITHIN = "within the budget"
    TOO_LONG = "TOO LONG"
    DOUBTFUL = "doubtful"
    NOT_JUDGED = "nothing promised"
    NOT_MEASURED = "NOT MEASURED"

    @property
    def good(self) -> bool:
        """Whether the drill may pass with it."""
        return self in (Verdict.WITHIN, Verdict.NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without an answer."""

    begin: float  # seconds after the fault
    ms: float

    @property
    def end(self) -> float:
        """Seconds after the fault."""
        return self.begin + self.ms / 1000


@dataclass(frozen=True, slots=True)
class Row:
    """What one witness has seen of one virtual IP or service."""

    witness: str
    target: Target
    gaps: tuple[Gap, ...] = ()
    asked: int = 0
    answered: int = 0
    lateness_ms: float = 0.0  # of the prober itself, at its worst
    doubtful: int = 0  # gaps in which it was late
    problem: str = ""  # why there is no measurement

    @classmethod
    def of(cls, witness: str, target: Target, result: Mapping[str, Any], zero: float) -> "Row":
        """Read a prober's result; ``zero``: the moment of the fault on the witness's wall clock."""
        try:
            return cls(
                witness, target,
                tuple(
                    Gap(float(one["time"]) - zero, float(one["ms"])) for one in result["gaps"]
                ),
                int(result["asked"]), int(result["answered"]),
                float(result["own_lateness_ms"]), int(result["doubtful"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as problem:
            return cls(witness, target, problem=f"its prober's answer is none: {problem!r}")

    @property
    def after(self) -> tuple[Gap, ...]:
        """The gaps that count: those that had not ended before the fault."""
        return tuple(one for one in self.gaps if one.end > 0)

    @property
    def longest_ms(self) -> float:
        """The longest gap that counts; 0 when none was longer than NOTED_MS."""
        return max((one.ms for one in self.after), default=0.0)

    @property
    def before_ms(self) -> float:
        """The longest gap before the fault: what this network does by itself."""
        return max((one.ms for one in self.gaps if one.end <= 0), default=0.0)

    @property
    def verdict(self) -> Verdict:
        """Whether it was away no longer than was promised.

        A late prober makes gaps look longer, never shorter: it puts only an excess in doubt, and
        only as much of it as it was late.
        """
        if self.problem:
            return Verdict.NOT_MEASURED
        budget = self.target.budget_ms
        if budget is None:
            return Verdict.NOT_JUDGED
        if self.longest_ms <= budget:
            return Verdict.WITHIN
        if self.doubtful and self.longest_ms - self.lateness_ms <= budget:
            return Verdict.DOUBTFUL
        return Verdict.TOO_LONG

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "witness": self.witness,
            "address": self.target.address,
            "network": self.target.network,
            "service": self.target.service or None,
            "port": self.target.port or None,
            "budget_ms": self.target.budget_ms,
            "longest_ms": self.longest_ms,
            "longest_before_ms": self.before_ms,
            "counted": len(self.after),
            "gaps": [{"begin_s": round(one.begin, 4), "ms": one.ms} for one in self.gaps],
            "asked": self.asked,
            "answered": self.answered,
            "own_lateness_ms": self.lateness_ms,
            "doubtful": self.doubtful,
            "problem": self.problem or None,
            "verdict": self.verdict.name.lower(),
        }


@dataclass(frozen=True, slots=True)
class Sentence:
    """What an agent said during the drill."""

    at: float  # seconds after the fault
    head: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One drill."""

    fault: Fault
    started: str  # ISO 8601, local time with offset
    seconds: float  # from the fault to the end of the measurement
    lease_ms: float
    budget_ms: float
    before: tuple[str, str, int]  # active, standby, term
    after: tuple[str, int]  # active (empty: none, or two), term
    rows: tuple[Row, ...]
    sentences: tuple[Sentence, ...] = ()
    problems: tuple[str, ...] = ()  # what went wrong besides the outages
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def served(self) -> Sentence | None:
        """What a head said when it began to serve after the fault; None when none did."""
        decisions = (one for one in self.sentences if one.kind == "decision")
        return next((one for one in decisions if one.text.startswith(SERVING)), None)

    def takeover(self, row: Row) -> tuple[Gap, ...]:
        """Return the gaps of a row that are the takeover's own: later ones have other reasons."""
        served = self.served
        if served is None:
            return row.after[:1]
        return tuple(one for one in row.after if one.begin <= served.at + STILL)

    @property
    def ok(self) -> bool:
        """Whether everything was within what was promised."""
        return not self.problems and bool(self.rows) and all(one.verdict.good for one in self.rows)

    @property
    def verdict(self) -> str:
        """What is to be said of it, in a few sentences."""
        if self.ok:
            return f"Passed: {self._worst(Verdict.WITHIN)}, within the budget."
        wrong = [*self.problems]
        if any(one.verdict is Verdict.TOO_LONG for one in self.rows):
            wrong.append(f"{self._worst(Verdict.TOO_LONG)}, too long.")
        elif any(one.verdict is Verdict.DOUBTFUL for one in self.rows):
            wrong.append(
                f"{self._worst(Verdict.DOUBTFUL)}, but the prober was late itself, so that nobody can"
                " tell. Repeat it when the witnesses have less to do."
            )
        wrong += [
            f"{one.witness} did not measure {one.target.what}: {one.problem}."
            for one in self.rows
            if one.problem
        ]
        return "Failed: " + " ".join(wrong or ["nothing was measured."])

    def _worst(self, verdict: Verdict) -> str:
        """Return how long the worst of the rows with this verdict was away."""
        rows = [one for one in self.rows if one.verdict is verdict]
        worst = max(rows, key=lambda one: one.longest_ms, default=None)
        if worst is None or not worst.longest_ms:
            return f"nothing was away for more than {NOTED_MS:g} ms"
        gap = max(worst.after, key=lambda one: one.ms)
        late = "" if gap in self.takeover(worst) else f", {gap.begin:.1f} s after the fault"
        return f"{worst.target.what} did not answer {worst.witness} for {gap.ms:.0f} ms{late}"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        active, standby, term = self.before
        return {
            "fault": self.fault.value,
            "ok": self.ok,
            "verdict": self.verdict,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "lease_ms": self.lease_ms,
            "budget_ms": self.budget_ms,
            "before": {"active": active, "standby": standby, "term": term},
            "after": {"active": self.after[0] or None, "term": self.after[1]},
            "rows": [one.as_dict() for one in self.rows],
            "sentences": [
                {"at_s": round(one.at, 4), "head": one.head, "kind": one.kind, "sentence": one.text}
                for one in self.sentences
            ],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }
