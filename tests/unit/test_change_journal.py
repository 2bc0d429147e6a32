"""The journal: what it does, what it refuses, and what it says."""

import fcntl
import json
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.change.archive import Archive
from backend.change.journal import Journal
from backend.change.plan import (
    Check,
    CopyFile,
    InstallPackages,
    MakeDirectory,
    Plan,
    RemoveFile,
    SetUnit,
    WriteFile,
)
from backend.change.records import RecordState, StepState, from_json, to_json
from backend.errors import Cancelled, CommandFailed, HaoscarError, InvalidInput, Refused
from backend.paths import Paths
from backend.system.runner import Command, Result, failure
from backend.tasks import CancelToken, TaskContext

DHCPD = Path("/etc/dhcp/dhcpd.conf")
UNIT_FILE = Path("/etc/systemd/system/haoscar-boot.service")


@dataclass
class Systemd:
    """Answers systemctl and a check program as a machine with these units would."""

    enabled: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)  # "restart dhcpd", "dhcpd -t"
    said: list[str] = field(default_factory=list)
    booted: bool = True

    def run(self, command: Command, *, check: bool = True) -> Result:
        words = command.argv[1:] if command.argv[0] == "systemctl" else command.argv
        line = " ".join(words)
        if command.argv[0] == "systemctl" and not self.booted:
            return Result(command, 1, "", "System has not been booted with systemd as init.\n", 0)
        code, out = self._answer(words)
        if line in self.refuses:
            code, out = 1, "no\n"
        if words[0] not in ("is-enabled", "is-active"):
            self.said.append(line)
        result = Result(command, code, out, "", 0.0)
        if check and code:
            raise failure(result)
        return result

    def _answer(self, words) -> tuple[int, str]:
        unit = words[-1]
        match words[0]:
            case "is-enabled":
                return (0, "enabled\n") if unit in self.enabled else (1, "disabled\n")
            case "is-active":
                return (0, "active\n") if unit in self.active else (3, "inactive\n")
            case "enable":
                self.enabled.add(unit)
            case "disable":
                self.enabled.discard(unit)
            case "start" | "restart" if f"{words[0]} {unit}" not in self.refuses:
                self.active.add(unit)
            case "restart" | "stop":
                self.active.discard(unit)
        return 0, ""

    def stream(self, command, on_line, *, cancelled=lambda: False, check=True) -> Result:
        raise AssertionError(command)


@dataclass
class Packages:
    there: set[str] = field(default_factory=set)

    def install(self, names, context) -> tuple[str, ...]:
        new = tuple(name for name in names if name not in self.there)
        self.there.update(new)
        return new

    def remove(self, names) -> None:
        self.there.difference_update(names)


@pytest.fixture
def paths(tmp_path) -> Paths:
    found = Paths(tmp_path)
    found.at("/etc/dhcp").mkdir(parents=True)
    found.at("/etc/systemd/system").mkdir(parents=True)
    found.at(DHCPD).write_text("option domain-name x;\n")
    found.at(DHCPD).chmod(0o640)
    return found


@pytest.fixture
def systemd() -> Systemd:
    return Systemd(enabled={"dhcpd"}, active={"dhcpd"})


@pytest.fixture
def journal(paths, systemd) -> Journal:
    return Journal(paths, systemd, Packages({"tftpd-hpa"}))


def write(path: Path = DHCPD, content: bytes = b"new\n", **more) -> WriteFile:
    return WriteFile(path, content, "test", **more)


def plan(*steps, title: str = "Configure DHCP") -> Plan:
    return Plan(title, "", steps)


def codes(caught) -> list[str]:
    return [report.code for report in caught.value.reports]


def test_a_change_is_recorded_privately_and_undone_exactly(journal, paths):
    record = journal.apply(plan(write(mode=0o600)), TaskContext())
    assert paths.at(DHCPD).read_bytes() == b"new\n"
    assert record.state is RecordState.DONE
    assert journal.records() == (record,)
    for directory in (paths.state, paths.journal, paths.journal / record.id):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in (paths.journal / record.id).iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    undone = journal.undo(None, TaskContext())
    assert undone.state is RecordState.UNDONE
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    assert stat.S_IMODE(paths.at(DHCPD).stat().st_mode) == 0o640


def test_a_plan_that_changes_nothing_leaves_no_record_and_touches_no_service(
    journal, systemd, paths
):
    steps = (
        write(mode=0o640, content=b"option domain-name x;\n"),
        MakeDirectory(Path("/etc/dhcp"), "test"),
        RemoveFile(Path("/etc/none"), "test"),
        Check(Command.of("dhcpd", "-t"), "dhcpd accepts the configuration"),
        SetUnit("dhcpd", "test", enabled=True, action="restart"),
    )
    record = journal.apply(plan(*steps), TaskContext())
    assert record.state is RecordState.NOTHING
    assert {step.state for step in record.steps} == {StepState.NO_OP}
    assert journal.records() == ()
    assert systemd.said == []


