"""The boot server's HTTP side: what a hostile client may send, and what everybody is answered."""

import asyncio
import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone import installs as installs_module
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.ticket import TicketState
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.netboot.boot_files import BootEntries, answer, parse_hello
from backend.netboot.server import BootServer, BootServerPlan
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.system.files import empty_when_larger
from backend.system.http_server import (
    BadRequest,
    HttpServer,
    Limits,
    Request,
    Response,
    read_request,
)
from backend.system.router_answers import mac_of
from tests.clone_site import BOOT_MAC, site, standby
from tests.unit.test_clone_ticket import key

SITE = site().with_standby(standby())
LIMITS = Limits(head=1024, body=100, receive=0.5)


def read(raw: bytes, limits: Limits = LIMITS) -> Request:
    async def run() -> Request:
        reader = asyncio.StreamReader(limit=limits.head)
        reader.feed_data(raw)
        reader.feed_eof()
        return await read_request(reader, "10.0.0.9", limits)

    return asyncio.run(run())


def test_a_request_becomes_a_value() -> None:
    request = read(b"GET /boot.ipxe?mac=52:54:00:00:00:02 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (request.method, request.path) == ("GET", "/boot.ipxe")
    assert request.query == {"mac": "52:54:00:00:00:02"}
    posted = read(b"POST /hello HTTP/1.0\r\ncontent-length: 5\r\n\r\nmac=1trailing")
    assert posted.body == b"mac=1"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"BREW /pot HTTP/1.0\r\n\r\n", 405),
        (b"GET /../etc/shadow HTTP/1.0\r\n\r\n", 400),
        (b"GET /boot/%2e%2e/shadow HTTP/1.0\r\n\r\n", 400),
        (b"GET http://other/ HTTP/1.0\r\n\r\n", 400),
        (b"GET /a b HTTP/1.0\r\n\r\n", 400),
        (b"POST /hello HTTP/1.0\r\n\r\n", 400),
        (b"POST /hello HTTP/1.0\r\nContent-Length: 101\r\n\r\n", 413),
        (b"POST /hello HTTP/1.0\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /hello HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /" + b"a" * 2000 + b" HTTP/1.0\r\n\r\n", 413),
    ],
)
def test_what_breaks_a_rule_is_named(raw: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(raw)
    assert refusal.value.status == status


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300)
    | st.builds(
        lambda method, path, rest: method + b" " + path + b" HTTP/1.0\r\n" + rest,
        st.sampled_from([b"GET", b"POST", b"HEAD"]),
        st.binary(max_size=60).map(lambda path: b"/" + path),
        st.binary(max_size=100).map(lambda rest: rest + b"\r\n\r\n"),
    )
)
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        request = read(raw)
    except (BadRequest, asyncio.IncompleteReadError):
        return
    assert request.path.startswith("/")
    assert ".." not in request.path
    assert len(request.body) <= LIMITS.body


