"""The boot server: HTTP for booting machines, the gate for admitted ones, and their sshd.

One process (``haoscar boot-server``, haoscar-boot.service), one asyncio loop, so that every decision
about a ticket is made in one place, one after the other. It listens on the head's private address
only. The dedicated sshd runs only while a key is admitted.
"""

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from backend.clone.answer import Answerer
from backend.clone.constants import BOOT_PORT, SSH_PORT
from backend.clone.installer import copy_options
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.clone.sessions import Sessions
from backend.clone.sshd import DedicatedSshd, SshdFiles
from backend.errors import HaoscarError, Refused
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.netboot.boot_files import HELLO_PATH, BootEntries, answer, parse_hello
from backend.netboot.signs import BootSigns
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.system.boot_requests import BootRequests
from backend.system.files import empty_when_larger
from backend.system.http_server import HttpServer, Request, Response
from backend.system.router_answers import RouterAnswers
from backend.system.unix_socket import Connection, UnixServer, notify_ready

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks at site file and tickets
MOST_HELLOS = 20  # refused hellos that are recorded at once, and one more each second
MOST_LOG = 1 << 20  # bytes of the sshd's log, which anybody who connects can make longer


@dataclass(frozen=True, slots=True)
class BootServerPlan:
    """What the boot server is started with."""

    paths: Paths
    host_key: PublicKey
    http_port: int = BOOT_PORT
    ssh_port: int = SSH_PORT


class BootServer:
    """Runs until it is told to stop; everything happens in one loop."""

    def __init__(self, plan: BootServerPlan) -> None:
        self._plan = plan
        self._store = SiteStore(plan.paths)
        self._site: Site = self._store.load()
        self._site_changed = self._site_time()
        self._installs = Installs(plan.paths)
        self._entries = BootEntries(plan.paths, self._installs, plan.host_key)
        address = self._site.primary.private_address
        self._sshd = DedicatedSshd(plan.paths, address, plan.ssh_port)
        answerer = Answerer(plan.paths, plan.host_key, copy_options(plan.paths))
        self._sessions = Sessions(self._installs, answerer, lambda: self._site, self._follow)
        self._http = HttpServer(self._handle)
        self._gate = UnixServer(self._session)
        interface = self._site.private.interface
        self._router = RouterAnswers(interface, self._known)
        self._signs = BootSigns(self._installs, lambda: self._site)
        self._requests = BootRequests(interface, self._signs.packet)
        self._refusals = 0

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises HaoscarError, OSError when it cannot start."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            await self._start()
            notify_ready()
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK)
                await self._look()
        finally:
            await self._http.stop()
            await self._gate.stop()
            self._router.stop()
            self._requests.stop()
            self._sshd.stop()

    async def _start(self) -> None:
        address = str(self._site.primary.private_address)
        try:
            await self._http.start(address, self._plan.http_port)
        except OSError as problem:
            raise Refused.of(
                "boot.address",
                f"The boot server cannot listen on {address}:{self._plan.http_port}: "
                f"{problem.strerror}.",
                "The private address must be on this head, and the port free.",
            ) from problem
        await self._gate.start(SshdFiles.of(self._plan.paths).socket)
        try:
            self._router.start()
        except OSError as problem:
            log.warning("no answers to IPv6 router questions (iPXE waits 16 s more): %s", problem)
        try:
            self._requests.start()
        except OSError as problem:
            log.warning("requests of booting machines are not heard: %s", problem)
        await self._follow()
        log.info("boot server ready on %s:%d", address, self._plan.http_port)

    async def _look(self) -> None:
        """Take in what other processes and time have changed."""
        changed = self._site_time()
        if changed != self._site_changed:
            self._site_changed = changed
            try:
                self._site = self._store.load()
            except HaoscarError as problem:
                log.warning("the site file is not valid, the old one stays in use: %s", problem)
        self._refusals = max(0, self._refusals - 1)
        empty_when_larger(SshdFiles.of(self._plan.paths).log, MOST_LOG)
        try:
            await self._follow()
        except (HaoscarError, OSError) as problem:
            log.error("boot entries or sshd could not follow the tickets: %s", problem)

    async def _follow(self) -> None:
        """Make keys and boot entries agree with the tickets."""
        keys = [one.live_key for one in self._installs.tickets() if one.live_key is not None]
        before = self._sshd.running
        self._sshd.admit(keys)
        if self._sshd.running and not before:
            await self._listening()
        self._sessions.enforce()
        self._entries.write(self._site)

    async def _listening(self) -> None:
        """Wait until the sshd takes connections, five seconds at most."""
        address = str(self._site.primary.private_address)
        for _ in range(100):
            with contextlib.suppress(OSError):
                _reader, writer = await asyncio.open_connection(address, self._plan.ssh_port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise Refused.of(
            "boot.sshd", "The sshd of installations did not start.",
            f"Read {SshdFiles.of(self._plan.paths).log}.",
        )  # fmt: skip

    async def _handle(self, request: Request) -> Response:
        # Linux answers on every network for every address it has: who knows a route to the private
        # address from elsewhere would be heard.
        if IPv4Address(request.client) not in self._site.private.network:
            return Response(403, "Only machines of the private network are served.\n")
        if request.path != HELLO_PATH:
            self._signs.http(request.client, request.path, request.query.get("mac", ""))
            return answer(request, self._plan.paths, self._site, self._entries)
        if request.method != "POST":
            return Response(405, "A hello is posted.\n")
        try:
            mac, key = parse_hello(request.body)
            self._expected(mac)
            self._installs.admit(mac, key)
            await self._follow()
        except (HaoscarError, OSError) as problem:
            text = " ".join(str(problem).split())
            log.warning("hello from %s refused: %s", request.client, text)
            if self._refusals < MOST_HELLOS:
                self._refusals += 1
                self._installs.record_refusal(f"{request.client}: {text}")
            return Response(403, f"{text}\n")
        log.info("admitted %s from %s", mac, request.client)
        return Response(200, "welcome\n")

    def _expected(self, mac: Mac) -> None:
        if not any(one.mac == mac for one in self._site.standbys):
            raise Refused.of("hello.unknown", f"No installation is expected from {mac}.")

    def _known(self, mac: str) -> bool:
        return any(one.mac == mac for one in self._site.standbys)

    async def _session(
        self, question: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if question.get("control") == "follow":  # only root can open the socket
            await self._look()
            writer.write(b'{"ok": true}\n')
            await writer.drain()
            return
        await self._sessions.serve(question, reader, writer)

    def _site_time(self) -> float:
        try:
            return self._plan.paths.site_file.stat().st_mtime
        except OSError:
            return 0.0


def tell_boot_server(paths: Paths) -> None:
    """Let the running boot server take in changed tickets at once; raises Refused without one."""
    socket = SshdFiles.of(paths).socket
    try:
        with contextlib.closing(Connection(socket, timeout=15.0)) as connection:
            connection.ask({"control": "follow"})
    except (OSError, ValueError) as problem:
        raise Refused.of(
            "boot.not-running",
            f"The boot server does not answer ({Path(socket).name}: {problem}).",
            "Start it: systemctl start haoscar-boot.service; or set up network boot first.",
        ) from problem
