"""The TFTP server that is there, and the plan for network boot."""

import sys
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path, PurePosixPath

import pytest

from backend.change.plan import CopyFile, MakeDirectory, SetUnit, WriteFile
from backend.clone.constants import BootMode
from backend.clone.keys import PublicKey
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.distribution import Family
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import Network, Primary, Site, Standby
from backend.netboot import loaders, tftp
from backend.netboot.plan import BOOT_UNIT, NetworkBoot, boot_unit, network_boot_plan
from backend.paths import Paths

KEY = PublicKey.parse(
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
)
MAC = Mac.parse("52:54:00:77:00:02")
STANDBY = Standby(
    HostName.parse("standby1"), ImageName.parse("headimage"), IPv4Address("10.0.0.2"), 24, mac=MAC
)
SITE = Site(
    cluster=HostName.parse("beowulf"),
    domain=DomainName.parse("cluster.example"),
    private=Network(InterfaceName.parse("eth1"), IPv4Network("10.0.0.0/24")),
    primary=Primary(HostName.parse("head"), IPv4Address("10.0.0.1")),
    standbys=(STANDBY,),
)
DEFAULTS = (
    b'# /etc/default/tftpd-hpa\n\nTFTP_USERNAME="tftp"\nTFTP_DIRECTORY="/srv/tftp"\n'
    b'TFTP_ADDRESS=":69"\nTFTP_OPTIONS="--secure"\n'
)
FACTS = tftp.TftpFacts(PurePosixPath("/srv/tftp"), defaults=DEFAULTS)


def boot(**modes: BootMode) -> NetworkBoot:
    found = tuple(loaders.FoundLoader(one, Path(one.candidates[0])) for one in loaders.TFTP_LOADERS)
    return NetworkBoot(KEY, found, "[Unit]\n", modes)


def put(root: Path, path: str, content: bytes = b"") -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def test_root_of_tftpd_hpa_is_read(tmp_path: Path) -> None:
    put(tmp_path, tftp.HPA_DEFAULTS, DEFAULTS.replace(b"/srv/tftp", b"/tftpboot"))
    facts = tftp.read_tftp_facts(Paths(tmp_path))
    assert facts.directory == PurePosixPath("/tftpboot/haoscar")
    assert facts.unit == "tftpd-hpa.service"
    assert not facts.in_use


def test_machine_without_a_server_gets_the_packages_default(tmp_path: Path) -> None:
    assert tftp.read_tftp_facts(Paths(tmp_path)).root == PurePosixPath("/srv/tftp")
    rhel = tftp.read_tftp_facts(Paths(tmp_path), Family.RHEL)
    assert (rhel.root, rhel.unit) == (PurePosixPath("/var/lib/tftpboot"), "tftp.socket")


def test_root_of_rhel_comes_from_its_unit(tmp_path: Path) -> None:
    put(tmp_path, tftp.RHEL_UNITS[0], b"[Service]\nExecStart=/usr/sbin/in.tftpd -c -p -s /data/t\n")
    assert tftp.read_tftp_facts(Paths(tmp_path), Family.RHEL).root == PurePosixPath("/data/t")


def test_atftpd_serves_its_last_argument(tmp_path: Path) -> None:
    put(tmp_path, tftp.ATFTPD_DEFAULTS, b'USE_INETD=false\nOPTIONS="--verbose=5 /srv/a"\n')
    facts = tftp.read_tftp_facts(Paths(tmp_path))
    assert (facts.root, facts.unit) == (PurePosixPath("/srv/a"), "atftpd.service")


@pytest.mark.parametrize("root", ["relative", "/", "/srv/../etc"])
def test_root_that_is_none_is_refused(tmp_path: Path, root: str) -> None:
    put(tmp_path, tftp.HPA_DEFAULTS, f'TFTP_DIRECTORY="{root}"\n'.encode())
    with pytest.raises(Refused):
        tftp.read_tftp_facts(Paths(tmp_path))


def test_server_that_was_open_to_all_is_bound_to_the_private_address() -> None:
    after = tftp.restricted(DEFAULTS, IPv4Address("10.0.0.1"))
    assert b'TFTP_ADDRESS="10.0.0.1:69"\n' in after
    assert after.count(b"TFTP_ADDRESS=") == 1
    assert tftp.restricted(after, IPv4Address("10.0.0.1")) == after


