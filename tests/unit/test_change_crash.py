"""Whatever is killed, and wherever: after recovery and undo the files are what they were."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.change.journal import Journal
from backend.change.plan import CopyFile, MakeDirectory, Plan, RemoveFile, Step, WriteFile
from backend.change.records import RecordState
from backend.errors import HaoscarError
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import TaskContext

FILES = tuple(
    map(Path, ("/etc/a", "/etc/b", "/etc/link", "/srv/d/c", "/srv/d/e/f", "/etc/a/x", "/srv/new"))
)
PRIMITIVES = (
    "replace", "unlink", "mkdir", "rmdir", "fsync", "fchmod", "chmod", "open", "symlink", "fdopen",
)  # fmt: skip


class Killed(BaseException):
    """The process is gone: nothing it wanted to do after this happens."""


class NoRunner:
    def run(self, command: Command, *, check: bool = True) -> Result:
        raise AssertionError(command)

    def stream(self, command, on_line, *, cancelled=lambda: False, check=True) -> Result:
        raise AssertionError(command)


@contextmanager
def dies_after(count: int | None) -> Iterator[None]:
    """Let ``count`` operations on files succeed; none after that, and fsync only pretends."""
    left = [count]

    def guarded(real):
        def call(*args, **kwargs):
            if left[0] is not None:
                if left[0] <= 0:
                    raise Killed
                left[0] -= 1
            return None if real is os_fsync else real(*args, **kwargs)

        return call

    os_fsync = os.fsync
    with pytest.MonkeyPatch.context() as patch:
        for name in PRIMITIVES:
            patch.setattr(os, name, guarded(getattr(os, name)))
        yield


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith("var"):
            continue
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[name] = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), content)
    return found


@contextmanager
def machine() -> Iterator[Paths]:
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # far quicker than a disk
    root = Path(tempfile.mkdtemp(prefix="haoscar-test-", dir=memory))
    try:
        for directory in ("etc", "srv", "srv/d", "usr", "var"):
            (root / directory).mkdir()
        (root / "etc/a").write_bytes(b"first\nof a\n")
        (root / "etc/a").chmod(0o640)
        (root / "etc/link").symlink_to("a")
        (root / "srv/d/c").write_bytes(bytes(range(256)))
        (root / "srv/d/c").chmod(0o4755)
        (root / "usr/source").write_bytes(b"loader")
        yield Paths(root)
    finally:
        shutil.rmtree(root)


modes = st.sampled_from((0o600, 0o644, 0o755))
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        WriteFile,
        st.sampled_from(FILES),
        st.sampled_from((b"", b"one\n", b"two\n", b"first\nof a\n")),
        st.just("test"),
        modes,
    ),
    st.builds(CopyFile, st.just(Path("/usr/source")), st.sampled_from(FILES), st.just(""), modes),
    st.builds(RemoveFile, st.sampled_from(FILES), st.just("test")),
    st.builds(MakeDirectory, st.sampled_from((*FILES, Path("/srv/n/m"))), st.just("test"), modes),
)
crash = st.none() | st.integers(0, 60)
plans = st.lists(st.tuples(st.lists(steps, min_size=1, max_size=4), crash, crash), max_size=4)


def attempt(count: int | None, action, *args) -> bool:
    """Run an action that may be killed or refused; True when it was killed."""
    try:
        with dies_after(count):
            action(*args)
    except Killed:
        return True
    except HaoscarError:
        return False
    return False


@settings(max_examples=60, deadline=None)
@given(plans, crash)
def test_every_crash_is_recovered_and_everything_can_be_undone(sequence, last_crash):
    with machine() as paths:
        before = snapshot(paths.root)
        for number, (one_plan, dies, dies_in_recovery) in enumerate(sequence):
            journal = Journal(paths, NoRunner())
            start = snapshot(paths.root)
            plan = Plan(f"plan {number}", "", one_plan)
            killed = attempt(dies, journal.apply, plan, TaskContext())
            if killed and attempt(dies_in_recovery, Journal(paths, NoRunner()).recover):
                attempt(None, Journal(paths, NoRunner()).recover)
            records = journal.records()
            assert not any(one.interrupted for one in records)
            if not any(one.title == plan.title and one.undoable for one in records):
                assert snapshot(paths.root) == start  # all or nothing
        attempt(last_crash, Journal(paths, NoRunner()).undo_all, TaskContext())
        with dies_after(None):
            Journal(paths, NoRunner()).recover()
            Journal(paths, NoRunner()).undo_all(TaskContext())
        assert snapshot(paths.root) == before
        assert all(
            one.state in (RecordState.UNDONE, RecordState.ROLLED_BACK) for one in journal_of(paths)
        )


def journal_of(paths: Paths):
    return Journal(paths, NoRunner()).records()


def test_each_single_crash_point_of_one_change_leaves_all_or_nothing():
    plan = Plan(
        "every kind of step",
        "",
        [
            WriteFile(Path("/etc/a"), b"new", "test", 0o600),
            WriteFile(Path("/srv/x/y/z"), b"deep", "test"),
            CopyFile(Path("/usr/source"), Path("/etc/link"), "test"),
            RemoveFile(Path("/srv/d/c"), "test"),
            MakeDirectory(Path("/srv/n/m"), "test", 0o700),
        ],
    )
    points = 0
    finished = False
    while not finished:
        with machine() as paths:
            before = snapshot(paths.root)
            journal = Journal(paths, NoRunner())
            finished = not attempt(points, journal.apply, plan, TaskContext())
            with dies_after(None):
                Journal(paths, NoRunner()).recover()
            if not finished and not any(one.undoable for one in journal.records()):
                assert snapshot(paths.root) == before, points
            with dies_after(None):
                journal.undo_all(TaskContext())
            assert snapshot(paths.root) == before, points
        points += 1
    assert points > 50  # the loop did walk through the whole change
