"""The SNMP monitors with the real snmpd, a small disk that is full, and systemd's kinds of trouble."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.watch.monitors.registry import Monitors
from backend.watch.results import Outcome, Result
from backend.watch.settings import Head, Service, Settings

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not Path("/usr/sbin/snmpd").exists(), reason="needs snmpd"),
]
PROCESS = "haoscarwatched"  # 14 characters: the kernel keeps 15
CACHE = ".1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2"
KEYS = "user = watcher\nauth = sha256\nauth_key = authentic-key\npriv = aes\npriv_key = a-private-key\n"


class Agent:
    """snmpd on a port of its own, with its own files."""

    def __init__(self, place: Path, disk: Path) -> None:
        self.place = place
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.lines = [
            f"agentAddress udp:127.0.0.1:{self.port}",
            "rocommunity s3cret-word 127.0.0.1",
            'createUser watcher SHA-256 "authentic-key" AES "a-private-key"',
            "rouser watcher priv",
            f"proc {PROCESS}",
            "load 12000",
            f"disk {disk} 50%",
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Start it and wait until it answers."""
        self.stop()
        (self.place / "snmpd.conf").write_text("\n".join([*self.lines, *more, ""]))
        environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(self.place / "kept"), "MIBS": ""}
        self.process = subprocess.Popen(
            ["/usr/sbin/snmpd", "-f", "-C", "-c", self.place / "snmpd.conf", "-Lf", "/dev/null"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: self.ask("netsnmp-loadaverage.monitor").outcome is not Outcome.UNKNOWN)

    def ask(self, monitor: str, *words: str, login: str = "community = s3cret-word") -> Result:
        file = self.place / "login"
        file.touch(0o600)
        file.write_text(login)
        words = (f"port={self.port}", "timeout=1s", *words)
        service = Service("heads", "x", ("head1",), monitor, words, limit=5.0)
        heads = Head("head1", ("127.0.0.1",)), Head("head2", ("127.0.0.2",))

        async def work() -> Result:
            monitors = Monitors(Settings("c", *heads, "", "", "", "", (), snmp_file=str(file)))
            try:
                return await monitors.check(service, ("head1",))
            finally:
                await monitors.close()

        found = asyncio.run(work())
        for secret in ("s3cret", "authentic-key", "private-key"):
            assert secret not in str(found)
        return found

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


def until(right, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    made = Agent(tmp_path, disk)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        subprocess.run(["umount", disk], check=True)


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    program = tmp_path / PROCESS
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    return program


@pytest.mark.parametrize("login", ["community = s3cret-word", KEYS], ids=["v2c", "v3"])
def test_processes_load_and_disk(agent: Agent, watched: Path, login: str) -> None:
    found = agent.ask("netsnmp-proc.monitor", login=login)
    assert (found.outcome, found.summary, found.failed_hosts) == (
        Outcome.FAILED,
        "head1",
        ("head1",),
    )
    assert f"No {PROCESS} process running" in found.detail
    assert "anew only every 30 s" in found.detail
    assert agent.ask("netsnmp-proc.monitor", "other", login=login).outcome is Outcome.UNKNOWN
    assert agent.ask("netsnmp-loadaverage.monitor", login=login).outcome is Outcome.OK
    assert agent.ask("netsnmp-freespace.monitor", login=login).outcome is Outcome.OK
    (agent.place / "disk" / "full").write_bytes(bytes(900_000))
    until(lambda: agent.ask("netsnmp-freespace.monitor", login=login).outcome is Outcome.FAILED)
    assert str(agent.place / "disk") in agent.ask("netsnmp-freespace.monitor", login=login).detail


def test_a_load_above_its_limit(agent: Agent) -> None:
    agent.lines = [line for line in agent.lines if not line.startswith("load")]
    agent.lines.append("load 0.0001 0.0001 0.0001")  # "0" would be no limit
    agent.start()
    until(lambda: Path("/proc/loadavg").read_text().split()[0] != "0.00", 60)
    until(lambda: agent.ask("netsnmp-loadaverage.monitor").outcome is Outcome.FAILED)
    assert "Load Average too high" in agent.ask("netsnmp-loadaverage.monitor").detail


def test_a_killed_process_is_seen_at_once_with_these_lines_of_snmpd(
    agent: Agent, watched: Path
) -> None:
    """Without them snmpd tells of a killed process up to 30 s late."""
    agent.start(
        'createUser haoscarinternal SHA "of-no-use-elsewhere" AES',
        "iquerySecName haoscarinternal",
        f"rwuser haoscarinternal noauth {CACHE}",
        f"setEvent haoscarFresh -I {CACHE} = 0",
        f'monitor -I -r 60 -e haoscarFresh "processes are listed afresh" {CACHE} > 0',
    )
    until(lambda: "anew only every" not in agent.ask("netsnmp-proc.monitor").detail)
    for _ in range(3):
        process = subprocess.Popen([watched, "100"])
        try:
            until(lambda: agent.ask("netsnmp-proc.monitor").outcome is Outcome.OK, 2)
        finally:
            process.kill()
            process.wait()
        assert agent.ask("netsnmp-proc.monitor").outcome is Outcome.FAILED


def test_an_agent_that_cannot_be_asked_is_unknown_and_not_failed(agent: Agent) -> None:
    assert agent.process is not None
    wrong = agent.ask("netsnmp-proc.monitor", login="community = s3cret-wrong")
    assert (wrong.outcome, wrong.failed_hosts) == (Outcome.UNKNOWN, ())
    assert "does not answer within 1 s" in wrong.summary
    for part, why in (("auth_key = authentic-key", "authentication key is wrong"), ("user = watcher", "does not know the user")):  # fmt: skip
        bad = agent.ask("netsnmp-proc.monitor", login=KEYS.replace(part, f"{part}x"))
        assert bad.outcome is Outcome.UNKNOWN
        assert why in bad.summary
    assert agent.ask("netsnmp-proc.monitor", login=KEYS.replace("a-private-key", "a-private-kex")).outcome is Outcome.UNKNOWN  # fmt: skip
    agent.process.send_signal(signal.SIGSTOP)
    for login in ("community = s3cret-word", KEYS):
        began = time.monotonic()
        assert agent.ask("netsnmp-proc.monitor", login=login).outcome is Outcome.UNKNOWN
        assert time.monotonic() - began < 4.0
    agent.stop()
    stopped = agent.ask("netsnmp-proc.monitor")
    assert stopped.outcome is Outcome.UNKNOWN
    assert "no SNMP agent listens" in stopped.summary


def test_a_table_with_nothing_in_it(agent: Agent) -> None:
    agent.lines = [line for line in agent.lines if not line.startswith("proc")]
    agent.start()
    found = agent.ask("netsnmp-proc.monitor")
    assert found.outcome is Outcome.UNKNOWN
    assert "Add lines with proc to its snmpd.conf" in found.summary


def test_a_table_of_many_rows_is_read_to_its_end(agent: Agent) -> None:
    agent.start(*(f"proc nobody{number:03d}" for number in range(150)))
    detail = agent.ask("netsnmp-proc.monitor").detail
    assert all(f"No nobody{number:03d} process" in detail for number in range(150))


def test_a_write_to_a_mounted_file_system(agent: Agent) -> None:
    disk = agent.place / "disk"

    def ask(directory: Path) -> Result:
        service = Service("heads", "x", ("head1",), "nfs", (str(directory),), limit=5.0)

        async def work() -> Result:
            monitors = Monitors(
                Settings("c", Head("head1", ()), Head("head2", ()), "", "", "", "", ())
            )
            try:
                return await monitors.check(service, ("head1",))
            finally:
                await monitors.close()

        return asyncio.run(work())

    assert ask(disk).outcome is Outcome.OK
    assert list(disk.iterdir()) == []
    assert "nothing is mounted" in ask(agent.place).detail
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    found = ask(disk)
    assert found.outcome is Outcome.FAILED
    assert "Read-only file system" in found.detail


def test_a_monitor_of_mon_and_plugins_that_look_at_this_machine(agent: Agent) -> None:
    cases = [
        ("check_tcp", ("-H", "$HOSTADDRESS$", "-p", "1"), Outcome.FAILED),
        (
            "check_file_age",
            ("-f", "/etc/passwd", "-w", "9999999999", "-c", "9999999999"),
            Outcome.OK,
        ),
        ("check_disk", ("-w", "100%", "-p", str(agent.place / "disk")), Outcome.FAILED),
        ("check_nothing", (), Outcome.UNKNOWN),
        ("tcp.monitor", ("-p", "1"), Outcome.FAILED),
        ("ocf:heartbeat:Dummy", (f"state={agent.place}/none",), Outcome.FAILED),
    ]

    async def work() -> list[Result]:
        heads = Head("head1", ("127.0.0.1",)), Head("head2", ("127.0.0.2",))
        monitors = Monitors(Settings("c", *heads, "", "", "", "", ()))
        try:
            services = [
                Service("heads", name, ("head1",), name, words, limit=9.0)
                for name, words, _ in cases
            ]
            return list(await asyncio.gather(*(monitors.check(one, one.hosts) for one in services)))
        finally:
            await monitors.close()

    found = asyncio.run(work())
    for result, (name, _, outcome) in zip(found, cases, strict=True):
        assert result.outcome is outcome, (name, result)
