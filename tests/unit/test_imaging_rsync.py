"""The rsync command, its progress, its totals and its exit codes."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import CommandFailed
from backend.imaging.excludes import Exclusion
from backend.imaging.rsync import (
    Copy,
    Transport,
    copy_command,
    count_command,
    exit_report,
    parse_step,
    parse_totals,
    vanished_path,
)

STATS = """
Number of files: 14 (reg: 5, dir: 9)
Number of created files: 11 (reg: 5, dir: 6)
Number of regular files transferred: 4
Total file size: 1400000 bytes
Total transferred file size: 10 bytes
"""


def test_a_local_copy() -> None:
    copy = Copy("/", ("/", "/home"), Path("/i/v1.partial/tree"), (Exclusion("/tmp/*", "x"),))
    command = copy_command(copy, Transport())
    assert command.argv[:2] == ("rsync", "-aHAXS")
    assert command.argv[-4:] == ("--", "/./", "/./home", "/i/v1.partial/tree/")
    assert {"--one-file-system", "--relative", "--numeric-ids", "--delete-excluded"} <= {
        *command.argv
    }
    assert "--exclude=/tmp/*" in command.argv
    assert not [word for word in command.argv if word.startswith(("--rsh", "--link-dest"))]
    assert command.timeout is None


def test_a_remote_copy_below_another_root() -> None:
    copy = Copy("/srv/r", ("/srv/r", "/srv/r/x y"), Path("/i/t"), link_dest=Path("/i/v1/tree"))
    shell = ("ssh", "-F", "none", "-o", "A=b c", "")
    transport = Transport("fe80::1", shell, sudo=True, env={"A": "b"})
    command = copy_command(copy, transport)
    assert command.argv[-3:-1] == ("[fe80::1]:/srv/r/./", "[fe80::1]:/srv/r/./x y")
    assert '--rsh=ssh -F none -o "A=b c" ""' in command.argv
    assert "--rsync-path=sudo -n rsync" in command.argv
    assert "--link-dest=/i/v1/tree" in command.argv
    assert command.env == {"A": "b"}
    with_password = Transport("h", ("ssh",), sudo=True, sudo_in_shell=True)
    assert "--rsync-path=sudo -k -S -p '' rsync" in copy_command(copy, with_password).argv


def test_counting_writes_nothing() -> None:
    command = count_command(Copy("/", ("/",), Path("/i/t"), compare_content=True), Transport())
    assert "--dry-run" in command.argv
    assert "--checksum" in command.argv
    assert "progress2" not in shlex.join(command.argv)


@pytest.mark.parametrize(
    ("line", "done", "percent", "rate", "checked", "entries"),
    [
        ("              2  14%    0.00kB/s    0:00:00  ", 2, 14, 0.0, None, None),
        ("  1,234,567  45%   12.50MB/s    0:00:12 (xfr#5, to-chk=169/396)", 1234567, 45,
         12.5 * 2**20, 227, 396),
        ("10  71%    3.91kB/s    0:00:00 (xfr#2, ir-chk=9/14) ", 10, 71, 3.91 * 1024, 5, 14),
        ("99 100%    1.00GB/s   10:00:00", 99, 100, 2.0**30, None, None),
    ],
)  # fmt: skip
def test_progress(
    line: str, done: int, percent: int, rate: float, checked: int | None, entries: int | None
) -> None:
    step = parse_step(line)
    assert step is not None
    assert (step.done, step.percent, step.rate) == (done, percent, rate)
    assert (step.checked, step.entries) == (checked, entries)


@given(st.text(max_size=200))
def test_any_line_can_be_read(line: str) -> None:
    parse_step(line)
    vanished_path(line)


def test_totals() -> None:
    totals = parse_totals(STATS)
    assert (totals.entries, totals.files, totals.size, totals.transferred) == (14, 5, 1400000, 10)
    assert parse_totals(STATS.replace("reg: 5, ", "")).files == 0
    with pytest.raises(CommandFailed, match="without its statistics"):
        parse_totals("nothing")


def test_exit_codes_have_sentences_and_remedies() -> None:
    assert exit_report(0) is None
    assert exit_report(24) is None
    for code in (1, 12, 23, 30, 127, 255, 99):
        report = exit_report(code, ["  10 71% 1kB/s", "rsync: [sender] send_files failed", "other"])
        assert report is not None
        assert report.remedy
        assert "send_files failed" in report.text
        assert "other" not in report.text
    cut = exit_report(255)
    assert cut is not None
    assert "goes on" in cut.remedy


def test_vanished_files_are_named() -> None:
    assert vanished_path('file has vanished: "/var/spool/x y"') == "/var/spool/x y"
    assert vanished_path("rsync warning: some files vanished") is None
