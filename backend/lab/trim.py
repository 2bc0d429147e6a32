"""What a Debian root of the lab does without: a small tree is copied, booted and cloned quickly."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

# Kernel modules that stay, with what they depend on: the machines QEMU shows, the file systems of
# the clone tests, and what a head uses at run time. Measured: the full set is 390 MB.
KEPT_MODULES = (
    "virtio_pci", "virtio_net", "virtio_blk", "virtio_scsi", "virtio_rng", "virtio_balloon",
    "e1000", "e1000e", "ata_piix", "ahci", "nvme", "sd_mod", "sr_mod",
    "xhci_pci", "ehci_pci", "uhci_hcd", "usb-storage", "uas", "usbhid", "hid-generic",
    "ext4", "xfs", "vfat", "isofs", "squashfs", "overlay", "loop", "efivarfs", "efi-pstore",
    "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8",
    "dm_mod", "dm-snapshot", "dm-mirror",
    "crc32c_generic", "crc32c-intel", "crc32-pclmul", "crct10dif-pclmul",
    "aesni-intel", "ghash-clmulni-intel", "sha256-ssse3",
    "bridge", "veth", "macvlan", "dummy", "8021q", "bonding",
    "nf_tables", "nf_conntrack", "nft_ct", "nft_limit", "nft_log", "nft_numgen", "nft_nat",
    "sch_netem", "sch_ingress", "softdog", "pcspkr", "qemu_fw_cfg", "i6300esb",
)  # fmt: skip

# Paths and patterns below the root; what they name is gone from the finished tree.
REMOVED = (
    "usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*",
    "usr/share/i18n", "usr/share/perl", "usr/share/perl5", "usr/share/bash-completion",
    "usr/share/common-licenses", "usr/share/bug", "usr/share/lintian", "usr/share/zsh",
    "usr/share/maven-repo", "usr/share/java", "usr/share/pixmaps", "usr/share/applications",
    "usr/share/grub/themes", "usr/share/grub/ascii.pf2", "usr/share/grub/euro.pf2", "usr/share/grub/grub-mkconfig_lib.mo",
    "usr/share/initramfs-tools", "etc/initramfs-tools",
    "usr/lib/x86_64-linux-gnu/perl",  # perl-base stays: update-rc.d is written in it
    "usr/lib/x86_64-linux-gnu/libapt-*",  # libperl stays: snmpd is linked with it
    # mtools writes names in code page 850, xorriso in UTF-16.
    "usr/lib/x86_64-linux-gnu/gconv/[!gIU]*", "usr/lib/x86_64-linux-gnu/gconv/I[!B]*",
    "usr/lib/x86_64-linux-gnu/gconv/IBM[!8]*", "usr/lib/x86_64-linux-gnu/gconv/U[!T]*",
    "usr/lib/x86_64-linux-gnu/gconv/UTF-[!1]*", "usr/lib/apt", "usr/lib/dpkg/methods",
    # Only xfs_scrub wants the Unicode tables: 36 MB of them.
    "usr/lib/x86_64-linux-gnu/libicu*", "usr/sbin/xfs_scrub*",
    "usr/bin/apt*", "usr/bin/pzstd", "usr/bin/zstdmt",
    "usr/bin/omshell", "usr/sbin/dhclient*", "usr/bin/dh_*", "usr/bin/deb-*",
    "usr/bin/grub-fstest", "usr/bin/grub-mount", "usr/bin/grub-render-label",
    "usr/bin/grub-syslinux2cfg", "usr/bin/grub-glue-efi", "usr/sbin/grub-macbless",
    "usr/lib/udev/hwdb.d", "usr/lib/udev/hwdb.bin", "etc/udev/hwdb.bin", "etc/udev/hwdb.d",
    "usr/lib/grub/*/*.module", "usr/lib/grub/*/monolithic", "usr/lib/grub/*-dbg", "usr/lib/python3*/test",
    "usr/lib/python3/dist-packages/lib2to3", "usr/lib/python3.11/lib2to3",
    "usr/lib/python3.11/pydoc_data", "usr/lib/python3.11/ensurepip", "usr/lib/python3.11/idlelib",
    "boot/System.map*", "boot/initrd.img*", "boot/ipxe.efi", "boot/grub",
    "initrd.img*", "vmlinuz*",
    "etc/ssh/ssh_host_*", "etc/apt", "etc/cron.*", "etc/kernel", "etc/grub.d/20_linux_xen",
    "usr/lib/ipxe/*.rom", "usr/lib/ipxe/*/*.rom", "usr/lib/ipxe/ipxe.efi", "usr/lib/ipxe/ipxe.iso",
    "var/lib/dpkg/info/*.list", "var/lib/dpkg/info/*.md5sums", "var/lib/dpkg/info/*inst",
    "var/lib/dpkg/info/*rm", "var/lib/dpkg/info/*.symbols", "var/lib/dpkg/info/*.shlibs",
    "var/lib/dpkg/info/*.triggers", "var/lib/dpkg/info/*.templates", "var/lib/dpkg/info/*.config",
    "var/lib/dpkg/*-old", "var/cache/*", "var/lib/apt", "var/log/*", "var/backups/*",
    "usr/share/terminfo", "usr/share/debconf", "usr/share/keyrings", "usr/share/runit",
    "usr/lib/init", "etc/init.d/tftpd-hpa.dpkg-dist", "tmp/*", "run/*",
    # D-Bus starts when somebody speaks to it.
    "usr/lib/systemd/system/multi-user.target.wants/dbus.service",
)  # fmt: skip

# Programs systemd runs at every start to make units of what this machine does not have.
MASKED_GENERATORS = (
    "systemd-cryptsetup-generator", "systemd-debug-generator", "systemd-getty-generator",
    "systemd-gpt-auto-generator", "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator", "systemd-rc-local-generator", "systemd-run-generator",
    "systemd-system-update-generator", "systemd-veritysetup-generator",
    "systemd-bless-boot-generator",
)  # fmt: skip

# Units that a machine of the lab does not need; each costs a moment under emulation.
MASKED_UNITS = (
    "getty.target", "getty-static.service", "console-getty.service", "serial-getty@ttyS0.service",
    "systemd-fsck-root.service", "dev-hugepages.mount", "dev-mqueue.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
    "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount",
    "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@efi_pstore.service",
    "modprobe@fuse.service", "modprobe@loop.service", "modprobe@drm.service",
    "kmod-static-nodes.service", "systemd-modules-load.service",
    "systemd-network-generator.service", "systemd-networkd-wait-online.service",
    "systemd-sysusers.service", "systemd-firstboot.service", "systemd-repart.service",
    "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
    "systemd-random-seed.service", "systemd-pstore.service", "systemd-binfmt.service",
    "systemd-machine-id-commit.service", "systemd-journal-flush.service",
    "systemd-pcrphase.service", "systemd-pcrphase-sysinit.service",
    "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
    "systemd-timesyncd.service", "systemd-user-sessions.service", "systemd-logind.service",
    "cryptsetup.target", "veritysetup.target", "integritysetup.target", "dracut-shutdown.service",
    "e2scrub_reap.service", "e2scrub_all.timer", "fstrim.timer", "systemd-tmpfiles-clean.timer",
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
    "grub-common.service", "lvm2-monitor.service", "lvm2-lvmpolld.socket",
    "dm-event.socket", "blk-availability.service",
)  # fmt: skip


def module_files(show_depends: Iterable[str]) -> set[PurePosixPath]:
    """Return the module files named by the output of ``modprobe --show-depends``."""
    files = set()
    for line in show_depends:
        words = line.split()
        if len(words) >= 2 and words[0] == "insmod":
            files.add(PurePosixPath(words[1]))
    return files


def drop_modules(modules: Path, kept: Iterable[PurePosixPath]) -> int:
    """Remove the module files below ``modules`` that are not kept; returns how many; OSError."""
    names = {path.name for path in kept}
    dropped = 0
    for found in sorted((modules / "kernel").rglob("*.ko*")):
        if found.name not in names:
            found.unlink()
            dropped += 1
    for directory in sorted((modules / "kernel").rglob("*"), reverse=True):
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
    return dropped


def remove(tree: Path, patterns: Iterable[str] = REMOVED) -> int:
    """Remove what the patterns name below ``tree``; returns how many paths; raises OSError."""
    removed = 0
    for path in _matches(tree, patterns):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed += 1
    return removed


def mask(tree: Path, units: Iterable[str] = MASKED_UNITS) -> None:
    """Mask the units in ``tree`` as ``systemctl mask`` does; raises OSError."""
    links = [tree / "etc/systemd/system" / unit for unit in units]
    links += [tree / "etc/systemd/system-generators" / name for name in MASKED_GENERATORS]
    for link in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() or link.exists():
            link.unlink()
        link.symlink_to("/dev/null")


def _matches(tree: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(tree.glob(pattern))
