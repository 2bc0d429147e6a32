"""The journal: what it does, what it refuses, and what it says."""

import os
import stat
from pathlib import Path

import pytest

from backend.change.journal import Journal
from backend.change.plan import (
    Check,
    CopyFile,
    InstallPackages,
    MakeDirectory,
    RemoveFile,
    SetUnit,
)
from backend.change.records import RecordState, StepState
from backend.errors import Cancelled, CommandFailed, HaoscarError, Refused
from backend.system.runner import Command
from backend.tasks import CancelToken, TaskContext
from tests.unit.change_journal.head import DHCPD, UNIT_FILE, Packages, codes, plan, write


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
