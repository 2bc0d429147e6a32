"""A head below a directory for the tests of step 4: an image, a standby, and programs that are played.

``prepare`` makes the files, in the test; ``setup`` makes the wiring, in the window's process.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from backend.clone.constants import Stage
from backend.clone.events import InstallEvent
from backend.clone.installer import CONTENT, DHCP_CLIENTS, NEEDED
from backend.clone.installs import Installs
from backend.clone.sshd import SshdFiles
from backend.clone.ticket import Ticket
from backend.errors import CommandFailed
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.netboot.dhcp import INCLUDE, render_include
from backend.netboot.loaders import FLOPPY_LOADER, TFTP_LOADERS
from backend.netboot.plan import BOOT_UNIT, BOOT_UNIT_FILE
from backend.paths import Paths
from backend.site.store import SiteStore
from backend.system.runner import Command, Result
from backend.wiring import Wiring
from tests.clone_site import BOOT_MAC, site, standby
from tests.unit.test_clone_answer import BOTH, image
from tests.unit.test_clone_ticket import key
from tests.unit.test_netboot_media import STICK

KERNEL = "6.1.0-test"
MAC = Mac(BOOT_MAC)
SECOND = standby(
    name=HostName("standby2"), mac=Mac("52:54:00:00:00:12"), address=IPv4Address("10.0.0.3"),
    public_address=None,
)  # fmt: skip
SITE = site().with_standby(standby())


def prepare(root: Path, *, served: bool = False, image_too: bool = True) -> Paths:
    """Make a head on which steps 1 to 3 were done; ``served``: network boot was set up, too."""
    paths = Paths(root)
    paths.site_file.write_bytes(SiteStore(paths).render(SITE))
    include = paths.at(INCLUDE)
    include.parent.mkdir(parents=True)
    include.write_text(render_include(SITE, declare_subnet=True))
    if image_too:
        image(root, "lab-lvm-uefi", files=BOTH)
    programs = [f"/usr/bin/{name}" for name, _, _ in NEEDED] + [f"/usr/bin/{DHCP_CLIENTS[0]}"]
    loaders = [one.candidates[0] for one in (*TFTP_LOADERS, FLOPPY_LOADER)]
    kernel = [f"/lib/modules/{KERNEL}/modules.dep", f"/boot/vmlinuz-{KERNEL}"]
    for name in (*programs, *loaders, *kernel):
        paths.at(name).parent.mkdir(parents=True, exist_ok=True)
        paths.at(name).write_bytes(name.encode())
    paths.at("/usr/lib/dracut/modules.d/00bash").mkdir(parents=True)
    paths.cache.mkdir(parents=True)
    if served:
        serve(paths)
    return paths


def serve(paths: Paths) -> None:
    """Make what Setup Network Boot would have made."""
    ours = paths.at("/srv/tftp/haoscar")
    for path in (
        paths.at(BOOT_UNIT_FILE), *(ours / one.name for one in TFTP_LOADERS),
        ours / "linux", ours / "installer.img",
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def setup(root: Path) -> dict[str, Any]:
    """Return the window's wiring; see tests/gui/window.py."""
    played = Programs(root)
    if Paths(root).at(BOOT_UNIT_FILE).is_file():
        played.start_boot_server()
    return {"wiring": Wiring(Paths(root), played)}


