"""Discovery, preflight and add-standby as a head would run them: real wires, a head's own files."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.imaging.facts import ImageFacts
from backend.model.names import ImageName
from backend.model.site import IpAssignment, PostInstall

pytestmark = pytest.mark.lab

HEAD, WORLD = f"hvd-a{os.getpid()}", f"hvd-b{os.getpid()}"

FILES = {
    "etc/hostname": "head\n",
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "etc/network/interfaces": "",
    "etc/hosts": "127.0.0.1 localhost\n10.9.1.1 head.cluster.lan head\n10.9.1.11 node001\n10.9.1.254 switch\n",
    "etc/dhcp/dhcpd.conf": 'include "/etc/dhcp/nodes.conf";\n',
    "etc/dhcp/nodes.conf": "host node001 { hardware ethernet 02:00:00:00:01:01; fixed-address 10.9.1.11; }\n",
    "etc/slurm/slurm.conf": "ClusterName=bigiron\nSlurmctldHost=head\nNodeName=node[001-002] NodeAddr=10.9.1.[11-12]\n",
    "var/lib/haoscar/images/serverimage/v1/image.json": ImageFacts(
        ImageName("serverimage"), 1, "2026-01-01T00:00:00Z", "head", None, {}, "x86_64", (), 1, 1, 1, 1, 1.0,
        IpAssignment.STATIC, PostInstall.POWEROFF, (("/", "ext4"),), (), (), (), "00",
    ).to_json().decode(),
}  # fmt: skip
SCRIPT = """
import sys
from pathlib import Path
from backend.cli import main
from backend.cli.app import App
from backend.cli.output import Output
from backend.wiring import Wiring
args = main.build_parser().parse_args(sys.argv[2:])
sys.exit(main.run(args, App(Wiring.rooted_at(Path(sys.argv[1])), json=True, yes=args.yes, out=Output(True))))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def head(tmp_path: Path) -> Iterator[Path]:
    """A head's root directory; its two networks are in the namespace HEAD."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    try:
        for name in (HEAD, WORLD):
            ip("netns", "add", name)
        for card, here, there in (
            ("eth0", "10.9.1.1", "10.9.1.253"),
            ("eth1", "10.9.2.1", "10.9.2.2"),
        ):
            ip(
                "-n",
                HEAD,
                "link",
                "add",
                card,
                "type",
                "veth",
                "peer",
                "name",
                card,
                "netns",
                WORLD,
            )
            ip("-n", HEAD, "address", "add", f"{here}/24", "dev", card)
            ip("-n", WORLD, "address", "add", f"{there}/24", "dev", card)
            for name in (HEAD, WORLD):
                ip("-n", name, "link", "set", card, "up")
        ip("-n", HEAD, "address", "add", "10.9.2.9/24", "dev", "eth1", "label", "eth1:1")
        ip("-n", HEAD, "route", "add", "default", "via", "10.9.2.2")
        yield tmp_path
    finally:
        for name in (HEAD, WORLD):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def haoscar(root: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run a command in the head's namespace; returns its exit code, its result and its reports."""
    done = subprocess.run(
        ["ip", "netns", "exec", HEAD, sys.executable, "-c", SCRIPT, root, *words],
        check=False, capture_output=True, text=True, timeout=90, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_discover_names_both_sides_and_the_cluster(head: Path) -> None:
    code, found, said = haoscar(head, "discover", "--no-wire")
    assert code == 0, said
    assert (found["private"]["interface"], found["private"]["certainty"]) == ("eth0", "certain")
    assert (found["public"]["interface"], found["public"]["aliases"]) == ("eth1", ["10.9.2.9"])
    assert found["nodes"] == [
        {"name": "node001", "address": "10.9.1.11", "mac": "02:00:00:00:01:01"},
        {"name": "node002", "address": "10.9.1.12", "mac": None},
    ]
    assert found["host"]["domain"] == "cluster.lan"


def test_preflight_reports_the_active_alias(head: Path) -> None:
    _code, found, said = haoscar(head, "preflight")
    codes = [one["code"] for one in found["reports"]]
    assert "network.alias" in codes, said
    assert "dhcp.foreign" not in codes
    assert "network.no-private" not in codes


def test_preflight_names_another_dhcp_server(head: Path) -> None:
    # AppArmor confines dhcpd by its path and would keep it out of the test's directory: use a copy.
    program = shutil.copy(shutil.which("dhcpd") or "/usr/sbin/dhcpd", head / "dhcpd")
    (head / "foreign.conf").write_text(
        "subnet 10.9.1.0 netmask 255.255.255.0 { range 10.9.1.100 10.9.1.110; }\n"
    )
    (head / "leases").touch()
    log = head / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["ip", "netns", "exec", WORLD, program, "-4", "-f", "-d", "--no-pid",
             "-cf", head / "foreign.conf", "-lf", head / "leases", "eth0"],
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 15
        while b"Server starting" not in log.read_bytes():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        code, found, said = haoscar(head, "preflight")
    finally:
        server.terminate()
        server.wait(10)
    assert (code, found["ok"]) == (1, False), said
    foreign = [one["text"] for one in found["reports"] if one["code"] == "dhcp.foreign"]
    assert len(foreign) == 1, said
    assert "10.9.1.253" in foreign[0]


def test_the_first_standby_is_proposed_checked_written_and_can_be_repeated(head: Path) -> None:
    code, found, said = haoscar(head, "add-standby", "--yes")
    assert code == 0, said
    assert found["changed"] is True
    assert found["standby"] == {
        "name": "head-standby", "image": "serverimage", "primary_public_interface": "eth1",
        "standby_public_interface": "eth1", "public_alias": "10.9.2.9",
        # .254 is the switch of the hosts file, .253 answers on the wire
        "local_ip": "10.9.1.252", "netmask": "255.255.255.0", "gateway": "10.9.1.1",
    }  # fmt: skip
    site = (head / "etc/haoscar/site.toml").read_text()
    assert "10.9.1.252" in site
    assert "bigiron" in site
    assert 'post_install = "poweroff"' in site  # the image's own settings come with it
    assert (
        "10.9.1.252\thead-standby.cluster.lan head-standby\t#" in (head / "etc/hosts").read_text()
    )
    code, found, said = haoscar(head, "add-standby", "--yes", "--name", "head-standby")
    assert (code, found["changed"]) == (0, False), said


def test_wrong_fields_are_refused_together(head: Path) -> None:
    code, _found, said = haoscar(
        head,
        "add-standby",
        "--yes",
        "--local-ip",
        "10.9.1.253",
        "--image",
        "nosuch",
        "--name",
        "node002",
    )
    fields = {
        json.loads(line)["report"]["field"] for line in said.splitlines() if '"error"' in line
    }
    assert code == 4, said
    assert fields == {"local_ip", "image", "name"}
    assert not (head / "etc/haoscar/site.toml").exists()


def test_init_writes_the_first_site_and_never_overwrites_one(head: Path) -> None:
    code, _found, said = haoscar(head, "init", "--yes")
    assert code == 0, said
    assert "node002" in (head / "etc/haoscar/site.toml").read_text()
    code, _found, said = haoscar(head, "init", "--yes")
    assert code == 3, said
