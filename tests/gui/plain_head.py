"""A plain head node for the windows of steps 1 and 2: a network of its own, programs that pretend.

The functions are for ``--setup`` of tests/gui/window.py. What they answer is kept below the root, so
that a test can look at it and change it while the window is open: ``run/packages`` has the names of
the installed packages, ``run/slow`` makes the copy of an image take as long as it is there.
"""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from backend.actions import fetch_image, ssh_login
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.client import GoldenClient, this_machine
from backend.model.distribution import Family
from backend.packages.catalog import wanted
from backend.paths import Paths
from backend.reports import info
from backend.system import probes
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.runner import Command, LocalRunner, Result, failure
from backend.system.ssh import Credentials, HostKeyDecision, Session
from backend.wiring import Wiring
from tests import recorded_machines as recorded
from tests.unit.test_imaging_fetch import MOUNTINFO, STATS

CLONE_NEWNET = 0x40000000
NAMES = tuple(wanted(Family.DEBIAN))
MISSING = NAMES[:3]
FILES = {"etc/hostname": b"head\n", "etc/motd": b"welcome\n", "boot/vmlinuz": b"kernel"}
HOST_KEY = HostKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519a key of the test's golden client")
PASSWORD = "right horse"


def head(root: Path) -> dict[str, Any]:
    """Return a Debian head whose private network is eth0; three packages are missing."""
    _own_network()
    packages = root / "run" / "packages"
    if not packages.exists():
        packages.write_text("\n".join(NAMES[len(MISSING) :]))
    return {"wiring": Wiring(Paths(root), Programs(root))}


def jealous(root: Path) -> dict[str, Any]:
    """Return a head whose package tool would have to remove something."""
    found = head(root)
    found["wiring"].runner.removes = "initramfs-tools"
    return found


def unknown(root: Path) -> dict[str, Any]:
    """Return a head of a distribution that nobody knows."""
    (root / "etc" / "os-release").write_text('ID=plan9\nPRETTY_NAME="Plan 9"\n')
    return head(root)


def with_golden_client(root: Path) -> dict[str, Any]:
    """Return a head from which another machine is reached: its key is shown, a password asked for."""

    @contextmanager
    def connect(
        host: str, port: int, login: Credentials, known: KnownHosts, decide: HostKeyDecision
    ) -> Iterator[Session]:
        if host != "golden":
            raise HaoscarError.of("ssh.not-reached", f"No SSH connection to {host}.", "Is it on?")
        if HOST_KEY not in known.keys(host, port):
            if not decide(host, HOST_KEY):
                raise Refused.of("ssh.host-key-declined", "The host key was not confirmed.")
            known.add(host, port, HOST_KEY)
        if login.password is None or login.password.reveal() != PASSWORD:
            raise HaoscarError.of("ssh.not-admitted", f"{host} does not let {login.user} in.")
        yield Session(host, port, login, HOST_KEY, None)  # type: ignore[arg-type]

    found = head(root)
    runner = found["wiring"].runner
    ssh_login.connect = connect  # type: ignore[assignment]
    ssh_login.runner_as_root = lambda _session: None  # type: ignore[assignment, return-value]
    ssh_login.locked_keys = lambda: ()
    fetch_image.opener = (  # type: ignore[assignment]
        lambda request, *_rest: lambda: _there(request.client, runner)
    )
    return found


@contextmanager
def _there(name: str, runner: "Programs") -> Iterator[GoldenClient]:
    with this_machine(name, runner) as client:
        yield client


def _own_network() -> None:
    """Leave this machine's network: the window asks its wires, which must be nobody else's.

    Nobody is on the new ones, so that it need not be waited for an answer.
    """
    probes.dhcp_servers = partial(probes.dhcp_servers, limit=0.2)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
    with IPRoute() as kernel:
        kernel.link("add", ifname="eth0", kind="veth", peer={"ifname": "far"})
        for name in ("lo", "far", "eth0"):
            index = kernel.link_lookup(ifname=name)[0]
            if name == "eth0":
                kernel.addr("add", index=index, address="10.0.0.1", prefixlen=24)
                kernel.addr("add", index=index, address="10.0.0.200", prefixlen=24)
            kernel.link("set", index=index, state="up")


