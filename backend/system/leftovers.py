"""What a test or demo run could leave behind on a machine; read before and after, then compared."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARKER = "HAOSCAR_RUN"  # set by the test command; every program it starts inherits it


@dataclass(frozen=True, slots=True)
class Traces:
    """Network namespaces, links, mounts and processes that were there at one moment."""

    namespaces: frozenset[str]
    links: frozenset[str]
    mounts: frozenset[str]
    processes: frozenset[tuple[int, str]]

    def left_since(self, before: "Traces") -> list[str]:
        """Return one sentence for each thing that is here now and was not before."""
        found = [
            f"network namespace {name}" for name in sorted(self.namespaces - before.namespaces)
        ]
        found += [f"network link {name}" for name in sorted(self.links - before.links)]
        found += [f"mount {name}" for name in sorted(self.mounts - before.mounts)]
        known = {pid for pid, _ in before.processes}
        found += [
            f"process {pid} ({name})" for pid, name in sorted(self.processes) if pid not in known
        ]
        return found


def traces(run_id: str) -> Traces:
    """Return what is here now; processes are those that carry ``run_id`` in their environment
    or live in a network namespace other than ours. Needs root to see everything."""
    netns = Path("/run/netns")
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    return Traces(
        frozenset(one.name for one in netns.iterdir()) if netns.is_dir() else frozenset(),
        frozenset(one.name for one in Path("/sys/class/net").iterdir()),
        frozenset(line.split()[4] for line in mounts.splitlines()),
        frozenset(_marked(run_id)),
    )


def _marked(run_id: str) -> Iterator[tuple[int, str]]:
    home = _net(os.getpid())
    ours = {os.getpid(), *_ancestors(os.getpid())}
    wanted = f"{MARKER}={run_id}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        pid = int(entry.name)
        try:
            if not (entry / "cmdline").read_bytes():
                continue  # a kernel thread or a zombie
            elsewhere = _net(pid) != home
            if elsewhere or wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield pid, (entry / "comm").read_text().strip()
        except OSError:
            continue  # it ended while we looked


def _net(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        status = Path(f"/proc/{pid}/stat").read_text()
        pid = int(status.rpartition(")")[2].split()[1])
        yield pid
