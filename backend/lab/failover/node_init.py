"""The first process of a machine of a failover world: ``node_init.py NAME DISK TTL``.

Started by unshare(1) in PID, mount, UTS and IPC namespaces of its own and in the machine's network
namespace. It furnishes the machine, says ``ready`` on standard output, collects orphans, and does
nothing else; SIGKILL to it is the machine's loss of power. DISK is a directory that outlives it.

Standard library only and run with ``-I -S``: it must start quickly and depend on nothing.
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    """Call mount(2); raises OSError."""
    words = [None if word is None else word.encode() for word in (source, target, kind, options)]
    if libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def furnish(name: str, disk: str, ttl: str) -> None:
    """Give the machine its name, its own /proc, an empty /run, and its disk at /run/disk."""
    libc.sethostname(name.encode(), len(name))
    mount("none", "/", None, MS_REC | MS_PRIVATE, None)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    kept = os.open(disk, os.O_PATH)
    mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    Path("/run/disk").mkdir()
    mount(f"/proc/self/fd/{kept}", "/run/disk", None, MS_BIND, None)
    os.close(kept)
    settings = {"ipv4/ip_default_ttl": ttl, "ipv4/conf/all/rp_filter": "0"}
    settings["ipv6/conf/all/disable_ipv6"] = "1"
    for key, value in settings.items():
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            Path("/proc/sys/net", key).write_text(value)


def main() -> None:
    """Be the machine."""
    furnish(*sys.argv[1:4])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        signal.sigwait({signal.SIGCHLD})
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    main()
