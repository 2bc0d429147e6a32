"""What an admitted machine may do over its connection; every decision of the gate is made here.

Commands: ``inventory`` (once), ``events`` (the long-lived pipe), ``rsync --server --sender ...``
(each part of the one tree once), ``check content|metadata|xattrs``, and later ``booted``. All run in
the boot server's loop; what takes time runs in a thread.
"""

import asyncio
import json
import logging
import re
import shlex
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from backend.clone.answer import CHECKS, Answer, Answerer, make_checks, read_expectation
from backend.clone.constants import Stage
from backend.clone.events import InstallEvent, parse_facts, parse_line
from backend.clone.installs import Installs
from backend.clone.inventory import LIMIT
from backend.clone.keys import PublicKey
from backend.clone.script import TREE
from backend.clone.ticket import Ticket, TicketState
from backend.errors import HaoscarError, Refused
from backend.imaging.catalog import Catalog
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.system.files import make_private

log = logging.getLogger(__name__)

SLOWEST_INVENTORY = 60.0  # seconds
BYTES_EVERY = 0.4  # seconds between two byte counts that are kept
_SHORT = re.compile(r"-[vlHogDtpAXrSWxzR]*(e\.[A-Za-z0-9]*)?")
_LONG = frozenset(
    {
        "--numeric-ids", "--whole-file", "--checksum-choice=none", "--compress-choice=lz4",
        "--compress-choice=zstd", "--compress-level=1", "--new-compress", "--old-compress",
        "--modify-window=1", "--sparse",
    }
)  # fmt: skip


@dataclass
class Running:
    """What the boot server keeps in memory of one running installation."""

    answer: Answer
    checks: "asyncio.Task[None]"
    copied: set[str] = field(default_factory=set)


