"""Fetching over a real sshd on this machine: host keys, cuts, versions, passwords."""

import contextlib
import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.catalog import Catalog
from backend.imaging.client import over_ssh
from backend.imaging.fetch import FetchImage
from backend.imaging.verify import verify_tree
from backend.model.layout import Layout
from backend.model.names import ImageName, UserName
from backend.model.requests_image import FetchImageRequest
from backend.model.secrets import Secret
from backend.paths import Paths
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.runner import LocalRunner, Runner
from backend.system.ssh import Credentials
from backend.tasks import CancelToken, Event, Progress, TaskContext
from backend.wiring import Wiring

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
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


def test_key_confirmed_once_image_complete_and_a_flipped_byte_found(head: Head) -> None:
    head.fetch()
    assert len(head.asked) == 1
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(head.sshd.directory / "host_key.pub")],
        capture_output=True, text=True, check=True,
    ).stdout.split()[1]  # fmt: skip
    assert head.asked[0].fingerprint == fingerprint
    version = head.catalog.latest("serverimage")
    tree = version.tree
    assert head.paths.images.stat().st_mode & 0o7777 == 0o700
    assert (tree / "hard").stat().st_ino == (tree / "etc" / "hostname").stat().st_ino
    assert os.getxattr(tree / "hard", "security.capability")
    assert (tree / "two words\n").read_text() == "odd name"
    assert not (tree / "etc" / "ssh" / "ssh_host_ed25519_key").exists()
    assert list((tree / "tmp").iterdir()) == []
    assert version.facts().system == "Debian 12"
    assert version.facts().files == 6
    copied = [e for e in head.events if isinstance(e, Progress) and e.step.startswith("Copying")]
    assert copied[-1].share == 1.0
    assert verify_tree(tree, version.manifest, TaskContext()).ok

    head.fetch()
    assert len(head.asked) == 1

    flip(tree / "big-a")
    found = verify_tree(tree, version.manifest, TaskContext())
    assert [(one.path, one.aspect) for one in found.differences] == [("big-a", "digest")]


