"""Fetching over a real sshd on this machine: host keys, cuts, versions, passwords."""

import contextlib
import logging
import os
import subprocess
from pathlib import Path

import pytest

from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.verify import verify_tree
from backend.model.secrets import Secret
from backend.system.known_hosts import KnownHosts
from backend.system.ssh import Credentials
from backend.tasks import CancelToken, Event, Progress, TaskContext
from backend.wiring import Wiring
from tests.lab.fetch_head import (
    ADMIN,
    BIG,
    PASSWORD,
    Head,
    Wire,
    head,
    sshd,
)

__all__ = ["head", "sshd"]  # the fixtures of this file
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


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