async def _exchange(server: HttpServer, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(raw)
    data = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return data


def test_a_served_connection_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "linux").write_bytes(b"K" * 700_000)

    async def handler(request: Request) -> Response:
        return (
            Response(200, file=tmp_path / "linux") if request.path == "/f" else Response(200, "hi")
        )

    async def run() -> None:
        server = HttpServer(handler, dataclasses.replace(LIMITS, clients_each=2))
        await server.start("127.0.0.1", 0)
        try:
            data = await _exchange(server, b"GET /f HTTP/1.0\r\n\r\n")
            head, _, body = data.partition(b"\r\n\r\n")
            assert b"Content-Length: 700000" in head
            assert body == b"K" * 700_000
            assert (await _exchange(server, b"HEAD /f HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\n")
            assert (await _exchange(server, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.0 400")
            assert (await _exchange(server, b"GET /slow")).startswith(b"HTTP/1.0 408")
            idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
            await asyncio.sleep(0)
            assert (await _exchange(server, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 503")
            for _reader, writer in idle:
                writer.close()
        finally:
            await server.stop()

    asyncio.run(run())


@given(st.binary(max_size=300))
def test_a_hello_is_parsed_or_refused(body: bytes) -> None:
    try:
        mac, public = parse_hello(body)
    except InvalidInput:
        return
    assert Mac.parse(mac) == mac
    assert isinstance(public, PublicKey)


def test_a_hello() -> None:
    body = f"mac={BOOT_MAC}\nkey={key().line} installer\n".encode()
    assert parse_hello(body) == (Mac(BOOT_MAC), key())
    with pytest.raises(InvalidInput):
        parse_hello(body + b"image=other\n")


def ask(
    paths: Paths, path: str, query: dict[str, str] | None = None, method: str = "GET"
) -> Response:
    entries = BootEntries(paths, Installs(paths), key())
    return answer(Request(method, path, query or {}, b"", "10.0.0.9"), paths, SITE, entries)


def test_only_named_files_are_served(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.installer.mkdir(parents=True)
    (paths.installer / "linux").write_bytes(b"kernel")
    (paths.installer / "installer.json").write_bytes(b"{}")
    assert ask(paths, "/boot/linux").file == paths.installer / "linux"
    for path in ("/boot/installer.json", "/boot/installer.img", "/boot/", "/etc/shadow", "/"):
        assert ask(paths, path).status == 404
    assert ask(paths, "/boot/linux", method="POST").status == 405


def test_the_script_follows_the_ticket(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    mine = {"mac": BOOT_MAC}
    assert "haoscar.key" not in ask(paths, "/boot.ipxe", mine).text
    Installs(paths).arm(SITE, SITE.standbys[0], 1)
    script = ask(paths, "/boot.ipxe", mine).text
    assert f"haoscar.key={key()}" in script
    assert f"BOOTIF=01-{Mac(BOOT_MAC).hyphens}" in script
    for other in ({"mac": "52:54:00:99:99:99"}, {"mac": "x\n"}, {}):
        assert "haoscar.key" not in ask(paths, "/boot.ipxe", other).text


def test_pxelinux_entries_follow_the_tickets(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    installs = Installs(paths)
    entries = BootEntries(paths, installs, key())
    assert entries.write(SITE) == []  # network boot has not been set up here
    directory = tmp_path / "srv/tftp/haoscar/pxelinux.cfg"
    directory.mkdir(parents=True)
    assert entries.write(SITE) == [standby().name]
    entry = directory / f"01-{Mac(BOOT_MAC).hyphens}"
    assert "haoscar.key" not in entry.read_text()
    installs.arm(SITE, SITE.standbys[0], 1)
    assert entries.write(SITE) == [standby().name]
    assert f"haoscar.key={key()}" in entry.read_text()
    assert entries.write(SITE) == []


def test_addresses_made_from_mac_addresses() -> None:
    assert mac_of("fe80::5054:ff:fe77:2") == "52:54:00:77:00:02"
    assert mac_of("fe80::5054:ff:fe77:2%br0") == "52:54:00:77:00:02"
    for other in ("fe80::1", "2001:db8::5054:ff:fe77:2", "::", "nonsense"):
        assert mac_of(other) is None


def test_machines_of_other_networks_are_not_served(tmp_path: Path) -> None:
    """Linux takes a connection to the private address on every network that has a route to it."""
    paths = Paths(tmp_path)
    paths.site_file.parent.mkdir(parents=True)
    paths.site_file.write_bytes(SiteStore(paths).render(SITE))
    Installs(paths).arm(SITE, SITE.standbys[0], 1)
    server = BootServer(BootServerPlan(paths, key(9)))
    hello = f"mac={BOOT_MAC}\nkey={key().line}\n".encode()
    for path, body in (("/hello", hello), ("/boot.ipxe", b"")):
        request = Request("POST" if body else "GET", path, {}, body, "192.0.2.77")
        assert asyncio.run(server._handle(request)).status == 403
    ticket = Installs(paths).ticket(Mac(BOOT_MAC))
    assert ticket is not None
    assert ticket.state is TicketState.ARMED
    request = Request("GET", "/boot.ipxe", {"mac": BOOT_MAC}, b"", "10.0.0.77")
    assert "haoscar.key" in asyncio.run(server._handle(request)).text


def test_a_flood_of_hellos_hides_no_later_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installs_module, "MOST_REFUSALS", 1000)
    installs = Installs(Paths(tmp_path))
    for number in range(100):
        installs.record_refusal(f"10.0.0.{number}: No installation is expected from it.")
    assert installs.refusals()[-1].text.startswith("10.0.0.99:")
    kept = sum(path.stat().st_size for path in Paths(tmp_path).installs.glob("refused.*"))
    assert kept < 2500


def test_the_log_that_strangers_fill_is_emptied(tmp_path: Path) -> None:
    log = tmp_path / "sshd.log"
    empty_when_larger(log, 10)  # there is none yet
    log.write_text("0123456789")
    empty_when_larger(log, 10)
    assert log.read_text() == "0123456789"
    with log.open("a") as writer:
        writer.write("x")
        writer.flush()
        empty_when_larger(log, 10)
        writer.write("next")
    assert log.read_text() == "next"


def test_a_damaged_ticket_stops_nobody_else_and_is_repaired_by_arming(tmp_path: Path) -> None:
    second = standby(name=HostName("standby2"), mac=Mac("52:54:00:00:00:12"))
    both = site().with_standby(standby()).with_standby(second)
    paths = Paths(tmp_path)
    (tmp_path / "srv/tftp/haoscar/pxelinux.cfg").mkdir(parents=True)
    installs = Installs(paths)
    for one in both.standbys:
        installs.arm(both, one, 1)
    damaged = installs.directory(Mac(BOOT_MAC)) / "ticket.json"
    damaged.write_text("{")
    assert [one.standby for one in installs.tickets()] == ["standby2"]
    assert BootEntries(paths, installs, key()).write(both) == ["standby1", "standby2"]
    with pytest.raises(InvalidInput, match="stored ticket"):
        installs.state(Mac(BOOT_MAC))
    installs.arm(both, both.standbys[0], 1)
    assert len(installs.tickets()) == 2
