"""The monitors with the real daemons that they are about: name server, clock, DHCP, Slurm, a file server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
ROOT = Path(__file__).parents[2]
SPACE = f"hwd-{os.getpid()}"
ADDRESS, FAR = "10.88.0.1", "10.88.0.2"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


def until(right: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.1)


class Head:
    """A network of its own with a wire, the daemons in it, and what a monitor says there."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.prefix = ["ip", "netns", "exec", SPACE]

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start a daemon that stays in the foreground."""
        with (self.place / "daemons.log").open("ab") as log:
            made = subprocess.Popen([*self.prefix, *words], stdout=log, stderr=log)
        self.daemons.append(made)
        return made

    def look(self, monitor: str, host: str, *words: str) -> tuple[str, str]:
        """Return the outcome and what was said."""
        command = [*self.prefix, sys.executable, "-m", "tests.lab.watch_look", monitor, host]
        done = subprocess.run(
            [*command, *words], cwd=ROOT, capture_output=True, timeout=60, check=True, text=True
        )
        found = json.loads(done.stdout)
        return found["outcome"], f"{found['summary']} {found['detail']}"

    def sees(self, outcome: str, monitor: str, host: str, *words: str) -> str:
        """Wait until a monitor says this; returns its words."""
        said = ("", "")

        def right() -> bool:
            nonlocal said
            said = self.look(monitor, host, *words)
            return said[0] == outcome

        until(right, f"{monitor}: {outcome}")
        return said[1]

    def stop(self) -> None:
        for one in reversed(self.daemons):
            if one.poll() is None:
                one.send_signal(signal.SIGCONT)
                one.kill()
            one.wait()


@pytest.fixture
def head(tmp_path: Path) -> Iterator[Head]:
    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    made = Head(tmp_path)
    try:
        ip("netns", "add", SPACE)
        ip("-n", SPACE, "link", "set", "lo", "up")
        ip("-n", SPACE, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1")
        ip("-n", SPACE, "address", "add", f"{ADDRESS}/24", "dev", "wire0")
        for name in ("wire0", "wire1"):
            ip("-n", SPACE, "link", "set", name, "up")
        yield made
    finally:
        made.stop()
        subprocess.run(["ip", "netns", "delete", SPACE], check=False, capture_output=True)


def test_a_name_server(head: Head) -> None:
    server = head.start(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--user=root", "--pid-file", f"--listen-address={ADDRESS}", "--bind-interfaces",
        "--local=/cluster/", "--host-record=head1.cluster,10.88.0.1",
    )  # fmt: skip
    head.sees("ok", "dns", ADDRESS, "name=head1.cluster", "timeout=1s")
    assert head.look("dns", ADDRESS, "name=head1.cluster", "address=10.88.0.1")[0] == "ok"
    outcome, said = head.look("dns", ADDRESS, "name=head1.cluster", "address=10.88.0.9")
    assert (outcome, "10.88.0.1" in said) == ("failed", True), said
    assert head.look("dns", ADDRESS, "name=nobody.cluster")[0] == "failed"
    server.send_signal(signal.SIGSTOP)
    assert head.look("dns", ADDRESS, "name=head1.cluster", "timeout=1s")[0] == "failed"


@pytest.mark.skipif(
    not shutil.which("chronyd"),
    reason="needs chrony, which is not installed for this: it would replace the machine's own time service",
)
def test_a_clock(head: Head) -> None:
    place = head.place

    def chrony(*lines: str) -> subprocess.Popen[bytes]:
        text = ["allow", "cmdport 0", f"pidfile {place}/pid", f"bindaddress {ADDRESS}", *lines]
        (place / "chrony.conf").write_text("\n".join([*text, ""]))
        return head.start("chronyd", "-d", "-x", "-u", "root", "-f", place / "chrony.conf")

    server = chrony("local stratum 5")
    said = head.sees("ok", "ntp", ADDRESS, "offset=1s", "timeout=1s")
    assert "its clock is 0.0" in said
    server.terminate()
    server.wait(10)
    assert head.look("ntp", ADDRESS, "timeout=1s")[0] == "failed"
    chrony()  # it answers, and has no time itself
    until(lambda: "no answer" not in head.look("ntp", ADDRESS, "timeout=1s")[1], "an answer")
    outcome, said = head.look("ntp", ADDRESS, "timeout=1s")
    assert outcome == "failed", said


def test_a_dhcp_server_on_this_machine(head: Head) -> None:
    assert head.look("dhcp", ADDRESS, "wire0", "timeout=1s")[0] == "failed"
    config = head.place / "dhcpd.conf"
    config.write_text(
        "authoritative;\nsubnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.100 10.88.0.110; }\n"
    )
    (head.place / "leases").touch()
    server = head.start(
        "dhcpd", "-4", "-f", "-d", "-cf", config, "-lf", head.place / "leases", "--no-pid", "wire0"
    )
    said = head.sees("ok", "dhcp", ADDRESS, "wire0", "timeout=2s")
    assert f"{ADDRESS} answers on wire0" in said
    assert head.look("dhcp", ADDRESS, "wire0", f"server={FAR}", "timeout=1s")[0] == "failed"
    assert "10.88.0.1" not in (head.place / "leases").read_text().replace("10.88.0.0", "")
    server.send_signal(signal.SIGSTOP)
    outcome, said = head.look("dhcp", ADDRESS, "wire0", "timeout=1s")
    assert (outcome, "no DHCP server answers on wire0" in said) == ("failed", True), said


def test_ping(head: Head) -> None:
    assert head.look("icmp", ADDRESS, "timeout=1s")[0] == "ok"
    assert head.look("icmp", FAR, "timeout=1s")[0] == "failed"


def test_slurm(head: Head) -> None:
    place = head.place
    name = socket.gethostname().partition(".")[0]
    (place / "state").mkdir()
    (place / "key").write_bytes(os.urandom(64))
    (place / "key").chmod(0o400)
    (place / "slurm").mkdir()
    (place / "slurm/slurm.conf").write_text(f"""\
