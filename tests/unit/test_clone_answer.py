"""What is said before a machine is armed, and what the answer makes of the image's own description."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend.clone import answer as answers
from backend.clone.answer import Answerer, bootable
from backend.clone.ticket import Ticket
from backend.errors import Refused
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.facts import FORMAT, VERSION
from backend.model.names import ImageName
from backend.paths import Paths
from tests import clone_site
from tests import recorded_machines as recorded
from tests.unit.test_clone_ticket import key

SWAP_FILE = ("/swapfile", 1 << 20)


def image(root: Path, machine: str, *, files: tuple[str, ...]) -> ImageVersion:
    """Return an image with a recorded machine's layout, and these files in its tree."""
    directory = Paths(root).images / "head" / "v1"
    for path in (*files, "usr/bin/ssh"):
        (directory / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / "tree" / path).touch()
    (directory / "layout.json").write_text(recorded.captured(machine).to_json())
    facts = {
        "format": FORMAT, "version": VERSION, "name": "head", "number": 1, "created": "", "client": "head",
        "user": None, "distribution": {}, "architecture": "x86_64", "kernels": [], "entries": 1,
        "files": 1, "size": 1, "transferred": 1, "seconds": 1, "ip_assignment": "static",
        "post_install": "reboot", "file_systems": [], "skipped": [], "excluded": [],
        "swap_files": [SWAP_FILE], "manifest_digest": "",
    }  # fmt: skip
    (directory / "image.json").write_text(json.dumps(facts))
    return Catalog(Paths(root)).latest(ImageName("head"))


KERNEL = (
    "usr/lib/modules/6.1.0-9-amd64/modules.dep", "boot/vmlinuz-6.1.0-9-amd64",
    "boot/initrd.img-6.1.0-9-amd64", "usr/sbin/grub-install",
)  # fmt: skip
BIOS = (*KERNEL, "usr/lib/grub/i386-pc/modinfo.sh")
BOTH = (*BIOS, "usr/lib/grub/x86_64-efi/modinfo.sh")


def test_nothing_is_said_of_an_image_that_starts_everywhere(tmp_path: Path) -> None:
    assert bootable(image(tmp_path, "lab-lvm-uefi", files=BOTH)) == ()


def test_firmware_that_will_not_start_it_is_named(tmp_path: Path) -> None:
    found = bootable(image(tmp_path, "lab-lvm-bios", files=BIOS))
    assert [one.code for one in found] == ["boot.no-grub-uefi", "boot.no-esp"]
    assert all("UEFI machines" in one.text for one in found)


def test_an_image_that_starts_nowhere_is_refused_before_it_is_armed(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        bootable(image(tmp_path, "lab-lvm-bios", files=KERNEL))
    assert [one.code for one in caught.value.reports] == ["boot.no-grub-bios"]


def test_swap_files_that_the_image_left_out_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networkd = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    image(tmp_path, "bios-mbr-one", files=(*BOTH, networkd))
    site = clone_site.site().with_standby(clone_site.standby())
    record = tmp_path / "record"
    record.mkdir()
    text = clone_site.INVENTORY.replace("uefi", "bios").replace("8589934592", str(22 << 30))
    ticket = Ticket(
        clone_site.standby().mac, clone_site.standby().name, ImageName("head"), 1, 0.0, 1e12
    )
    monkeypatch.setattr(answers, "image_bytes", lambda _version: 1)
    found = Answerer(Paths(tmp_path), key()).answer(site, ticket, text.encode(), record)
    assert "fallocate -l 1048576 /swapfile" in found.script
    assert "mkswap /swapfile" in found.script


def test_a_ticket_may_allow_what_the_site_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networkd = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    image(tmp_path, "bios-mbr-one", files=(*BOTH, networkd))
    one = clone_site.standby()
    site = clone_site.site().with_standby(one)
    record = tmp_path / "record"
    record.mkdir()
    text = clone_site.INVENTORY.replace("uefi", "bios").replace("8589934592", str(22 << 30))
    text = text.replace("serial=QM1", "serial=QM1\tsignatures=gpt,ext4\tpartitions=2")
    assert one.mac is not None
    ticket = Ticket(one.mac, one.name, ImageName("head"), 1, 0.0, 1e12)
    monkeypatch.setattr(answers, "image_bytes", lambda _version: 1)
    answerer = Answerer(Paths(tmp_path), key())
    with pytest.raises(Refused, match="already carries gpt"):
        answerer.answer(site, ticket, text.encode(), record)
    allowed = replace(ticket, wipe=True)
    assert "wipefs" in answerer.answer(site, allowed, text.encode(), record).script
