"""The programs of the deadline gate (bpf_gate.py): assembled here, loaded with bpf(2).

One word of memory that the kernel's programs share with this process holds the moment until which
the virtual IPs may be used, in ns of CLOCK_BOOTTIME. The programs run for every frame of an
interface (tc, direct action) and drop, once that moment has passed:

- egress: ARP that speaks for a virtual IP, and IPv4 from one unless it is only forwarded here;
- ingress: ARP that asks for a virtual IP, and IPv4 to one unless the routes say that it is to be
  forwarded: then this machine does not have the address, and a client with a stale ARP entry
  reaches the other head through this one.

Everything else goes on to the next filter. Constants: linux/bpf.h.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import sys
from collections.abc import Sequence

from backend.system.agent.netlink import KernelError, four_bytes

_CALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}  # bpf(2)
_MAP_CREATE, _PROGRAM_LOAD = 0, 5
_ARRAY, _MAPPABLE, _CLASSIFIER = 2, 1 << 10, 3
_LOOKUP, _LOAD_BYTES, _FIB_LOOKUP, _BOOT_TIME = 1, 26, 69, 125  # helpers; the last since 5.8
_PASS, _DROP = -1, 2  # TC_ACT_UNSPEC: the next filter decides; TC_ACT_SHOT
_VLAN, _CAME_IN, _INTERFACE = 20, 36, 40  # offsets in struct __sk_buff
_FORWARDED, _NO_NEIGHBOUR = 0, 7  # what bpf_fib_lookup says of a packet for another machine
_FIB = 64  # size of struct bpf_fib_lookup
# operations; 32-bit comparisons are class 6
_MOVE, _MOVE_REGISTER, _ADD, _CALL, _EXIT, _GO = 0xB7, 0xBF, 0x07, 0x85, 0x95, 0x05
_LOAD_32, _LOAD_16, _LOAD_64, _LOAD_MAP = 0x61, 0x69, 0x79, 0x18
_STORE_8, _STORE_32, _STORE_64, _STORE_REGISTER_32 = 0x72, 0x62, 0x7A, 0x63
_IF_EQUAL, _IF_NOT_EQUAL, _IF_EQUAL_32, _IF_BELOW_REGISTER = 0x15, 0x55, 0x16, 0xAD
_STACK = 10  # the register that points to the end of the stack
_WORD, _ROUTE = -8, -8 - _FIB  # places on the stack


class Code:
    """A program that is being written; jumps go forward to labels."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int, int, int, int, str]] = []
        self._labels: dict[str, int] = {}

    def put(
        self,
        code: int,
        to: int = 0,
        source: int = 0,
        offset: int = 0,
        number: int = 0,
        go: str = "",
    ) -> None:
        """Add an instruction; ``go`` is the label that it jumps to."""
        self._steps.append((code, to, source, offset, number, go))

    def label(self, name: str) -> None:
        """Name the next instruction."""
        self._labels[name] = len(self._steps)

    def assembled(self) -> bytes:
        """Return the instructions as the kernel of this machine takes them."""
        whole = b""
        for place, (code, to, source, offset, number, go) in enumerate(self._steps):
            if go:
                offset = self._labels[go] - place - 1
            both = to | source << 4 if sys.byteorder == "little" else to << 4 | source
            whole += struct.pack("=BBhi", code, both, offset, number)
        return whole


def program(addresses: Sequence[str], deadline: int, *, egress: bool) -> bytes:
    """Return the program of one direction; ``deadline`` is the descriptor of the shared word."""
    code = Code()
    code.put(_MOVE_REGISTER, 6, 1)  # r6: the frame
    code.put(_LOAD_32, 2, 6, _VLAN)
    code.put(_IF_NOT_EQUAL, 2, number=0, go="pass")  # tagged: the VLAN's own interface decides
    _read(code, 12, 2)
    code.put(_LOAD_16, 2, _STACK, _WORD)
    code.put(_MOVE, 8, number=0)  # r8: whether it is IPv4
    code.put(_MOVE, 7, number=28 if egress else 38)  # r7: where the address is
    code.put(_IF_EQUAL, 2, number=_raw(b"\x08\x06"), go="address")
    code.put(_IF_NOT_EQUAL, 2, number=_raw(b"\x08\x00"), go="pass")
    code.put(_MOVE, 8, number=1)
    code.put(_MOVE, 7, number=26 if egress else 30)
    if egress:
        code.put(_LOAD_32, 2, 6, _CAME_IN)
        code.put(_IF_NOT_EQUAL, 2, number=0, go="pass")
    code.label("address")
    _read(code, None, 4)
    code.put(_LOAD_32, 9, _STACK, _WORD)  # r9: the address
    for address in addresses:
        code.put(_IF_EQUAL_32, 9, number=_raw(four_bytes(address)), go="virtual")
    code.put(_GO, go="pass")
    code.label("virtual")
    _compare(code, deadline)
    if not egress:
        code.put(_IF_EQUAL, 8, number=0, go="drop")
        _ask_routes(code)
    code.label("drop")
    code.put(_MOVE, 0, number=_DROP)
    code.put(_EXIT)
    code.label("pass")
    code.put(_MOVE, 0, number=_PASS)
    code.put(_EXIT)
    return code.assembled()


