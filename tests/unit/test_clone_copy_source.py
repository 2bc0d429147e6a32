"""The copy of an image: a real rsync sees one directory of the head, and only reads it."""

import os
import shlex
import struct
import subprocess
from pathlib import Path

import pytest

from backend.clone.copy_source import COPY_COMMAND, SOURCE, copy_source
from backend.clone.script import REDUCED_RSYNC, RSYNC
from backend.errors import Refused

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot(2) is root's alone"),
]


class Head:
    """An image, a file beside it, and the far side of a connection."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = root / "tree"
        (self.tree / "etc").mkdir(parents=True)
        (self.tree / "etc/shadow").write_text("root:x\n")
        (self.tree / "etc/shadow").chmod(0o600)
        (self.tree / "etc/second").hardlink_to(self.tree / "etc/shadow")
        (self.tree / "out").symlink_to(root / "secret")
        (root / "secret").write_text("root:$6$hash:1\n")
        self.argv = copy_source("/usr/bin/rsync", self.tree, root)
        self.far = root / "far"
        asked, run = shlex.quote(str(root / "asked")), shlex.join(self.argv)
        self.far.write_text(f'#!/bin/sh\nshift\necho "$*" > {asked}\nexec {run}\n')
        self.far.chmod(0o700)

    def copy(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Copy as the installer does it."""
        words = ["rsync", "-e", str(self.far), *options, f"head:{SOURCE}", f"{self.root}/copy/"]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def head(tmp_path: Path) -> Head:
    return Head(tmp_path)


@pytest.mark.parametrize("compression", ["", "lz4", "zstd"])
def test_the_copy_is_whole(head: Head, compression: str) -> None:
    options = ("--compress", f"--compress-choice={compression}") if compression else ()
    said = head.copy(*RSYNC, *options, "--exclude=/boot/efi/*")
    assert said.returncode == 0, said.stderr
    assert (head.root / "asked").read_text().strip() == COPY_COMMAND
    copy = head.root / "copy"
    status = (copy / "etc/shadow").stat()
    assert status.st_mode & 0o7777 == 0o600
    assert status.st_ino == (copy / "etc/second").stat().st_ino
    assert (copy / "out").is_symlink()


def test_a_part_without_owners_is_copied_too(head: Head) -> None:
    said = head.copy(*REDUCED_RSYNC)
    assert said.returncode == 0, said.stderr
    assert (head.root / "copy/etc/shadow").read_text() == "root:x\n"


@pytest.mark.parametrize(
    "option",
    ["--copy-links", "--remove-source-files", "-M--log-file=/x", "--files-from=:/etc/shadow"],
)
def test_other_options_are_refused(head: Head, option: str) -> None:
    said = head.copy("-a", option)
    assert said.returncode != 0
    assert "refuse" in said.stderr
    assert (head.tree / "etc/shadow").exists()
    assert not (head.root / "copy/out").exists()


def said_to_rule(head: Head, rule: str) -> bytes:
    """Send a filter rule as it is: a hostile client does not read the file itself."""
    text = rule.encode()
    request = b"@RSYNCD: 29\nimage\n--server\n--sender\n-r\n.\nimage/\n\n"
    request += struct.pack("<i", len(text)) + text + struct.pack("<i", 0)
    said = subprocess.run(head.argv, input=request, capture_output=True, check=False, timeout=30)
    return said.stdout + said.stderr


def test_a_filter_rule_is_read_by_the_head(head: Head) -> None:
    """Or the next test would prove nothing: a line that is no rule is complained of."""
    (head.tree / "rules").write_text("nonsense\n")
    assert b"nknown filter rule" in said_to_rule(head, ". /rules")


@pytest.mark.parametrize("rule", [". {}", ": {}", ": /../secret", ". /out", ". ../secret"])
def test_a_filter_rule_opens_no_other_file_of_the_head(head: Head, rule: str) -> None:
    said = said_to_rule(head, rule.format(head.root / "secret"))
    assert b"hash" not in said
    assert b"nknown filter rule" not in said


def test_nothing_is_written_to_the_image(head: Head) -> None:
    (head.root / "mine").mkdir()
    (head.root / "mine/new").write_text("new")
    words = ["rsync", "-e", str(head.far), "-r", f"{head.root}/mine/", f"head:{SOURCE}"]
    assert subprocess.run(words, capture_output=True, check=False, timeout=30).returncode != 0
    assert not (head.tree / "new").exists()


@pytest.mark.parametrize("name", ["100%USER%", "a\\b", "end "])
def test_a_directory_that_rsync_would_read_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="rsync"):
        copy_source("/usr/bin/rsync", tmp_path / name, tmp_path)
