"""Facts about a head, read below a root and from what programs say."""

from pathlib import Path

import pytest

from backend.discovery import host as host_facts
from backend.discovery.host import BootService, drops_input, parse_firewalld
from backend.errors import CommandFailed
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.system.services import (
    Listener,
    NoServices,
    SystemdServices,
    UnitFacts,
    parse_listeners,
    parse_units,
)


class Says:
    """A runner that knows a few programs."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    def run(self, command: Command, *, check: bool = True) -> Result:
        if command.argv[0] not in self.answers:
            raise CommandFailed.of("command.not-started", "not here")
        return Result(command, 0, self.answers[command.argv[0]], "", 0.0)

    def stream(self, *_: object, **__: object) -> Result:
        raise AssertionError


def test_a_head_is_read_below_its_root(tmp_path: Path) -> None:
    for name, text in {
        "etc/hostname": "head.cluster.lan\n", "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "etc/default/tftpd-hpa": 'TFTP_USERNAME="tftp"\nTFTP_DIRECTORY="/srv/tftp"\n',
        "etc/network/interfaces": "", "sys/firmware/efi/x": "", "sys/fs/selinux/enforce": "1",
        "usr/sbin/dhcpd": "", "run/systemd/timesync/synchronized": "",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    runner = Says(
        nft="table inet f {\n chain i { type filter hook input priority 0; policy drop; }\n}"
    )
    found = host_facts.look(Paths(tmp_path), runner, NoServices())  # type: ignore[arg-type]
    assert (found.name, found.domain, found.firmware) == ("head", "cluster.lan", Firmware.UEFI)
    assert found.tftp_root == Path("/srv/tftp")
    assert found.network_configuration == "ifupdown"
    assert (found.selinux, found.apparmor, found.clock_synchronized) == ("enforcing", False, True)
    assert found.dhcp == (BootService("/usr/sbin/dhcpd", active=False, enabled=False),)
    assert found.firewall.drops


@pytest.mark.parametrize(
    ("file", "text", "root"),
    [
        ("/etc/default/tftpd-hpa", 'TFTP_DIRECTORY="/srv/boot files"', "/srv/boot files"),
        ("/usr/lib/systemd/system/tftp.service", "ExecStart=/usr/sbin/in.tftpd -s /var/lib/tftpboot", "/var/lib/tftpboot"),
        ("/etc/xinetd.d/tftp", "service tftp {\n server_args = -s /tftpboot\n}", "/tftpboot"),
        ("/etc/default/tftpd-hpa", 'TFTP_DIRECTORY="relative"', "None"),
        ("/etc/default/tftpd-hpa", 'TFTP_DIRECTORY="/unterminated', "None"),
        ("/etc/none", "", "None"),
    ],
)  # fmt: skip
def test_the_tftp_root(file: str, text: str, root: str) -> None:
    assert str(host_facts.find_tftp_root({Path(file): text}.get)) == root


def test_firewalls() -> None:
    found = parse_firewalld(
        "public (active)\n  target: default\n  services: dhcpv6-client ssh tftp\n  ports: 8117/tcp 67/udp\n"
    )
    assert found.firewalld
    assert "tftp" in found.services
    assert found.ports == {"8117/tcp", "67/udp"}
    assert parse_firewalld("trusted\n  target: ACCEPT\n").accepts
    assert not drops_input("chain input { type filter hook input priority 0; policy accept; }")


def test_systemd_units_and_listeners() -> None:
    found = parse_units(
        "Id=isc-dhcp-server.service\nNames=isc-dhcp-server.service\nLoadState=loaded\nActiveState=active\n"
        "UnitFileState=generated\n\nId=tftp.socket\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n"
        "Id=x.service\nNames=x.service y.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n",
        ["isc-dhcp-server.service", "tftp.socket", "y.service", "z.service"],
    )
    dhcp = found["isc-dhcp-server.service"]
    assert (dhcp.present, dhcp.active, dhcp.enabled, dhcp.generated) == (True, True, False, True)
    asked = SystemdServices(Says(systemctl="enabled\n"))._sysv(dhcp)  # type: ignore[arg-type]
    assert asked.enabled
    assert not found["tftp.socket"].present
    assert found["y.service"].masked
    assert found["z.service"] == UnitFacts("z.service")
    lines = (
        'udp UNCONN 0 0 0.0.0.0%eth0:67 0.0.0.0:* users:(("dhcpd",pid=77,fd=7))\n'
        "tcp LISTEN 0 128 [::]:22 [::]:*\nudp UNCONN broken\ntcp LISTEN 0 1 x:notaport y\n"
    )
    assert parse_listeners(lines) == (
        Listener("udp", "0.0.0.0", 67, "dhcpd", 77), Listener("tcp", "[::]", 22),
    )  # fmt: skip
