"""Step 3: the form, what is proposed, what is refused, and the plan."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.change.plan import WriteFile
from backend.discovery.cluster import Cluster
from backend.discovery.host import HostFacts
from backend.discovery.hosts_file import parse_hosts
from backend.discovery.networks import Certainty, Side, Sides
from backend.discovery.survey import Survey
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.requests import AddStandbyRequest
from backend.model.site import ImageSource, Network, Node, Primary, Site, Standby
from backend.paths import Paths
from backend.standby.checks import check, require_ok
from backend.standby.proposal import propose, values_of
from backend.standby.request import plan, with_alias
from backend.system.links import Link, LinkAddress, NetworkSnapshot

ETH0, ETH1 = InterfaceName("eth0"), InterfaceName("eth1")
PRIVATE, PUBLIC = IPv4Network("10.0.0.0/24"), IPv4Network("138.47.21.0/24")
SITE = Site(
    HostName("cluster"), DomainName("lan"),
    Network(ETH0, PRIVATE), Primary(HostName("head"), IPv4Address("10.0.0.1"), IPv4Address("138.47.21.5")),
    Network(ETH1, PUBLIC, IPv4Address("138.47.21.1")),
    (ImageSource(ImageName("serverimage"), "head"),),
    nodes=(Node(HostName("node001"), IPv4Address("10.0.0.11")),),
)  # fmt: skip
SNAPSHOT = NetworkSnapshot((
    Link(ETH0, 2, "ethernet", Mac("02:00:00:00:00:02"), True, True, None,
         (LinkAddress(IPv4Interface("10.0.0.1/24")),)),
    Link(ETH1, 3, "ethernet", Mac("02:00:00:00:00:03"), True, True, None,
         (LinkAddress(IPv4Interface("138.47.21.5/24")),)),
))  # fmt: skip
SURVEY = Survey(
    HostFacts(HostName("head")), SNAPSHOT,
    Sides(Side(ETH0, PRIVATE, IPv4Address("10.0.0.1"), (), "", Certainty.CERTAIN),
          Side(ETH1, PUBLIC, IPv4Address("138.47.21.5"), (), "", Certainty.CERTAIN)),
    Cluster(SITE.nodes, frozenset({IPv4Address("10.0.0.50")})),
)  # fmt: skip
FORM = {
    "name": "head-standby", "image": "serverimage", "local_ip": "10.0.0.200", "netmask": "255.255.255.0",
    "gateway": "10.0.0.1", "primary_public_interface": "eth1", "standby_public_interface": "eth1",
    "public_alias": "138.47.21.199",
}  # fmt: skip

InUse = Callable[[InterfaceName, Iterable[IPv4Address]], dict[IPv4Address, Mac]]


def wire(*used: str) -> InUse:
    holders = {IPv4Address(one): Mac("02:00:00:00:00:99") for one in used}
    return lambda _interface, asked: {one: holders[one] for one in asked if one in holders}


def problems(
    site: Site = SITE, used: tuple[str, ...] = (), hosts: str = "", **changes: str
) -> list[tuple[str, str]]:
    request = AddStandbyRequest.parse({**FORM, **changes})
    found = check(request, site, SURVEY, (), wire(*used), parse_hosts(hosts, Path("/etc/hosts")))
    return [(one.code, one.place.field or "") for one in found if one.place]


def test_the_form_of_the_panel_becomes_a_standby() -> None:
    standby = AddStandbyRequest.parse(FORM).standby()
    assert standby.address == IPv4Address("10.0.0.200")
    assert (standby.prefix, standby.public_interface, standby.image) == (24, "eth1", "serverimage")
    assert values_of(standby) == FORM


def test_every_wrong_field_is_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        AddStandbyRequest.parse(
            {"name": "a_b", "image": "-x", "local_ip": "10.0.0.300", "netmask": "255.0.255.0", "gateway": "x",
             "public_alias": "1.2.3.4\n}", "standby_public_interface": "", "color": "red"}
        )  # fmt: skip
    fields = [report.place.field for report in caught.value.reports if report.place]
    assert sorted(map(str, fields)) == [
        "color", "gateway", "image", "local_ip", "name", "netmask", "public_alias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"local_ip": ""}, "local_ip"), ({"image": " "}, "image"),
        ({"local_ip": "10.0.0.0"}, "local_ip"), ({"local_ip": "10.0.0.255"}, "local_ip"),
        ({"netmask": "255.255.255.255"}, "netmask"), ({"gateway": "10.0.1.1"}, "gateway"),
        ({"gateway": "10.0.0.200"}, "gateway"), ({"standby_public_interface": ""}, "standby_public_interface"),
    ],
)  # fmt: skip
def test_one_wrong_field_is_named(changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AddStandbyRequest.parse({**FORM, **changes})
    assert [report.place.field for report in caught.value.reports if report.place] == [field]


def test_public_fields_may_be_empty() -> None:
    empty = dict.fromkeys(
        ("primary_public_interface", "standby_public_interface", "public_alias", "gateway"), ""
    )
    request = AddStandbyRequest.parse({**FORM, **empty})
    assert request.public_alias is None
    assert problems(**empty) == []


def test_everything_is_proposed_and_passes_its_own_checks() -> None:
    proposal = propose(SITE, SURVEY, (), wire("10.0.0.254"))
    assert proposal.values == {
        **FORM, "local_ip": "10.0.0.253", "public_alias": "138.47.21.254",
    }  # fmt: skip
    assert set(proposal.why) == set(AddStandbyRequest.LABELS)
    assert [one.code for one in proposal.reports] == ["standby.alias-unconfirmed"]
    request = AddStandbyRequest.parse(proposal.values)
    assert check(request, SITE, SURVEY, (), wire("10.0.0.254")) == ()


def test_the_alias_that_users_know_is_kept() -> None:
    known = replace(SITE, public=replace(SITE.public, virtual_ip=IPv4Address("138.47.21.199")))  # type: ignore[type-var]
    proposal = propose(known, SURVEY, (), wire("138.47.21.199"))
    assert proposal.values["public_alias"] == "138.47.21.199"
    assert proposal.reports == ()
    assert problems(site=known, used=("138.47.21.199",)) == []


def test_the_alias_becomes_the_virtual_ip_unless_there_is_one() -> None:
    alias, other = IPv4Address("138.47.21.199"), IPv4Address("138.47.21.7")
    public = with_alias(SITE, alias).public
    assert public is not None
    assert public.virtual_ip == alias
    known = replace(SITE, public=replace(public, virtual_ip=other))
    assert with_alias(known, alias) == known
    assert with_alias(SITE, None) == SITE
    alone = replace(SITE, public=None)
    assert with_alias(alone, alias) == alone


def test_a_head_with_one_network_leaves_the_public_fields_empty() -> None:
    proposal = propose(replace(SITE, public=None), SURVEY, (), wire())
    empty = {key for key, value in proposal.values.items() if not value}
    assert empty == {"primary_public_interface", "standby_public_interface", "public_alias"}


@pytest.mark.parametrize(
    ("changes", "used", "expected"),
    [
        ({}, (), []),
        ({"name": "head"}, (), [("standby.name-primary", "name")]),
        ({"name": "NODE001"}, (), [("standby.name-node", "name")]),
        ({"image": "other"}, (), [("standby.image-unknown", "image")]),
        ({"local_ip": "10.0.0.1", "gateway": ""}, (), [("standby.taken", "local_ip")]),
        ({"local_ip": "10.0.0.11"}, (), [("standby.taken", "local_ip")]),
        ({"local_ip": "10.0.0.50"}, (), [("standby.taken", "local_ip")]),
        ({"local_ip": "10.9.0.1", "gateway": ""}, (), [("standby.outside", "local_ip")]),
        ({"netmask": "255.255.0.0"}, (), [("standby.mask-differs", "netmask")]),
        ({}, ("10.0.0.200",), [("standby.answers", "local_ip")]),
        ({}, ("138.47.21.199",), [("standby.answers", "public_alias")]),
        ({"public_alias": "138.47.21.5"}, (), [("standby.taken", "public_alias")]),
        ({"public_alias": "138.47.22.5"}, (), [("standby.alias-outside", "public_alias")]),
        ({"public_alias": "138.47.21.255"}, (), [("standby.alias-outside", "public_alias")]),
        ({"primary_public_interface": "eth9"}, (), [("standby.no-interface", "primary_public_interface")]),
    ],
)  # fmt: skip
def test_checks(
    changes: dict[str, str], used: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert problems(used=used, **changes) == expected


def test_two_standbys_cannot_share_an_address_but_one_can_be_changed() -> None:
    site = SITE.with_standby(AddStandbyRequest.parse(FORM).standby())
    used = ("10.0.0.200", "138.47.21.199")  # it runs already
    assert problems(site=site, used=used) == []
    assert problems(site=site, name="another") == [
        ("standby.taken", "local_ip"), ("standby.taken", "public_alias"),
    ]  # fmt: skip


def test_a_name_that_the_hosts_file_gives_to_another_address_is_a_warning() -> None:
    assert problems(hosts="10.0.0.77 head-standby\n") == [("standby.name-elsewhere", "name")]
    warned = check(AddStandbyRequest.parse(FORM), SITE, SURVEY, (), wire(),
                   parse_hosts("10.0.0.77 head-standby\n", Path("/etc/hosts")))  # fmt: skip
    assert require_ok(warned) == warned
    with pytest.raises(InvalidInput):
        require_ok(check(AddStandbyRequest.parse(FORM), SITE, SURVEY, (), wire("10.0.0.200")))


def test_the_plan_writes_the_site_and_one_line_of_the_hosts_file(tmp_path: Path) -> None:
    hosts = tmp_path / "etc" / "hosts"
    hosts.parent.mkdir()
    hosts.write_bytes(b"127.0.0.1 localhost\n# caf\xe9\n")
    written: list[Site] = []

    def write(site: Site) -> WriteFile:
        written.append(site)
        return WriteFile(tmp_path / "site.toml", b"", "")

    old = Standby(HostName("head-standby"), ImageName("old"), IPv4Address("10.0.0.9"), 24,
                  mac=Mac("02:00:00:00:00:77"), wipe=True)  # fmt: skip
    made = plan(Paths(tmp_path), SITE.with_standby(old), AddStandbyRequest.parse(FORM), write)
    assert "head-standby" in made.title
    (standby,) = written[0].standbys
    assert (standby.image, standby.mac, standby.wipe) == ("serverimage", "02:00:00:00:00:77", True)
    _site, step = made.steps
    assert isinstance(step, WriteFile)
    assert step.content.startswith(
        b"127.0.0.1 localhost\n# caf\xe9\n10.0.0.200\thead-standby.lan head-standby\t#"
    )
    assert step.path == Path("/etc/hosts")  # plans name the machine's paths, the journal re-roots
    hosts.write_bytes(step.content)
    assert len(plan(Paths(tmp_path), SITE, AddStandbyRequest.parse(FORM), write).steps) == 1


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({key: st.text(max_size=20) | st.just(FORM[key]) for key in FORM}))
def test_no_form_crashes_or_lets_a_line_through(fields: dict[str, str]) -> None:
    with contextlib.suppress(InvalidInput):
        request = AddStandbyRequest.parse(fields)
        values = values_of(request.standby()).values()
        assert all(value.isprintable() and " " not in value for value in values)
