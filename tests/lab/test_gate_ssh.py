"""The boot server, its sshd and the gate, used and abused with the installer's own functions."""

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from backend.clone.copy_source import SOURCE
from backend.clone.installs import Installs
from backend.clone.keys import host_key_path
from backend.clone.script import REDUCED_RSYNC, RSYNC
from backend.clone.sshd import CIPHERS
from backend.clone.ticket import TicketState
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.netboot.server import tell_boot_server
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.system.processes import ProcessId, children
from backend.system.runner import Command, Daemon, LocalRunner, spawn
from tests.clone_site import BOOT_MAC, site, standby

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace and sshd"),
]

CHECKOUT = Path(__file__).parents[2]
GATE = next(
    line
    for line in (CHECKOUT / "templates/installer/lib.sh").read_text().splitlines()
    if line.startswith("gate() ")
)
FIRST = standby()
SECOND = standby(
    name=HostName("standby2"), mac=Mac("52:54:00:00:00:12"), address=IPv4Address("10.0.0.3"),
    public_address=IPv4Address("192.0.2.13"),
)  # fmt: skip
SITE = site().with_standby(FIRST).with_standby(SECOND)


def wait_until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)


class Head:
    """A head in a network of its own; machines speak to it over the same loopback interface."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = Paths(root)
        self.installs = Installs(self.paths)
        self.name = f"gate{os.getpid()}"
        tree = self.paths.images / "head/v1/tree"
        (tree / "boot/efi").mkdir(parents=True)
        (tree / "boot/efi/loader").write_text("loader")
        (tree / "shadow").write_text("root:x\n")
        (tree / "shadow").chmod(0o600)
        self.paths.site_file.parent.mkdir(parents=True)
        self.paths.site_file.write_bytes(SiteStore(self.paths).render(SITE))
        self.daemon: Daemon | None = None

    @property
    def inside(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def start(self) -> None:
        run = LocalRunner().run
        run(Command.of("ip", "netns", "add", self.name))
        run(Command.of("ip", "link", "set", "lo", "up").after(*self.inside))
        run(Command.of("ip", "addr", "add", "10.0.0.1/24", "dev", "lo").after(*self.inside))
        program = CHECKOUT / "tests/lab/boot_server_head.py"
        words = ("env", f"PYTHONPATH={CHECKOUT}", sys.executable, str(program), str(self.root))
        self.daemon = spawn(Command.of(*self.inside, *words), self.root / "server.log")
        wait_until(lambda: "ready" in self.log or self.answers(), "the start of the boot server")

    def answers(self) -> bool:
        with contextlib.suppress(Exception):
            tell_boot_server(self.paths)
            return True
        return False

    @property
    def log(self) -> str:
        return (self.root / "server.log").read_text()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()
        LocalRunner().run(Command.of("ip", "netns", "del", self.name), check=False)

    def admitted(self, number: int) -> "Machine":
        one = SITE.standbys[number]
        self.installs.arm(SITE, one, 1)
        assert one.mac is not None
        machine = Machine(self, one.mac)
        # Without the pipe of events, whose end would be the end of the installation.
        said = machine.run(
            "gate() { sleep 1; }", "hello", "connect", GATE, "echo x | gate inventory"
        )  # fmt: skip
        assert said.stdout == "# script\n", said.stdout + said.stderr + self.log
        return machine


class Machine:
    """The installer, as far as it speaks to the head."""

    def __init__(self, head: Head, mac: Mac) -> None:
        self.head = head
        self.work = head.root / f"machine-{mac.hyphens}"
        (self.work / "clone").mkdir(parents=True)
        (self.work / "boot/efi").mkdir(parents=True)
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.work / "key"))
        LocalRunner().run(Command.of(*words))
        public = host_key_path(head.paths).with_suffix(".pub").read_text().split()[1]
        scripts = CHECKOUT / "templates/installer"
        self.setup = [
            *(f". {scripts}/{name}.sh" for name in ("lib", "network", "steps")),
            f"RUN={self.work} LOG={self.work}/log TARGET={self.work}/clone",
            f"HEAD=10.0.0.1 HEAD_KEY={public} MAC={mac} CIPHERS={','.join(CIPHERS)}",
            'fail() { echo "FAILED: $1"; [ -z "${2:-}" ] || cat "$2"; exit 1; }',
        ]

    def words(self, *lines: str) -> list[str]:
        return [*self.head.inside, "bash", "-c", "\n".join((*self.setup, *lines))]

    def run(self, *lines: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.words(*lines), capture_output=True, text=True, check=False, timeout=60
        )

    def refused(self, command: str) -> str:
        """Ask the gate for something and return why it did not happen."""
        said = self.run(f"gate {shlex.quote(command)} < /dev/null")
        assert said.returncode != 0
        assert said.stdout == ""
        assert "refused" in said.stderr
        return said.stderr

    def leave(self) -> None:
        self.run("ssh -F $RUN/ssh_config -S $RUN/master -O exit haoscar-head")


@pytest.fixture
def head() -> Iterator[Head]:
    # Not below /tmp: sshd does not trust keys below a directory that everybody can write to.
    with tempfile.TemporaryDirectory(dir="/run", prefix="haoscar-test-") as root:
        one = Head(Path(root))
        try:
            one.start()
            yield one
        finally:
            one.stop()


def test_the_image_is_given_once_and_nothing_else(head: Head) -> None:
    machine = head.admitted(0)
    try:
        assert "may not run" in machine.refused("id")
        assert "may not run" in machine.refused("rsync --server --sender -r . /etc/")
        assert "may not run" in machine.refused("rsync --server --daemon --config=/etc/x .")
        said = machine.run(
            shlex.join(("copy", SOURCE, "/", *RSYNC, "--exclude=/boot/efi/*")),
            shlex.join(("copy", SOURCE, "/boot/efi/", *REDUCED_RSYNC)),
        )
        assert said.returncode == 0, said.stdout + said.stderr
        clone = machine.work / "clone"
        assert (clone / "shadow").stat().st_mode & 0o7777 == 0o600
        assert (clone / "boot/efi/loader").read_text() == "loader"
        assert "copied already" in machine.refused("rsync --server --daemon .")
    finally:
        machine.leave()


def test_a_ticket_that_is_taken_back_ends_its_copy_and_no_other(head: Head) -> None:
    first, second = head.admitted(0), head.admitted(1)
    begin = "gate 'rsync --server --daemon .' < $RUN/hold"
    copies = []
    try:
        for machine in (first, second):
            os.mkfifo(machine.work / "hold")
            copies.append(subprocess.Popen(machine.words(begin), stdout=subprocess.PIPE, text=True))
        holds = [(one.work / "hold").open("wb", buffering=0) for one in (first, second)]
        for copy in copies:
            assert copy.stdout is not None
            assert copy.stdout.readline().startswith("@RSYNCD:")  # the head's rsync is there
        head.installs.disarm(Mac(BOOT_MAC))
        tell_boot_server(head.paths)
        assert copies[0].wait(10) != 0
        assert copies[1].poll() is None
        assert "refused" in first.refused("rsync --server --daemon .")
        for hold in holds:
            hold.close()
    finally:
        for machine in (first, second):
            machine.leave()
        for copy in copies:
            copy.kill()
            copy.communicate()
    ticket = head.installs.ticket(Mac(BOOT_MAC))
    assert ticket is not None
    assert ticket.state is TicketState.DISARMED


def test_who_was_not_expected_learns_nothing(head: Head) -> None:
    said = Machine(head, Mac("52:54:00:00:00:99")).run("hello", "connect")
    assert "the head refuses this machine" in said.stdout
    assert said.returncode == 1
    assert [one for one in head.installs.refusals() if "52:54:00:00:00:99" in one.text]


def test_the_boot_server_leaves_no_process(head: Head) -> None:
    machine = head.admitted(0)
    assert head.daemon is not None
    server = head.daemon.pid
    below = [ProcessId.of(pid) for pid in children(server)]
    assert any(one is not None for one in below)
    head.daemon.stop()
    for one in below:
        assert one is None or one.wait(10)
    machine.leave()
