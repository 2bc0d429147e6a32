"""dhcpd.conf, the hosts file and slurm.conf, as real clusters and hostile hands write them."""

import contextlib
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.discovery.dhcpd_conf import DhcpdConf, parse_dhcpd_conf
from backend.discovery.host import find_tftp_root
from backend.discovery.hosts_file import MARK, names_elsewhere, parse_hosts, with_entry
from backend.discovery.slurm_conf import expand, parse_slurm_conf
from backend.errors import InvalidInput
from backend.model.names import DomainName

CONF = Path("/etc/dhcp/dhcpd.conf")
HOSTS = Path("/etc/hosts")
SLURM = Path("/etc/slurm/slurm.conf")


def dhcpd(text: str, **more: str) -> DhcpdConf:
    files = {str(CONF): text, **{f"/etc/dhcp/{name}.conf": value for name, value in more.items()}}
    return parse_dhcpd_conf(CONF, lambda path: files.get(str(path)))


CLUSTER = """
# the cluster's own
ddns-update-style none;  option domain-name "cluster.lan";
deny unknown-clients; class "pxe" { match if substring(option vendor-class-identifier, 0, 9) = "PXEClient"; }
if exists user-class and option user-class = "iPXE" { filename "http://x/boot.ipxe"; } else { filename "pxelinux.0"; }
shared-network wire {
  subnet 10.0.0.0 netmask 255.255.255.0 {
    option routers 10.0.0.1, 10.0.0.2; range dynamic-bootp 10.0.0.100 10.0.0.110; pool { range 10.0.0.120; }
    group { use-host-decl-names on;
      host node001 { hardware ethernet 0:16:3E:00:00:01; fixed-address 10.0.0.11; }
      host b { hardware ethernet 00:16:3e:00:00:02; fixed-address node002.cluster.lan; option host-name "node002"; }
    }
  }
}
host out_of_rules { hardware ethernet 00:16:3e:00:00:03; fixed-address 10.0.0.13; }
host gone { deleted; hardware ethernet 00:16:3e:00:00:04; }
include "/etc/dhcp/more.conf";
"""


def test_dhcpd_conf_gives_hosts_subnets_and_ranges_through_groups_and_includes() -> None:
    found = dhcpd(CLUSTER, more="host node003 { hardware ethernet 00:16:3e:00:00:05; }\n")
    assert [(one.name, one.mac) for one in found.hosts] == [
        ("node001", "00:16:3e:00:00:01"), ("node002", "00:16:3e:00:00:02"),
        (None, "00:16:3e:00:00:03"), ("node003", "00:16:3e:00:00:05"),
    ]  # fmt: skip
    assert found.hosts[0].addresses == (IPv4Address("10.0.0.11"),)
    assert found.hosts[1].address_names == ("node002.cluster.lan",)
    (subnet,) = found.subnets
    assert subnet.network == IPv4Network("10.0.0.0/24")
    assert subnet.ranges == (
        (IPv4Address("10.0.0.100"), IPv4Address("10.0.0.110")),
        (IPv4Address("10.0.0.120"), IPv4Address("10.0.0.120")),
    )
    assert subnet.routers == (IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))
    assert found.domain == "cluster.lan"
    assert [str(report.place) for report in found.reports] == [f"{CONF}:15"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("subnet 10.0.0.0 netmask 255.0.255.0 {\n}\n", "dhcpd.subnet", 1),
        ("\n}\n", "dhcpd.brace", 2),
        ("host a {\n hardware ethernet zz;\n}", "dhcpd.statement", 2),
        ("host a {\n fixed-address 10.0.0.1\n}", "dhcpd.semicolon", 2),
        ("group {\n\n host a {", "dhcpd.unfinished", 3),
        ('include "/nowhere";', "dhcpd.unreadable", None),
        ('include "relative";', "dhcpd.include", 1),
        ("{" * 200 + "}" * 200, "dhcpd.depth", 1),
        ("subnet 10.0.0.0 netmask 255.0.0.0 { range 10.0.0.9 10.0.0.1; }", "dhcpd.statement", 1),
    ],
)
def test_what_is_not_understood_is_reported_with_its_line(text: str, code: str, line: int) -> None:
    reports = dhcpd(text).reports
    assert code in [report.code for report in reports]
    assert next(one for one in reports if one.code == code).place.line == line  # type: ignore[union-attr]


def test_includes_in_a_circle_end() -> None:
    found = dhcpd('include "/etc/dhcp/a.conf";', a='include "/etc/dhcp/dhcpd.conf"; host x {}')
    assert len(found.hosts) == 1


PIECES = st.lists(
    st.sampled_from(
        ["host", "subnet", "group", "{", "}", ";", ",", '"', "#", "\n", " ", "include", '"/a"', "range",
         "hardware", "ethernet", "option", "routers", "fixed-address", "10.0.0.1", "\\", "\0", "netmask"]
    ) | st.text(max_size=5),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PIECES)