def test_server_that_others_use_stays_as_it_is(tmp_path: Path) -> None:
    put(tmp_path, tftp.HPA_DEFAULTS, DEFAULTS)
    put(tmp_path, "/srv/tftp/pxelinux.0", b"theirs")
    facts = tftp.read_tftp_facts(Paths(tmp_path))
    assert facts.in_use
    paths = [
        one.path
        for one in network_boot_plan(SITE, facts, boot()).steps
        if isinstance(one, WriteFile)
    ]
    assert Path(tftp.HPA_DEFAULTS) not in paths


def test_nothing_is_written_outside_of_our_directories() -> None:
    allowed = (
        "/srv/tftp/haoscar/", tftp.HPA_DEFAULTS, "/etc/systemd/system/haoscar-boot.service",
    )  # fmt: skip
    for step in network_boot_plan(SITE, FACTS, boot()).steps:
        if isinstance(step, WriteFile | CopyFile | MakeDirectory):
            assert str(step.path).startswith(allowed), step


def test_entry_of_a_machine_is_ours_to_change_and_says_what_it_does() -> None:
    for mode, word in ((BootMode.LOCAL, b"chain.c32"), (BootMode.INSTALL, b"haoscar.head=")):
        plan = network_boot_plan(SITE, FACTS, boot(standby1=mode))
        (entry,) = (
            one for one in plan.steps
            if isinstance(one, WriteFile) and one.path.name == "01-52-54-00-77-00-02"
        )  # fmt: skip
        assert entry.ours_to_change
        assert word in entry.content


def test_machine_without_a_ticket_boots_from_its_disk() -> None:
    plan = network_boot_plan(SITE, FACTS, boot())
    contents = [one.content for one in plan.steps if isinstance(one, WriteFile)]
    assert not any(b"haoscar.head=" in one for one in contents)


def test_boot_server_is_restarted_before_entries_so_that_they_do_not_restart_it() -> None:
    steps = list(network_boot_plan(SITE, FACTS, boot()).steps)
    unit = next(
        i for i, one in enumerate(steps) if isinstance(one, SetUnit) and one.unit == BOOT_UNIT
    )
    entry = next(
        i for i, one in enumerate(steps) if isinstance(one, WriteFile) and "01-" in one.path.name
    )
    assert unit < entry


def test_paths_of_entries(tmp_path: Path) -> None:
    assert (
        tftp.boot_entry_path(Paths(tmp_path), FACTS, MAC)
        == tmp_path / "srv/tftp/haoscar/pxelinux.cfg/01-52-54-00-77-00-02"
    )


def test_missing_loaders_are_all_named_with_their_packages(tmp_path: Path) -> None:
    put(tmp_path, "/usr/lib/ipxe/snponly.efi")
    with pytest.raises(Refused) as problem:
        loaders.find_loaders(Paths(tmp_path))
    assert len(problem.value.reports) == len(loaders.TFTP_LOADERS) - 1
    assert "syslinux-tftpboot" in problem.value.reports[0].remedy


def test_loaders_of_rhel_are_found(tmp_path: Path) -> None:
    for name in ("pxelinux.0", "ldlinux.c32", "chain.c32", "libcom32.c32", "libutil.c32"):
        put(tmp_path, f"/usr/share/syslinux/{name}")
    put(tmp_path, "/usr/share/ipxe/ipxe-snponly-x86_64.efi")
    found = {one.loader.name: one.path for one in loaders.find_loaders(Paths(tmp_path))}
    assert found["snponly.efi"].name == "ipxe-snponly-x86_64.efi"
    assert len(found) == len(loaders.TFTP_LOADERS)


def test_two_standbys_have_an_entry_each() -> None:
    two = replace(
        SITE,
        standbys=(
            STANDBY,
            replace(STANDBY, name=HostName.parse("s2"), mac=Mac.parse("2:0:0:0:0:1")),
        ),
    )
    names = {
        one.path.name
        for one in network_boot_plan(two, FACTS, boot()).steps
        if isinstance(one, WriteFile)
    }
    assert {"01-52-54-00-77-00-02", "01-02-00-00-00-00-01", "default"} <= names


def test_boot_unit_runs_this_program() -> None:
    unit = boot_unit()
    source = Path(loaders.__file__).resolve().parents[2]
    assert f'PYTHONPATH={source}"' in unit
    assert f"ExecStart={sys.executable} -P -c " in unit
    assert "Type=notify" in unit


def test_program_whose_path_cannot_stand_in_a_unit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/a b%n/python3")
    with pytest.raises(Refused):
        boot_unit()
