"""Webhooks to a real server on loopback: taken, refused, hanging, with a wrong certificate."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.system.watch import http_post
from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts import outbox
from backend.watch.alerts.courier import Courier, Places
from backend.watch.settings import DOWN, Alert
from tests.unit.watch.alerts.world import certificate, message, office, settings, until


@dataclass
class WebServer:
    """Answers each request with the next of its answers, the last one again and again."""

    answers: list[bytes] = field(default_factory=lambda: [b"HTTP/1.1 200 OK\r\n\r\n"])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {a.lower(): b.strip() for a, _, b in (one.partition(":") for one in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append((first, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if not answer:
                await reader.read()  # hangs
            writer.write(answer)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def web(server: WebServer, files: tuple[str, str] | None = None) -> AsyncIterator[WebServer]:
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def deliver(*words: str) -> None:
    await Courier(settings(), Places()).deliver(message(Alert("webhook", DOWN, words)))


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_the_json_arrives_with_the_headers_of_the_file(tmp_path):
    token = private(tmp_path / "token", "Authorization: Bearer abc\n")

    async def run() -> None:
        async with web(WebServer()) as server:
            await deliver(f"http://127.0.0.1:{server.port}/hook?a=b", "--header-file", token)
            ((first, headers, body),) = server.requests
            assert first == "POST /hook?a=b HTTP/1.1"
            assert headers["host"] == f"127.0.0.1:{server.port}"
            assert headers["authorization"] == "Bearer abc"
            assert headers["content-type"] == "application/json; charset=utf-8"
            assert json.loads(body)["service"] == "web"

    asyncio.run(run())


def test_the_address_may_be_in_a_file_of_its_own(tmp_path):
    async def run() -> None:
        async with web(WebServer()) as server:
            file = private(tmp_path / "url", f"http://127.0.0.1:{server.port}/secret\n")
            await deliver("--url-file", file)
            assert server.requests[0][0].startswith("POST /secret ")

    asyncio.run(run())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_not_used(tmp_path, mode):
    file = private(tmp_path / "token", "Authorization: Bearer abc\n", mode)
    with pytest.raises(NotDelivered, match="chmod 600") as caught:
        asyncio.run(deliver("http://127.0.0.1:1/", "--header-file", file))
    assert "abc" not in str(caught.value)


def test_a_fifo_as_header_file_does_not_hang(tmp_path):
    import os

    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(NotDelivered, match="no file"):
        asyncio.run(deliver("http://127.0.0.1:1/", "--header-file", str(tmp_path / "fifo")))


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (b"HTTP/1.1 500 Oh\x1b[31m no\r\n\r\n", r"answered 500 Oh\\x1b"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n", "redirections"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000, "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300, "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n", "no HTTP"),
    ],
)
def test_any_other_answer_is_a_failure(answer, part):
    async def run() -> None:
        async with web(WebServer([answer])) as server:
            with pytest.raises(NotDelivered, match=part):
                await deliver(f"http://127.0.0.1:{server.port}/")

    asyncio.run(run())


def test_an_interim_answer_is_passed_over():
    async def run() -> None:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
        async with web(WebServer([early])) as server:
            await deliver(f"http://127.0.0.1:{server.port}/")

    asyncio.run(run())


def test_a_server_that_hangs_costs_its_limit():
    async def run() -> None:
        async with web(WebServer([b""])) as server:
            place = http_post.Place("127.0.0.1", server.port, "/", tls=False)
            with pytest.raises(NotDelivered, match="did not answer"):
                await http_post.post(place, (), b"{}", limit=0.2)

    asyncio.run(run())


def test_https_is_verified(tmp_path):
    right = certificate(tmp_path, "127.0.0.1")
    other = certificate(tmp_path, "other.example.org")

    async def run() -> None:
        async with web(WebServer(), right) as server:
            url = f"https://127.0.0.1:{server.port}/"
            with pytest.raises(NotDelivered, match=r"certificate of .* is not accepted"):
                await deliver(url)  # nobody vouches for it
            await deliver(url, "--ca-file", right[0])
            assert len(server.requests) == 1
            with pytest.raises(NotDelivered, match="no file with certificates"):
                await deliver(url, "--ca-file", right[1])
        async with web(WebServer(), other) as server:
            with pytest.raises(NotDelivered, match="is not accepted"):
                await deliver(f"https://127.0.0.1:{server.port}/", "--ca-file", other[0])
            assert server.requests == []

    asyncio.run(run())


def test_500s_are_tried_again_until_it_is_taken(monkeypatch):
    monkeypatch.setattr(outbox, "PAUSES", (0.02, 0.04))

    async def run() -> None:
        broken, good = b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
        async with web(WebServer([broken, broken, good])) as server:
            hook = Alert("webhook", DOWN, (f"http://127.0.0.1:{server.port}/",))
            async with office(settings()) as (post, said):
                post.send(message(hook))
                await until(lambda: len(server.requests) == 3 and not post.snapshot())
                ids = {json.loads(body)["id"] for _, _, body in server.requests}
                assert len(ids) == 1
                assert [one["code"] for one in post.history()] == [500, 500, 0]
                assert len(said) == 2

    asyncio.run(run())