@dataclass
class Programs:
    """Plays apt, rsync and the programs that read disks; everything else really runs."""

    root: Path
    removes: str = ""

    def __post_init__(self) -> None:
        self._disks = recorded.RecordedRunner(recorded.load("lab-lvm-uefi")["outputs"])
        self._others = LocalRunner()

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        found = self._answer(command)
        if found is None:
            if command.argv[0] in recorded.BARE or command.argv[0] in ("sfdisk", "dumpe2fs"):
                return self._disks.run(command, check=check)
            key = f"{command.argv[0]} {command.argv[-1]}"
            real = key not in self._disks.outputs
            return (self._others if real else self._disks).run(command, check=check)
        result = Result(command, found[0], found[1], "", 0.0)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(
        self, command: Command, on_line: Callable[[str], None], *,
        cancelled: Callable[[], bool] = lambda: False, check: bool = True,
    ) -> Result:  # fmt: skip
        """See Runner.stream."""
        words = command.argv
        if words[0] == "apt-get":
            self._install(words[words.index("--") + 1 :], on_line)
            return Result(command, 0, "", "", 0.0)
        if "--dry-run" in words:
            return Result(command, 0, STATS.format(transferred=30_000_000), "", 0.0)
        if words[0] == "rsync":
            self._copy(Path(words[-1]), on_line, cancelled)
            return Result(command, 0, "", "", 0.0)
        return self._others.stream(command, on_line, cancelled=cancelled, check=check)

    @property
    def _packages(self) -> Path:
        return self.root / "run" / "packages"

    def _installed(self) -> list[str]:
        return self._packages.read_text().split()

    def _answer(self, command: Command) -> tuple[int, str] | None:
        words = command.argv
        if words[0] == "dpkg-query":
            return 0, "".join(f"installed {one}\n" for one in self._installed())
        if words[0] == "apt-get":
            return self._apt(words)
        return {
            ("rsync", "--version"): (0, "rsync  version 3.2.7  protocol version 31\n"),
            ("id", "-u"): (0, "0\n"),
            ("cat", "/proc/self/mountinfo"): (0, MOUNTINFO),
            ("cat", "/proc/swaps"): (0, "Filename\n"),
            ("df", "-B1", "--output=used", "--", "/", "/home"): (0, "Used\n20000000\n10000000\n"),
        }.get(words)

    def _apt(self, words: tuple[str, ...]) -> tuple[int, str]:
        names = words[words.index("--") + 1 :]
        here = self._installed()
        if "purge" in words and "--simulate" not in words:
            self._packages.write_text("\n".join(one for one in here if one not in names))
            return 0, ""
        verb = "Purg" if "purge" in words else "Inst"
        lines = [f"{verb} {one} (1.0)" for one in names if (one in here) == (verb == "Purg")]
        if self.removes and verb == "Inst":
            lines.append(f"Remv {self.removes} (1.0)")
        return 0, "\n".join(lines) + "\n"

    def _install(self, names: tuple[str, ...], on_line: Callable[[str], None]) -> None:
        new = [one for one in names if one not in self._installed()]
        for phase in ("Unpacking", "Setting up"):
            for one in new:
                on_line(f"{phase} {one} (1.0) ...")
                time.sleep(0.1)
        self._packages.write_text("\n".join((*self._installed(), *new)))

    def _copy(
        self, tree: Path, on_line: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> None:
        """Copy, and go on copying as long as the test wants it to be slow."""
        slow = self.root / "run" / "slow"
        for number, (name, content) in enumerate(FILES.items(), 1):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
            os.utime(tree / name, (0, 0))
            done = f"{number * 10_000_000:,}"
            line = (
                f"  {done}  {number * 33}%  9.54MB/s  0:00:01 (xfr#{number}, to-chk={3 - number}/3)"
            )
            on_line(line)
            while slow.exists() and number == 2:
                on_line(line)
                time.sleep(0.05)
                if cancelled():
                    raise Cancelled(info("task.cancelled", "Cancelled on your request."))
