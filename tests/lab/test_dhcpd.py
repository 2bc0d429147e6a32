"""The real dhcpd with our configuration, asked by crafted packets over real (virtual) wires."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from backend.change.plan import MakeDirectory, Plan, WriteFile
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, IpAssignment, Network, Primary, Site, Standby
from backend.netboot import dhcp
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.plan import configure_dhcp_plan
from backend.paths import Paths
from backend.system.runner import Command, Daemon, LocalRunner, spawn

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces"),
]

KNOWN = Mac.parse("52:54:00:77:00:02")
STRANGER = Mac.parse("52:54:00:77:00:99")
CLIENT = Path(__file__).with_name("dhcp_client.py")
BIOS = {93: b"\x00\x00", 60: b"PXEClient:Arch:00000:UNDI:002001"}
UEFI = {93: b"\x00\x07", 60: b"PXEClient:Arch:00007:UNDI:003000"}
IPXE = {77: b"iPXE"}
HTTP = {93: b"\x00\x10", 60: b"HTTPClient:Arch:00016:UNDI:003000"}
INSTALLER = {60: b"haoscar-installer"}
SILENCE = 1.5  # seconds; a fixed address is answered within some milliseconds
STANDBY = Standby(
    HostName.parse("standby1"),
    ImageName.parse("headimage"),
    IPv4Address("10.77.0.2"),
    24,
    IPv4Address("10.77.0.1"),
    mac=KNOWN,
)


def make_site(*standbys: Standby, method: IpAssignment = IpAssignment.STATIC) -> Site:
    return Site(
        cluster=HostName.parse("beowulf"),
        domain=DomainName.parse("cluster.example"),
        private=Network(InterfaceName.parse("priv0"), IPv4Network("10.77.0.0/24")),
        primary=Primary(HostName.parse("head"), IPv4Address("10.77.0.1")),
        images=(ImageSource(ImageName.parse("headimage"), "localhost", ip_assignment=method),),
        standbys=standbys,
    )


@dataclass
class Wires:
    """A head with two networks, and a machine on both."""

    head: str
    client: str
    work: Path
    daemon: Daemon | None = None

    def ask(
        self, mac: Mac, options: dict[int, bytes], wire: str = "cpriv0", seconds: float = 10.0
    ) -> dict[str, object] | None:
        said = LocalRunner(("ip", "netns", "exec", self.client)).run(
            Command.of(
                sys.executable, CLIENT, wire, mac, str(seconds),
                json.dumps({code: value.hex() for code, value in options.items()}),
            )
        )  # fmt: skip
        found: dict[str, object] | None = json.loads(said.stdout)
        return found

    def prefix(self) -> tuple[str, ...]:
        """Run in the head's network, with the test's /etc/dhcp in place of the machine's."""
        mount = 'mount --bind "$0" /etc/dhcp && exec "$@"'
        return ("ip", "netns", "exec", self.head, "sh", "-c", mount, str(self.work / "etc/dhcp"))

    def configure(self, plan: Plan) -> None:
        """Do what the journal would, except for the service."""
        for step in plan.steps:
            if isinstance(step, MakeDirectory):
                (self.work / str(step.path).lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif isinstance(step, WriteFile):
                path = self.work / str(step.path).lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(step.content)
        LocalRunner(self.prefix()).run(Command.of("dhcpd", "-t", "-4", "-q", "-cf", dhcp.CONFIG))

    def restart(self) -> None:
        """Start dhcpd anew, on the interfaces that our defaults file names."""
        self.stop()
        lines = (self.work / "etc/default/isc-dhcp-server").read_text().splitlines()
        named = next(one for one in lines if one.startswith("INTERFACESv4="))
        interfaces = named.partition("=")[2].strip('"').split()
        leases = self.work / "leases"
        leases.touch()
        command = Command.of(
            "dhcpd", "-4", "-f", "-d", "-cf", dhcp.CONFIG, "-lf", leases, "--no-pid", *interfaces
        )
        self.daemon = spawn(command.after(*self.prefix()), self.work / "dhcpd.log")

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()


@pytest.fixture
def wires(tmp_path: Path) -> Iterator[Wires]:
    head, client = f"hd{os.getpid()}", f"cl{os.getpid()}"
    run = LocalRunner().run
    made = Wires(head, client, tmp_path)
    (tmp_path / "etc/dhcp").mkdir(parents=True)
    try:
        for name in (head, client):
            run(Command.of("ip", "netns", "add", name))
            run(Command.of("ip", "-n", name, "link", "set", "lo", "up"))
        for wire, address in (("priv0", "10.77.0.1/24"), ("pub0", "192.0.2.1/24")):
            run(
                Command.of(
                    "ip", "-n", head, "link", "add", wire, "type", "veth",
                    "peer", "name", f"c{wire}", "netns", client,
                )
            )  # fmt: skip
            run(Command.of("ip", "-n", head, "addr", "add", address, "dev", wire))
            run(Command.of("ip", "-n", head, "link", "set", wire, "up"))
            run(Command.of("ip", "-n", client, "link", "set", f"c{wire}", "up"))
        (tmp_path / "etc/default").mkdir()
        yield made
    finally:
        made.stop()
        for name in (head, client):
            run(Command.of("ip", "netns", "del", name), check=False)


@pytest.fixture
def serving(wires: Wires) -> Wires:
    """The wires with a dhcpd that knows one standby."""
    (wires.work / "etc/default/isc-dhcp-server").write_text('INTERFACESv4=""\nINTERFACESv6=""\n')
    wires.configure(configure_dhcp_plan(make_site(STANDBY), read_dhcp_facts(Paths(wires.work))))
    wires.restart()
    assert wires.ask(KNOWN, INSTALLER) is not None, (wires.work / "dhcpd.log").read_text()
    return wires


@pytest.mark.parametrize(
    ("options", "file"),
    [
        (BIOS, "haoscar/pxelinux.0"),
        (BIOS | IPXE, "haoscar/pxelinux.0"),
        (UEFI, "haoscar/snponly.efi"),
        (UEFI | {93: b"\x00\x09"}, "haoscar/snponly.efi"),
        (UEFI | IPXE, f"http://10.77.0.1:8117/boot.ipxe?mac={KNOWN}"),
        (HTTP, "http://10.77.0.1:8117/boot/snponly.efi"),
        (INSTALLER, ""),
        ({12: b"standby1"}, ""),
    ],
    ids=["bios", "bios-ipxe", "uefi", "uefi-9", "uefi-ipxe", "http", "installer", "system"],
)
def test_known_machine_is_given_the_file_for_its_firmware(
    serving: Wires, options: dict[int, bytes], file: str
) -> None:
    offer = serving.ask(KNOWN, options)
    assert offer is not None
    assert offer["type"] == "02"
    assert offer["address"] == "10.77.0.2"
    assert offer["next_server"] == "10.77.0.1"
    assert offer["file"] == file
    vendor = offer["options"].get("60")  # type: ignore[attr-defined]
    assert vendor == (b"HTTPClient".hex() if options is HTTP else None)


def test_unknown_machine_gets_no_answer(serving: Wires) -> None:
    assert serving.ask(STRANGER, BIOS, seconds=SILENCE) is None
    assert serving.ask(KNOWN, BIOS) is not None


def test_nobody_is_answered_on_the_other_network(serving: Wires) -> None:
    assert serving.ask(KNOWN, BIOS, wire="cpub0", seconds=SILENCE) is None
    assert serving.ask(KNOWN, BIOS) is not None


def test_machine_assigned_while_it_asks_is_answered_within_a_second(serving: Wires) -> None:
    """What a ROM does: it asks again and again; the answer comes soon after the assignment."""
    offers: list[dict[str, object] | None] = []
    asking = threading.Thread(target=lambda: offers.append(serving.ask(STRANGER, UEFI)))
    another = replace(
        STANDBY, name=HostName.parse("standby2"), address=IPv4Address("10.77.0.3"), mac=STRANGER
    )
    asking.start()
    log = serving.work / "dhcpd.log"
    wait_until(lambda: f"DHCPDISCOVER from {STRANGER}" in log.read_text())
    began = time.monotonic()
    facts = read_dhcp_facts(Paths(serving.work))
    assert facts.subnets == ()  # our own part is not taken for the administrator's
    serving.configure(configure_dhcp_plan(make_site(STANDBY, another), facts))
    serving.restart()
    asking.join()
    took = time.monotonic() - began
    assert offers[0] is not None
    assert offers[0]["address"] == "10.77.0.3"
    assert took < 1.5, f"{took:.2f} s"  # 0.2 s when nothing else runs


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_existing_configuration_keeps_its_subnet_and_its_machines(wires: Wires) -> None:
    (wires.work / "etc/dhcp/dhcpd.conf").write_text(
        "option arch code 93 = unsigned integer 16;\n"
        "subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.50 10.77.0.60; }\n"
        "host node1 { hardware ethernet 52:54:00:77:00:50; fixed-address 10.77.0.50;\n"
        '  filename "theirs"; }'
    )
    dynamic = make_site(STANDBY, method=IpAssignment.DYNAMIC_DHCP)
    wires.configure(configure_dhcp_plan(dynamic, read_dhcp_facts(Paths(wires.work))))
    wires.restart()
    theirs = wires.ask(Mac.parse("52:54:00:77:00:50"), BIOS)
    ours = wires.ask(KNOWN, BIOS)
    stranger = wires.ask(STRANGER, BIOS)
    assert theirs is not None
    assert (theirs["address"], theirs["file"]) == ("10.77.0.50", "theirs")
    assert ours is not None
    assert ours["file"] == "haoscar/pxelinux.0"
    assert IPv4Address(str(ours["address"])) in IPv4Network("10.77.0.32/27")
    assert stranger is not None  # their range is theirs; but nothing of ours is in the answer
    assert stranger["file"] == ""


def test_dynamic_machine_takes_an_address_of_our_own_pool(wires: Wires) -> None:
    dynamic = make_site(STANDBY, method=IpAssignment.DYNAMIC_DHCP)
    wires.configure(configure_dhcp_plan(dynamic, read_dhcp_facts(Paths(wires.work))))
    wires.restart()
    stranger = wires.ask(STRANGER, BIOS, seconds=SILENCE)
    ours = wires.ask(KNOWN, BIOS)
    assert ours is not None
    assert ours["address"] == "10.77.0.2"
    assert stranger is None