def flip(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes((byte[0] ^ 1,)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_declined_and_changed_host_keys_are_refused(head: Head) -> None:
    head.answer = False
    with pytest.raises(Refused, match="was not confirmed"):
        head.fetch()
    head.answer = True
    head.fetch()
    head.sshd.stop()
    head.sshd.new_host_key()
    head.sshd.start()
    head.asked.clear()
    with pytest.raises(Refused, match="not the one that was confirmed"):
        head.fetch()
    assert head.asked == []
    assert len(head.catalog.list()) == 1


def test_a_cut_fetch_goes_on_and_the_next_version_shares_files(head: Head) -> None:
    wire = Wire(head.sshd.port)
    try:
        wire.cut_after = BIG + (4 << 20)
        with pytest.raises(HaoscarError) as caught:
            head.fetch(wire.port)
        assert "cut" in str(caught.value)
        assert head.catalog.list() == ()
        [partial] = head.catalog.partials("serverimage")
        done = {path.name for path in (partial / "tree").iterdir()}
        assert "big-a" in done

        head.events.clear()
        wire.cut_after = None
        head.fetch(wire.port)
    finally:
        wire.close()
    assert head.catalog.partials("serverimage") == ()
    first = head.catalog.latest("serverimage")
    assert first.facts().transferred < 2 * BIG
    assert verify_tree(first.tree, first.manifest, TaskContext()).ok

    (head.golden / "etc" / "hostname").write_text("other\n")
    head.fetch()
    second = head.catalog.latest("serverimage")
    assert second.number == 2
    assert (second.tree / "big-a").stat().st_ino == (first.tree / "big-a").stat().st_ino
    assert (second.tree / "hard").read_text() == "other\n"
    assert (first.tree / "hard").read_text() == "head\n"
    for version in (first, second):
        assert verify_tree(version.tree, version.manifest, TaskContext()).ok
    assert head.catalog.usage(second).own < BIG


def test_a_resumed_fetch_never_changes_the_version_before(head: Head) -> None:
    head.fetch()
    first = head.catalog.latest("serverimage")
    (head.golden / "big-c").write_bytes(os.urandom(BIG))

    def cancel(event: Event) -> None:
        if isinstance(event, Progress) and event.step.startswith("Copying") and event.done:
            head.cancel.cancel()

    head.on_event = cancel
    with pytest.raises(Cancelled, match="kept"):
        head.fetch()
    [partial] = head.catalog.partials("serverimage")
    assert (partial / "tree" / "big-a").stat().st_ino == (first.tree / "big-a").stat().st_ino

    (head.golden / "big-a").chmod(0o600)
    os.chown(head.golden / "big-b", 1234, 1234)
    head.cancel, head.on_event = CancelToken(), lambda _event: None
    head.fetch()
    second = head.catalog.latest("serverimage")
    assert second.number == 2
    assert (second.tree / "big-a").stat().st_mode & 0o777 == 0o600
    for version in (first, second):
        found = verify_tree(version.tree, version.manifest, TaskContext())
        assert found.differences == ()


def test_a_password_is_nowhere_to_be_seen(head: Head, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    head.credentials = Credentials("root", password=Secret(PASSWORD), agent=False)
    seen: list[str] = []
    commands: set[str] = set()

    def look(_event: Event) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    content = (process / name).read_bytes()
                    if name == "cmdline":
                        commands.add(content.partition(b"\0")[0].decode("utf-8", "replace"))
                    if PASSWORD.encode() in content:
                        seen.append(f"{process.name} {name}")
        for path in head.tmp.rglob("*"):
            with contextlib.suppress(OSError):
                small = path.is_file() and path.stat().st_size < 100_000
                if small and PASSWORD.encode() in path.read_bytes():
                    seen.append(str(path))

    head.on_event = look
    head.fetch()
    assert seen == []
    assert {"rsync", "ssh"} <= commands
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(head.events)
    assert PASSWORD not in (head.sshd.directory / "sshd.log").read_text()
    assert not list(head.paths.state.glob("ssh-*"))

    head.credentials = Credentials("root", password=Secret("wrong"), agent=False)
    with pytest.raises(HaoscarError, match="does not let user root in"):
        head.fetch()


@pytest.mark.skipif(not Path("/etc/sudoers").exists(), reason="sudo is not installed")
@pytest.mark.parametrize("free", [True, False])
def test_a_user_with_sudo(head: Head, free: bool) -> None:
    """Files of root, over a user who may use sudo without and with a password."""
    (head.golden / "etc" / "shadow").write_text("root's alone")
    (head.golden / "etc" / "shadow").chmod(0o600)
    head.user = ADMIN
    sudoers = head.sshd.directory / "sudoers"
    if free:
        sudoers.chmod(0o640)
        sudoers.write_text(f"{ADMIN} ALL=(root) NOPASSWD: ALL\n")
        sudoers.chmod(0o440)
    identity = (head.sshd.directory / "identity",)
    head.credentials = Credentials(ADMIN, key_files=identity, agent=False)
    if not free:
        with pytest.raises(Refused, match="cannot become root"):
            head.fetch()
    head.credentials = Credentials(
        ADMIN, key_files=identity, agent=False, sudo_password=Secret(PASSWORD)
    )
    head.fetch()
    version = head.catalog.latest("serverimage")
    assert (version.tree / "etc" / "shadow").read_text() == "root's alone"
    assert verify_tree(version.tree, version.manifest, TaskContext()).ok
    for path in version.directory.rglob("*"):
        if path.is_file() and path.stat().st_size < 100_000:
            assert PASSWORD.encode() not in path.read_bytes()
    if not free:
        head.credentials = Credentials(
            ADMIN, key_files=identity, agent=False, sudo_password=Secret("wrong")
        )
        with pytest.raises(Refused, match="cannot become root"):
            head.fetch()


def test_the_command_shows_the_fingerprint_and_yes_does_not_confirm_it(
    head: Head, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "fetch-image", "--yes", "--client", "127.0.0.1", "--ssh-port", str(head.sshd.port),
        "--identity", str(head.sshd.directory / "identity"),
    ]  # fmt: skip
    for more in ([], ["--host-key", "SHA256:other"]):
        args = build_parser().parse_args([*words, *more])
        assert run(args, App(Wiring.rooted_at(head.paths.root), yes=True)) == 3
        assert "SHA256:" in "".join(capsys.readouterr())
    assert KnownHosts(head.paths.state / "known_hosts").keys("127.0.0.1", head.sshd.port) == ()
