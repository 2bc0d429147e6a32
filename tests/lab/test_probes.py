"""ARP and DHCP probes on a real wire: two namespaces, a veth pair, and a real dhcpd."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

HERE, THERE = f"hvp-a{os.getpid()}", f"hvp-b{os.getpid()}"

ARP = """
from ipaddress import IPv4Address
from backend.model.names import InterfaceName
from backend.system import links, probes
link = links.snapshot().link("wire0")
found = probes.who_has(InterfaceName("wire0"), link.mac,
                       [IPv4Address("10.9.0.2"), IPv4Address("10.9.0.77"), IPv4Address("10.9.0.9")])
import json; print(json.dumps({str(a): m for a, m in found.items()}))
"""
DHCP = """
from backend.model.names import InterfaceName
from backend.system import links, probes
link = links.snapshot().link("wire0")
import json
print(json.dumps([[str(one.identifier), one.mac, str(one.offered), one.local]
                  for one in probes.dhcp_servers(InterfaceName("wire0"), link.mac, limit=6.0)]))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def wire() -> Iterator[str]:
    """Two namespaces joined by a wire; returns the far end's MAC address."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    try:
        for name in (HERE, THERE):
            ip("netns", "add", name)
        ip(
            "-n",
            HERE,
            "link",
            "add",
            "wire0",
            "type",
            "veth",
            "peer",
            "name",
            "wire0",
            "netns",
            THERE,
        )
        ip("-n", HERE, "address", "add", "10.9.0.1/24", "dev", "wire0", "label", "wire0")
        ip("-n", HERE, "address", "add", "10.9.0.5/24", "dev", "wire0", "label", "wire0:1")
        ip("-n", THERE, "address", "add", "10.9.0.2/24", "dev", "wire0")
        ip("-n", THERE, "address", "add", "10.9.0.77/24", "dev", "wire0")
        for name in (HERE, THERE):
            ip("-n", name, "link", "set", "wire0", "up")
        yield json.loads(
            subprocess.check_output(["ip", "-n", THERE, "-j", "link", "show", "wire0"])
        )[0]["address"]
    finally:
        for name in (HERE, THERE):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def inside(script: str) -> object:
    done = subprocess.run(
        ["ip", "netns", "exec", HERE, sys.executable, "-c", script],
        check=True, capture_output=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_used_address_names_its_holder_and_a_free_one_is_free(wire: str) -> None:
    assert inside(ARP) == {"10.9.0.2": wire, "10.9.0.77": wire}


def test_no_dhcp_server_is_found_where_there_is_none(wire: str) -> None:
    assert inside(DHCP.replace("6.0", "0.6")) == []


def test_a_real_dhcp_server_is_named(wire: str, tmp_path: Path) -> None:
    # AppArmor confines dhcpd by its path and would keep it out of the test's directory: use a copy.
    program = shutil.copy(shutil.which("dhcpd") or "/usr/sbin/dhcpd", tmp_path / "dhcpd")
    configuration = tmp_path / "dhcpd.conf"
    configuration.write_text(
        "authoritative; subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.110; }\n"
    )
    leases = tmp_path / "leases"
    leases.touch()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["ip", "netns", "exec", THERE, program, "-4", "-f", "-d", "--no-pid",
             "-cf", configuration, "-lf", leases, "wire0"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 15
        while b"Server starting" not in (tmp_path / "log").read_bytes():
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
        ((identifier, mac, offered, local),) = inside(DHCP)  # type: ignore[misc]
    finally:
        server.terminate()
        server.wait(10)
    assert identifier == "10.9.0.2"
    assert mac == wire
    assert offered.startswith("10.9.0.1")
    assert local is False


def test_the_snapshot_sees_the_alias(wire: str) -> None:
    script = """
from backend.system import links
import json
print(json.dumps([[str(a.interface), a.label, a.alias] for a in links.snapshot().link("wire0").addresses]))
"""
    assert inside(script) == [["10.9.0.1/24", "wire0", False], ["10.9.0.5/24", "wire0:1", True]]
