"""The gate with an absolute deadline: what gate.py does, and programs that compare clocks.

The kernel itself compares its clock with the moment until which the lease lasts, for each frame
on the interfaces of the virtual IPs. A process that was frozen before it wrote the moment down
writes one that has passed; a machine that was suspended wakes up with the gate closed; and nothing
is rounded. Both gates must be open for anything to pass, so the nftables tables cover what comes
by other interfaces. A kernel that refuses the programs leaves the nftables gate alone, and
``refusal`` says why.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable

from backend.system.agent import bpf
from backend.system.agent.gate import Gate
from backend.system.agent.netlink import (
    ACK,
    CREATE,
    ROUTE,
    KernelError,
    Message,
    Netlink,
    VirtualIPs,
    attribute,
    attributes,
    interface_index,
    message,
    nested,
    text,
)
from backend.system.agent.process import boottime_us
from backend.system.agent.ruleset import NETDEV

_NEW_QDISC, _DELETE_QDISC, _NEW_FILTER, _DELETE_FILTER, _GET_FILTER = 36, 37, 44, 45, 46
_EXCLUSIVE = 0x200  # NLM_F_EXCL
_KIND, _OPTIONS, _FILE, _NAME, _FLAGS = 1, 2, 6, 7, 8  # TCA_, TCA_BPF_
_CLSACT, _CLSACT_HANDLE, _INGRESS, _EGRESS = 0xFFFFFFF1, 0xFFFF0000, 0xFFFFFFF2, 0xFFFFFFF3
_DIRECT_ACTION, _PRIORITY, _HANDLE = 1, 1, 0x4841
_ALL_PROTOCOLS = 0x0003
_SIDES = ((_INGRESS, "haoscar_in"), (_EGRESS, "haoscar_out"))


class DeadlineGate(Gate):
    """A gate whose deadline is absolute, where the kernel permits it. See Gate."""

    def __init__(self, vips: VirtualIPs, clock: Callable[[], int] = boottime_us) -> None:
        super().__init__(vips, clock)
        self.refusal = ""  # why there is no absolute deadline; empty: there is one
        self._word: bpf.SharedWord | None = None
        self._spare_egress = True
        self._route = Netlink(ROUTE)

    @property
    def way(self) -> str:
        """See Gate."""
        return f"{super().way} and a BPF deadline" if self._word else super().way

    def install(self) -> None:
        """See Gate; what is open stays open until the same moment."""
        super().install()
        until = self._clock() + self.remaining()
        try:
            self._attach(until * 1000 if self.remaining() else 0)
            self.refusal = ""
        except OSError as problem:
            self.refusal = f"{problem} The gate works without an absolute deadline."
            self._detach()
            if NETDEV not in self._families:
                super().remove()
                raise KernelError(
                    errno.EOPNOTSUPP,
                    "This kernel can keep ARP frames of a virtual IP back neither by nftables (the "
                    f"netdev egress hook, Linux 5.16) nor by BPF: {problem}",
                ) from problem

    def open(self, until: int) -> bool:
        """See Gate."""
        if self._word is not None:
            self._word.write(until * 1000)
        opened = super().open(until)
        if opened and self._word is not None:
            self._word.write(until * 1000)  # a new word, if the tables had to be mended
        return opened

    def close(self) -> None:
        """See Gate."""
        if self._word is not None:
            self._word.write(0)
        super().close()

    def intact(self) -> bool:
        """See Gate; also whether the programs are still attached."""
        if not super().intact():
            return False
        if self._word is None:
            return True
        return all(
            name in self._filters(interface, side)
            for interface in self._interfaces
            for side, name in _SIDES
        )

    def remove(self) -> None:
        """See Gate."""
        self._detach()
        super().remove()

    def shut(self) -> None:
        """See Gate."""
        if self._word is not None:
            self._word.close()
            self._word = None
        self._route.close()
        super().shut()

    def _attach(self, deadline: int) -> None:
        """Load the programs with a new word and put them in the place of the old ones, each in
        one step; raises OSError."""
        if _clock_is_shifted():
            raise KernelError(
                errno.EXDEV,
                "This process lives in a time namespace, whose clock is not the kernel's.",
            )
        word = bpf.SharedWord()
        files: list[int] = []
        try:
            word.write(deadline)
            for side, name in _SIDES:
                code = bpf.program(self._addresses, word.file, egress=side == _EGRESS)
                files.append(bpf.load(code, name))
            for interface in self._interfaces:
                index = interface_index(interface)
                self._add_qdisc(index, interface)
                for file, (side, name) in zip(files, _SIDES):
                    self._add_filter(index, side, name, file)
        except BaseException:
            word.close()
            raise
        finally:
            for file in files:
                os.close(file)
        if self._word is not None:
            self._word.close()
        self._word = word

    def _add_qdisc(self, index: int, interface: str) -> None:
        body = _place(index, _CLSACT_HANDLE, _CLSACT, 0) + text(_KIND, "clsact")
        try:
            self._tell(_NEW_QDISC, body, f"prepare {interface} for BPF", CREATE | _EXCLUSIVE)
        except KernelError as problem:
            if problem.errno != errno.EEXIST:
                raise

    def _add_filter(self, index: int, side: int, name: str, file: int) -> None:
        options = (
            attribute(_FILE, struct.pack("=I", file)) + text(_NAME, name)
            + attribute(_FLAGS, struct.pack("=I", _DIRECT_ACTION))
        )  # fmt: skip
        body = _place(index, _HANDLE, side, _filter_info()) + text(_KIND, "bpf")
        self._tell(_NEW_FILTER, body + nested(_OPTIONS, options), f"attach {name}", CREATE)

    def _detach(self) -> None:
        """Take the programs off every interface, and what they were attached to when nobody else
        uses it."""
        if self._word is not None:
            self._word.close()
            self._word = None
        for interface in self._interfaces:
            with contextlib.suppress(KernelError):  # the interface has gone, or nothing is there
                index = interface_index(interface)
                found = {side: self._filters(interface, side) for side, _name in _SIDES}
                for side, name in _SIDES:
                    if name in found[side]:
                        body = _place(index, _HANDLE, side, _filter_info()) + text(_KIND, "bpf")
                        self._tell(_DELETE_FILTER, body, f"detach {name}", 0)
                if any(found.values()) and not any(self._filters(interface, s) for s, _ in _SIDES):
                    body = _place(index, _CLSACT_HANDLE, _CLSACT, 0) + text(_KIND, "clsact")
                    self._tell(_DELETE_QDISC, body, f"tidy up {interface}", 0)

    def _filters(self, interface: str, side: int) -> list[str]:
        """Return the names of the filters of one side; those of other kinds have none."""
        try:
            body = _place(interface_index(interface), 0, side, 0)
            answers = self._route.dump(_GET_FILTER, body, f"list the filters of {interface}")
        except KernelError as problem:
            if problem.errno in (errno.EINVAL, errno.ENOENT, errno.ENODEV):
                return []  # nothing to attach filters to
            raise
        return [_filter_name(one) for one in answers if _has_handle(one)]

    def _tell(self, kind: int, body: bytes, what: str, flags: int) -> None:
        self._route.confirm(message(kind, ACK | flags, body), 1, what)


def _place(index: int, handle: int, parent: int, info: int) -> bytes:
    return struct.pack("=BxxxiIII", socket.AF_UNSPEC, index, handle, parent, info)


def _filter_info() -> int:
    return _PRIORITY << 16 | socket.htons(_ALL_PROTOCOLS)


def _has_handle(answer: Message) -> bool:
    return len(answer.body) >= 20 and struct.unpack_from("=I", answer.body, 8)[0] != 0


def _filter_name(answer: Message) -> str:
    options = attributes(attributes(answer.body[20:]).get(_OPTIONS, b""))
    return options.get(_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")


def _clock_is_shifted() -> bool:
    """Whether this process's clock differs from the kernel's own (time_namespaces(7))."""
    try:
        with open("/proc/self/timens_offsets", encoding="ascii") as file:  # noqa: PTH123
            lines = [line.split() for line in file]
    except OSError:
        return False
    return any(words[0] == "boottime" and words[1:] != ["0", "0"] for words in lines if words)
