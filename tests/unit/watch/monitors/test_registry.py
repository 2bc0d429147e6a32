"""Checks against servers in this process and against real programs."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.system.watch.errors import Busy, Silent
from backend.system.watch.programs import Programs
from backend.watch.monitors.registry import Monitors
from backend.watch.results import Outcome, Result
from backend.watch.settings import Head, Service, Settings

ME, OTHER = Head("head1", ("127.0.0.1",)), Head("head2", ("127.0.0.2",))
PLUGIN = Path("/usr/lib/nagios/plugins/check_dummy")
GARBAGE = (
    b"",
    b"\xff" * 40,
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x80" * 400,
    os.urandom(300),
    b"\0" * 48,
)


def service(
    monitor: str, *words: str, limit: float = 5.0, hosts: tuple[str, ...] = ("head1",)
) -> Service:
    return Service("web", "x", hosts, monitor, words, interval=3.0, limit=limit, description="it")


def check(*asked: Service, snmp: str = "") -> list[Result]:
    async def work() -> list[Result]:
        monitors = Monitors(Settings("c", ME, OTHER, "", "", "", "", (), snmp_file=snmp))
        try:
            return [await monitors.check(one, one.hosts) for one in asked]
        finally:
            await monitors.close()

    return asyncio.run(work())


def with_server(handler: Callable[..., Awaitable[None]], monitor: str, *words: str) -> Result:
    async def work() -> Result:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        port = str(server.sockets[0].getsockname()[1])
        monitors = Monitors(Settings("c", ME, OTHER, "", "", "", "", ()))
        asked = service(monitor, *(word.replace("PORT", port) for word in words))
        try:
            return await monitors.check(asked, asked.hosts)
        finally:
            await monitors.close()
            server.close()

    return asyncio.run(work())


def saying(data: bytes) -> Callable[..., Awaitable[None]]:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        await reader.read()
        writer.close()

    return handler


def test_tcp() -> None:
    found = with_server(saying(b""), "tcp", "PORT")
    assert (found.outcome, found.summary, found.failed_hosts) == (Outcome.OK, "", ())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        port = str(taken.getsockname()[1])
        both = check(service("tcp", port, hosts=("head1", "head2", "localhost")))[0]
    assert (both.outcome, both.summary) == (Outcome.FAILED, "head1 head2 localhost")
    assert "head2: it refuses: Connection refused" in both.detail


@pytest.mark.parametrize(
    ("said", "words", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", (), Outcome.OK),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", ("text=hello",), Outcome.OK),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", ("text=bye",), Outcome.FAILED),
        (b"HTTP/1.1 503 No\r\n\r\n", (), Outcome.FAILED),
        (b"HTTP/1.1 401 No\r\n\r\n", ("status=401",), Outcome.OK),
        (b"", (), Outcome.FAILED),
        (b"SSH-2.0-x\r\n", (), Outcome.UNKNOWN),
        (b"\x1b[2J" * 100_000, (), Outcome.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\n\r\n", ("tls=yes",), Outcome.FAILED),
    ],
)
def test_http(said: bytes, words: tuple[str, ...], outcome: Outcome) -> None:
    found = with_server(saying(said), "http", "port=PORT", *words)
    assert found.outcome is outcome, found
    assert "\x1b" not in found.detail


@pytest.mark.parametrize("monitor", ["dns", "ntp", "netsnmp-proc.monitor"])
def test_garbage_from_a_server_is_unknown(monitor: str, tmp_path: Path) -> None:
    login = tmp_path / "snmp"
    login.write_text("community = secret\n")
    login.chmod(0o600)

    async def work() -> Result:
        class Liar(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
                for one in (*GARBAGE, data):
                    self.transport.sendto(one, address)

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Liar, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        monitors = Monitors(Settings("c", ME, OTHER, "", "", "", "", (), snmp_file=str(login)))
        try:
            return await monitors.check(
                service(monitor, f"port={port}", "timeout=0.3s"), ("head1",)
            )
        finally:
            await monitors.close()
            transport.close()

    found = asyncio.run(work())
    assert found.outcome is Outcome.UNKNOWN
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("community = secret", 0o644, "give it the mode 0600"), ("comunity = secret", 0o600, "Line 1 of"),
        ("user = secret", 0o600, "8 characters"), ("", 0o600, "either a community or a user"),
        (None, 0o600, "cannot be read"),
    ],
)  # fmt: skip
def test_snmp_files_that_are_not_right(
    text: str | None, mode: int, why: str, tmp_path: Path
) -> None:
    login = tmp_path / "snmp"
    if text is not None:
        login.write_text(f"{text}\n")
        login.chmod(mode)
    found = check(service("netsnmp-proc.monitor"), snmp=str(login))[0]
    assert found.outcome is Outcome.UNKNOWN
    assert why in found.summary
    assert "secret" not in str(found)


def test_file_age(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("")
    old, new = (
        service("file-age", str(file), "older=1m"),
        service("file-age", str(file), "older=1d"),
    )
    os.utime(file, (time.time() - 3600,) * 2)
    gone = service("file-age", str(tmp_path / "none"), "older=1d")
    outcomes = [one.outcome for one in check(old, new, gone)]
    assert outcomes == [Outcome.FAILED, Outcome.OK, Outcome.FAILED]


def test_what_is_looked_at_here_is_not_said_of_other_machines() -> None:
    found = check(service("file-age", "/etc/passwd", "older=9d", hosts=("head2",)))[0]
    assert found.outcome is Outcome.UNKNOWN
    assert "now head1" in found.summary


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the programs must be root's own")
pytestmark = pytest.mark.programs


@root
def test_the_contract_of_mon(tmp_path: Path) -> None:
    tell = script(
        tmp_path / "tell", 'echo "$@"; echo "$MON_GROUP $MON_SERVICE $MON_LAST_SUMMARY"; exit 7'
    )
    first, second = check(*[service(tell, "-x", hosts=("head1", "head2"))] * 2)
    assert (first.outcome, first.code, first.summary) == (Outcome.FAILED, 7, "-x head1 head2")
    assert first.failed_hosts == ("head1", "head2")
    assert second.detail.strip() == "web x -x head1 head2"
    named = script(tmp_path / "named", "echo head2; exit 1")
    assert check(service(named, hosts=("head1", "head2")))[0].failed_hosts == ("head2",)
    assert check(service(tell, "-x", ";;"))[0].summary == "-x"


@root
@pytest.mark.parametrize(
    ("text", "outcome", "why"),
    [
        ("exit 0", Outcome.OK, ""), ("exit 127", Outcome.UNKNOWN, "exit code 127"),
        ("kill -9 $$", Outcome.UNKNOWN, "signal 9"), ("sleep 99", Outcome.UNKNOWN, "did not end in time"),
        ("trap '' TERM; while :; do sleep 0.1; done", Outcome.UNKNOWN, "did not end in time"),
        ("printf '\\033[2Jhead1\\n'; exit 1", Outcome.FAILED, "\\x1b[2Jhead1"),
        ("printf '\\377\\n\\000'; exit 1", Outcome.FAILED, "\\xff"),
        ("head -c 100000000 /dev/zero | tr '\\0' x; exit 0", Outcome.OK, "xxx"),
        ("exec 2>&1 >/dev/null; yes", Outcome.UNKNOWN, "did not end in time"),
    ],
)  # fmt: skip
def test_monitors_that_misbehave(text: str, outcome: Outcome, why: str, tmp_path: Path) -> None:
    began = time.monotonic()
    # A program is told to stop a second before the limit.
    limit = 1.3 if why == "did not end in time" else 3.0
    found = check(service(script(tmp_path / "m", text), limit=limit))[0]
    assert found.outcome is outcome, found
    assert why in found.summary
    assert len(found.summary) <= 400
    assert time.monotonic() - began < 5.0


@root
@pytest.mark.parametrize("then", ["exit 0", "wait"])
def test_what_a_monitor_leaves_behind_goes_with_it(then: str, tmp_path: Path) -> None:
    left = tmp_path / "pid"
    check(service(script(tmp_path / "m", f"sleep 98 & echo $! >{left}; {then}"), limit=2.0))
    status = Path(f"/proc/{left.read_text().strip()}/stat")
    deadline = time.monotonic() + 5.0
    while status.exists() and " Z " not in status.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not status.exists() or " Z " in status.read_text()


@root
def test_a_program_that_others_can_change_is_not_run(tmp_path: Path) -> None:
    path = script(tmp_path / "m", "exit 0")
    Path(path).chmod(0o777)
    assert "can be changed by others" in check(service(path))[0].summary
    for missing in ("/nonexistent/x", "nothing.monitor", "check_nothing", "ocf:heartbeat:nothing"):
        found = check(service(missing))[0]
        assert found.outcome is Outcome.UNKNOWN
        assert "is not there; install it" in found.summary


@root
@pytest.mark.skipif(not PLUGIN.exists(), reason="needs monitoring-plugins-basic")
def test_real_plugins() -> None:
    found = check(*(service("check_dummy", str(code), "text $HOSTNAME$|a=1", hosts=("head1", "head2")) for code in range(4)))  # fmt: skip
    assert [one.outcome.value for one in found] == ["ok", "failed", "failed", "unknown"]
    assert found[1].summary == "head1 head2"
    assert "head2: WARNING: text head2" in found[1].detail
    assert "a=1" not in found[1].detail


def test_one_that_hangs_is_not_asked_again() -> None:
    async def work() -> None:
        monitors = Monitors(Settings("c", ME, OTHER, "", "", "", "", ()))
        aside = monitors._tools.aside
        with pytest.raises(Silent):
            await aside.call("a", 0.05, lambda: time.sleep(0.5))
        with pytest.raises(Busy):
            await aside.call("a", 0.05, lambda: None)
        assert monitors.hanging() == {"programs": 0, "calls": 1}
        both = await asyncio.gather(
            *(aside.call("b", 1.0, lambda: time.sleep(0.05) or 7) for _ in range(3))
        )
        assert both == [7, 7, 7]
        await asyncio.wait_for(_until(lambda: not aside.running), 3)
        await monitors.close()

    asyncio.run(work())


async def _until(right: Callable[[], bool]) -> None:
    while not right():
        await asyncio.sleep(0.01)


def test_programs_wait_for_a_place_and_a_cancelled_one_is_killed() -> None:
    async def work() -> None:
        programs = Programs(at_once=2)
        began = time.monotonic()
        await asyncio.gather(*(programs.run(str(n), ("sleep", "0.2"), 5.0) for n in range(4)))
        assert 0.4 <= time.monotonic() - began < 2.0
        task = asyncio.ensure_future(programs.run("x", ("sleep", "97"), 50.0))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait({task})
        await programs.close()
        with pytest.raises(ChildProcessError):  # none is left
            os.waitpid(-1, os.WNOHANG)

    asyncio.run(work())


@pytest.mark.parametrize(("login", "module"), [
    ("community = x\n", "pysnmp.proto.api.v2c"),
    ("user = u\nauth = sha256\nauth_key = authentic-key\npriv = aes\npriv_key = a-private-key\n", "pysnmp.hlapi.v3arch.asyncio"),
])  # fmt: skip
def test_what_takes_long_to_import_is_there_before_the_first_check(
    tmp_path: Path, login: str, module: str
) -> None:
    file = tmp_path / "login"
    file.write_text(login)
    file.chmod(0o600)
    code = f"""
import sys
from backend.watch.monitors.registry import prepare
from backend.watch.settings import Settings
from tests.unit.watch.monitors.test_registry import ME, OTHER, service
loaded = []
for monitor in ("tcp", "netsnmp-proc.monitor"):
    prepare(Settings('c', ME, OTHER, '', '', '', '', (service(monitor),), snmp_file={str(file)!r}))
    loaded.append({module!r} in sys.modules)
assert loaded == [False, True], loaded
prepare(Settings("c", ME, OTHER, "", "", "", "", (service("netsnmp-proc.monitor"),), snmp_file="/none"))  # the check will say so
"""
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)