def _read(code: Code, place: int | None, size: int) -> None:
    """Copy bytes of the frame to the stack, from ``place`` or from where r7 says."""
    code.put(_MOVE_REGISTER, 1, 6)
    if place is None:
        code.put(_MOVE_REGISTER, 2, 7)
    else:
        code.put(_MOVE, 2, number=place)
    code.put(_MOVE_REGISTER, 3, _STACK)
    code.put(_ADD, 3, number=_WORD)
    code.put(_MOVE, 4, number=size)
    code.put(_CALL, number=_LOAD_BYTES)
    code.put(_IF_NOT_EQUAL, 0, number=0, go="pass")  # too short to be anything


def _compare(code: Code, deadline: int) -> None:
    """Pass when the moment has not come."""
    code.put(_STORE_32, _STACK, 0, _WORD, 0)
    code.put(_LOAD_MAP, 1, 1, number=deadline)
    code.put(0)  # the second half of that instruction
    code.put(_MOVE_REGISTER, 2, _STACK)
    code.put(_ADD, 2, number=_WORD)
    code.put(_CALL, number=_LOOKUP)
    code.put(_IF_EQUAL, 0, number=0, go="drop")
    code.put(_LOAD_64, 7, 0, 0)
    code.put(_CALL, number=_BOOT_TIME)
    code.put(_IF_BELOW_REGISTER, 0, 7, go="pass")


def _ask_routes(code: Code) -> None:
    """Pass when the packet is for another machine."""
    for place in range(0, _FIB, 8):
        code.put(_STORE_64, _STACK, 0, _ROUTE + place, 0)
    code.put(_STORE_8, _STACK, 0, _ROUTE, 2)  # AF_INET
    code.put(_LOAD_32, 2, 6, _INTERFACE)
    code.put(_STORE_REGISTER_32, _STACK, 2, _ROUTE + 8)
    code.put(_STORE_REGISTER_32, _STACK, 9, _ROUTE + 32)  # the destination
    code.put(_MOVE_REGISTER, 1, 6)
    code.put(_MOVE_REGISTER, 2, _STACK)
    code.put(_ADD, 2, number=_ROUTE)
    code.put(_MOVE, 3, number=_FIB)
    code.put(_MOVE, 4, number=0)
    code.put(_CALL, number=_FIB_LOOKUP)
    for answer in (_FORWARDED, _NO_NEIGHBOUR):
        code.put(_IF_EQUAL, 0, number=answer, go="pass")


def _raw(value: bytes) -> int:
    """Return bytes of a frame as the program sees them in a register, as a signed immediate."""
    number = int.from_bytes(value, sys.byteorder)
    return number - (1 << 32) if number >= 1 << 31 else number


class SharedWord:
    """The moment, shared with the kernel: writing it is one store, no system call."""

    def __init__(self) -> None:
        """Raises KernelError."""
        attributes = struct.pack("=IIIIIII16s", _ARRAY, 4, 8, 1, _MAPPABLE, 0, 0, b"haoscar_gate")
        self.file = _call(_MAP_CREATE, attributes, "create the map of the gate")
        try:
            self._memory = mmap.mmap(self.file, mmap.PAGESIZE)
        except OSError:
            os.close(self.file)
            raise
        self._words = memoryview(self._memory).cast("Q")

    def write(self, value: int) -> None:
        """Set the moment."""
        self._words[0] = value

    def read(self) -> int:
        """Return the moment."""
        return int(self._words[0])

    def close(self) -> None:
        """Forget it; programs that use it keep it."""
        self._words.release()
        self._memory.close()
        os.close(self.file)


def load(code: bytes, name: str) -> int:
    """Give a program to the kernel, which checks it; returns its descriptor, raises KernelError."""
    import array

    steps, licence = array.array("B", code), array.array("B", b"GPL\0")
    attributes = struct.pack(
        "=IIQQIIQII16sII",
        _CLASSIFIER, len(code) // 8, steps.buffer_info()[0], licence.buffer_info()[0],
        0, 0, 0, 0, 0, name.encode()[:15], 0, 0,
    )  # fmt: skip
    return _call(_PROGRAM_LOAD, attributes, f"load the program {name}")


def _call(command: int, attributes: bytes, what: str) -> int:
    import array
    import ctypes

    number = _CALLS.get(os.uname().machine)
    if number is None:
        raise KernelError(
            errno.ENOSYS, f"BPF is not used on this kind of processor ({os.uname().machine})."
        )
    buffer = array.array("B", attributes)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    place, size = buffer.buffer_info()
    done = int(
        call(
            ctypes.c_long(number),
            ctypes.c_int(command),
            ctypes.c_void_p(place),
            ctypes.c_uint(size),
        )
    )
    if done < 0:
        code = ctypes.get_errno()
        hint = ""
        if code == errno.EPERM:
            hint = (
                " It needs the capabilities CAP_BPF and CAP_NET_ADMIN (and LimitMEMLOCK=infinity)."
            )
        elif code in (errno.EINVAL, errno.ENOSYS):
            hint = " It needs Linux 5.8 with CONFIG_BPF_SYSCALL."
        raise KernelError(code, f"The kernel refused: {what} ({os.strerror(code)}).{hint}")
    return done