def test_no_dhcpd_conf_crashes_the_reader(text: str) -> None:
    parse_dhcpd_conf(CONF, lambda _path: text)


def test_hosts_file() -> None:
    found = parse_hosts(
        "127.0.0.1 localhost\n::1 ip6-localhost\n10.0.0.11\tnode001.lan node001 # one\n10.0.0 bad\n"
        "10.0.0.12\n10.0.0.13 under_score\n",
        HOSTS,
    )
    assert [(str(one.address), one.host) for one in found.entries] == [
        ("127.0.0.1", "localhost"), ("10.0.0.11", "node001"),
    ]  # fmt: skip
    assert found.address_of("NODE001") == IPv4Address("10.0.0.11")
    assert [str(one.place) for one in found.reports] == [f"/etc/hosts:{n}" for n in (4, 5, 6)]


def test_a_hosts_entry_is_added_once_and_nothing_else_changes() -> None:
    before = "127.0.0.1 localhost\n10.0.0.200 standby-old other\n# a comment without end"
    names = (DomainName("standby.lan"), DomainName("standby"))
    once = with_entry(before, IPv4Address("10.0.0.200"), names)
    assert once == before + f"\n10.0.0.200\tstandby.lan standby\t{MARK}\n"
    assert with_entry(once, IPv4Address("10.0.0.200"), names) == once
    moved = with_entry(once, IPv4Address("10.0.0.201"), names)
    assert "10.0.0.200\tstandby.lan" not in moved
    assert "10.0.0.200 standby-old other\n" in moved
    found = parse_hosts(once, HOSTS)
    assert [one.place.line for one in names_elsewhere(found, names, IPv4Address("10.0.0.9"))] == [4]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("1.0:af \t\n#xX_-\0é"), max_size=200))
def test_no_hosts_file_crashes_the_reader(text: str) -> None:
    for entry in parse_hosts(text, HOSTS).entries:
        assert all("_" not in name for name in entry.names)


def test_slurm_conf() -> None:
    files = {
        SLURM: "ClusterName=bigiron # c\nSlurmctldHost=head1(10.0.0.1)\nSlurmctldHost=head2\n"
        "NodeName=DEFAULT CPUs=4\nNodeName=node[001-003] NodeAddr=10.0.0.[11-13] \\\n  State=UNKNOWN\n"
        "nodename=gpu[1-2]n[08-09],big CPUs=9\nInclude nodes.conf\nNodeName=bad[1-\n",
        Path("/etc/slurm/nodes.conf"): "NodeName=late NodeAddr=late-ib\n",
    }
    found = parse_slurm_conf(SLURM, files.get)
    assert found.cluster == "bigiron"
    assert found.controllers == ("head1", "head2")
    assert [one.name for one in found.nodes] == [
        "node001", "node002", "node003", "gpu1n08", "gpu1n09", "gpu2n08", "gpu2n09", "big", "late",
    ]  # fmt: skip
    assert found.nodes[2].address == IPv4Address("10.0.0.13")
    assert found.nodes[2].place.line == 5
    assert found.nodes[-1].address_name == "late-ib"
    assert [str(one.place) for one in found.reports] == [f"{SLURM}:9"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a[9-11]", "a9 a10 a11"),
        ("a[09-11]", "a09 a10 a11"),
        ("a[1,3]b", "a1b a3b"),
        ("x,y", "x y"),
    ],
)
def test_host_lists(text: str, names: str) -> None:
    assert expand(text) == tuple(names.split())


@pytest.mark.parametrize(
    "text",
    ["a[1-99999999999]", "a[1-65537]", "a[0-999]b[0-999]", "a[", "a]", "a[1-]", "a[3-1]", "a[[1]]"],
)
def test_host_lists_that_are_wrong_or_too_long_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        expand(text)


@pytest.mark.parametrize(
    "line", ['"\\' * 200_000, '"' * 200_001, "a" * 200_000, "{" * 200_000, "NodeName=" + "a" * 200_000,
             "\n" * 200_000, "NodeName=" + "a[1-9]" * 20_000, "# " * 200_000]
)  # fmt: skip
def test_much_of_anything_is_read_in_no_time(line: str) -> None:
    began = time.monotonic()
    parse_dhcpd_conf(CONF, lambda _path: line)
    parse_slurm_conf(SLURM, lambda _path: line)
    parse_hosts(line, HOSTS)
    find_tftp_root(lambda _path: line)
    assert time.monotonic() - began < 10  # it is below 1 s; a quadratic scan takes minutes


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("a1[]-,09"), max_size=40))
def test_an_expansion_is_bounded(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(expand(text, 1000)) <= 1000


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("NodeName=[1-9],\\#\n x\0 Include"), max_size=200))
def test_no_slurm_conf_crashes_the_reader(text: str) -> None:
    parse_slurm_conf(SLURM, lambda _path: text)
