"""The first process of a lab's own PID namespace: when it ends, the kernel ends the whole lab.

Started as a program (never imported by the product) with the lab's directory and its name. It
holds the private mount namespace in which everything of the lab is mounted, and reads a leash, a
FIFO whose other end the creator holds. When the creator dies, in whatever way, the leash reads
end of file, and the reaper kills every process of the lab, unmounts, and removes its directory.
``D`` on the leash detaches the lab from its creator; SIGTERM ends a detached one.

Standard library only and run with ``-I``: it must start quickly and depend on nothing.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str | None, flags: int, options: str | None) -> None:
    """Call mount(2); raises OSError."""
    if libc.mount(
        source.encode(),
        str(target).encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def mount_points() -> list[Path]:
    """Return the mount points this process sees, in the order they were mounted."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        name = line.split()[4].encode().decode("unicode_escape")  # \\040 is a blank
        points.append(Path(name))
    return points


def make_private() -> None:
    """Cut the mounts off from the rest of the machine, also when called inside a chroot."""
    root = os.open("/", os.O_PATH)
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    if libc.setns(own, CLONE_NEWNS):  # to the top of this namespace, above a chroot
        raise OSError(ctypes.get_errno(), "setns")
    mount("none", Path("/"), None, MS_REC | MS_PRIVATE, None)
    os.fchdir(root)
    os.chroot(".")
    os.close(own)
    os.close(root)
    if Path("/") not in mount_points():  # a plain chroot; systemd-nspawn wants a mount point
        top = Path("/mnt")
        mount("/", top, None, MS_BIND | MS_REC, None)
        os.chroot(top)
        os.chdir("/")


def furnish(name: str) -> Path | None:
    """Mount what the lab needs of its own; returns the lab's control group when there are any."""
    quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
    mount("proc", Path("/proc"), "proc", quiet, None)
    mount("run", Path("/run"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    Path("/run/netns").mkdir()
    top = Path("/sys/fs/cgroup")
    if not (top / "cgroup.procs").exists():
        if not Path("/sys/kernel").is_dir():
            mount("sysfs", Path("/sys"), "sysfs", quiet, None)
        for point in reversed([p for p in mount_points() if p == top or top in p.parents]):
            libc.umount2(str(point).encode(), MNT_DETACH)
        with contextlib.suppress(OSError):
            mount("cgroup2", top, "cgroup2", quiet, None)
    group = top / f"haoscar-lab-{name}"
    try:
        group.mkdir()
    except OSError:
        return None
    return group


def leave(directory: Path, group: Path | None) -> None:
    """End every process of the lab, then remove what it has left on the disk."""
    kill_all()
    if group is not None:
        for path, _directories, _files in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(path).rmdir()
    for point in reversed(mount_points()):
        if directory in point.parents:
            libc.umount2(str(point).encode(), MNT_DETACH)
    if not any(directory in point.parents for point in mount_points()):
        shutil.rmtree(directory, ignore_errors=True)


def kill_all() -> None:
    """Kill every other process of this PID namespace and wait, 10 s at most, until all are gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        reap()
        if not any(path.name.isdigit() and path.name != "1" for path in Path("/proc").iterdir()):
            return
        time.sleep(0.01)


def reap() -> None:
    """Collect the processes that were left to us."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def watch(leash: int) -> None:
    """Return when the lab has to end: the creator has gone, or somebody sent SIGTERM or SIGINT."""
    asked, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    waiting = [asked, leash]
    while True:
        ready, _, _ = select.select(waiting, [], [])
        if asked in ready:
            numbers = set(os.read(asked, 512))
            reap()
            if numbers & {signal.SIGTERM, signal.SIGINT}:
                return
        if leash in ready:
            said = os.read(leash, 1)
            if said == b"D":
                waiting = [asked]
            elif not said:
                return


def held(leash: int) -> bool:
    """Return whether the creator still holds the other end of the leash, as it did at the start."""
    try:
        os.read(leash, 1)  # nothing is written before we are ready, so a byte means end of file
    except BlockingIOError:
        return True
    return False


def main() -> int:
    """Keep one lab."""
    directory, name = Path(sys.argv[1]), sys.argv[2]
    leash = os.open(directory / "leash", os.O_RDONLY | os.O_NONBLOCK)
    group = None
    try:
        make_private()
        group = furnish(name)
        (directory / "ready.new").write_text(str(group or ""))
        (directory / "ready.new").rename(directory / "ready")
        if held(leash):
            watch(leash)
    finally:
        leave(directory, group)
    return 0


if __name__ == "__main__":
    sys.exit(main())