class Sessions:
    """Serves the sessions of admitted machines."""

    def __init__(
        self,
        installs: Installs,
        answerer: Answerer,
        site: Callable[[], Site],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._installs = installs
        self._answerer = answerer
        self._site = site
        self._changed = changed  # keys and boot entries follow the tickets
        self._running: dict[str, Running] = {}

    async def serve(
        self, question: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one session of the gate; raises OSError when it went away."""
        try:
            ticket = self._ticket(str(question.get("key", "")))
            await self._dispatch(ticket, str(question.get("command", "")), reader, writer)
        except HaoscarError as problem:
            await _say(writer, {"do": "refuse", "text": f"refused: {problem}"})

    def _ticket(self, key: str) -> Ticket:
        wanted = PublicKey.parse(key)
        for ticket in self._installs.tickets():
            if ticket.live_key == wanted:
                return ticket
        raise Refused.of("gate.key", "This key is not admitted, or not any more.")

    async def _dispatch(
        self,
        ticket: Ticket,
        command: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        word, _, rest = command.partition(" ")
        if word == "inventory" and not rest:
            await self._inventory(ticket, reader, writer)
        elif word == "events" and not rest:
            await self._events(ticket, reader, writer)
        elif word == "rsync":
            argv = self._rsync(ticket, command)
            await _say(writer, {"do": "exec", "argv": argv})
        elif word == "check" and rest in CHECKS:
            await self._check(ticket, rest, writer)
        elif word == "booted" and not rest:
            await self._booted(ticket, reader, writer)
        else:
            raise Refused.of("gate.command", "This key may not run that.")

    async def _inventory(
        self, ticket: Ticket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        mac = ticket.mac
        self._installs.change(mac, Ticket.running)
        await _say(writer, {"do": "pipe"})
        record = self._installs.directory(mac)
        try:
            text = await asyncio.wait_for(_read_all(reader, LIMIT), SLOWEST_INVENTORY)
            answer = await asyncio.to_thread(
                self._answerer.answer, self._site(), ticket, text, record
            )
        except (HaoscarError, OSError, TimeoutError) as problem:
            await self._fail(mac, str(problem) or "The machine did not send its inventory.")
            await _write(writer, f"refused: {' '.join(str(problem).split())}\n".encode())
            return
        version = Catalog(self._answerer.paths).get(ticket.image, ticket.version)
        checks = asyncio.create_task(asyncio.to_thread(make_checks, version, answer, record))
        self._running[mac] = Running(answer, checks)
        now = time.time()
        self._installs.record(mac, InstallEvent(now, "bytes", done=0, total=answer.total))
        for note in answer.notes:
            self._installs.record(mac, InstallEvent(now, "log", text=str(note)))
        await _write(writer, answer.script.encode())

    async def _events(
        self, ticket: Ticket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        mac = ticket.mac
        await _say(writer, {"do": "pipe"})
        last = 0.0
        while line := await _line(reader):
            event = parse_line(line, time.time())
            if event is None or (event.kind == "bytes" and event.time - last < BYTES_EVERY):
                continue
            last = event.time if event.kind == "bytes" else last
            if event.kind == "failed":
                await self._fail(mac, event.text)
                await _write(writer, b"ok\n")
                return
            self._installs.record(mac, event)
            if event.stage is Stage.DONE:
                await self._done(mac, writer)
        current = self._installs.ticket(mac)
        open_states = (TicketState.ADMITTED, TicketState.RUNNING)
        if current is not None and current.state in open_states and current.key == ticket.key:
            await self._fail(mac, "The connection to the machine was lost.")

    async def _done(self, mac: Mac, writer: asyncio.StreamWriter) -> None:
        if self._installs.change(mac, Ticket.done).state is not TicketState.DONE:
            return
        self._running.pop(mac, None)
        await self._changed()
        await _write(writer, b"ok\n")

    def _rsync(self, ticket: Ticket, command: str) -> list[str]:
        running = self._running_of(ticket)
        options, part = sender_arguments(command)
        wanted = {"": "", **{f"{path}/": path for path in running.answer.reduced}}
        if part not in wanted or part in running.copied:
            raise Refused.of("gate.path", "This part of the image is not to be copied (again).")
        version = Catalog(self._answerer.paths).get(ticket.image, ticket.version)
        directory = version.tree / wanted[part]
        if directory.resolve() != directory.absolute() and part:
            raise Refused.of("gate.link", f"{part} of the image is a link.")
        if not directory.is_dir():
            # Nothing in the image belongs there.
            directory = self._installs.directory(ticket.mac) / "nothing"
            make_private(directory)
        running.copied.add(part)
        program = shutil.which("rsync", path="/usr/bin:/usr/local/bin:/bin") or "/usr/bin/rsync"
        return [program, *options, ".", f"{directory}/"]

    async def _check(self, ticket: Ticket, name: str, writer: asyncio.StreamWriter) -> None:
        running = self._running_of(ticket)
        try:
            await running.checks
        except (HaoscarError, OSError) as problem:
            raise Refused.of("image.manifest", f"The image cannot be checked: {problem}.") from None
        path = self._installs.directory(ticket.mac) / f"check.{name}"
        await _say(writer, {"do": "pipe"})
        with path.open("rb") as source:
            while chunk := await asyncio.to_thread(source.read, 1 << 18):
                await _write(writer, chunk)

    async def _booted(
        self, ticket: Ticket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if ticket.state is not TicketState.DONE:
            raise Refused.of("gate.early", "Its installation has not ended.")
        await _say(writer, {"do": "pipe"})
        facts = parse_facts(await asyncio.wait_for(_read_all(reader, 16384), 30.0))
        problem = read_expectation(self._installs.directory(ticket.mac)).problem(facts)
        now = time.time()
        if problem:
            self._installs.record(ticket.mac, InstallEvent(now, "log", text=json.dumps(facts)))
            await self._fail(ticket.mac, problem)
            await _write(writer, f"refused: {problem}\n".encode())
            return
        event = InstallEvent(now, "booted", stage=Stage.BOOTED, facts=facts)
        self._installs.change(ticket.mac, Ticket.booted, event)
        await _write(writer, b"ok\n")
        await self._changed()

    def _running_of(self, ticket: Ticket) -> Running:
        running = self._running.get(ticket.mac)
        if running is None or ticket.state is not TicketState.RUNNING:
            raise Refused.of("gate.state", "This machine is not being installed.")
        return running

    async def _fail(self, mac: Mac, reason: str) -> None:
        log.warning("installation of %s failed: %s", mac, reason)
        event = InstallEvent(time.time(), "failed", text=reason)
        self._installs.change(mac, lambda ticket: ticket.failed(reason), event)
        self._running.pop(mac, None)
        await self._changed()


def sender_arguments(command: str) -> tuple[list[str], str]:
    """Return the options and the part of the tree that a client's rsync asks for; raises Refused.

    Only a sender, only options that we use ourselves, only the one tree: nothing that writes,
    deletes, reads a list of files or names a path of the head.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    bad = Refused.of("gate.rsync", "This key may only read its image with rsync.")
    if words[:3] != ["rsync", "--server", "--sender"] or words[-2:-1] != ["."]:
        raise bad
    options = words[3:-2]
    if not all(_SHORT.fullmatch(word) or word in _LONG for word in options):
        raise bad
    path = words[-1]
    if not path.startswith(TREE) or ".." in path.split("/"):
        raise bad
    return ["--server", "--sender", *options], path.removeprefix(TREE)


async def _read_all(reader: asyncio.StreamReader, most: int) -> bytes:
    """Read to the end, one byte more than allowed at most, so that the parser sees the excess."""
    data = b""
    while len(data) <= most and (chunk := await reader.read(65536)):
        data += chunk
    return data[: most + 1]


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any buffer: not our installer
        return b""


async def _say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    await _write(writer, json.dumps(answer).encode() + b"\n")


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await asyncio.wait_for(writer.drain(), 120.0)