def test_packages_that_were_there_already_make_no_record(journal):
    record = journal.apply(plan(InstallPackages(("tftpd-hpa",), "test")), TaskContext())
    assert record.state is RecordState.NOTHING
    assert journal.records() == ()


def test_only_newly_installed_packages_are_removed_again(paths, systemd):
    packages = Packages({"tftpd-hpa"})
    journal = Journal(paths, systemd, packages)
    journal.apply(plan(InstallPackages(("tftpd-hpa", "isc-dhcp-server"), "x")), TaskContext())
    assert packages.there == {"tftpd-hpa", "isc-dhcp-server"}
    journal.undo_all(TaskContext())
    assert packages.there == {"tftpd-hpa"}


def test_without_a_package_tool_packages_are_refused_in_advance(paths, systemd):
    with pytest.raises(Refused) as caught:
        Journal(paths, systemd).apply(plan(write(), InstallPackages(("x",), "t")), TaskContext())
    assert "change.no-package-tool" in codes(caught)
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_a_failed_check_rolls_back_and_says_so(journal, paths, systemd):
    systemd.refuses.add("dhcpd -t")
    check = Check(Command.of("dhcpd", "-t"), "dhcpd accepts the configuration", "Look at line 3.")
    with pytest.raises(CommandFailed) as caught:
        journal.apply(plan(write(), write(Path("/etc/dhcp/n/m"), b""), check), TaskContext())
    assert codes(caught) == ["change.check-failed", "command.failed", "change.rolled-back"]
    assert "dhcpd accepts the configuration" in str(caught.value)
    assert "Nothing is left changed" in str(caught.value)
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    assert not paths.at("/etc/dhcp/n").exists()
    assert [one.state for one in journal.records()] == [RecordState.ROLLED_BACK]
    assert list(paths.at("/etc/dhcp").iterdir()) == [paths.at(DHCPD)]


def test_a_service_that_does_not_start_gets_its_old_file_back_and_is_started_with_it(
    journal, paths, systemd
):
    systemd.refuses.add("restart dhcpd")
    with pytest.raises(CommandFailed) as caught:
        journal.apply(plan(write(), SetUnit("dhcpd", "t", action="restart")), TaskContext())
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    assert systemd.said == ["restart dhcpd", "reset-failed dhcpd", "restart dhcpd"]
    # The second restart is refused too: that is said, and the file is restored all the same.
    assert codes(caught) == ["command.failed", "command.failed", "change.rolled-back"]


def test_a_new_service_is_stopped_before_its_file_goes_and_an_old_one_restarted_after(
    journal, paths, systemd
):
    steps = (
        write(),
        write(UNIT_FILE, b"[Service]\n"),
        SetUnit("haoscar-boot.service", "t", enabled=True, action="start"),
        SetUnit("dhcpd", "t", action="restart"),
    )
    journal.apply(plan(*steps), TaskContext())
    boot = "haoscar-boot.service"
    assert systemd.said == ["daemon-reload", f"enable {boot}", f"start {boot}", "daemon-reload", "restart dhcpd"]  # fmt: skip
    systemd.said.clear()
    journal.undo(None, TaskContext())
    assert systemd.said == [f"stop {boot}", f"disable {boot}", "daemon-reload", "reset-failed dhcpd", "restart dhcpd"]  # fmt: skip
    assert systemd.active == systemd.enabled == {"dhcpd"}
    assert not paths.at(UNIT_FILE).exists()


def test_a_stopped_and_disabled_service_comes_back(journal, systemd):
    journal.apply(plan(SetUnit("dhcpd", "t", enabled=False, action="stop")), TaskContext())
    assert not systemd.active
    assert not systemd.enabled
    journal.undo(None, TaskContext())
    assert systemd.active == systemd.enabled == {"dhcpd"}


def test_without_systemd_the_error_says_so(journal, systemd, paths):
    systemd.booted = False
    with pytest.raises(Refused) as caught:
        journal.apply(plan(write(), SetUnit("dhcpd", "t", action="restart")), TaskContext())
    assert codes(caught) == ["change.no-systemd", "change.rolled-back"]
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


@pytest.mark.parametrize("unit", ["", "--root=/", "a b", "a\nb", "../x.service"])
def test_a_unit_name_is_never_an_option(journal, unit):
    with pytest.raises(Refused):
        journal.apply(plan(SetUnit(unit, "t", action="start")), TaskContext())


