"""The virtual IPs on the interfaces, over rtnetlink, all of them with one system call.

They are configured with a lifetime of one second (the kernel's granularity): the broom behind the
gate, which takes the addresses away when nobody renews them. Every such call waits for the
kernel's network lock, up to 15 ms when others configure interfaces: the gate is opened before.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Callable, Mapping

from backend.system.agent.netlink import (
    ACK,
    CREATE,
    REPLACE,
    ROUTE,
    KernelError,
    Netlink,
    VirtualIPs,
    attribute,
    attributes,
    four_bytes,
    interface_index,
    message,
    refused,
)

LIFETIME = 1  # s
RENEW_EVERY = 0.45  # s; two tries within the lifetime
_NEW, _DELETE, _GET = 20, 21, 22  # RTM_..ADDR, linux/rtnetlink.h
_ADDRESS, _LOCAL, _CACHE_INFO = 1, 2, 6  # IFA_, linux/if_addr.h
_INET = 2
_ALONE = 32  # a prefix length: the address and nothing else


class Addresses:
    """The virtual IPs of this machine. Safe for several threads, one at a time."""

    def __init__(self, vips: VirtualIPs, lengths: Mapping[str, int] | None = None) -> None:
        """``vips`` are (interface, IPv4 address); raises ValueError, OSError.

        ``lengths`` has the prefix length of each address that brings the way to its network with
        it, because the machine has no address of its own there; the others are /32.
        """
        known = lengths or {}
        self._vips = [
            (interface, address, four_bytes(address), known.get(address, _ALONE))
            for interface, address in vips
        ]
        self._kernel = Netlink(ROUTE)
        self._lock = threading.Lock()
        self._wanted = False
        self._renewal: tuple[bytes, int] = b"", 0  # what was asked last, and for how many addresses
        self.when_wanted: Callable[[], None] = lambda: None  # told after each ``add``

    @property
    def wanted(self) -> bool:
        """Whether they should be there."""
        return self._wanted

    def add(self) -> None:
        """Configure all of them, or renew them when they are there; raises KernelError when one
        could not be, after having tried the others."""
        with self._lock:
            self._wanted = True
            try:
                self._change(_NEW, ACK | CREATE | REPLACE, ())
            finally:
                self.when_wanted()

    def renew(self) -> bool:
        """Renew the lifetime unless they were removed meanwhile; returns whether it was done.

        It also brings back one that somebody deleted. Raises KernelError.
        """
        with self._lock:
            if self._wanted and not self._asked_again():
                self._change(_NEW, ACK | CREATE | REPLACE, ())
            return self._wanted

    def remove(self) -> None:
        """Take all of them away; one that is not there, or whose interface is not, is no error.

        An address with another prefix length was configured by somebody else and stays.
        Raises KernelError.
        """
        with self._lock:
            self._wanted = False
            self._change(_DELETE, ACK, (errno.EADDRNOTAVAIL, errno.ENODEV))

    def present(self) -> set[tuple[str, str]]:
        """Return each (interface, address) of this machine whose address is a virtual IP, on
        whatever interface and with whatever prefix length; raises KernelError."""
        mine = {packed for _interface, _address, packed, _length in self._vips}
        with self._lock:
            body = struct.pack("=BBBBi", _INET, 0, 0, 0, 0)
            answers = self._kernel.dump(_GET, body, "list the addresses")
        found = set()
        for one in answers:
            if one.kind != _NEW or len(one.body) < 8:
                continue
            values = attributes(one.body[8:])
            packed = values.get(_LOCAL, values.get(_ADDRESS, b""))
            if packed not in mine:
                continue
            try:
                interface = socket.if_indextoname(struct.unpack_from("=i", one.body, 4)[0])
            except OSError:
                continue  # it has gone meanwhile
            found.add((interface, socket.inet_ntoa(packed)))
        return found

    def close(self) -> None:
        """Close the socket; the addresses stay until their lifetime is over."""
        self._kernel.close()

    def _asked_again(self) -> bool:
        """Ask for the same as last time; False when that is not what is needed any more, because
        an interface was made anew."""
        batch, count = self._renewal
        if count != len(self._vips):
            return False
        answers = self._kernel.verdicts(batch, count, "renew the addresses")
        return all(one.code == 0 for one in answers)

    def _change(self, kind: int, flags: int, allowed: tuple[int, ...]) -> None:
        verb = "configure" if kind == _NEW else "remove"
        asked: list[str] = []
        batch = b""
        problem: KernelError | None = None
        for interface, address, packed, length in self._vips:
            try:
                index = interface_index(interface)
            except KernelError as missing:
                if missing.errno not in allowed:
                    problem = problem or missing
                continue
            body = struct.pack("=BBBBi", _INET, length, 0, 0, index)
            body += attribute(_LOCAL, packed) + attribute(_ADDRESS, packed)
            if kind == _NEW:
                body += attribute(_CACHE_INFO, struct.pack("=IIII", LIFETIME, LIFETIME, 0, 0))
            batch += message(kind, flags, body, len(asked) + 1)
            asked.append(f"{verb} {address} on {interface}")
        if kind == _NEW:
            self._renewal = batch, len(asked)
        if asked:
            for one in self._kernel.verdicts(batch, len(asked), asked[0]):
                if one.code and one.code not in allowed:
                    what = asked[min(max(one.sequence, 1), len(asked)) - 1]
                    problem = problem or refused(one.code, one.words, what)
        if problem is not None:
            raise problem


class Renewer:
    """Renews the addresses in a thread of its own, because the kernel may let it wait.

    ``prepare`` runs first in the thread (join_realtime, see process.py); ``failed`` is told of
    each new failure, in that thread.
    """

    def __init__(
        self,
        addresses: Addresses,
        failed: Callable[[str], None],
        prepare: Callable[[], None] = lambda: None,
        every: float = RENEW_EVERY,
    ) -> None:
        self._addresses = addresses
        self._failed = failed
        self._prepare = prepare
        self._every = every
        self._ended = self._nudged = False
        self._wake = threading.Event()
        addresses.when_wanted = self._wake.set
        self._thread = threading.Thread(target=self._run, name="addresses", daemon=True)

    def start(self) -> None:
        """Begin; addresses that are not wanted are left alone."""
        self._thread.start()

    def nudge(self) -> None:
        """Renew now: this process is awake anyway, and a wake-up costs more than what is done in it.
        From any thread; needed by nobody while the addresses are renewed often enough."""
        self._nudged = True
        self._wake.set()

    def stop(self, limit: float = 1.0) -> None:
        """End the thread; waits for it ``limit`` s at most."""
        self._ended = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(limit)

    def _run(self) -> None:
        said = ""
        try:
            self._prepare()
        except OSError as problem:
            self._failed(f"The addresses are renewed without real-time scheduling: {problem}")
        while True:
            self._wait()
            if self._ended:
                return
            trouble = self._renewed()
            if trouble and trouble != said:
                self._failed(trouble)
            said = trouble

    def _wait(self) -> None:
        """Wait until it is time. While they are not wanted there is nothing to wake up for."""
        while True:
            woken = self._wake.wait(self._every if self._addresses.wanted else None)
            self._wake.clear()
            if self._ended or self._nudged or not woken:
                self._nudged = False
                return

    def _renewed(self) -> str:
        try:
            self._addresses.renew()
        except OSError as problem:
            return str(problem)
        return ""
