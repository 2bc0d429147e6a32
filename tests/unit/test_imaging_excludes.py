"""What belongs to a system and what stays out of its image."""

import shutil
import subprocess
from pathlib import Path

import pytest

from backend.errors import InvalidInput
from backend.imaging.excludes import (
    STANDARD,
    Exclusion,
    exclusions_for,
    explain,
    pattern,
    seen_from_outside,
    swap_files,
)
from backend.imaging.mounts import choose_mounts, parse_mountinfo

HEAD = r"""22 29 0:21 / /proc rw,nosuid - proc proc rw
23 29 0:22 / /sys rw - sysfs sysfs rw
24 29 0:5 / /dev rw - devtmpfs udev rw
29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda2 rw
30 29 254:1 / /boot/efi rw - vfat /dev/vda1 rw
31 29 254:3 / /home rw - xfs /dev/mapper/vg0-home rw
32 29 0:40 / /run rw - tmpfs tmpfs rw
33 31 0:50 / /home/shared rw - nfs4 filer:/export rw
34 29 254:0 /srv/data /export/data rw - ext4 /dev/vda2 rw
35 31 254:3 /users /srv/users rw - xfs /dev/mapper/vg0-home rw
36 29 0:51 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw
37 29 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
38 29 7:1 / /mnt/disk\040image rw - ext4 /dev/loop1 rw
39 29 8:1 / /media/stick rw - vfat /dev/sdb1 rw
40 29 0:60 / /mnt/sshfs rw - fuse.sshfs u@h: rw
41 29 0:61 / /misc rw - autofs systemd-1 rw
"""


def test_a_head_with_everything() -> None:
    choice = choose_mounts(parse_mountinfo(HEAD))
    assert [mount.target for mount in choice.included] == ["/", "/boot/efi", "/home"]
    reasons = {one.mount.target: one.reason for one in choice.skipped}
    assert reasons["/home/shared"].startswith("a network file system (nfs4)")
    assert reasons["/export/data"] == "shows what is in the image already, below /"
    assert reasons["/srv/users"] == "shows what is in the image already, below /home"
    assert "container" in reasons["/var/lib/docker/overlay2/abc/merged"]
    assert "medium or image" in reasons["/snap/core/1"]
    assert "the file itself is in the image" in reasons["/mnt/disk image"]
    assert reasons["/media/stick"] == "a removable medium"
    assert "FUSE" in reasons["/mnt/sshfs"]
    assert "kernel" in reasons["/misc"]
    assert len(choice.included) + len(choice.skipped) == 16


@pytest.mark.parametrize("kind", ["overlay", "nfs4", "tmpfs", "btrfs"])
def test_the_root_belongs_to_the_system_whatever_it_is(kind: str) -> None:
    choice = choose_mounts(parse_mountinfo(f"1 0 0:1 /@ / rw - {kind} x rw\n"))
    assert [mount.target for mount in choice.included] == ["/"]


def test_btrfs_subvolumes_are_different_and_the_last_mount_lies_on_top() -> None:
    choice = choose_mounts(
        parse_mountinfo(
            "1 0 0:20 /@ / rw - btrfs /dev/vda2 rw\n"
            "2 1 0:20 /@home /home rw - btrfs /dev/vda2 rw\n"
            "3 1 254:9 / /data rw - ext4 /dev/vdb rw\n"
            "4 1 0:77 / /data rw - nfs4 filer:/data rw\n"
        )
    )
    assert [mount.target for mount in choice.included] == ["/", "/home"]
    assert [one.mount.fstype for one in choice.skipped] == ["nfs4"]


def test_only_what_is_below_the_root_counts() -> None:
    choice = choose_mounts(parse_mountinfo(HEAD), "/home")
    assert [mount.target for mount in choice.included] == ["/home"]
    assert [one.mount.target for one in choice.skipped] == ["/home/shared"]
    patterns = [one.pattern for one in exclusions_for(choice, root="/home")]
    assert "/shared/*" in patterns
    assert "/lost+found" in patterns


@pytest.mark.parametrize("text", ["garbage\n", "1 2 3 4 5 6 7\n", "1 0 0:1 / / rw - \n", ""])
def test_unreadable_mount_tables_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        choose_mounts(parse_mountinfo(text))


