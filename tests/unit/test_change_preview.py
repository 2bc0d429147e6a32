"""The preview: what is shown before anything happens."""

import json
from pathlib import Path

import pytest

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
from backend.change.preview import Change, ChangeKind, preview
from backend.errors import Refused
from backend.paths import Paths
from backend.system.runner import Command

CONF = Path("/etc/dhcpd.conf")


@pytest.fixture
def paths(tmp_path) -> Paths:
    found = Paths(tmp_path)
    found.at("/etc").mkdir()
    found.at(CONF).write_text("subnet {\n}\n")
    found.at(CONF).chmod(0o644)
    return found


def show(paths: Paths, *steps) -> list[Change]:
    return preview(Plan("t", "", steps), paths)


def kinds(changes) -> list[str]:
    return [change.kind.value for change in changes]


def test_a_changed_file_is_shown_as_a_diff(paths):
    (change,) = show(paths, WriteFile(CONF, b"subnet {\n  range;\n}\n", "ours", 0o640))
    assert change.kind is ChangeKind.CHANGED
    assert change.path == "/etc/dhcpd.conf"
    assert change.why == "ours"
    assert change.diff == (
        "--- /etc/dhcpd.conf (now)",
        "+++ /etc/dhcpd.conf (then)",
        "@@ -1,2 +1,3 @@",
        " subnet {",
        "+  range;",
        " }",
    )
    assert "mode 0644 becomes 0640" in change.sentence
    json.dumps(change.as_dict())


def test_new_unchanged_mode_and_removed(paths):
    paths.at("/etc/old").touch()
    changes = show(
        paths,
        WriteFile(Path("/etc/new"), b"a\nb", "w"),
        WriteFile(CONF, b"subnet {\n}\n", "w"),
        WriteFile(CONF, b"subnet {\n}\n", "w", 0o600),
        RemoveFile(Path("/etc/old"), "w"),
        RemoveFile(Path("/etc/old"), "w"),
        MakeDirectory(Path("/srv/x"), "w"),
        MakeDirectory(Path("/srv/x"), "w"),
        MakeDirectory(Path("/etc"), "w"),
    )
    assert kinds(changes) == [
        "new-file", "unchanged", "mode", "removed", "unchanged", "directory", "unchanged", "unchanged",
    ]  # fmt: skip
    assert changes[0].diff[-2:] == ("+a", "+b  (no newline at the end)")
    assert "/srv/x" in changes[5].sentence


def test_a_second_step_builds_on_the_first(paths):
    changes = show(
        paths,
        WriteFile(CONF, b"one\n", "w"),
        WriteFile(CONF, b"one\ntwo\n", "w"),
        RemoveFile(CONF, "w"),
        WriteFile(CONF, b"three\n", "w"),
    )
    assert kinds(changes) == ["changed", "changed", "removed", "new-file"]
    assert changes[1].diff[2:] == ("@@ -1 +1,2 @@", " one", "+two")
    assert paths.at(CONF).read_text() == "subnet {\n}\n"  # nothing happened


def test_a_secret_is_never_in_the_preview(paths):
    paths.at("/etc/key").write_text("old-hunter2\n")
    changes = show(
        paths,
        WriteFile(Path("/etc/key"), b"hunter2\n", "key", 0o600, secret=True),
        WriteFile(Path("/etc/key2"), b"hunter2\n", "key", 0o600, secret=True),
    )
    assert kinds(changes) == ["changed", "new-file"]
    assert "hunter2" not in json.dumps([change.as_dict() for change in changes])
    assert "hunter2" not in repr(changes)


def test_binary_and_large_files_are_shown_by_size(paths):
    paths.at("/usr").mkdir()
    paths.at("/usr/loader").write_bytes(b"\0" * 1234)
    paths.at("/etc/loader").write_bytes(b"\xff\xfe")
    changes = show(
        paths,
        CopyFile(Path("/usr/loader"), Path("/etc/loader"), "w"),
        CopyFile(Path("/usr/loader"), Path("/etc/loader"), "w"),
        CopyFile(Path("/usr/loader"), Path("/etc/loader2"), "w"),
        WriteFile(CONF, b"line\n" * 100_000, "w"),
        CopyFile(Path("/usr/not-yet"), Path("/etc/later"), "w"),
    )
    assert kinds(changes) == ["changed", "unchanged", "new-file", "changed", "new-file"]
    assert "2 bytes become 1,234 bytes, not shown" in changes[0].sentence
    assert "1,234 bytes" in changes[2].sentence
    assert all(change.diff == () for change in changes)
    assert "not there yet" in changes[4].sentence


def test_what_a_terminal_would_obey_is_made_visible(paths):
    paths.at(CONF).write_bytes("\x1b[2Jgone\r\n\u202eevil\tok\n".encode())
    (change,) = show(paths, RemoveFile(CONF, "w"))
    assert change.kind is ChangeKind.REMOVED
    (change,) = show(paths, WriteFile(CONF, b"", "w"))
    assert change.diff[3:] == ("-\\x1b[2Jgone\\r", "-\\u202eevil\tok")
    assert change.sentence.isprintable()


def test_services_packages_and_checks_are_sentences(paths):
    check = Check(Command.of("dhcpd", "-t"), "dhcpd accepts the configuration")
    changes = show(
        paths,
        SetUnit("dhcpd", "w", enabled=True, action="restart"),
        SetUnit("dhcpd", "w"),
        InstallPackages(("syslinux", "ipxe"), "boot loaders"),
        check,
    )
    assert kinds(changes) == ["unit", "unchanged", "packages", "check"]
    assert changes[0].sentence == "Service dhcpd: start it at boot and restart it now."
    assert "syslinux, ipxe" in changes[2].sentence
    idle = show(paths, WriteFile(CONF, b"subnet {\n}\n", "w"), check)
    assert kinds(idle) == ["unchanged", "unchanged"]


def test_a_path_out_of_the_root_is_refused(paths):
    with pytest.raises(Refused):
        show(paths, WriteFile(Path("/etc/../../../x"), b"", "w"))