def test_cancelling_takes_back_what_was_done(journal, paths):
    token = CancelToken()
    context = TaskContext(lambda event: token.cancel(), token)  # at the first thing said
    with pytest.raises(Cancelled) as caught:
        journal.apply(plan(write(), write(Path("/etc/dhcp/second"))), context)
    assert codes(caught)[-1] == "change.rolled-back"
    assert list(paths.at("/etc/dhcp").iterdir()) == [paths.at(DHCPD)]
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_any_exception_becomes_a_report_and_keyboard_interrupts_stay_what_they_are(journal, paths):
    missing = CopyFile(Path("/usr/none"), Path("/etc/dhcp/none"), "t")
    with pytest.raises(HaoscarError) as caught:
        journal.apply(plan(write(), missing), TaskContext())
    assert codes(caught) == ["change.no-source", "change.rolled-back"]

    def interrupt(event) -> None:
        if "second" in getattr(event, "step", ""):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.apply(plan(write(), write(Path("/etc/dhcp/second"))), TaskContext(interrupt))
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_an_operating_system_error_is_reported_and_rolled_back(journal, paths, monkeypatch):
    real = os.replace

    def full(source, target, **more):
        if str(target).endswith("second"):
            raise OSError(28, "No space left on device", str(target))
        return real(source, target, **more)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HaoscarError) as caught:
        journal.apply(plan(write(), write(Path("/etc/dhcp/second"))), TaskContext())
    assert codes(caught) == ["change.failed", "change.rolled-back"]
    assert "No space left" in str(caught.value)
    assert [one.name for one in paths.at("/etc/dhcp").iterdir()] == ["dhcpd.conf"]


def test_a_file_that_cannot_be_restored_is_named_and_tried_again(journal, paths, monkeypatch):
    real = os.replace
    broken = [True]

    def stubborn(source, target, **more):
        if broken[0] and target == paths.at(DHCPD):
            raise OSError(5, "Input/output error")
        return real(source, target, **more)

    journal.apply(plan(write()), TaskContext())
    monkeypatch.setattr(os, "replace", stubborn)
    with pytest.raises(HaoscarError) as caught:
        journal.undo(None, TaskContext())
    assert codes(caught) == ["change.not-restored"]
    assert "before-0" in str(caught.value)
    broken[0] = False
    assert [report.code for report in journal.recover()] == ["change.recovered"]
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_a_file_changed_by_somebody_else_is_not_overwritten_without_force(journal, paths):
    record = journal.apply(plan(write()), TaskContext())
    paths.at(DHCPD).write_text("edited by hand\n")
    with pytest.raises(Refused) as caught:
        journal.undo(record.id, TaskContext())
    assert codes(caught) == ["change.changed-since"]
    assert str(DHCPD) in str(caught.value)
    with pytest.raises(Refused):
        journal.undo_all(TaskContext())
    assert paths.at(DHCPD).read_text() == "edited by hand\n"
    journal.undo(record.id, TaskContext(), force=True)
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"
    kept = [one.read_text() for one in (paths.journal / record.id).glob("replaced*")]
    assert kept == ["edited by hand\n"]


def test_our_own_later_changes_are_no_reason_to_complain(journal, paths):
    entry = Path("/etc/dhcp/entry")
    journal.apply(plan(write(entry, ours_to_change=True)), TaskContext())
    paths.at(entry).write_text("local boot now\n")
    journal.undo(None, TaskContext())
    assert not paths.at(entry).exists()


def test_an_older_change_waits_for_the_newer_one_that_builds_on_it(journal, paths):
    first = journal.apply(plan(write(content=b"1\n"), title="first"), TaskContext())
    second = journal.apply(plan(write(content=b"2\n"), title="second"), TaskContext())
    with pytest.raises(Refused) as caught:
        journal.undo(first.id, TaskContext(), force=True)
    assert codes(caught) == ["change.newer-builds-on-it"]
    assert second.id in str(caught.value)
    journal.undo(second.id, TaskContext())
    assert paths.at(DHCPD).read_bytes() == b"1\n"
    journal.undo(first.id, TaskContext())
    assert paths.at(DHCPD).read_text() == "option domain-name x;\n"


def test_undo_all_judges_the_whole_chain_before_it_begins(journal, paths):
    journal.apply(plan(write(content=b"1\n")), TaskContext())
    paths.at(DHCPD).write_text("edited by hand\n")
    journal.apply(plan(write(content=b"2\n")), TaskContext())
    with pytest.raises(Refused):
        journal.undo_all(TaskContext())
    assert paths.at(DHCPD).read_bytes() == b"2\n"


def test_a_directory_in_use_stays_and_that_is_said(journal, paths):
    journal.apply(plan(MakeDirectory(Path("/srv/tftp/haoscar"), "t", 0o711)), TaskContext())
    made = paths.at("/srv/tftp/haoscar")
    assert stat.S_IMODE(made.stat().st_mode) == 0o711
    (paths.at("/srv/tftp") / "foreign").touch()
    said: list[object] = []
    journal.undo(None, TaskContext(said.append))
    assert not made.exists()
    assert (paths.at("/srv/tftp") / "foreign").exists()
    assert "change.directory-kept" in [getattr(one, "code", "") for one in said]


def test_unknown_and_undone_changes_are_refused_by_name(journal):
    with pytest.raises(InvalidInput):
        journal.undo("20000101-000000-1", TaskContext())
    with pytest.raises(Refused):
        journal.undo(None, TaskContext())
    record = journal.apply(plan(write()), TaskContext())
    journal.undo(record.id, TaskContext())
    with pytest.raises(Refused) as caught:
        journal.undo(record.id, TaskContext())
    assert "undone" in str(caught.value)


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