def test_every_exclusion_has_a_reason_and_an_anchor() -> None:
    assert all(one.pattern.startswith("/") and len(one.reason) > 8 for one in STANDARD)
    assert len({one.pattern for one in STANDARD}) == len(STANDARD)
    for one in STANDARD:
        assert Exclusion.from_dict(one.as_dict()) == one


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/etc/ssh/ssh_host_ed25519_key.pub", "host keys"),
        ("etc/machine-id", "identity"),
        ("./var/lib/systemd/random-seed", "random"),
        ("/tmp/x/y", "temporary"),
        ("/var/log/journal/0123abc/system.journal", "journal"),
        ("/var/log/apache2/access.log.2.gz", "rotated"),
        ("/var/log/messages-20260101", "rotated"),
        ("/var/log/syslog.1", "rotated"),
        ("/var/lib/haoscar/images/serverimage/v1/tree", "HA-OSCAR"),
        ("/var/cache/apt/archives/vim.deb", "package"),
        ("/etc/lvm/devices/system.devices", "LVM"),
        ("/var/lib/dhcp/dhclient.eth0.leases", "leased"),
        ("/proc/1/status", "kernel"),
        ("/etc/iscsi/initiatorname.iscsi", "initiator"),
    ],
)
def test_reasons(path: str, word: str) -> None:
    reason = explain(path)
    assert reason is not None
    assert word in reason


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "/etc/ssh/sshd_config", "/tmp", "/var/log/syslog", "/var/log/journal",
        "/var/lib/dhcp/dhcpd.leases", "/home/user/tmp/file", "/etc/machine-id-backup", "/proc",
        "/var/cache/apt", "/srv/dev/x", "/var/log/slurmctld.log",
    ],
)  # fmt: skip
def test_what_is_copied_has_no_reason(path: str) -> None:
    assert explain(path) is None


def test_swap_files_requests_and_the_images_themselves() -> None:
    swaps = swap_files(
        "Filename Type Size Used Priority\n"
        "/swap\\040file file 1 0 -2\n/dev/vda3 partition 1 0 -3\n/a\\134b file 1 0 -4\n"
    )
    assert swaps == ("/swap file", "/a\\b")
    choice = choose_mounts(parse_mountinfo(HEAD))
    found = exclusions_for(choice, swaps, ["/scratch", "/odd[1]*"], ["/srv/images"])
    for path in (
        "/swap file",
        "/a\\b",
        "/scratch/x",
        "/odd[1]*",
        "/srv/images/i",
        "/home/lost+found",
    ):
        assert explain(path, found) is not None, path
    assert explain("/odd1", found) is None
    assert explain("/home/shared", found) is None
    assert explain("/home/shared/x", found) is not None
    assert all(one.pattern for one in found)
    found = exclusions_for(choice, requested=["/scratch/"])
    assert explain("/scratch", found) is None
    assert explain("/scratch/x", found) == "left out on your request"


def test_mounts_inside_what_is_left_out_anyway_are_not_listed() -> None:
    nested = HEAD + (
        "50 23 0:70 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        "51 33 0:71 / /home/shared/deep rw - nfs4 filer:/deep rw\n"
        "52 32 0:72 / /run/user/1000 rw - tmpfs tmpfs rw\n"
    )
    shown = [one.mount.target for one in seen_from_outside(choose_mounts(parse_mountinfo(nested)))]
    assert {"/sys", "/proc", "/dev", "/run", "/home/shared"} <= {*shown}
    assert not {"/sys/fs/cgroup", "/home/shared/deep", "/run/user/1000"} & {*shown}


NAMES = ["plain", "two words", "star*", "q?", "set[ab]", "back\\slash", "back\\*both", "new\nline"]


@pytest.mark.programs
@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_rsync_understands_the_patterns_as_we_do(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in NAMES:
        (tree / name).mkdir(parents=True)
        (tree / name / "inner").touch()
    for near in ("starx", "qx", "seta", "back\\xboth", "backslash"):
        (tree / near).mkdir()
    logs = tree / "var" / "log"
    (logs / "a" / "b").mkdir(parents=True)
    for name in ("x.gz", "a/y.gz", "a/b/z.1", "a/b/keep.log", "m-20261122"):
        (logs / name).touch()
    wanted = [Exclusion(pattern("/" + name), "whole") for name in NAMES[:4]]
    wanted += [Exclusion(pattern("/" + name, "/*"), "content") for name in NAMES[4:]]
    wanted += STANDARD
    subprocess.run(
        ["rsync", "-a", *(f"--exclude={one.pattern}" for one in wanted), f"{tree}/", f"{tmp_path}/out/"],
        check=True,
    )  # fmt: skip
    copied = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")}
    every = {str(path.relative_to(tree)) for path in tree.rglob("*")}
    ours = {path for path in every if explain(path, wanted) is None}
    assert copied == ours
    assert "seta" in copied
    assert "plain" not in copied
    assert "set[ab]" in copied
    assert "set[ab]/inner" not in copied
    assert "back\\slash/inner" not in copied
