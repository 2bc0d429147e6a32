"""The records of changes: one change at a time, killed ones, damaged ones, and paths that lead elsewhere."""

import fcntl
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.change.archive import Archive
from backend.change.journal import Journal
from backend.change.plan import (
    MakeDirectory,
    RemoveFile,
    SetUnit,
)
from backend.change.records import from_json, to_json
from backend.errors import InvalidInput, Refused
from backend.tasks import TaskContext
from tests.unit.change_journal.head import DHCPD, codes, plan, write


def test_one_change_at_a_time_and_the_other_one_is_named(journal, paths):
    archive = Archive(paths)
    with archive.locked("Fetch Image"), pytest.raises(Refused) as caught:
        journal.apply(plan(write()), TaskContext())
    assert f"Fetch Image (process {os.getpid()}, since" in str(caught.value)
    journal.apply(plan(write()), TaskContext())  # the lock is free again
    with (paths.journal / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("garbage")
        lock.flush()
        assert journal.recover() == ()
        with pytest.raises(Refused):
            journal.undo(None, TaskContext())


def test_a_killed_change_is_rolled_back_before_the_next_one(journal, paths):
    record = journal.apply(plan(write()), TaskContext())
    path = paths.journal / record.id / "record.json"
    raw = json.loads(path.read_text())
    raw["state"] = "running"
    raw["steps"][0]["state"] = "started"
    path.write_text(json.dumps(raw))
    said: list[object] = []
    journal.apply(plan(write(Path("/etc/other"))), TaskContext(said.append))
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    assert "change.recovered" in [getattr(one, "code", "") for one in said]


def test_ids_sort_by_time_also_when_the_clock_goes_back(paths, systemd):
    times = [datetime(2026, 11, 22, 10, 45, 1, tzinfo=UTC)] * 12
    times += [times[0] - timedelta(days=1), times[0] + timedelta(seconds=1)]
    found = []
    for number, moment in enumerate(times):
        journal = Journal(paths, systemd, now=lambda moment=moment: moment)
        found.append(journal.apply(plan(write(content=b"%d" % number)), TaskContext()).id)
    assert found[0] == "20261122-104501-1"
    assert found[12] == "20261122-104501-13"
    assert [one.id for one in journal.records()] == found


def test_links_are_written_through_and_never_out_of_the_root(journal, paths):
    paths.at("/etc/dhcp/real").write_text("x")
    paths.at("/etc/dhcp/link").symlink_to("real")
    paths.at("/etc/dhcp/out").symlink_to("/etc/passwd")
    paths.at("/etc/dhcp/dangling").symlink_to("nowhere")
    journal.apply(plan(write(Path("/etc/dhcp/link"))), TaskContext())
    assert paths.at("/etc/dhcp/link").is_symlink()
    assert paths.at("/etc/dhcp/real").read_bytes() == b"new\n"
    for name in ("out", "dangling"):
        with pytest.raises(Refused):
            journal.apply(plan(write(Path(f"/etc/dhcp/{name}"))), TaskContext())
    for bad in (Path("relative"), Path("/etc/../../x")):
        with pytest.raises(Refused):
            journal.apply(plan(write(bad)), TaskContext())
    journal.apply(plan(RemoveFile(Path("/etc/dhcp/out"), "t")), TaskContext())
    assert not paths.at("/etc/dhcp/out").is_symlink()
    journal.undo_all(TaskContext())
    assert paths.at("/etc/dhcp/out").readlink() == Path("/etc/passwd")


def test_a_path_that_is_below_the_root_already_is_taken_as_it_is(journal, paths):
    journal.apply(plan(write(paths.site_file)), TaskContext())
    assert paths.site_file.read_bytes() == b"new\n"


def test_directories_and_devices_are_not_replaced(journal, paths):
    os.mkfifo(paths.at("/etc/pipe"))
    for step in (
        write(Path("/etc/dhcp")),
        RemoveFile(Path("/etc/dhcp"), "t"),
        write(Path("/etc/pipe")),
        MakeDirectory(DHCPD, "t"),
    ):
        with pytest.raises(Refused) as caught:
            journal.apply(plan(step), TaskContext())
        assert "change.in-the-way" in codes(caught)


def test_records_survive_writing_and_damaged_or_newer_ones_are_refused(journal, paths):
    record = journal.apply(plan(write(), SetUnit("dhcpd", "t", action="restart")), TaskContext())
    path = paths.journal / record.id / "record.json"
    assert from_json(to_json(record), path) == record
    good = path.read_bytes()
    newer = good.replace(b'"version": 1', b'"version": 2')
    for bad in (newer, good[:100], b"[]", b"{}", good.replace(b'"before-0"', b'"../x"')):
        path.write_bytes(bad)
        with pytest.raises(InvalidInput) as caught:
            journal.records()
        assert str(path) in str(caught.value)
    with pytest.raises(InvalidInput, match="newer HA-OSCAR"):
        from_json(newer, path)
