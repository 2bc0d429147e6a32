"""The comparison explains what may differ, and lets nothing else pass."""

import pytest

from backend.clone.compare import by_reason, differences, parse, reason

OUTPUT = """\
sending incremental file list
.d..t...... ./
.d..t...... etc/
>fcs....... etc/hostname
>fc.t...... etc/passwd
cL..t...... etc/mtab -> ../proc/self/mounts
*deleting   etc/ssh/ssh_host_ed25519_key
*deleting   var/log/journal/
.f...p..... usr/bin/sudo

sent 120 bytes  received 30 bytes  100.00 bytes/sec
total size is 1,234  speedup is 8.22 (DRY RUN)
"""


def test_parse_takes_paths_with_spaces_and_links() -> None:
    items = parse(OUTPUT.splitlines())
    assert (">fcs.......", "etc/hostname") in items
    assert ("cL..t......", "etc/mtab") in items
    assert ("*deleting", "var/log/journal") in items
    assert parse([">f+++++++++ a name with  spaces"]) == [(">f+++++++++", "a name with  spaces")]


def test_a_changed_password_file_is_never_explained() -> None:
    found = {one.path: one.reason for one in differences(OUTPUT.splitlines())}
    assert found["etc/passwd"] is None
    assert found["usr/bin/sudo"] is None
    assert found["etc/hostname"] == "its own name"
    assert found["etc/ssh/ssh_host_ed25519_key"]
    assert "etc" not in found  # only its time


def test_a_directory_with_another_owner_is_a_difference() -> None:
    (only,) = differences([".d..t.o.... usr/lib/"])
    assert only.reason is None


def test_what_the_image_left_out_is_explained_by_the_image() -> None:
    found = differences(
        ["*deleting   srv/scratch/x"], lambda path: "left out" if "scratch" in path else None
    )
    assert by_reason(found) == [("left out", ("/srv/scratch/x",))]


@pytest.mark.parametrize(
    "path",
    [
        "etc/shadow",
        "usr/bin/login",
        "etc/ssh/sshd_config",
        "root/.ssh/authorized_keys",
        "etc/hostname.evil",
        "boot/vmlinuz",
    ],
)
def test_what_matters_is_not_explained_away(path: str) -> None:
    assert reason(path) is None


def test_unexplained_come_first() -> None:
    groups = by_reason(differences(OUTPUT.splitlines()))
    assert groups[0] == ("", ("/etc/passwd", "/etc/mtab", "/usr/bin/sudo"))
