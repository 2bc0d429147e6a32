"""Boot loader steps for each firmware and family, and the facts they rest on."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.clone.bootloader import boot_problems, loader_steps
from backend.clone.constants import Stage
from backend.clone.engine import SENTENCES
from backend.clone.image_facts import ImageFacts, Kernel, NetworkSystem, gather_facts, version_key
from backend.clone.image_tree import ImageTree
from backend.clone.layout_plan import plan
from backend.clone.standard_layout import StandardIds, standard_layout
from backend.clone.steps import Run, Write
from backend.clone.target import TargetDisk
from backend.errors import Refused
from backend.model.layout import Family, Layout
from backend.model.site import Firmware
from backend.system.runner import Command, LocalRunner
from tests import recorded_machines as recorded

IDS = StandardIds(
    *(f"0000000{number}-1111-4222-8333-444444444444" for number in range(1, 6)), "ABCD-0123"
)
DISK = TargetDisk("/dev/nvme0n1", 200 << 30, 512)
KERNELS = (
    Kernel("6.1.0-18-amd64", "/boot/vmlinuz-6.1.0-18-amd64", "/boot/initrd.img-6.1.0-18-amd64"),
    Kernel("6.1.0-9-amd64", "/boot/vmlinuz-6.1.0-9-amd64", "/boot/initrd.img-6.1.0-9-amd64"),
)
DEBIAN = ImageFacts(
    family=Family.DEBIAN,
    kernels=KERNELS,
    grub_platforms=frozenset({"i386-pc", "x86_64-efi"}),
    programs=frozenset({"grub-install", "efibootmgr", "ssh-keygen"}),
)
REDHAT = ImageFacts(
    family=Family.REDHAT,
    kernels=(Kernel("5.14.0-503.el9.x86_64", "/boot/vmlinuz-5", "/boot/initramfs-5.img"),),
    grub_platforms=frozenset({"i386-pc"}),
    programs=frozenset({"grub2-install", "efibootmgr", "dracut"}),
    efi_directories=("rocky",),
    fallback_loader=True,
)


def layout_of(name: str, disk: TargetDisk = DISK, firmware: Firmware | None = None) -> Layout:
    layout = standard_layout(recorded.captured(name), IDS)
    return plan(layout, disk, firmware or layout.boot.firmware).layout


def argvs(name: str, firmware: Firmware, facts: ImageFacts) -> list[tuple[str, ...]]:
    steps = loader_steps(layout_of(name, firmware=firmware), DISK, firmware, facts)
    return [step.argv for step in steps if isinstance(step, Run)]


def test_bios_debian_writes_the_boot_sectors_only() -> None:
    assert argvs("lab-lvm-bios", Firmware.BIOS, DEBIAN) == [
        ("grub-install", "--target=i386-pc", "/dev/nvme0n1")
    ]


def test_bios_red_hat_also_makes_a_generic_initramfs() -> None:
    assert argvs("rhel9-bios", Firmware.BIOS, REDHAT) == [
        ("dracut", "--force", "--no-hostonly", "--kver", "5.14.0-503.el9.x86_64"),
        ("grub2-install", "--target=i386-pc", "/dev/nvme0n1"),
    ]


def test_uefi_debian_has_the_removable_path_and_an_entry_that_may_fail() -> None:
    steps = loader_steps(layout_of("debian12-lvm-uefi"), DISK, Firmware.UEFI, DEBIAN)
    runs = [step for step in steps if isinstance(step, Run)]
    assert runs[0].argv == (
        "grub-install", "--target=x86_64-efi", "--efi-directory=/boot/efi", "--removable",
        "--no-nvram",
    )  # fmt: skip
    assert runs[1].argv == (
        "efibootmgr", "--quiet", "--create", "--disk", "/dev/nvme0n1", "--part", "1",
        "--label", "debian", "--loader", "\\EFI\\debian\\shimx64.efi",
    )  # fmt: skip
    assert (runs[0].may_fail, runs[1].may_fail) == (False, True)
    assert all(run.chroot for run in runs)


def test_uefi_red_hat_never_runs_grub_install() -> None:
    found = argvs("rhel9-default", Firmware.UEFI, REDHAT)
    assert [argv[0] for argv in found] == ["dracut", "efibootmgr"]
    assert found[1][-1] == "\\EFI\\rocky\\shimx64.efi"
    plain = replace(REDHAT, fallback_loader=False)
    steps = loader_steps(layout_of("rhel9-default"), DISK, Firmware.UEFI, plain)
    assert not steps[-1].may_fail  # type: ignore[union-attr]


@pytest.mark.parametrize("firmware", list(Firmware))
def test_the_standard_layout_gets_a_grub_cfg_by_uuid(firmware: Firmware) -> None:
    layout = layout_of("container-nspawn", firmware=firmware)
    steps = loader_steps(layout, DISK, firmware, DEBIAN)
    files = [step for step in steps if isinstance(step, Write)]
    assert [one.path for one in files] == ["/boot/grub/grub.cfg"]
    text = files[0].content
    assert text.count(IDS.root_file_system) == 5
    assert text.index("6.1.0-18-amd64") < text.index("6.1.0-9-amd64")
    assert f"root=UUID={IDS.root_file_system} ro console=tty0 console=ttyS0,115200" in text
    assert "/boot/initrd.img-6.1.0-18-amd64" in text


@pytest.mark.programs
def test_grub_accepts_the_written_grub_cfg(tmp_path: Path) -> None:
    steps = loader_steps(layout_of("container-nspawn"), DISK, Firmware.BIOS, DEBIAN)
    path = tmp_path / "grub.cfg"
    path.write_text(next(step.content for step in steps if isinstance(step, Write)))
    assert LocalRunner().run(Command.of("grub-script-check", path)).ok


def test_a_captured_grub_cfg_is_kept() -> None:
    steps = loader_steps(layout_of("gpt-uefi-ext4"), DISK, Firmware.UEFI, DEBIAN)
    assert not any(isinstance(step, Write) for step in steps)


def test_debian_with_a_small_initramfs_makes_a_full_one() -> None:
    facts = replace(DEBIAN, small_initramfs=True, programs=DEBIAN.programs | {"update-initramfs"})
    found = argvs("lab-lvm-bios", Firmware.BIOS, facts)
    assert found[0] == ("update-initramfs", "-u", "-k", "6.1.0-18-amd64")


@pytest.mark.parametrize(
    ("changes", "firmware", "code"),
    [
        ({"kernels": ()}, Firmware.BIOS, "boot.no-kernel"),
        ({"grub_platforms": frozenset({"x86_64-efi"})}, Firmware.BIOS, "boot.no-grub-bios"),
        ({"grub_platforms": frozenset({"i386-pc"})}, Firmware.UEFI, "boot.no-grub-uefi"),
        ({"programs": frozenset()}, Firmware.BIOS, "boot.no-grub-bios"),
    ],
)
def test_what_cannot_start_is_refused_before_anything_is_booted(
    changes: dict, firmware: Firmware, code: str
) -> None:
    layout = standard_layout(recorded.captured("container-nspawn"), IDS)
    facts = replace(DEBIAN, **changes)
    assert [one.code for one in boot_problems(layout, facts, firmware)] == [code]
    with pytest.raises(Refused):
        loader_steps(layout, DISK, firmware, facts)
    assert boot_problems(layout, DEBIAN, firmware) == []


def test_kernel_versions_sort_as_people_count() -> None:
    wanted = ["5.14.0-70.13.1.el9", "5.14.0-503.el9", "6.1.0-9-amd64", "6.1.0-18-amd64",
              "6.8-rc3", "6.8", "6.8.1", "6.10.0"]  # fmt: skip
    mixed = [*wanted[4:], *wanted[:4]]
    assert sorted(mixed, key=version_key) == wanted


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_facts_of_a_debian_tree(tmp_path: Path) -> None:
    tree(tmp_path, {
        "etc/os-release": "ID=debian\n",
        "etc/hostname": "head\n",
        "etc/hosts": "127.0.1.1 head\n",
        "etc/resolv.conf": "nameserver 127.0.0.53\nnameserver 10.0.0.1\n",
        "etc/network/interfaces": "auto lo\niface lo inet loopback\nsource interfaces.d/*\n",
        "etc/network/interfaces.d/lan": "iface eth0 inet static\n dns-nameservers 9.9.9.9\n",
        "usr/lib/modules/6.1.0-9-amd64/x": "", "usr/lib/modules/6.1.0-18-amd64/x": "",
        "usr/lib/modules/6.1.0-99-gone/x": "",
        "boot/vmlinuz-6.1.0-9-amd64": "k", "boot/initrd.img-6.1.0-9-amd64": "i",
        "boot/vmlinuz-6.1.0-18-amd64": "k", "boot/initrd.img-6.1.0-18-amd64": "i",
        "boot/vmlinuz-6.1.0-99-gone": "k",
        "usr/lib/grub/i386-pc/modinfo.sh": "", "usr/sbin/grub-install": "",
        "usr/lib/systemd/system/tftpd-hpa.service": "", "etc/init.d/isc-dhcp-server": "",
        "etc/ssh/sshd_config.d/a.conf": "HostKey /etc/ssh/ssh_host_rsa_key\n",
        "etc/initramfs-tools/initramfs.conf": "MODULES=most\n",
        "etc/initramfs-tools/conf.d/driver-policy": "MODULES=dep\n",
    })  # fmt: skip
    facts = gather_facts(tmp_path)
    assert facts.family is Family.DEBIAN
    assert facts.host_name == "head"
    assert facts.network is NetworkSystem.IFUPDOWN
    assert facts.network_files == ("/etc/network/interfaces", "/etc/network/interfaces.d/lan")
    assert [str(one) for one in facts.dns] == ["10.0.0.1", "9.9.9.9"]
    assert [one.version for one in facts.kernels] == ["6.1.0-18-amd64", "6.1.0-9-amd64"]
    assert facts.grub_platforms == {"i386-pc"}
    assert facts.programs == {"grub-install"}
    assert facts.server_units == ("isc-dhcp-server.service", "tftpd-hpa.service")
    assert facts.rsa_host_key
    assert facts.small_initramfs


@pytest.mark.parametrize(
    ("files", "system"),
    [
        ({"etc/netplan/a.yaml": "network:", "usr/sbin/netplan": ""}, NetworkSystem.NETPLAN),
        (
            {"etc/systemd/system/multi-user.target.wants/NetworkManager.service": ""},
            NetworkSystem.NETWORK_MANAGER,
        ),
        (
            {"etc/systemd/system/multi-user.target.wants/systemd-networkd.service": ""},
            NetworkSystem.NETWORKD,
        ),
        ({"etc/network/interfaces": "iface lo inet loopback\n", "sbin/ifup": ""},
         NetworkSystem.IFUPDOWN),
        ({}, NetworkSystem.UNKNOWN),
    ],
)  # fmt: skip
def test_the_network_system_is_recognised(
    files: dict, system: NetworkSystem, tmp_path: Path
) -> None:
    assert gather_facts(tree(tmp_path, files)).network is system


def test_facts_of_a_red_hat_tree(tmp_path: Path) -> None:
    tree(tmp_path, {
        "etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
        "boot/efi/EFI/BOOT/BOOTX64.EFI": "", "boot/efi/EFI/rocky/grubx64.efi": "",
        "usr/sbin/NetworkManager": "", "usr/sbin/setfiles": "",
        "etc/sysconfig/network-scripts/ifcfg-eno1": "", "etc/selinux/config":
        "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
        "etc/selinux/targeted/contexts/files/file_contexts": "",
    })  # fmt: skip
    facts = gather_facts(tmp_path)
    assert facts.family is Family.REDHAT
    assert facts.fallback_loader
    assert facts.efi_directories == ("rocky",)
    assert facts.network is NetworkSystem.NETWORK_MANAGER
    assert facts.network_files == ("/etc/sysconfig/network-scripts/ifcfg-eno1",)
    assert facts.selinux_contexts == "/etc/selinux/targeted/contexts/files/file_contexts"


def test_links_never_lead_out_of_the_tree(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("password")
    root = tree(tmp_path / "tree", {"etc/real": "inside", "usr/lib/os-release": "ID=debian\n"})
    (root / "etc/absolute").symlink_to("/etc/real")
    (root / "etc/escape").symlink_to("../../../../secret")
    (root / "etc/host").symlink_to(str(outside))
    (root / "etc/loop").symlink_to("loop")
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    image = ImageTree(root)
    assert image.text("/etc/absolute") == "inside"
    assert [image.text(f"/etc/{name}") for name in ("escape", "host", "loop")] == ["", "", ""]
    assert gather_facts(root).family is Family.DEBIAN


def test_every_stage_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Stage)
