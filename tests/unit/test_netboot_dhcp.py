"""The existing DHCP configuration: what is added to it, and what stands against it."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from backend.change.journal import Journal
from backend.change.plan import Check, Plan, SetUnit, WriteFile
from backend.errors import HaoscarError, Refused
from backend.model.addresses import Mac
from backend.model.distribution import Family
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, IpAssignment, Network, Primary, Site, Standby
from backend.netboot import dhcp
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.netboot.plan import configure_dhcp_plan
from backend.paths import Paths
from backend.system.runner import Command, Result, failure
from backend.tasks import TaskContext

ETH1 = InterfaceName.parse("eth1")
STANDBY = Standby(
    HostName.parse("standby1"),
    ImageName.parse("headimage"),
    IPv4Address("10.0.0.2"),
    24,
    mac=Mac.parse("52:54:00:77:00:02"),
)
SITE = Site(
    cluster=HostName.parse("beowulf"),
    domain=DomainName.parse("cluster.example"),
    private=Network(ETH1, IPv4Network("10.0.0.0/24")),
    primary=Primary(HostName.parse("head"), IPv4Address("10.0.0.1")),
    images=(ImageSource(ImageName.parse("headimage"), "localhost"),),
    standbys=(STANDBY,),
)
DYNAMIC = replace(SITE, images=(replace(SITE.images[0], ip_assignment=IpAssignment.DYNAMIC_DHCP),))
THEIRS = b"""# kept as it is\t
option domain-name "example.org";
include "/etc/dhcp/hosts.conf";
subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.100 10.0.0.200; }
"""
HOSTS = "host node1 { hardware ethernet 52:54:00:77:00:50; fixed-address 10.0.0.50; }\n"


def written(plan: Plan, path: str) -> bytes:
    (step,) = (one for one in plan.steps if isinstance(one, WriteFile) and str(one.path) == path)
    return step.content


def facts_of(root: Path, config: bytes | None, hosts: str = HOSTS) -> dhcp.DhcpFacts:
    directory = root / "etc/dhcp"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "hosts.conf").write_text(hosts)
    if config is not None:
        (directory / "dhcpd.conf").write_bytes(config)
    return read_dhcp_facts(Paths(root))


@pytest.mark.parametrize("before", [b"", b"a\n", b"# no newline", THEIRS])
def test_include_is_one_line_at_the_end_and_stays_one(before: bytes) -> None:
    after = dhcp.with_include(before)
    assert after.startswith(before)
    assert after.count(b'include "' + dhcp.INCLUDE.encode()) == 1
    assert after.splitlines()[-1] == dhcp.INCLUDE_LINE.encode()
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    assert dhcp.with_include(after) == after


def test_include_that_was_moved_stays_where_it_is() -> None:
    moved = b'  include "/etc/dhcp/haoscar/haoscar.conf";\n' + THEIRS
    assert dhcp.with_include(moved) == moved


def test_include_that_is_there_twice_is_there_once_afterwards() -> None:
    line = dhcp.INCLUDE_LINE.encode() + b"\n"
    assert dhcp.with_include(line + THEIRS + line) == THEIRS + line


def test_commented_include_does_not_count() -> None:
    assert dhcp.with_include(b"# " + dhcp.INCLUDE_LINE.encode()).count(b"\n") == 2


@pytest.mark.parametrize(
    ("before", "others", "after"),
    [
        (b"", False, b'INTERFACESv4="eth1"\n'),
        (b'INTERFACESv4=""\nINTERFACESv6=""\n', False, b'INTERFACESv4="eth1"\nINTERFACESv6=""\n'),
        (b'INTERFACESv4=""\n', True, b'INTERFACESv4=""\n'),
        (b'INTERFACESv4="eth2 eth3"\n', True, b'INTERFACESv4="eth2 eth3 eth1"\n'),
        (b"INTERFACESv4=eth2 # note\n", False, b'INTERFACESv4="eth2 eth1"\n'),
        (b'INTERFACESv4="eth0"\nINTERFACESv4="eth1"\n', False, None),
        (b'INTERFACESv4="eth1 eth2"', False, None),
        (b'INTERFACES="eth2"\n', False, b'INTERFACES="eth2"\nINTERFACESv4="eth2 eth1"\n'),
        (b'# INTERFACESv4="eth0"', False, b'# INTERFACESv4="eth0"\nINTERFACESv4="eth1"\n'),
    ],
)
def test_private_interface_is_listened_on(before: bytes, others: bool, after: bytes | None) -> None:
    assert dhcp.with_interface(before, ETH1, others) == (before if after is None else after)


def test_plan_without_any_configuration_declares_the_subnet() -> None:
    plan = configure_dhcp_plan(SITE, dhcp.DhcpFacts())
    assert b"subnet 10.0.0.0 netmask 255.255.255.0" in written(plan, dhcp.INCLUDE)
    assert written(plan, dhcp.CONFIG) == dhcp.INCLUDE_LINE.encode() + b"\n"
    assert written(plan, dhcp.DEFAULTS) == b'INTERFACESv4="eth1"\n'


def test_plan_checks_after_writing_and_before_restarting() -> None:
    kinds = [type(one) for one in configure_dhcp_plan(SITE, dhcp.DhcpFacts()).steps]
    assert kinds.index(Check) > max(i for i, kind in enumerate(kinds) if kind is WriteFile)
    assert kinds[-1] is SetUnit
    assert kinds.index(Check) == len(kinds) - 2


def test_existing_subnet_is_not_declared_again(tmp_path: Path) -> None:
    plan = configure_dhcp_plan(SITE, facts_of(tmp_path, THEIRS))
    assert b"subnet" not in written(plan, dhcp.INCLUDE)
    assert written(plan, dhcp.CONFIG).startswith(THEIRS)


def test_own_include_is_not_taken_for_existing_configuration(tmp_path: Path) -> None:
    ours = tmp_path / "etc/dhcp/haoscar/haoscar.conf"
    ours.parent.mkdir(parents=True)
    ours.write_text(dhcp.render_include(SITE, declare_subnet=True))
    facts = facts_of(tmp_path, dhcp.with_include(b""))
    assert facts.subnets == ()
    assert facts.hosts == ()
    assert b"subnet" in written(configure_dhcp_plan(SITE, facts), dhcp.INCLUDE)


def test_mac_of_a_known_node_is_refused_with_its_place(tmp_path: Path) -> None:
    taken = replace(SITE, standbys=(replace(STANDBY, mac=Mac.parse("52:54:00:77:00:50")),))
    with pytest.raises(Refused) as problem:
        configure_dhcp_plan(taken, facts_of(tmp_path, THEIRS))
    (report,) = problem.value.reports
    assert report.code == "dhcp.mac-taken"
    assert str(report.place) == "/etc/dhcp/hosts.conf:1"


def test_everything_that_stands_against_it_is_said_at_once(tmp_path: Path) -> None:
    other = b'subnet 10.0.0.0 netmask 255.255.0.0 { }\ninclude "/etc/dhcp/hosts.conf";\n'
    taken = replace(DYNAMIC, standbys=(replace(STANDBY, mac=Mac.parse("52:54:00:77:00:50")),))
    codes = [one.code for one in dhcp.conflicts(taken, facts_of(tmp_path, other))]
    assert codes == ["dhcp.mac-taken", "dhcp.other-mask", "dhcp.no-range"]


def test_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    hosts = "host nas { hardware ethernet 52:54:00:77:00:51; fixed-address 10.0.0.2; }\n"
    (report,) = dhcp.conflicts(SITE, facts_of(tmp_path, THEIRS, hosts))
    assert report.code == "dhcp.address-taken"


def test_dynamic_machine_uses_the_existing_range(tmp_path: Path) -> None:
    include = written(configure_dhcp_plan(DYNAMIC, facts_of(tmp_path, THEIRS)), dhcp.INCLUDE)
    assert b"fixed-address" not in include
    assert b"pool" not in include


def test_rhel_gets_a_drop_in_for_its_unit() -> None:
    plan = configure_dhcp_plan(SITE, dhcp.DhcpFacts(family=Family.RHEL))
    assert b"$DHCPDARGS eth1\n" in written(plan, dhcp.DROP_IN)
    assert [one.unit for one in plan.steps if isinstance(one, SetUnit)] == ["dhcpd.service"]


def test_rhel_that_serves_other_networks_keeps_its_unit() -> None:
    other = dhcp.DeclaredSubnet(IPv4Network("192.0.2.0/24"))
    plan = configure_dhcp_plan(SITE, dhcp.DhcpFacts(family=Family.RHEL, subnets=(other,)))
    assert not any(
        isinstance(one, WriteFile) and str(one.path) == dhcp.DROP_IN for one in plan.steps
    )


def test_standby_without_a_mac_is_not_answered() -> None:
    include = dhcp.render_include(
        replace(SITE, standbys=(replace(STANDBY, mac=None),)), declare_subnet=True
    )
    assert "host" not in [line.split()[0] for line in include.splitlines() if line.strip()]


class Machine:
    """A runner that answers systemctl, and lets one program fail."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.said: list[str] = []

    def run(self, command: Command, *, check: bool = True) -> Result:
        self.said.append(str(command))
        word = command.argv[1]
        out = {"is-active": "inactive\n", "is-enabled": "disabled\n"}.get(word, "")
        result = Result(command, 1 if command.argv[0] == self.failing else 0, out, "bad", 0.0)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(self, command: Command, on_line: Callable[[str], None], **_: object) -> Result:
        raise AssertionError(command)


def everything(root: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(root)): one.read_bytes() if one.is_file() else b""
        for one in (root / "etc").rglob("*")
    }


def test_change_is_undone_byte_for_byte(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, THEIRS)
    before = everything(tmp_path)
    journal = Journal(Paths(tmp_path), Machine())
    journal.apply(configure_dhcp_plan(SITE, facts), TaskContext())
    assert everything(tmp_path).keys() > before.keys()
    journal.undo_all(TaskContext())
    assert everything(tmp_path) == before


@pytest.mark.parametrize("program", ["dhcpd", "systemctl"])
def test_configuration_that_fails_is_rolled_back(tmp_path: Path, program: str) -> None:
    facts = facts_of(tmp_path, THEIRS)
    before = everything(tmp_path)
    with pytest.raises(HaoscarError):
        Journal(Paths(tmp_path), Machine(failing=program)).apply(
            configure_dhcp_plan(SITE, facts), TaskContext()
        )
    assert everything(tmp_path) == before
