"""What is heard of whom on which network, and which networks are well. Pure: no I/O, no clock.

A network is unwell when its carrier is gone, or when its silence is this machine's own fault as
far as this machine can tell. The silence of the dead proves nothing; that of the living does: a
member that belongs on the network, has gone on speaking on another one, and nobody was heard on
this one meanwhile. So neither witnesses that are switched off nor a dead peer make a network
unwell, nor does a process that stood still and heard nobody anywhere.

The two heads compare what they say, and a tie should go to the one that serves. When a switch
dies for both, the standby therefore calls it unwell first (after nine tenths of a lease; the active
head after half as much again) and well again last, and a peer that says itself that its network is not
well is no evidence against this machine. On a network that drops much the patience is longer: as
many datagrams as would be lost by chance once in a million times.
"""

from __future__ import annotations

import math
from typing import Any

from backend.agent.settings import Settings

SPAN = 256  # datagrams over which loss is counted
PROBES = 6  # of a silent network, in the length of a lease
RECENT = 4  # of each way, that tell of loss which has just begun
_ALL = (1 << SPAN) - 1
_RESTARTED = 64  # sessions.py lets nothing pass that is so late: the numbers have begun anew
_SMOOTH = 16  # the part of a new value in a running mean, as in RFC 3550
_CHANCE = math.log(1e-6)
LOSSY, LEAST_COUNTED = 0.05, 32  # the part that is lost, of at least so many
_LEAST_LOSS = 0.01  # less is not measured well enough to rely on


