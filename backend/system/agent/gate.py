"""The gate of the virtual IPs: the kernel closes it by itself when nobody holds it open.

A lease that has run out ends here even when this process is frozen or dead: each opening carries
its own expiry. Opening is one netlink transaction for all addresses and tables.

What it cannot do: the kernel counts an expiry from when it reads the request. A process that is
frozen between reading the clock and the kernel's reading opens the gate late, until its own second
look at the clock closes it, microseconds after it runs again (bpf_gate.py has no such hole), and
the kernel's timer stands still while a machine is suspended. It counts whole jiffies, downwards:
the gate closes up to two of them (8 ms where HZ is 250) before its time, never after it.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Sequence

from backend.system.agent import ruleset
from backend.system.agent.netlink import (
    NETFILTER,
    KernelError,
    Netlink,
    VirtualIPs,
    attributes,
    four_bytes,
    interface_index,
    listed,
    refused,
    text,
)
from backend.system.agent.process import boottime_us, jiffy_us
from backend.system.agent.ruleset import (
    ALIVE,
    ARP,
    DELETE_ELEMENT,
    FAMILIES,
    INET,
    LIFETIME,
    NETDEV,
    NEW_ELEMENT,
    TABLE,
    Part,
)

_MARK = 0x5A5A_5A5A_5A5A_5A5A  # stands for the expiration until it is known
_NO_SUCH_FLAG = (errno.EOPNOTSUPP, errno.EINVAL)


class Gate:
    """The gate of this network namespace. Not for two threads at once."""

    def __init__(self, vips: VirtualIPs, clock: Callable[[], int] = boottime_us) -> None:
        """``vips`` are (interface, IPv4 address); raises ValueError, OSError."""
        self._interfaces = list(dict.fromkeys(interface for interface, _ in vips))
        self._addresses = list(dict.fromkeys(address for _, address in vips))
        for address in self._addresses:
            four_bytes(address)
        self._clock = clock
        self._jiffy = jiffy_us()
        self._shortest = self._jiffy // 1000 + 1  # an older kernel takes 0 jiffies for "for ever"
        self._families: Sequence[int] = FAMILIES
        self._spare_egress = False  # whether ARP frames of programs are kept back in another way
        self._kernel = _nftables()
        self.protected = False  # nobody else can flush the tables while this process lives
        self._prepare()

    @property
    def way(self) -> str:
        """How it is enforced, for the status."""
        return "nftables" if self.protected else "nftables (another program can flush it)"

    def install(self) -> None:
        """Load the tables, in one transaction, closed; what is still open stays open.

        May be called again at any time: after an interface came back, or when ``intact`` says no.
        Raises KernelError when the kernel lacks something, when an interface does not exist, and
        (EBUSY) when the agent of another process holds the gate.
        """
        for interface in self._interfaces:
            interface_index(interface)
        old = self._tables()
        now = self._clock()
        until = now + self.remaining()
        choices: list[Sequence[int]] = [FAMILIES]
        if self._spare_egress:
            choices.append((INET, ARP))
        protections = (ruleset.OWNED | ruleset.PERSISTENT, 0)
        ways = [(flags, families) for families in choices for flags in protections]
        for flags, families in ways:
            expires = (until - self._clock()) // 1000
            expires = expires if expires >= self._shortest else 0
            new = ruleset.tables(self._interfaces, self._addresses, expires, flags, families)
            try:
                self._commit([ruleset.delete_table(family) for family in old] + new)
            except KernelError as problem:
                if problem.errno in _NO_SUCH_FLAG and (flags, families) != ways[-1]:
                    continue  # an older kernel: try it in the next way
                raise _explained(problem) from problem
            self.protected, self._families = flags != 0, families
            break
        self._prepare()
        if expires and self._clock() >= until:
            self.close()

    def open(self, until: int) -> bool:
        """Let the virtual IPs pass until ``until`` (us of CLOCK_BOOTTIME), and no longer.

        It may be earlier than what was said before. Returns whether the gate is open now: it is
        closed instead when the moment has come, or comes within a jiffy. Raises KernelError.
        """
        for last_try in (False, True):
            milliseconds = (until - self._clock()) // 1000
            if milliseconds < self._shortest:
                self.close()
                return False
            if self._write(self._opening_for(milliseconds), "open the gate", last_try):
                break
        if self._clock() >= until:
            self.close()  # this process stood still in between
            return False
        return True

    def close(self) -> None:
        """Let nothing pass, now. Raises KernelError when that is not certain: the caller must end
        its process then, so that the gate and the addresses run out."""
        if not self._write(self._closing, "close the gate", last_try=False):
            self._write(self._closing, "close the gate", last_try=True)

    def remaining(self) -> int:
        """Return for how many us the gate is open yet, as the kernel says; 0: it is closed.

        Never more than was given, also when another process gave it. Raises KernelError.
        """
        least = LIFETIME * 1000
        families = self._tables(any_owner=True)
        for family in families:
            left = self._expirations(family)
            if not left:
                return 0
            least = min(least, *left)
        return max(0, least - self._jiffy) if families else 0

    def intact(self) -> bool:
        """Whether all tables and chains are there; an interface that went away takes its chain
        with it. Not for the hot path. Raises KernelError."""
        if set(self._tables()) != set(self._families):
            return False
        if NETDEV not in self._families:
            return True
        kind, body = ruleset.question(ruleset.GET_CHAIN, ruleset.NETDEV)
        chains = set()
        for one in self._kernel.dump(kind, body, "list the chains of the gate"):
            found = attributes(one.body[4:])
            if _name(found.get(ruleset.CHAIN_TABLE)) == TABLE:
                chains.add(_name(found.get(ruleset.CHAIN_NAME)))
        return chains >= {name for name, _ in ruleset.egress_chains(self._interfaces)}

    def remove(self) -> None:
        """Take the tables away; raises KernelError."""
        old = self._tables()
        if old:
            self._commit([ruleset.delete_table(family) for family in old])

    def shut(self) -> None:
        """Close the socket; the tables stay, and what is open runs out."""
        self._kernel.close()

    def _prepare(self) -> None:
        """Build the two batches of the hot path.

        Linux before 6.12 ignores a new expiration of an element that exists, so the element is
        replaced; before 6.3 deleting one that does not exist is an error, so it is added first.
        All of it is one transaction: packets see what was before it or what is after it.
        """
        opening: list[Part] = []
        closing: list[Part] = []
        for family in self._families:
            new = ruleset.elements(NEW_ELEMENT, family, self._addresses, _MARK)
            any_new = ruleset.elements(NEW_ELEMENT, family, self._addresses, LIFETIME)
            delete = ruleset.elements(DELETE_ELEMENT, family, self._addresses)
            opening += [any_new, delete, new]
            closing += [any_new, delete]
        self._opening = bytearray(ruleset.batch(opening))
        self._closing = ruleset.batch(closing)
        mark = struct.pack("!Q", _MARK)
        self._places = []
        place = self._opening.find(mark)
        while place >= 0:
            self._places.append(place)
            place = self._opening.find(mark, place + 8)

    def _opening_for(self, milliseconds: int) -> bytes:
        expiration = struct.pack("!Q", min(milliseconds, LIFETIME))
        for place in self._places:
            self._opening[place : place + 8] = expiration
        return bytes(self._opening)

    def _write(self, batch: bytes, what: str, last_try: bool) -> bool:
        """Send a batch; returns False when it is worth another try: what was missing was mended."""
        try:
            self._kernel.confirm(batch, 1, what)
        except KernelError as problem:
            if last_try or problem.errno != errno.ENOENT:
                raise
            # Somebody took the tables away, or an element ran out in the middle of the batch.
            if not self.intact():
                self.install()
            return False
        return True

    def _commit(self, parts: Sequence[Part]) -> None:
        """Send a transaction; raises KernelError that names its first part that was refused."""
        for one in self._kernel.verdicts(ruleset.batch(parts), 1, parts[-1].what):
            if one.code:
                place = min(max(one.sequence, 1), len(parts)) - 1
                raise refused(one.code, one.words, parts[place].what)

    def _tables(self, *, any_owner: bool = False) -> list[int]:
        """Return the families that have our table; raises KernelError when it is another's."""
        found = []
        for family in FAMILIES:
            kind, body = ruleset.question(ruleset.GET_TABLE, family)
            for one in self._kernel.dump(kind, body, "list the tables of nftables"):
                values = attributes(one.body[4:])
                if one.body[0] != family or _name(values.get(ruleset.TABLE_NAME)) != TABLE:
                    continue
                if not any_owner:
                    self._check_owner(values.get(ruleset.TABLE_OWNER))
                found.append(family)
        return found

    def _check_owner(self, value: bytes | None) -> None:
        owner = struct.unpack("!I", value)[0] if value is not None and len(value) == 4 else 0
        if owner not in (0, self._kernel.socket.getsockname()[0]):
            raise KernelError(
                errno.EBUSY,
                "The agent of another process holds the gate of this network namespace (netlink "
                f"port {owner}, mostly its process id); stop it first.",
            )

    def _expirations(self, family: int) -> list[int]:
        """Return what the elements of a table have left, in us."""
        kind, body = ruleset.question(ruleset.GET_ELEMENTS, family, text(1, TABLE), text(2, ALIVE))
        left = []
        try:
            answers = self._kernel.dump(kind, body, "read the gate")
        except KernelError as problem:
            if problem.errno == errno.ENOENT:
                return []
            raise
        for one in answers:
            for element in listed(attributes(one.body[4:]).get(ruleset.ELEMENTS, b"")):
                value = attributes(element).get(ruleset.EXPIRATION)
                if value is not None and len(value) == 8:
                    left.append(struct.unpack("!Q", value)[0] * 1000)
        return left


def _nftables() -> Netlink:
    try:
        return Netlink(NETFILTER)
    except OSError as problem:
        raise KernelError(
            problem.errno,
            f"The kernel has no nftables ({problem.strerror}); it needs CONFIG_NF_TABLES.",
        ) from problem


def _name(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode("utf-8", "replace")


def _explained(problem: KernelError) -> KernelError:
    """Add what the kernel lacks to a refusal."""
    hints = {
        errno.EOPNOTSUPP: "It needs nftables with the netdev egress hook (Linux 5.16; "
        "CONFIG_NF_TABLES, CONFIG_NFT_NETDEV, CONFIG_NETFILTER_EGRESS).",
        errno.EINVAL: "It needs nftables (CONFIG_NF_TABLES; the module nf_tables).",
        errno.EBUSY: "Another program is changing nftables; try again.",
    }
    return KernelError(problem.errno, f"{problem} {hints.get(problem.errno or 0, '')}".strip())
