"""Manifests: written from real trees, read from hostile files, compared with the real programs."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.imaging.checklists import check_lists, find_words
from backend.imaging.manifest import Entry, header, order, read_manifest, trailer
from backend.imaging.manifest_write import write_manifest
from backend.tasks import TaskContext


def nasty_tree(tree: Path) -> Path:
    """Build a tree with everything that has ever broken a copy program."""
    tree.mkdir()
    names = [b"plain", b"two words", b"new\nline", b"back\\slash", "grüße".encode(), b"\xff\xfe",
             b"-", b"-rf", b"tab\there", b"star*[x]", b"cr\rmiddle"]  # fmt: skip
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(b"x" * number)
    (tree / "sub dir").mkdir(mode=0o750)
    (tree / "sub dir" / "inner").write_text("inner")
    (tree / "sub.dir").mkdir()
    os.link(tree / "plain", tree / "sub dir" / "hard")
    os.link(tree / "plain", tree / "z hard")
    (tree / "link").symlink_to("sub dir/inner")
    (tree / "dangling").symlink_to("/no where\n")
    os.mkfifo(tree / "fifo", 0o600)
    with (tree / "sparse").open("wb") as sparse:
        sparse.truncate(10_000_000)
    (tree / "setuid").write_text("#!")
    (tree / "setuid").chmod(0o4755)
    os.utime(tree / "setuid", ns=(0, -5_250_000_000))
    os.utime(tree / "sub dir", ns=(0, 1_234_567_890_123_456_789))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "sock"))
    (tree / "boot").mkdir()
    (tree / "boot" / "grubx64.efi").write_bytes(b"MZ")
    (tree / "lost+found").mkdir()
    return tree


def manifest_of(tree: Path, path: Path) -> list[Entry]:
    write_manifest(tree, path, TaskContext())
    return list(read_manifest(path))


def test_round_trip(tmp_path: Path) -> None:
    tree = nasty_tree(tmp_path / "tree")
    entries = manifest_of(tree, tmp_path / "m")
    by_path = {entry.path: entry for entry in entries}
    assert [order(e.path) for e in entries] == sorted(order(e.path) for e in entries)
    assert by_path["."].kind == "d"
    assert by_path["link"].target == "sub dir/inner"
    assert by_path["setuid"].mode == 0o4755
    assert by_path["setuid"].mtime_ns == -5_250_000_000
    assert by_path["fifo"].kind == "p"
    assert by_path["sock"].kind == "s"
    assert by_path["sparse"].size == 10_000_000
    group = by_path["plain"].link
    assert group is not None
    assert by_path["sub dir/hard"].link == by_path["z hard"].link == group
    assert by_path["setuid"].link is None
    assert "\udcff\udcfe" in by_path
    assert len(entries) == sum(1 for _ in tree.rglob("*")) + 1


def test_same_tree_gives_the_same_manifest(tmp_path: Path) -> None:
    tree = nasty_tree(tmp_path / "tree")
    first = write_manifest(tree, tmp_path / "a", TaskContext())
    second = write_manifest(tree, tmp_path / "b", TaskContext())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert first.digest == second.digest


def test_digests_of_shared_inodes_are_reused_and_others_are_not(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for tree in (old, new):
        (tree / "d").mkdir(parents=True)
    for name in ("a", "b", "d/c"):
        (old / name).write_text(name)
        os.link(old / name, new / name)
    (new / "b").unlink()
    (new / "b").write_text("B")
    (new / "aa").write_text("new")
    write_manifest(old, tmp_path / "old.m", TaskContext())
    summary = write_manifest(new, tmp_path / "new.m", TaskContext(), (old, tmp_path / "old.m"))
    assert summary.reused == 2
    clean = write_manifest(new, tmp_path / "clean.m", TaskContext())
    assert clean.digest == summary.digest  # links to the other version do not show
    assert all(entry.link is None for entry in read_manifest(tmp_path / "new.m"))


def lines_of(*entries: dict[str, object], count: int | None = None) -> bytes:
    text = [header(), *(json.dumps(entry) for entry in entries)]
    text.append(trailer(len(entries) if count is None else count))
    return "\n".join(text).encode() + b"\n"


ROOT = {"path": ".", "kind": "d", "mode": 493, "uid": 0, "gid": 0, "mtime_ns": 0}


def child(path: str, kind: str = "d", **more: object) -> dict[str, object]:
    return {**ROOT, "path": path, "kind": kind, **more}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"{}\n", 1),
        (header().encode() + b"\n", 1),
        (lines_of(ROOT)[:-16], 2),
        (lines_of(ROOT, count=2), 3),
        (lines_of(ROOT) + b"more\n", 3),
        (lines_of(child("etc")), 2),
        (lines_of(ROOT, child("../etc")), 3),
        (lines_of(ROOT, child("/etc")), 3),
        (lines_of(ROOT, child("a/./b")), 3),
        (lines_of(ROOT, child("b"), child("a")), 4),
        (lines_of(ROOT, child("a"), child("a")), 4),
        (lines_of(ROOT, child("a", "l", target="/etc"), child("a/b")), 4),
        (lines_of(ROOT, child("a"), child("b"), child("b/c"), child("ba/x")), 6),
        (lines_of(ROOT, child("a", "f", size=-1, digest="0" * 64)), 3),
        (lines_of(ROOT, child("a", "f", size=1, digest="zz")), 3),
        (lines_of(ROOT, child("a", mode=True)), 3),
        (lines_of(ROOT, child("a", "c", rdev=[1])), 3),
        (lines_of(ROOT, child("a", xattrs={"user.a": "?"})), 3),
        (lines_of(ROOT, child("a", xattrs=3)), 3),
        (lines_of(ROOT, child("a\0b")), 3),
        (lines_of(ROOT, child("\ud800")), 3),
        (lines_of(ROOT, child("a", "dd")), 3),
        (header().encode() + b"\n" + b"[" * 100000 + b"\n", 2),
    ],
)
def test_hostile_manifests_are_refused_with_their_line(
    tmp_path: Path, content: bytes, line: int
) -> None:
    path = tmp_path / "m"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        list(read_manifest(path))
    place = caught.value.reports[0].place
    assert place is not None
    assert place.line == line


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.just(json.dumps(ROOT).encode())), max_size=6))
def test_random_lines_never_crash_the_reader(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.m"
    path.write_bytes(b"\n".join((header().encode(), *lines)))
    with pytest.raises(InvalidInput):
        list(read_manifest(path))


@pytest.mark.programs
def test_the_lists_equal_what_find_b2sum_and_getfattr_say(tmp_path: Path) -> None:
    tree = nasty_tree(tmp_path / "tree")
    os.setxattr(tree / "plain", "user.equal=sign", b"\x00\x01")
    os.setxattr(os.fsencode(tree) + b"/new\nline", b"user.a", b"")
    if os.geteuid() == 0:
        os.mknod(tree / "device", 0o020640, os.makedev(1, 3))
        capability = bytes.fromhex("0100000200200000000000000000000000000000")
        os.setxattr(tree / "setuid", "security.capability", capability)
        os.setxattr(tree / "link", "trusted.onlink", b"v", follow_symlinks=False)
        os.chown(tree / "-rf", 1234, 4321)
    entries = manifest_of(tree, tmp_path / "m")
    environment = {**os.environ, "LC_ALL": "C"}
    reduced, ignored = ("boot",), ("lost+found",)
    lists = check_lists(entries, reduced, ignored)

    find = subprocess.run(
        find_words(reduced, ignored), cwd=tree, capture_output=True, check=True, env=environment
    ).stdout
    ordered = subprocess.run(
        ["sort", "-z"], input=find, capture_output=True, check=True, env=environment
    ).stdout
    assert ordered == lists.metadata
    assert b"grubx64" not in lists.metadata
    assert b"grubx64" in lists.content

    lists.write(tmp_path)
    check = ["b2sum", "--check", "--quiet", "--strict", str(tmp_path / "content")]
    done = subprocess.run(check, cwd=tree, capture_output=True, env=environment)
    assert (done.returncode, done.stdout) == (0, b"")
    (tree / "two words").write_text("y")
    done = subprocess.run(check, cwd=tree, capture_output=True, env=environment)
    assert done.returncode == 1
    assert b"two words" in done.stdout

    if shutil.which("getfattr") is None:
        pytest.skip("getfattr (package attr) is not installed")
    found = subprocess.run(
        ["getfattr", "-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "."],
        cwd=tree, capture_output=True, check=True, env=environment,
    ).stdout  # fmt: skip
    lines, name = [], b""
    for line in found.split(b"\n"):
        if line.startswith(b"# file: "):
            name = line[8:]
        elif line:
            lines.append(name + b" " + line + b"\n")
    assert b"".join(sorted(lines)) == lists.xattrs
    assert lists.xattrs
