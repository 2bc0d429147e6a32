"""A real SMTP server on loopback, for the tests: takes mails, or misbehaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Taken:
    """A mail with its envelope."""

    sender: str
    recipients: list[str]
    data: bytes
    encrypted: bool


@dataclass
class MailServer:
    """What it does, and what it has got."""

    refuse: dict[str, str] = field(default_factory=dict)  # recipient: answer
    answer_data: str = "250 taken"
    silent: bool = False  # accepts, and never says a word
    tls: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        try:
            if self.silent:
                await reader.read()
                return
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            self.open_now -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")

        say("220 test ESMTP")
        sender, recipients, encrypted = "", [], False
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                say("250-test\r\n250 STARTTLS" if self.tls and not encrypted else "250 test")
            elif verb == "STARTTLS" and self.tls:
                say("220 go on")
                await writer.drain()
                await writer.start_tls(self.tls)
                encrypted = True
            elif verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
                say("250 ok")
            elif verb == "RCPT":
                who = line.partition("<")[2].partition(">")[0]
                recipients += [who] if who not in self.refuse else []
                say(self.refuse.get(who, "250 ok"))
            elif verb == "DATA":
                say("354 go on")
                data = await reader.readuntil(b"\r\n.\r\n")
                say(self._take(Taken(sender, recipients, data[:-3], encrypted)))
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _take(self, mail: Taken) -> str:
        if self.answer_data.startswith("2"):
            self.taken.append(mail)
        return self.answer_data


@contextlib.asynccontextmanager
async def mail_server(server: MailServer) -> AsyncIterator[MailServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
