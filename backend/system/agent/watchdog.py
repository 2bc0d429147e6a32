"""The hardware watchdog: it resets this machine when nobody pets it (linux/watchdog.h).

Timeouts are whole seconds, so it bounds how long a frozen head can go on; it does not replace the
gate, which is as quick as a lease.
"""

from __future__ import annotations

import errno
import os
import struct

from backend.system.agent.netlink import KernelError

_READ, _WRITE = 2, 1
_MAGIC_CLOSE = 0x0100  # WDIOF_MAGICCLOSE
_INT, _INFO = 4, 40  # sizes of int and of struct watchdog_info
_OTHER_ENCODING = ("alpha", "mips", "ppc", "powerpc", "sparc")


def ioctl_number(directions: int, number: int, size: int, machine: str = "") -> int:
    """Return the number of a watchdog ioctl; some processors encode the direction differently."""
    machine = machine or os.uname().machine
    if machine.startswith(_OTHER_ENCODING):
        # 3 bits of direction above 13 bits of size; 2 reads, 4 writes.
        code = (2 if directions & _READ else 0) | (4 if directions & _WRITE else 0)
        return code << 29 | size << 16 | ord("W") << 8 | number
    return directions << 30 | size << 16 | ord("W") << 8 | number


class NoWatchdog:
    """A machine without one."""

    seconds = 0  # until it would reset the machine; 0: never
    identity = ""

    def pet(self) -> None:
        """Nothing to do."""

    def disarm(self) -> bool:
        """Nothing to do; it is disarmed."""
        return True


class Watchdog(NoWatchdog):
    """An armed watchdog: from its opening on, ``pet`` must be called within ``seconds``."""

    def __init__(self, device: str, seconds: int) -> None:
        """Open and arm it; the driver may choose a longer time, see ``seconds``.

        Raises KernelError: the device is missing, used by somebody else (EBUSY: often systemd,
        RuntimeWatchdogSec), or cannot be set.
        """
        import fcntl

        self._device = device
        self._can_disarm = False
        try:
            self._file = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as problem:
            hint = ""
            if problem.errno == errno.EBUSY:
                hint = " Another program uses it, often systemd (RuntimeWatchdogSec)."
            raise KernelError(
                problem.errno, f"The watchdog {device} cannot be opened: {problem.strerror}.{hint}"
            ) from problem
        try:
            asked = struct.pack("=i", seconds)
            set_timeout = ioctl_number(_READ | _WRITE, 6, _INT)
            self.seconds = int(struct.unpack("=i", fcntl.ioctl(self._file, set_timeout, asked))[0])
            info = fcntl.ioctl(self._file, ioctl_number(_READ, 0, _INFO), bytes(_INFO))
            options, _version, name = struct.unpack("=II32s", info)
            self.identity = name.split(b"\0", 1)[0].decode("ascii", "replace")
            self._can_disarm = bool(options & _MAGIC_CLOSE)
        except OSError as problem:
            self.disarm()
            raise KernelError(
                problem.errno,
                f"The watchdog {device} cannot be set to {seconds} s: {problem.strerror}.",
            ) from problem

    def pet(self) -> None:
        """Start its time anew; raises KernelError."""
        try:
            os.write(self._file, b"\0")
        except OSError as problem:
            raise KernelError(
                problem.errno, f"The watchdog {self._device} cannot be petted: {problem.strerror}."
            ) from problem

    def disarm(self) -> bool:
        """Close it; returns whether it is disarmed: a driver that was told never to stop (nowayout)
        resets the machine when its time is over."""
        if self._file < 0:
            return False
        file, self._file = self._file, -1
        try:
            return os.write(file, b"V") == 1 and self._can_disarm
        except OSError:
            return False
        finally:
            os.close(file)
