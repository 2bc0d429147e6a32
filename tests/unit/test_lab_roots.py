"""The Debian root of the lab: what is asked of mmdebstrap, and what is trimmed away."""

from pathlib import Path, PurePosixPath

import pytest

from backend.errors import CommandFailed, HaoscarError
from backend.lab import initramfs, roots, trim
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import Event, Progress, TaskContext


class SaysRunner:
    """Answers commands by their first word; what is not listed fails to start."""

    def __init__(self, **said: str) -> None:
        self.said = said

    def run(self, command: Command, *, check: bool = True) -> Result:
        name = command.argv[0].replace("-", "_")
        if name not in self.said:
            raise CommandFailed.of("command.not-started", f"{name} is not here.")
        return Result(command, 0, self.said[name], "", 0.0)

    def stream(self, *_args: object, **_words: object) -> Result:
        raise AssertionError("not used here")


TARGETS = """\
Debian|bookworm|http://mirror.example/debian/|bookworm|main
Debian|bookworm|http://mirror.example/debian/|bookworm|contrib
Debian|bookworm-security|http://mirror.example/debian-security/|bookworm-security|main
Debian|bookworm|http://mirror.example/debian/|bookworm|main
Elsewhere|bookworm|http://other.example/|bookworm|main
short
"""


def test_the_hosts_own_mirror_is_used_and_nobody_elses() -> None:
    assert roots.host_sources(SaysRunner(apt_get=TARGETS)) == [
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/debian-security/ bookworm-security main",
    ]


@pytest.mark.parametrize(
    "runner",
    [
        SaysRunner(),
        SaysRunner(apt_get=""),
        SaysRunner(apt_get="Debian|trixie|http://mirror.example/debian/|trixie|main\n"),
        SaysRunner(apt_get="Ubuntu|noble|http://mirror.example/ubuntu/|noble|main\n"),
    ],
)
def test_another_distribution_uses_debians_mirror(runner: SaysRunner) -> None:
    sources = roots.host_sources(runner)
    assert f"deb {roots.MIRROR} bookworm main" in sources
    assert all("mirror.example" not in line for line in sources)


def test_proxies_are_passed_on_but_nothing_else() -> None:
    dump = (
        'APT::Architecture "amd64";\nAcquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::https::Proxy "DIRECT";\nAcquire::Check-Valid-Until "false";\n'
        'DPkg::Post-Invoke:: "rm -f /x";\nAcquire::http::Proxy-Auto-Detect "";\n'
    )
    assert roots.host_options(SaysRunner(apt_config=dump)) == [
        'Acquire::http::Proxy "http://proxy.example:3128"',
        'Acquire::https::Proxy "DIRECT"',
        'Acquire::Check-Valid-Until "false"',
    ]


def test_the_bootstrap_names_the_packages_but_never_dracut_itself() -> None:
    words = roots.bootstrap_command(
        Path("/cache/x"), roots.PACKAGES, ["deb m bookworm main"], []
    ).argv
    included = next(word for word in words if word.startswith("--include="))
    names = included.removeprefix("--include=").split(",")
    assert "dracut-core" in names
    assert "dracut" not in names
    assert words[-3:] == ("bookworm", "/cache/x", "deb m bookworm main")


def test_the_root_has_another_name_when_the_packages_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(*extra: str) -> str:
        return roots.RootStore(Paths(tmp_path), SaysRunner(), extra=extra).current.name

    before, window = name(), name(*roots.WINDOW)
    assert before != window  # the ordinary demo clones nothing that only a window needs
    assert (name(), name(*roots.WINDOW)) == (before, window)
    monkeypatch.setattr(roots, "PACKAGES", (*roots.PACKAGES, "vim"))
    assert name() not in (before, window)


def test_both_roots_of_the_present_recipe_are_kept(tmp_path: Path) -> None:
    plain = roots.RootStore(Paths(tmp_path), SaysRunner())
    window = roots.RootStore(Paths(tmp_path), SaysRunner(), extra=roots.WINDOW)
    old = plain.current.with_name("0123456789abcdef")
    for path in (plain.current, window.current, old):
        path.mkdir(parents=True)
    plain._remove_old()
    assert sorted(plain.current.parent.iterdir()) == sorted((plain.current, window.current))


