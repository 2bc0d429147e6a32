"""A golden client behind a real sshd on this machine, and a head that fetches its image."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.imaging.catalog import Catalog
from backend.imaging.client import over_ssh
from backend.imaging.fetch import FetchImage
from backend.model.layout import Layout
from backend.model.names import ImageName, UserName
from backend.model.requests_image import FetchImageRequest
from backend.paths import Paths
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.runner import LocalRunner, Runner
from backend.system.ssh import Credentials
from backend.tasks import CancelToken, Event, TaskContext

PASSWORD = "correct-horse-battery"
# What "openssl passwd -6 -salt haoscarlab" makes of it.
PASSWORD_HASH = (
    "$6$haoscarlab$6cdAe/ir5X6.L8mYevOtUTDv3l7Skf38TwS0"
    "mn1Z/JgVXpAaSGwgqyfQpSZkLe4TVi0H7ExZT/6dpVw./MU0d1"
)
ADMIN = "labadmin"
BIG = 24 << 20
IN_NAMESPACE = """
mount -t tmpfs none /run && mkdir -m 755 /run/sshd &&
install -m 644 "$1/identity.pub" /run/keys || exit 1
for file in passwd shadow sudoers; do
    [ ! -e "/etc/$file" ] || mount --bind "$1/$file" "/etc/$file" || exit 1
done
exec /usr/sbin/sshd -D -e -f "$1/config" -p "$2"
"""


@dataclass
class Sshd:
    """A real sshd with files of its own, in a mount namespace that hides its shadow file."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on a free port and wait until it answers."""
        if not self.port:
            self.port = free_port()
        log = (self.directory / "sshd.log").open("ab")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             IN_NAMESPACE, "sh", str(self.directory), str(self.port)],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            time.sleep(0.05)
        raise AssertionError((self.directory / "sshd.log").read_text())

    def stop(self) -> None:
        """End it and its sessions."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 15)
            self.process.wait(timeout=10)

    def new_host_key(self) -> None:
        """Give it another host key, as another machine would have."""
        key = self.directory / "host_key"
        key.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)],
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip


class Wire:
    """A TCP relay to sshd that can be cut after so many bytes from the server."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.cut_after: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _peer = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                threading.Thread(target=self._relay, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._relay, args=(far, near, True), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        total = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                total += len(data)
                if counted and self.cut_after is not None and total > self.cut_after:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close everything."""
        for one in (self._listener, *self._open):
            one.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    directory = tmp_path / "sshd"
    directory.mkdir()
    server = Sshd(directory)
    server.new_host_key()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "identity")],
        check=True,
    )
    shadow = "".join(f"{name}:{PASSWORD_HASH}:19000:0:99999:7:::\n" for name in ("root", ADMIN))
    (directory / "shadow").write_text(shadow)
    (directory / "shadow").chmod(0o600)
    users = Path("/etc/passwd").read_text()
    (directory / "passwd").write_text(f"{users}{ADMIN}:x:64321:64321::/nonexistent:/bin/sh\n")
    (directory / "sudoers").write_text(f"root ALL=(ALL) ALL\n{ADMIN} ALL=(ALL) ALL\n")
    (directory / "sudoers").chmod(0o440)
    (directory / "config").write_text(
        f"ListenAddress 127.0.0.1\nHostKey {directory}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile /run/keys\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication yes\nMaxStartups 100\n"
    )
    server.start()
    yield server
    server.stop()


@dataclass
class Head:
    """A head with its catalogue in a temporary directory, and a golden tree beside it."""

    tmp: Path
    sshd: Sshd
    asked: list[HostKey] = field(default_factory=list)
    answer: bool = True
    credentials: Credentials | None = None
    user: str = "root"
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_event: Callable[[Event], None] = lambda _event: None

    @property
    def paths(self) -> Paths:
        return Paths(self.tmp / "head")

    @property
    def golden(self) -> Path:
        return self.tmp / "golden"

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.paths)

    def decide(self, _host: str, key: HostKey) -> bool:
        self.asked.append(key)
        return self.answer

    def listen(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def fetch(self, port: int | None = None) -> object:
        request = FetchImageRequest(
            ImageName("serverimage"), "127.0.0.1", UserName(self.user), port or self.sshd.port
        )
        credentials = self.credentials or Credentials(
            self.user, key_files=(self.sshd.directory / "identity",), agent=False
        )
        known = KnownHosts(self.paths.state / "known_hosts")
        task = FetchImage(
            request,
            self.paths,
            LocalRunner(),
            lambda: over_ssh(request, credentials, known, self.decide, self.paths.state),
            no_layout,
            str(self.golden),
        )
        return task.run(TaskContext(self.listen, self.cancel))


def no_layout(_runner: Runner) -> Layout:
    """Stand in for the capture: the layout of this machine is not what is tested."""

    class Empty:
        def to_json(self) -> str:
            return "{}\n"

    return Empty()  # type: ignore[return-value]


@pytest.fixture
def head(tmp_path: Path, sshd: Sshd) -> Head:
    golden = tmp_path / "golden"
    (golden / "etc" / "ssh").mkdir(parents=True)
    (golden / "etc" / "hostname").write_text("head\n")
    (golden / "etc" / "ssh" / "ssh_host_ed25519_key").write_text("secret")
    (golden / "etc" / "os-release").write_text('ID=debian\nPRETTY_NAME="Debian 12"\n')
    (golden / "tmp").mkdir()
    (golden / "tmp" / "junk").write_text("junk")
    (golden / "two words\n").write_text("odd name")
    for name in ("a", "b"):
        (golden / f"big-{name}").write_bytes(os.urandom(BIG))
    os.link(golden / "etc" / "hostname", golden / "hard")
    os.setxattr(golden / "hard", "security.capability",
                bytes.fromhex("0100000200200000000000000000000000000000"))  # fmt: skip
    return Head(tmp_path, sshd)