class Programs:
    """A Runner that plays the programs of a head; what it does not know is not installed."""

    def __init__(self, root: Path) -> None:
        self._paths = Paths(root)
        self._running: set[str] = set()
        self._server: socket.socket | None = None

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        words = list(command.argv)
        program = getattr(self, f"_{words[0].replace('-', '_')}", None)
        if program is None:
            if check:
                raise CommandFailed.of("command.not-started", f"{words[0]} is not here.")
            return Result(command, 127, "", "", 0.0)
        said, code = program(words)
        if check and code:
            raise CommandFailed.of("command.failed", f"{words[0]} failed.")
        return Result(command, code, said, "", 0.0)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, check: bool = True, **_: object
    ) -> Result:
        """See Runner.stream."""
        del on_line
        return self.run(command, check=check)

    def start_boot_server(self) -> None:
        """Answer on its socket, as the real one does: whatever was asked is done."""
        path = SshdFiles.of(self._paths).socket
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._answer, args=(self._server,), daemon=True).start()

    def _answer(self, server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'{"ok": true}\n')

    def _systemctl(self, words: list[str]) -> tuple[str, int]:
        unit = words[-1]
        if "is-active" in words:
            return ("active\n", 0) if unit in self._running else ("inactive\n", 3)
        if "is-enabled" in words:
            return ("enabled\n", 0) if unit in self._running else ("disabled\n", 1)
        if "restart" in words and unit == BOOT_UNIT and self._server is None:
            self.start_boot_server()
        if {"restart", "start", "enable"} & set(words):
            self._running.add(unit)
        return "", 0

    def _ssh_keygen(self, words: list[str]) -> tuple[str, int]:
        private = Path(words[words.index("-f") + 1])
        private.write_text("private\n")
        private.with_suffix(".pub").write_text(f"{key(7).line} haoscar-boot\n")
        return "", 0

    def _env(self, words: list[str]) -> tuple[str, int]:
        assert "dracut" in words
        self._paths.at(words[-1]).write_bytes(b"installer" * 1000)
        return "", 0

    def _lsinitrd(self, _words: list[str]) -> tuple[str, int]:
        return "\n".join((*CONTENT, "ext4.ko", "vfat.ko")) + "\n", 0

    def _rsync(self, _words: list[str]) -> tuple[str, int]:
        return "rsync with lz4 zstd\n", 0

    def _grub_mkimage(self, words: list[str]) -> tuple[str, int]:
        Path(words[words.index("-o") + 1]).write_bytes(b"EFI")
        return "", 0

    def _lsblk(self, _words: list[str]) -> tuple[str, int]:
        return json.dumps({"blockdevices": [STICK]}), 0

    def _blkid(self, _words: list[str]) -> tuple[str, int]:
        return "", 2

    def _nothing(self, _words: list[str]) -> tuple[str, int]:
        return "", 0

    _mformat = _syslinux = _mcopy = _nothing


class Machine:
    """A standby whose installation the test plays, through the records that the boot server writes."""

    def __init__(self, paths: Paths, mac: Mac = MAC) -> None:
        self._installs = Installs(paths)
        self._mac = mac
        self._clock = 0.0

    @property
    def ticket(self) -> Ticket | None:
        """Its ticket, as it stands."""
        return self._installs.ticket(self._mac)

    def boots(self) -> None:
        """Ask for everything up to the installer."""
        for sign in ("asked", "loader", "kernel"):
            self._record(sign)

    def says_hello(self) -> None:
        """Be admitted, and get the script."""
        self._installs.admit(self._mac, key())
        self._installs.change(self._mac, Ticket.running)
        for stage in (Stage.START, Stage.NETWORK, Stage.ADMITTED):
            self.reaches(stage)

    def reaches(self, stage: Stage) -> None:
        """Begin a stage."""
        self._record("stage", stage)

    def copies(self, done: int, total: int) -> None:
        """Have copied so much."""
        self._record("bytes", done=done, total=total)

    def fails(self, text: str, *log: str) -> None:
        """Say so, with its last words."""
        for line in log:
            self._record("log", text=line)
        event = InstallEvent(self._now(), "failed", text=text)
        self._installs.change(self._mac, lambda ticket: ticket.failed(text), event)

    def runs_from_its_disk(self) -> None:
        """Report from there."""
        for stage in (Stage.VERIFY, Stage.IDENTITY, Stage.BOOTLOADER, Stage.DONE):
            self.reaches(stage)
        self._installs.change(self._mac, Ticket.done)
        facts = {"root": "/dev/vda1"}
        event = InstallEvent(self._now(), "booted", Stage.BOOTED, facts=facts)
        self._installs.change(self._mac, Ticket.booted, event)

    def _record(self, kind: str, stage: Stage | None = None, **values: Any) -> None:
        self._installs.record(self._mac, InstallEvent(self._now(), kind, stage, **values))

    def _now(self) -> float:
        """Return a time that never stands still, seconds since 1970."""
        self._clock = max(self._clock + 0.001, time.time())
        return self._clock