def test_a_root_is_found_only_when_complete(tmp_path: Path) -> None:
    store = roots.RootStore(Paths(tmp_path), SaysRunner())
    assert store.find() is None
    (store.current / "usr/lib/modules/6.1.0-1-amd64").mkdir(parents=True)
    found = store.find()
    assert found is not None
    assert found.kernel == store.current / "boot/vmlinuz-6.1.0-1-amd64"
    assert found.initramfs.name == "initrd.img-6.1.0-1-amd64"


def test_a_root_without_kernel_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HaoscarError, match="has no kernel"):
        roots.kernel_version(tmp_path)


def test_modprobes_answer_gives_the_files() -> None:
    said = [
        "insmod /lib/modules/6.1/kernel/drivers/virtio/virtio.ko ",
        "builtin ext4",
        "insmod /lib/modules/6.1/kernel/drivers/block/virtio_blk.ko queue_depth=4",
        "",
    ]
    assert {path.name for path in trim.module_files(said)} == {"virtio.ko", "virtio_blk.ko"}


def test_other_modules_and_empty_directories_go(tmp_path: Path) -> None:
    for name in ("kernel/a/keep.ko", "kernel/a/drop.ko", "kernel/b/c/drop2.ko.xz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert trim.drop_modules(tmp_path, [PurePosixPath("/lib/modules/x/kernel/a/keep.ko")]) == 2
    assert sorted(path.name for path in (tmp_path / "kernel").rglob("*")) == ["a", "keep.ko"]


def test_trimming_stays_inside_the_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    tree = tmp_path / "tree"
    (tree / "var/log").mkdir(parents=True)
    (tree / "var/log/linked").symlink_to(outside)
    assert trim.remove(tree, ["var/log/*"]) == 1
    assert (outside / "file").exists()
    assert list((tree / "var/log").iterdir()) == []


def test_every_pattern_is_relative_and_keeps_what_is_needed() -> None:
    needed = [
        "usr/bin/python3.11", "usr/bin/busybox", "usr/sbin/grub-install", "usr/bin/dracut",
        "usr/lib/dracut/modules.d/95rootfs-block/module-setup.sh", "usr/sbin/dhcpd",
        "usr/lib/PXELINUX/pxelinux.0", "usr/lib/ipxe/snponly.efi", "usr/bin/dpkg-query",
        "var/lib/dpkg/status", "usr/lib/locale/C.utf8", "usr/bin/rrsync",
    ]  # fmt: skip
    for pattern in trim.REMOVED:
        assert not pattern.startswith("/")
        assert ".." not in pattern
        assert not any(PurePosixPath(path).match(pattern) for path in needed), pattern


def test_masking_is_a_link_to_nothing(tmp_path: Path) -> None:
    trim.mask(tmp_path, ["a.service"])
    trim.mask(tmp_path, ["a.service"])
    assert (tmp_path / "etc/systemd/system/a.service").readlink() == Path("/dev/null")


def test_libraries_come_from_all_lines_of_ldd() -> None:
    said = """\
/usr/sbin/blkid:
\tlinux-vdso.so.1 (0x00007ffd0f3f2000)
\tlibblkid.so.1 => /lib/x86_64-linux-gnu/libblkid.so.1 (0x00007f1d0a400000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1d0a52c000)
"""
    assert initramfs.libraries(said) == [
        "/lib/x86_64-linux-gnu/libblkid.so.1",
        "/lib64/ld-linux-x86-64.so.2",
    ]


def test_the_user_sees_what_mmdebstrap_is_at() -> None:
    seen: list[Event] = []
    context = TaskContext(seen.append)
    for line in ("I: extracting archives...", "noise", "I: running --essential-hook in shell: x"):
        roots._show(line, context)
    assert [event.detail for event in seen if isinstance(event, Progress)] == [
        "extracting archives"
    ]
