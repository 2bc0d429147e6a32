"""What the prober's records of a stretch of time prove. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backend.lab.failover.prober import ARP_US, JUDGE_US, NETS, Record
from backend.lab.topology import Net
from backend.system.vip_prober import ARP, CLIENT, JUDGE, LATE

QUIET_US = 300_000  # a head that answered nobody for so long begins anew
STALLED_US = 20_000  # a repetition in which the prober itself was this late is left out


@dataclass(frozen=True, slots=True)
class Findings:
    """Times are milliseconds."""

    outage: dict[Net, float]  # the longest time between two answers to a client
    ended: bool  # whether every client was answered again before the end
    silence: float  # the longest time in which neither head answered the judge (steps of 2 ms)
    dual: float  # in which both heads answered, or ARP had two answers
    apart: float  # between the two networks' first answers of the head that took over
    takeovers: int
    serving: str  # the head that answered last; "" when none did
    late: float  # the prober's own worst delay

    @property
    def worst(self) -> float:
        """The outage on the network that had the longer one."""
        return max(self.outage.values())

    @property
    def stalled(self) -> bool:
        """Whether the measurement itself was disturbed."""
        return self.late * 1000 > STALLED_US


def judge(records: Iterable[Record], begin: int, end: int, nets: Sequence[Net] = NETS) -> Findings:
    """Judge the stretch from ``begin`` to ``end`` (us); outages count on ``nets`` only."""
    kinds: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        if begin <= record.sent <= end:
            kinds[record.kind].append(record)
    answers = sorted(kinds[JUDGE], key=lambda one: one.sent)
    gaps = {net: _longest(_received(kinds[CLIENT], net), begin, end) for net in nets}
    silences = [
        _longest([one.sent for one in answers if one.net is net], begin, end)[0] for net in nets
    ]
    changes = _changes(answers)
    return Findings(
        outage={net: gap / 1000 for net, (gap, _) in gaps.items()},
        ended=all(ended for _, ended in gaps.values()),
        silence=max(silences) / 1000,
        dual=max(_dual_ticks(answers) * JUDGE_US, _dual_arp(kinds[ARP]) * ARP_US) / 1000,
        apart=_apart(answers, changes) / 1000,
        takeovers=len(changes),
        serving=answers[-1].head if answers else "",
        late=max((one.number for one in kinds[LATE]), default=0) / 1000,
    )


def _received(answers: Iterable[Record], net: Net) -> list[int]:
    return sorted(one.sent + one.number for one in answers if one.net is net)


def _longest(moments: Sequence[int], begin: int, end: int) -> tuple[int, bool]:
    """Return the longest gap, and whether answers came again before the end."""
    edges = [begin, *(one for one in moments if begin <= one <= end), end]
    gaps = [later - earlier for earlier, later in pairwise(edges)]
    # The last gap is an outage that goes on, unless it is as short as between any two answers.
    return max(gaps), gaps[-1] <= QUIET_US // 3


def _dual_ticks(answers: Iterable[Record]) -> int:
    """Count the ticks in which, on some network, one head answered before and after the other."""
    seen: dict[tuple[int, Net], dict[int, str]] = defaultdict(dict)
    for one in answers:
        seen[one.sent, one.net][one.number] = one.head
    dual = {
        sent
        for (sent, _net), places in seen.items()
        if len(places) == 3 and places[0] == places[2] != places[1]
    }
    return len(dual)


def _dual_arp(answers: Iterable[Record]) -> int:
    claimed: dict[tuple[int, Net], set[str]] = defaultdict(set)
    for one in answers:
        claimed[one.sent, one.net].add(one.head)
    both = [net for (_sent, net), heads in claimed.items() if len(heads) > 1]
    return max(both.count(net) for net in NETS)


def _changes(answers: Sequence[Record]) -> list[tuple[int, str]]:
    """Return when which head began to serve after, or beside, the other one."""
    last: dict[str, int] = {}
    changes: list[tuple[int, str]] = []
    for one in answers:
        before = last.get(one.head, -1)
        began = before < 0 or one.sent - before > QUIET_US
        if began and any(head != one.head and sent > before for head, sent in last.items()):
            changes.append((one.sent, one.head))
        last[one.head] = one.sent
    return changes


def _apart(answers: Sequence[Record], changes: Sequence[tuple[int, str]]) -> int:
    """Return how long after the first network the last one was answered by the new head."""
    worst = 0
    sent = [one.sent for one in answers]
    for moment, head in changes:
        first: dict[Net, int] = {}
        for one in answers[bisect_left(sent, moment) :]:
            if one.head == head:
                first.setdefault(one.net, one.sent)
                if len(first) == len(NETS):
                    worst = max(worst, max(first.values()) - min(first.values()))
                    break
    return worst
