"""What the agent needs of its own process: the clock, real-time scheduling, the service manager.

All functions of a real-time process that take Python's global lock must be real-time themselves:
a thread that holds the lock and waits for a processor would hold up the heartbeat. A thread that
is started by a real-time process is not real-time by itself: it calls ``join_realtime``.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time

from backend.system.agent.netlink import KernelError

_MONOTONIC_COARSE = 6  # CLOCK_MONOTONIC_COARSE: its resolution is one jiffy
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4  # MCL_
_SWITCH_INTERVAL = 0.0005  # s; how long another thread may keep Python's global lock
_STACK = 256 * 1024  # bytes of a thread: they are locked in memory, too


def boottime_us() -> int:
    """Return the time since this machine started in us, also counted while it was suspended."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def jiffy_us() -> int:
    """Return how long the kernel's timer takes for one tick, in us: 1000 to 10000."""
    return min(10_000, max(1_000, round(time.clock_getres(_MONOTONIC_COARSE) * 1_000_000)))


def become_realtime(priority: int = 50, *, on_fault: bool = False) -> None:
    """Lock this process in memory and schedule the calling thread by SCHED_RR.

    Call it after everything is imported and before threads are started; ``on_fault`` locks pages
    when they are first used, which keeps a small process small. Children get ordinary scheduling.
    Raises KernelError with what is missing; what was done before it stays.
    """
    import ctypes
    import resource
    import threading

    sys.setswitchinterval(_SWITCH_INTERVAL)
    threading.stack_size(_STACK)
    library = ctypes.CDLL(None, use_errno=True)
    if library.mlockall(_CURRENT | _FUTURE | (_ON_FAULT if on_fault else 0)):
        code = ctypes.get_errno()
        raise KernelError(
            code,
            f"The agent could not be locked in memory ({os.strerror(code)}): it needs "
            "CAP_IPC_LOCK and LimitMEMLOCK=infinity in its unit.",
        )
    try:
        # A limit on real-time processor time would kill the agent in the middle of a takeover.
        resource.setrlimit(resource.RLIMIT_RTTIME, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError) as problem:
        raise KernelError(
            errno.EPERM,
            "The limit on real-time processor time could not be lifted: it needs "
            "LimitRTTIME=infinity in its unit, or CAP_SYS_RESOURCE.",
        ) from problem
    join_realtime(priority)


def join_realtime(priority: int = 50) -> None:
    """Schedule the calling thread by SCHED_RR; raises KernelError with what is missing."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError as problem:
        raise KernelError(
            problem.errno,
            f"The agent could not get real-time scheduling ({problem.strerror}): "
            f"{_why_not_realtime()}",
        ) from problem


def _why_not_realtime() -> str:
    budget = _realtime_budget()
    if budget == 0:
        return (
            "its control group has no real-time budget (cpu.rt_runtime_us is 0 and the kernel has "
            "CONFIG_RT_GROUP_SCHED); give it one, or start the agent outside that group."
        )
    return (
        "it needs CAP_SYS_NICE (or LimitRTPRIO=50 in its unit); where the kernel has "
        "CONFIG_RT_GROUP_SCHED, its control group needs a real-time budget (cpu.rt_runtime_us)."
    )


def _realtime_budget() -> int | None:
    """Return the real-time budget of this process's control group in us; None: there is none."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:  # noqa: PTH123
            lines = file.read().splitlines()
        for line in lines:
            _number, controllers, path = line.split(":", 2)
            if "cpu" not in controllers.split(","):
                continue
            for mount in ("cpu", "cpu,cpuacct"):
                name = f"/sys/fs/cgroup/{mount}{path}/cpu.rt_runtime_us"
                try:
                    with open(name, encoding="ascii") as file:  # noqa: PTH123
                        return int(file.read())
                except FileNotFoundError:
                    continue
    except (OSError, ValueError):
        pass
    return None


def oom_protect() -> bool:
    """Keep the kernel from killing this process when memory runs out; returns whether it could."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("-1000")
    except OSError:
        return False
    return True


def notify(words: str) -> bool:
    """Tell systemd something (sd_notify(3)): READY=1, WATCHDOG=1, STATUS=..., STOPPING=1.

    Returns whether it was told; without systemd, or when it is busy, that is no error.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    try:
        with socket.socket(socket.AF_UNIX, kind) as end:
            end.sendto(words.encode(), address)
    except OSError:
        return False
    return True


def watchdog_us() -> int:
    """Return within how many us systemd wants to be told WATCHDOG=1; 0: never."""
    limit, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not limit.isdigit() or process not in ("", str(os.getpid())):
        return 0
    return int(limit)
