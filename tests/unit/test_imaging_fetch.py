"""The fetch task with programs that only pretend, the catalogue and the verification."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.errors import Cancelled, HaoscarError, InvalidInput, Refused
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.client import GoldenClient
from backend.imaging.facts import ImageFacts, parse_os_release
from backend.imaging.fetch import FetchImage, unshare
from backend.imaging.rsync import Transport
from backend.imaging.survey import check_space, check_store, survey
from backend.imaging.verify import verify_tree
from backend.model.layout import Layout
from backend.model.names import ImageName
from backend.model.requests_image import FetchImageRequest
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import CancelToken, Event, Progress, TaskContext

MOUNTINFO = """1 0 254:0 / / rw - ext4 /dev/vda2 rw
2 1 0:4 / /proc rw - proc proc rw
3 1 254:1 / /home rw - xfs /dev/vda3 rw
4 1 0:9 / /data rw - nfs4 filer:/data rw
"""
STATS = (
    "Number of files: 4 (reg: 2, dir: 2)\nTotal file size: 30 bytes\n"
    "Total transferred file size: {transferred} bytes\n"
)


@dataclass
class FakePrograms:
    """Answers what the fetch asks; its rsync writes the files it was told to write."""

    files: dict[str, bytes] = field(default_factory=lambda: {"etc/hostname": b"head\n", "a": b"aa"})
    answers: dict[tuple[str, ...], tuple[int, str]] = field(default_factory=dict)
    copy_exit: int = 0
    lines: tuple[str, ...] = ("  2  50%  1.00kB/s  0:00:01 (xfr#1, to-chk=1/4)",)
    seen: list[Command] = field(default_factory=list)
    before_copy: Callable[[], None] = lambda: None
    transferred: int = 7

    def _answer(self, command: Command) -> tuple[int, str]:
        known = {
            ("rsync", "--version"): (0, "rsync  version 3.2.7  protocol version 31\n"),
            ("id", "-u"): (0, "0\n"),
            ("cat", "/proc/self/mountinfo"): (0, MOUNTINFO),
            ("cat", "/proc/swaps"): (0, "Filename\n/swapfile file 1 0 -2\n"),
            ("stat", "--format=%s", "--", "/swapfile"): (0, "4096\n"),
            ("df", "-B1", "--output=used", "--", "/", "/home"): (0, "Used\n100\n200\n"),
            ("uname", "-m"): (0, "x86_64\n"),
        }
        return {**known, **self.answers}[command.argv]

    def run(self, command: Command, *, check: bool = True) -> Result:
        self.seen.append(command)
        code, out = self._answer(command)
        return Result(command, code, out, "", 0.0)

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        self.seen.append(command)
        if "--dry-run" in command.argv:
            return Result(command, 0, STATS.format(transferred=self.transferred), "", 0.0)
        self.before_copy()
        tree = Path(command.argv[-1])
        for name, content in self.files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
        for line in self.lines:
            on_line(line)
        return Result(command, self.copy_exit, "\n".join(self.lines), "", 0.0)


class NoLayout:
    """Stands in for a captured layout."""

    def to_json(self) -> str:
        return "{}\n"


@dataclass
class World:
    """A head below a temporary directory."""

    paths: Paths
    programs: FakePrograms = field(default_factory=FakePrograms)
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.paths)

    def fetch(self, **fields: str) -> ImageVersion:
        request = FetchImageRequest.parse(fields, "head")

        def capture(_runner: object) -> Layout:
            return NoLayout()  # type: ignore[return-value]

        @contextlib.contextmanager
        def client() -> Iterator[GoldenClient]:
            yield GoldenClient("head", self.programs, Transport())

        task = FetchImage(request, self.paths, self.programs, client, capture)
        assert "serverimage" in task.title
        return task.run(TaskContext(self.events.append, self.cancel))

    def said(self) -> str:
        return " ".join(str(event) for event in self.events)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("backend.imaging.fetch.check_store", lambda _directory: None)
    monkeypatch.setattr(os, "sync", lambda: None)
    return World(Paths(tmp_path))


def test_a_fetch_makes_a_complete_private_version(world: World) -> None:
    version = world.fetch()
    assert (version.name, version.number) == ("serverimage", 1)
    assert (version.tree / "a").read_bytes() == b"aa"
    assert version.layout_file.read_text() == "{}\n"
    facts = version.facts()
    assert facts.file_systems == (("/", "ext4"), ("/home", "xfs"))
    assert [where for where, _why in facts.skipped] == ["/data", "/proc"]
    assert facts.swap_files == (("/swapfile", 4096),)
    assert facts.files == 2
    assert facts.architecture == "x86_64"
    for directory in (world.paths.images, version.directory, version.directory.parent):
        assert directory.stat().st_mode & 0o777 == 0o700
    assert verify_tree(version.tree, version.manifest, TaskContext()).ok
    copy = next(one for one in world.programs.seen if "-aHAXS" in one.argv)
    assert "--exclude=/swapfile" in copy.argv
    assert "--exclude=/data/*" in copy.argv
    assert f"--exclude={world.paths.images}" in copy.argv
    shares = [e.share for e in world.events if isinstance(e, Progress) and e.unit == "bytes"]
    assert shares
    assert max(share or 0 for share in shares) == 1.0


def test_the_second_version_is_compared_with_the_first(world: World) -> None:
    first = world.fetch()
    second = world.fetch()
    assert second.number == 2
    copy = [one for one in world.programs.seen if "-aHAXS" in one.argv][-1]
    assert f"--link-dest={first.tree}" in copy.argv
    assert world.catalog.latest("serverimage") == second
    third = world.fetch(keep="1")
    assert world.catalog.list() == (third,)


def test_a_directory_left_out_stays_as_a_mount_point(world: World) -> None:
    probe = ("stat", "--format=%F", "--", "/scratch")
    world.programs.answers[probe] = (0, "directory\n")
    facts = world.fetch(leave_out="/scratch").facts()
    assert "/scratch/*" in [one.pattern for one in facts.excluded]
    world.programs.answers[probe] = (1, "")
    with pytest.raises(InvalidInput, match="no such file"):
        world.fetch(leave_out="/scratch")


def test_all_problems_of_the_client_at_once(world: World) -> None:
    world.programs.answers[("rsync", "--version")] = (0, "rsync  version 2.6.9\n")
    world.programs.answers[("id", "-u")] = (0, "1000\n")
    with pytest.raises(HaoscarError) as caught:
        world.fetch()
    assert [one.code for one in caught.value.reports] == ["fetch.old-rsync", "fetch.not-root"]
    assert not [one for one in world.paths.images.rglob("*") if one.name != ".lock"]


def test_too_little_room_is_seen_before_the_copy(world: World) -> None:
    world.programs.transferred = 10**18
    world.programs.answers[("df", "-B1", "--output=used", "--", "/", "/home")] = (0, f"{10**18}\n")
    with pytest.raises(Refused, match="Nothing was copied"):
        world.fetch()
    assert not [one for one in world.programs.seen if "-aHAXS" in one.argv]
    assert world.catalog.partials("serverimage") == ()


def test_sparse_files_do_not_count_beyond_the_used_blocks(world: World) -> None:
    world.programs.transferred = 10**18  # a sparse lastlog; the file systems use 300 bytes
    assert world.fetch().number == 1


def test_a_cut_copy_is_kept_and_gone_on_with(world: World) -> None:
    world.programs.copy_exit = 12
    world.programs.lines = ("rsync: connection unexpectedly closed",)
    with pytest.raises(HaoscarError, match="connection unexpectedly closed"):
        world.fetch()
    [partial] = world.catalog.partials("serverimage")
    assert partial.name == "v1.partial"
    assert world.catalog.list() == ()
    world.programs.copy_exit = 0
    version = world.fetch()
    assert version.number == 1
    assert "cut short" in world.said()
    assert world.catalog.partials("serverimage") == ()


def test_cancelling_says_what_is_left(world: World) -> None:
    world.programs.before_copy = world.cancel.cancel
    with pytest.raises(Cancelled) as caught:
        world.fetch()
    assert "kept" in str(caught.value)
    assert "image delete --partial serverimage" in str(caught.value)
    assert world.catalog.delete_partials(ImageName("serverimage")) == 1
    assert not (world.paths.images / "serverimage").exists()


def test_vanished_files_are_reported_and_code_23_is_an_error(world: World) -> None:
    world.programs.copy_exit = 24
    world.programs.lines = ('file has vanished: "/var/spool/x"',)
    world.fetch()
    assert "/var/spool/x" in world.said()
    world.programs.copy_exit = 23
    with pytest.raises(HaoscarError, match="could not be copied completely"):
        world.fetch()


def test_two_fetches_of_one_image_do_not_meet(world: World) -> None:
    def second() -> None:
        with pytest.raises(Refused, match="in use"):
            Catalog(world.paths).delete_partials(ImageName("serverimage"))

    world.programs.before_copy = second
    world.fetch()


def test_an_orphan_of_another_number_is_adopted(world: World) -> None:
    for number in (4, 7):
        (world.paths.images / "serverimage" / f"v{number}.partial" / "tree").mkdir(parents=True)
    (world.paths.images / "serverimage" / "v7.partial" / "tree" / "a").write_text("old")
    assert world.fetch().number == 1
    assert world.catalog.partials("serverimage") == ()


def test_unshare_touches_only_what_both_have(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / "shared").write_text("x")
    os.link(old / "shared", new / "shared")
    (new / "own").write_text("y")
    os.link(new / "own", new / "own2")
    assert unshare(new, old) == 1
    assert sorted(path.name for path in new.iterdir()) == ["own", "own2"]
    assert (old / "shared").read_text() == "x"


def test_deleting_refuses_the_unknown_and_what_is_used(world: World) -> None:
    version = world.fetch()
    with pytest.raises(Refused, match="There are: v1"):
        world.catalog.get("serverimage", 9)
    with pytest.raises(Refused, match="serverimage"):
        world.catalog.latest("other")
    with world.catalog.using(version), pytest.raises(Refused, match="in use"):
        world.catalog.delete(version)
    world.catalog.delete(version)
    assert world.catalog.list() == ()
    assert not (world.paths.images / "serverimage").exists()


def test_usage_counts_shared_files_once_and_not_as_own(world: World) -> None:
    world.programs.files = {"big": b"x" * 100_000, "twin": b"y" * 100_000}
    first = world.fetch()
    world.programs.files = {"new": b"z" * 50_000}
    second = world.fetch()
    os.link(first.tree / "big", second.tree / "big")
    os.link(first.tree / "twin", first.tree / "twin2")
    usage = world.catalog.usage(first)
    assert usage.total >= 200_000
    assert 100_000 <= usage.own < 130_000
    assert world.catalog.usage(second).own < 80_000


CHANGES: list[tuple[str, Callable[[Path], None], str]] = [
    ("content", lambda tree: _flip(tree / "a"), "digest"),
    ("mode", lambda tree: (tree / "a").chmod(0o600), "mode"),
    ("time", lambda tree: os.utime(tree / "a", ns=(0, 1)), "mtime_ns"),
    ("link", lambda tree: os.link(tree / "a", tree / "etc" / "b"), "link"),
    ("xattr", lambda tree: os.setxattr(tree / "a", "user.x", b"1"), "xattrs"),
    ("missing", lambda tree: (tree / "a").unlink(), "missing"),
    ("extra", lambda tree: (tree / "zzz").mkdir(), "extra"),
]


def _flip(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"ab")
    os.utime(path, ns=(0, before.st_mtime_ns))


@pytest.mark.parametrize(("name", "change", "aspect"), CHANGES, ids=[one[0] for one in CHANGES])
def test_verify_sees_every_kind_of_change(
    world: World, name: str, change: Callable[[Path], None], aspect: str
) -> None:
    version = world.fetch()
    change(version.tree)
    found = verify_tree(version.tree, version.manifest, TaskContext())
    assert not found.ok
    assert aspect in {one.aspect for one in found.differences}
    assert all(str(one) for one in found.differences)
    quick = verify_tree(version.tree, version.manifest, TaskContext(), content=False)
    assert quick.ok is (name == "content")


def test_verify_sees_another_target_and_another_kind(world: World) -> None:
    version = world.fetch()
    (version.tree / "a").unlink()
    (version.tree / "a").symlink_to("/etc/passwd")
    found = verify_tree(version.tree, version.manifest, TaskContext())
    assert {"kind", "target"} <= {one.aspect for one in found.differences}


def test_damaged_facts_are_refused_with_their_place(world: World) -> None:
    version = world.fetch()
    assert ImageFacts.read(version.facts_file) == version.facts()
    for content in (
        b"",
        b"{}",
        b"[]",
        version.facts_file.read_bytes().replace(b"static", b"magic"),
    ):
        version.facts_file.write_bytes(content)
        with pytest.raises(InvalidInput):
            version.facts()


def test_os_release() -> None:
    text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID='12'\nX=$(reboot)\nID_LIKE\n"
    assert parse_os_release(text) == {
        "PRETTY_NAME": "Debian GNU/Linux 12", "ID": "debian", "VERSION_ID": "12",
    }  # fmt: skip


def test_hostile_directory_names_are_not_images(tmp_path: Path) -> None:
    images = Paths(tmp_path).images
    for name in (".deleted-x", "-rf", "ok", "a b"):
        (images / name / "v1").mkdir(parents=True)
        (images / name / "v01").mkdir()
        (images / name / "v2.partial").mkdir()
    assert [str(one) for one in Catalog(Paths(tmp_path)).list()] == ["ok v1"]


def test_this_file_system_can_hold_an_image(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("owners and capabilities need root")
    check_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_survey_of_a_part_does_not_ask_for_used_blocks(world: World) -> None:
    client = GoldenClient("head", world.programs, Transport())
    request = FetchImageRequest.parse({}, "head")
    found = survey(client, world.programs, request, world.paths.images, "/home")
    assert found.used is None
    assert found.targets == ("/home",)
    world.paths.images.mkdir(parents=True)
    check_space(found, 1000, 10, world.paths.images)