class _Way:
    """One member on one network."""

    __slots__ = ("bits", "gap", "gaps", "jitter", "last", "mean", "span", "top")

    def __init__(self) -> None:
        self.last = 0  # when it was heard
        self.top = 0  # the highest number
        self.bits = 0  # bit i: number top - i was heard
        self.span = 0  # how many numbers that covers
        self.gaps = 0  # how many gaps ``mean`` knows
        self.gap = 0  # between the last two datagrams
        self.mean = 0  # of the gaps, times _SMOOTH
        self.jitter = 0  # times _SMOOTH

    @property
    def loss(self) -> float:
        """The part of the last numbers that was not heard."""
        if not self.span:
            return 0.0
        return 1 - bin(self.bits & ((1 << self.span) - 1)).count("1") / self.span

    @property
    def missed(self) -> int:
        """How many of the last ``RECENT`` numbers were not heard."""
        newest = min(self.span, RECENT)
        return newest - bin(self.bits & ((1 << newest) - 1)).count("1")

    def count(self, counter: int, *, outage: bool) -> bool:
        """Note a number; False when a later one was heard before it. What was not heard during an
        outage is no loss: a path that was dead a while ago is not patiently waited for."""
        ahead = counter - self.top
        if not self.last or ahead <= -_RESTARTED:
            self.top, self.bits, self.span = counter, 1, 1
        elif ahead <= 0:
            self.bits |= 1 << -ahead
            return False
        else:
            ahead = 1 if outage else ahead
            self.bits = (self.bits << ahead | 1) & _ALL if ahead < SPAN else 1
            self.span = min(SPAN, self.span + ahead)
            self.top = counter
        return True

    def time(self, now: int, longest: int) -> None:
        """Note a moment; what is longer than ``longest`` is an outage, not a gap."""
        if self.last:
            gap = min(now - self.last, longest)
            if self.gaps:
                self.mean += gap - self.mean // _SMOOTH
                self.jitter += abs(gap - self.gap) - (self.jitter + _SMOOTH // 2) // _SMOOTH
            else:
                self.mean = gap * _SMOOTH
            self.gap = gap
            self.gaps += 1
        self.last = now


class _Member:
    """One other member."""

    __slots__ = ("last", "name", "number", "since")

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.last = 0  # when it was heard, anywhere
        self.since = 0  # since when it has been heard without a long pause


class _Network:
    """One network that this machine has a card on."""

    __slots__ = ("back", "carrier", "expected", "index", "last", "name", "probed", "since", "well")

    def __init__(self, index: int, name: str, now: int) -> None:
        self.index = index
        self.name = name
        self.expected: list[tuple[_Member, _Way]] = []
        self.carrier = True
        self.since = now  # silence counts from here on
        self.last = 0  # when anybody was heard
        self.well = True
        self.back = 0  # since when nothing is wrong any more; 0: something is
        self.probed = 0


class Links:
    """The book of all links of this machine. Moments are microseconds of one clock."""

    def __init__(self, settings: Settings, now: int) -> None:
        self._lease = settings.timing.lease
        self._round = settings.timing.round
        self._there = settings.timing.there  # silence that is no longer a pause between two turns
        # Silence that a standby minds: it must be longer than the pause between two renewals, or the
        # first datagrams that get lost are taken for a dead network.
        self._least = self._lease * 9 // 10
        members = [_Member(one.id, one.name) for one in settings.members if one.id != settings.me]
        self._ways: dict[tuple[int, int], tuple[_Way, _Member, _Network]] = {}
        self._networks = [
            _Network(index, one.name, now)
            for index, one in enumerate(settings.networks)
            if settings.myself.addresses[index] or (settings.myself.head and one.interface)
        ]
        for network in self._networks:
            for member in members:
                if settings.member(member.number).addresses[network.index]:
                    way = _Way()
                    network.expected.append((member, way))
                    self._ways[member.number, network.index] = way, member, network
        heads = [one.id for one in settings.members if one.head and one.id != settings.me]
        self._peer = heads[0] if settings.myself.head and heads else 0
        self._all_well = sum(1 << one.index for one in self._networks)
        self._newest = 0  # when anybody was heard anywhere

    def heard(self, source: int, network: int, counter: int, now: int) -> None:
        """Note an accepted datagram; its number tells what was lost before it."""
        found = self._ways.get((source, network))
        if found is None:
            return
        way, member, place = found
        if way.count(counter, outage=now - way.last > self._there):
            way.time(now, self._lease)
        if now - member.last > 2 * self._lease:
            member.since = now
        member.last = place.last = self._newest = now

    def carrier(self, network: int, up: bool, now: int) -> None:
        """Note whether a card has a carrier; they are taken to have one at first."""
        for one in self._networks:
            if one.index == network and one.carrier != up:
                one.carrier, one.since = up, now

    def stalled(self, now: int) -> None:
        """This process stood still: no silence before ``now`` counts."""
        for one in self._networks:
            one.since = now

    def health_bits(self, now: int, *, serving: bool, other: int) -> int:
        """Return bit i for each network i that is well, as far as this machine can tell.

        ``serving``: this is the active head; ``other``: the low byte of the other head's last
        health, 0 before it said any. To be called at least once in a renewal's time: it remembers.
        """
        if self._calm():
            return self._all_well
        bits = 0
        for one in self._networks:
            if self._judge(one, now, serving, bool(other >> one.index & 1)):
                bits |= 1 << one.index
        return bits

    def probes(self, now: int) -> list[tuple[int, int]]:
        """Return to whom, on which network, a Hello should go, because it has become silent.

        A network counts as dead when nobody is heard on it; on a standby nobody but the active
        head speaks unasked. None while all is well. To be called as often as ``health_bits``.
        """
        found: list[tuple[int, int]] = []
        if self._calm():
            return found
        for one in self._networks:
            every = self._lease // PROBES
            newest = max((member.last for member, _ in one.expected), default=0)
            silent = newest - max(one.last, one.since) > every or not one.well
            if one.carrier and silent and now - one.probed >= every:
                one.probed = now
                found.extend((member.number, one.index) for member, _ in one.expected)
        return found

    def _calm(self) -> bool:
        """Whether every network was well and nobody is silent on any: then it still is, and nobody
        need be asked. An idle agent asks itself nothing else."""
        due = self._newest - self._lease // PROBES
        return all([one.well and one.carrier and one.last >= due for one in self._networks])  # noqa: C419 - quicker

    def lossy(self, network: int) -> bool:
        """Whether datagrams get lost on a network more often than by accident."""
        losses = [way.loss for _, way in self._expected(network) if way.span >= LEAST_COUNTED]
        return max(losses, default=0.0) >= LOSSY

    def _expected(self, network: int) -> list[tuple[_Member, _Way]]:
        return next((one.expected for one in self._networks if one.index == network), [])

    def snapshot(self, now: int) -> list[dict[str, Any]]:
        """Return for each member and network what is known, for the status.

        ``loss``: the part of the last 256 datagrams that did not arrive, as the numbers of those
        that did show. ``jitter_us``: the running mean of the differences between one gap between
        datagrams and the next one (RFC 3550 compares with the sender's times, which are not
        sent; so an uneven sender shows, too). ``age_us``: since the last one. None: not known.
        """
        return [
            {
                "member": member.name,
                "network": network.name,
                "loss": round(way.loss, 4) if way.last else None,
                "jitter_us": way.jitter // _SMOOTH if way.gaps > 1 else None,
                "age_us": now - way.last if way.last else None,
                "well": network.well,
            }
            for way, member, network in self._ways.values()
        ]

    def _judge(self, network: _Network, now: int, serving: bool, other: bool) -> bool:
        """Return whether a network is well. A standby waits until it says so again."""
        excused = network.well and not other
        if not network.carrier or self._blamed(network, now, serving, excused):
            network.well, network.back = False, 0
        elif not network.well:
            network.back = network.back or now
            network.well = serving or now - network.back >= self._least
        return network.well

    def _blamed(self, network: _Network, now: int, serving: bool, excused: bool) -> bool:
        """Whether a living member proves that the silence here is this machine's fault."""
        heard = max(network.last, network.since)
        for member, way in network.expected:
            silent = member.last - max(heard, member.since)
            if silent <= self._least or now - member.last > 2 * self._lease:
                continue
            if excused and member.number == self._peer:
                continue
            patience = self._patience(way, serving)
            if silent > (patience + patience // 2 if serving else patience):
                return True
        return False

    def _weather(self) -> float:
        """The part of the very last datagrams of all members that was lost, wherever: where some
        get lost, what was not heard here may be lost, too, before a network's own count says so."""
        ways = [way for way, _member, _network in self._ways.values()]
        counted = sum(min(way.span, RECENT) for way in ways)
        return sum(way.missed for way in ways) / counted if counted else 0.0

    def _patience(self, way: _Way, serving: bool) -> int:
        """How long a member may be silent here while it speaks elsewhere.

        The active head hears answers: its question may be lost, too. And it repeats a question
        only until it is answered, on whichever network: what it then hears here in a row comes
        faster than what it may count on, one answer in a round.
        """
        if not way.last:
            return 2 * self._lease  # never met here yet
        if way.gaps < _SMOOTH:
            return self._least
        lost = min(max(way.loss, self._weather(), _LEAST_LOSS), 0.9)
        sent_every = way.mean / _SMOOTH * (1 - lost)
        if serving and lost >= LOSSY:
            lost, sent_every = 1 - (1 - lost) ** 2, max(sent_every, self._round)
        tries = _CHANCE / math.log(lost)
        needed = tries * sent_every
        if lost < LOSSY:  # after the first that did not come questions go out, see ``probes``
            needed = sent_every + (tries - 1) * min(sent_every, self._lease // PROBES)
        return int(min(max(self._least, needed), 4 * self._lease))