ClusterName=lab
SlurmctldHost={name}({ADDRESS})
SlurmUser=root
AuthInfo=socket={place}/munge
StateSaveLocation={place}/state
SlurmctldPidFile={place}/slurmctld.pid
SlurmctldLogFile={place}/slurmctld.log
ProctrackType=proctrack/linuxproc
MessageTimeout=5
NodeName=node1 NodeAddr={FAR}
PartitionName=all Nodes=node1
""")
    # The monitor asks scontrol, which reads /etc/slurm: a place of this test in place of it.
    head.prefix += ["sh", "-c", 'mount --bind "$0" /etc/slurm && exec "$@"', str(place / "slurm")]
    outcome, said = head.look("slurm", ADDRESS)
    assert outcome in ("failed", "unknown"), said
    head.start(
        "munged", "--foreground", "--force", f"--socket={place}/munge", f"--key-file={place}/key",
        f"--pid-file={place}/munge.pid", f"--seed-file={place}/seed", f"--log-file={place}/munge.log",
    )  # fmt: skip
    until((place / "munge").exists, "munge")
    server = head.start("slurmctld", "-D")
    said = head.sees("ok", "slurm", ADDRESS)
    assert f"slurmctld at {name} (primary) is UP" in said
    server.kill()
    server.wait()
    outcome, said = head.look("slurm", ADDRESS)
    assert (outcome, f"slurmctld is down at {name}" in said) == ("failed", True), said


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """A directory that a file server keeps, and its process."""
    mounted, kept = tmp_path / "mounted", tmp_path / "kept"
    mounted.mkdir()
    kept.mkdir()
    here, there = socket.socketpair()
    server = subprocess.Popen([SFTP_SERVER], stdin=there, stdout=there)
    client = subprocess.Popen(
        ["sshfs", "-f", "-o", "passive", f"file-server:{kept}", mounted], stdin=here, stdout=here
    )
    here.close()
    there.close()
    try:
        until(mounted.is_mount, "the mount")
        yield mounted, server
    finally:
        server.send_signal(signal.SIGCONT)
        server.kill()
        server.wait()
        subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)
        client.terminate()
        client.wait(10)


@pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="this kernel mounts no file server")
def test_a_file_server_that_hangs(head: Head, served: tuple[Path, subprocess.Popen[bytes]]) -> None:
    mounted, server = served
    said = head.sees("ok", "nfs", ADDRESS, str(mounted), "timeout=5s")
    assert "fuse.sshfs" in said
    server.send_signal(signal.SIGSTOP)
    for _ in range(2):  # nothing of the first look stands in the way of the second
        began = time.monotonic()
        outcome, said = head.look("nfs", ADDRESS, str(mounted), "timeout=1s")
        assert (outcome, "could be written" in said) == ("failed", True), said
        assert time.monotonic() - began < 10.0
    server.send_signal(signal.SIGCONT)
    head.sees("ok", "nfs", ADDRESS, str(mounted), "timeout=5s")
    assert all(one.name.startswith(".haoscar-watch-") for one in mounted.iterdir())


def test_everything_that_these_tests_need_is_here() -> None:
    missing = [one for one in ("dnsmasq", "dhcpd", "slurmctld", "munged", "scontrol", "sshfs") if not shutil.which(one)]  # fmt: skip
    assert missing == []
