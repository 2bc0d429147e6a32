"""What an admitted machine may do over its connection; every decision of the gate is made here.

Commands: ``inventory`` (once), ``events`` (the long-lived pipe), ``rsync --server --daemon .``
(each part of the one tree once, in the ticket's order), ``check content|metadata|xattrs``, and later
``booted``. All run in the boot server's loop; what takes time runs in a thread. A session that
outlived its ticket changes nothing any more, not even when its machine was armed again.
"""

import asyncio
import contextlib
import json
import logging
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from backend.clone.answer import CHECKS, Answerer, make_checks, read_expectation
from backend.clone.constants import Stage
from backend.clone.copy_source import COPY_COMMAND, copy_source
from backend.clone.events import InstallEvent, parse_facts, parse_line
from backend.clone.installs import Installs
from backend.clone.inventory import LIMIT
from backend.clone.keys import PublicKey
from backend.clone.ticket import Ticket, TicketState
from backend.errors import HaoscarError, Refused
from backend.imaging.catalog import Catalog
from backend.model.site import Site
from backend.system.files import make_private
from backend.system.processes import ProcessId

log = logging.getLogger(__name__)

SLOWEST_INVENTORY = 60.0  # seconds
BYTES_EVERY = 0.4  # seconds between two byte counts that are kept


@dataclass
class Running:
    """What the boot server keeps in memory of one running installation."""

    checks: "asyncio.Task[None]"
    hold: contextlib.ExitStack  # keeps the image version from being deleted
    parts: list[str]  # of the tree, still to be copied
    copies: list[ProcessId] = field(default_factory=list)


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
        self._running: dict[PublicKey | None, Running] = {}

    async def serve(
        self, question: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one session of the gate; raises OSError when it went away."""
        try:
            ticket = self._ticket(str(question.get("key", "")))
            await self._dispatch(ticket, question, reader, writer)
        except HaoscarError as problem:
            await _say(writer, {"do": "refuse", "text": f"refused: {problem}"})

    def enforce(self) -> None:
        """End every copy whose ticket does not allow it any more; raises OSError."""
        allowed = {one.key for one in self._installs.tickets() if one.state is TicketState.RUNNING}
        for key in self._running.keys() - allowed:
            self._end(key)

    def _end(self, key: PublicKey | None) -> None:
        running = self._running.pop(key, None)
        if running is not None:
            running.hold.close()
            for process in running.copies:
                process.send(signal.SIGKILL)

    def _ticket(self, key: str) -> Ticket:
        wanted = PublicKey.parse(key)
        for ticket in self._installs.tickets():
            if ticket.live_key == wanted:
                return ticket
        raise Refused.of("gate.key", "This key is not admitted, or not any more.")

    async def _dispatch(
        self,
        ticket: Ticket,
        question: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        command = str(question.get("command", ""))
        word, _, rest = command.partition(" ")
        if word == "inventory" and not rest:
            await self._inventory(ticket, reader, writer)
        elif word == "events" and not rest:
            await self._events(ticket, reader, writer)
        elif command == COPY_COMMAND:
            argv = self._copy(ticket, int(question.get("pid", 0)))
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
        self._change(ticket, Ticket.running)
        await _say(writer, {"do": "pipe"})
        record = self._installs.directory(mac)
        with contextlib.ExitStack() as stack:
            try:
                catalog = Catalog(self._answerer.paths)
                version = catalog.get(ticket.image, ticket.version)
                stack.enter_context(catalog.using(version))
                text = await asyncio.wait_for(_read_all(reader, LIMIT), SLOWEST_INVENTORY)
                answer = await asyncio.to_thread(
                    self._answerer.answer, self._site(), ticket, text, record
                )
            except (HaoscarError, OSError, TimeoutError) as problem:
                await self._fail(ticket, str(problem) or "The machine did not send its inventory.")
                await _write(writer, f"refused: {' '.join(str(problem).split())}\n".encode())
                return
            hold = stack.pop_all()
        checks = asyncio.create_task(asyncio.to_thread(make_checks, version, answer, record))
        self._running[ticket.key] = Running(checks, hold, ["", *answer.reduced])
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
            current = self._installs.ticket(mac)
            if current is None or current.armed != ticket.armed:
                return  # another installation of this machine has begun; this one tells nothing
            if event.kind == "failed":
                await self._fail(ticket, event.text)
                await _write(writer, b"ok\n")
                return
            self._installs.record(mac, event)
            if event.stage is Stage.DONE:
                await self._done(ticket, writer)
        current = self._installs.ticket(mac)
        open_states = (TicketState.ADMITTED, TicketState.RUNNING)
        if current is not None and current.state in open_states and current.key == ticket.key:
            await self._fail(ticket, "The connection to the machine was lost.")

    async def _done(self, ticket: Ticket, writer: asyncio.StreamWriter) -> None:
        if self._change(ticket, Ticket.done).state is not TicketState.DONE:
            return
        self._end(ticket.key)
        await self._changed()
        await _write(writer, b"ok\n")

    def _copy(self, ticket: Ticket, pid: int) -> list[str]:
        """Return what the gate (process ``pid``) becomes to send the next part of the image."""
        running = self._running_of(ticket)
        if not running.parts:
            raise Refused.of("gate.path", "The image was copied already.")
        part = running.parts.pop(0)
        version = Catalog(self._answerer.paths).get(ticket.image, ticket.version)
        record = self._installs.directory(ticket.mac)
        directory = version.tree / part
        if part and directory.resolve() != directory.absolute():
            raise Refused.of("gate.link", f"{part} of the image is a link.")
        if not directory.is_dir():
            # Nothing in the image belongs there.
            directory = record / "nothing"
            make_private(directory)
        program = shutil.which("rsync", path="/usr/bin:/usr/local/bin:/bin") or "/usr/bin/rsync"
        argv = copy_source(program, directory, record)
        process = ProcessId.of(pid)  # the same one after it has become rsync
        if process is not None:
            running.copies.append(process)
        return argv

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
            await self._fail(ticket, problem)
            await _write(writer, f"refused: {problem}\n".encode())
            return
        event = InstallEvent(now, "booted", stage=Stage.BOOTED, facts=facts)
        self._change(ticket, Ticket.booted, event)
        await _write(writer, b"ok\n")
        await self._changed()

    def _running_of(self, ticket: Ticket) -> Running:
        running = self._running.get(ticket.key)
        if running is None or ticket.state is not TicketState.RUNNING:
            raise Refused.of("gate.state", "This machine is not being installed.")
        return running

    def _change(
        self, ticket: Ticket, step: Callable[[Ticket], Ticket], event: InstallEvent | None = None
    ) -> Ticket:
        """Change the ticket of this session, and no later one of the same machine; raises Refused."""

        def checked(current: Ticket) -> Ticket:
            if current.live_key is None or current.live_key != ticket.key:
                raise Refused.of("gate.key", "This key is not admitted any more.")
            return step(current)

        return self._installs.change(ticket.mac, checked, event)

    async def _fail(self, ticket: Ticket, reason: str) -> None:
        event = InstallEvent(time.time(), "failed", text=reason)
        try:
            self._change(ticket, lambda current: current.failed(reason), event)
        except Refused:
            return  # it has ended before, and the first reason is the right one
        log.warning("installation of %s failed: %s", ticket.mac, reason)
        self._end(ticket.key)
        await self._changed()


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
