"""Defining, changing, renaming and removing standbys: prepared, shown, carried out, taken back."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from backend.actions import survey as asking
from backend.actions.action import Prepared
from backend.actions.standby import AddStandby, RemoveStandby, offer
from backend.change.preview import ChangeKind
from backend.change.records import ChangeRecord
from backend.clone.installs import Installs
from backend.discovery.survey import InUse, LookAround, Survey
from backend.errors import CommandFailed, HaoscarError, InvalidInput, Refused
from backend.imaging.facts import ImageFacts
from backend.model.addresses import Mac
from backend.model.names import ImageName, InterfaceName
from backend.model.requests import AddStandbyRequest
from backend.model.site import IpAssignment, PostInstall, Site
from backend.netboot.dhcp import CONFIG, DEFAULTS, INCLUDE
from backend.rollout.member import Member
from backend.rollout.record import Record
from backend.site.render import fresh
from backend.system.known_hosts import HostKey
from backend.system.links import NetworkSnapshot
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.unit.test_standby_request import FORM, SITE, SURVEY, wire

IMAGE = ImageFacts(
    ImageName("serverimage"), 1, "2026-01-01T00:00:00Z", "head", None, {}, "x86_64", (), 1, 1, 1, 1, 1.0,
    IpAssignment.STATIC, PostInstall.POWEROFF, (("/", "ext4"),), (), (), (), "00",
)  # fmt: skip
HOSTS = "127.0.0.1 localhost\n10.0.0.1 head.lan head\n10.0.0.11 node001\n"
MAC = Mac("02:00:00:00:00:77")


class Nobody:
    """A Person who must not be asked."""

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        raise AssertionError(host)

    def secret(self, prompt: str) -> None:
        raise AssertionError(prompt)


class Head:
    """A head below a directory: what discovery sees there, and what answers on its wires."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = Wiring.rooted_at(root)
        self.survey = SURVEY
        self.used: InUse = wire()
        self.write("/etc/hosts", HOSTS)
        self.write("/var/lib/haoscar/images/serverimage/v1/image.json", IMAGE.to_json().decode())

        def look(_task: LookAround, _context: TaskContext) -> Survey:
            return self.survey

        def ask(
            interface: InterfaceName, addresses: Iterable[IPv4Address]
        ) -> dict[IPv4Address, Mac]:
            return self.used(interface, addresses)

        def asker(_snapshot: NetworkSnapshot) -> InUse:
            return ask

        monkeypatch.setattr(LookAround, "run", look)
        monkeypatch.setattr(asking, "wire_asker", asker)

    def write(self, path: str, text: str) -> None:
        file = self.wiring.paths.at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        return self.wiring.paths.at(path).read_text()

    def has(self, site: Site) -> None:
        """Let this be the site file."""
        self.write("/etc/haoscar/site.toml", fresh(site))

    @property
    def site(self) -> Site:
        return self.wiring.store().load()

    def add(self, before: str = "", **changes: str) -> Prepared[ChangeRecord]:
        request = AddStandbyRequest.parse({**FORM, **changes})
        return AddStandby(self.wiring, request, before).prepare(TaskContext(), Nobody())

    def remove(self, name: str = "head-standby") -> Prepared[ChangeRecord]:
        return RemoveStandby(self.wiring, name).prepare(TaskContext(), Nobody())

    def defined(self, **changes: str) -> None:
        self.add(**changes).run(TaskContext())


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


def files(prepared: Prepared[ChangeRecord]) -> list[str]:
    changes = [one for group in prepared.groups for one in group.changes]
    return [one.path for one in changes if one.kind is not ChangeKind.UNCHANGED]


def fields(problem: HaoscarError) -> list[tuple[str, str]]:
    return [(one.code, str(one.place.field) if one.place else "") for one in problem.reports]


def test_a_head_without_a_site_file_is_offered_everything(head: Head) -> None:
    head.used = wire("10.0.0.254")
    found = offer(head.wiring, "", TaskContext())
    assert found.images == ("serverimage",)
    assert found.interfaces == ("eth0", "eth1")
    assert found.standbys == {}
    assert found.proposal.values["local_ip"] == "10.0.0.253"
    assert all(found.proposal.values.values())
    request = AddStandbyRequest.parse(found.proposal.values)
    AddStandby(head.wiring, request).prepare(TaskContext(), Nobody()).run(TaskContext())
    assert head.site.standby("head-standby") is not None
    assert head.site.image("serverimage") is not None
    after = offer(head.wiring, "", TaskContext())
    assert after.standbys == {"head-standby": found.proposal.values}
    assert after.proposal.values["name"] == "head-standby2"
    assert after.proposal.values["local_ip"] == "10.0.0.252"


def test_without_a_private_network_nothing_is_offered_and_it_says_why(head: Head) -> None:
    head.survey = replace(SURVEY, sides=replace(SURVEY.sides, private=None))
    with pytest.raises(Refused) as caught:
        offer(head.wiring, "", TaskContext())
    assert [one.code for one in caught.value.reports] == ["site.no-private"]


def test_a_wire_that_cannot_be_asked_is_said_once_and_stops_nothing(head: Head) -> None:
    def broken(_interface: object, _addresses: object) -> dict[IPv4Address, Mac]:
        raise CommandFailed.of("wire.closed", "No permission.")

    head.used = broken
    found = offer(head.wiring, "", TaskContext())
    assert [one.code for one in found.reports].count("standby.wire-not-asked") == 1
    assert found.proposal.values["local_ip"] == "10.0.0.254"


def test_what_will_change_is_shown_first_and_undo_takes_it_back(head: Head) -> None:
    prepared = head.add()
    assert files(prepared) == ["/etc/haoscar/site.toml", "/etc/hosts"]
    assert any("+10.0.0.200" in line for one in prepared.groups[0].changes for line in one.diff)
    assert not head.wiring.store().exists()
    assert head.read("/etc/hosts") == HOSTS
    record = prepared.run(TaskContext())
    outcome = prepared.tell(record)
    assert outcome.undo == record.id
    assert "MAC address" in outcome.next
    assert head.read("/etc/hosts").count("head-standby") == 2  # one line: its long and short name
    head.wiring.journal().undo(outcome.undo, TaskContext())
    assert not head.wiring.store().exists()
    assert head.read("/etc/hosts") == HOSTS


def test_the_same_again_is_nothing_to_do(head: Head) -> None:
    head.defined()
    assert head.add(before="head-standby").idle


@pytest.mark.parametrize(
    ("changes", "used", "expected"),
    [
        ({"local_ip": "10.0.0.11"}, (), [("standby.taken", "local_ip")]),
        ({"local_ip": "10.9.0.1", "gateway": ""}, (), [("standby.outside", "local_ip")]),
        ({}, ("10.0.0.200",), [("standby.answers", "local_ip")]),
        ({"image": "nosuch"}, (), [("standby.image-unknown", "image")]),
        (
            {"name": "head", "public_alias": "1.2.3.4"}, (),
            [("standby.name-primary", "name"), ("standby.alias-outside", "public_alias")],
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_is_written(
    head: Head, changes: dict[str, str], used: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    head.used = wire(*used)
    with pytest.raises(InvalidInput) as caught:
        head.add(**changes)
    assert fields(caught.value) == expected
    assert not head.wiring.store().exists()


def test_a_second_standby_needs_a_name_of_its_own(head: Head) -> None:
    head.defined()
    other = {"local_ip": "10.0.0.201", "public_alias": ""}
    with pytest.raises(InvalidInput) as caught:
        head.add(**other)
    assert fields(caught.value) == [("standby.name-taken", "name")]
    head.defined(name="head-standby2", **other)
    assert [one.name for one in head.site.standbys] == ["head-standby", "head-standby2"]
    with pytest.raises(InvalidInput):
        head.add(before="head-standby2", **other)


def test_a_changed_standby_keeps_its_address_its_card_and_its_disk(head: Head) -> None:
    standby = replace(AddStandbyRequest.parse(FORM).standby(), mac=MAC, disk="/dev/sdb", wipe=True)
    head.has(SITE.with_standby(standby))
    head.used = wire("10.0.0.200", "138.47.21.199")  # it runs
    head.add(before="head-standby", gateway="").run(TaskContext())
    assert head.site.standbys == (replace(standby, gateway=None),)


def test_a_renamed_standby_keeps_what_it_had_and_leaves_no_line_behind(head: Head) -> None:
    head.defined()
    (before,) = head.site.standbys
    head.has(head.site.with_standby(replace(before, mac=MAC)))
    head.used = wire("10.0.0.200", "138.47.21.199")
    prepared = head.add(before="head-standby", name="spare")
    assert "instead of head-standby" in prepared.tell(prepared.run(TaskContext())).sentence
    (standby,) = head.site.standbys
    assert (standby.name, standby.mac, standby.address) == ("spare", MAC, before.address)
    hosts = head.read("/etc/hosts")
    assert "head-standby" not in hosts
    assert "10.0.0.200\tspare.cluster.internal spare\t#" in hosts


def test_a_removed_standby_is_gone_from_site_and_hosts(head: Head) -> None:
    head.defined()
    prepared = head.remove()
    assert files(prepared) == ["/etc/hosts", "/etc/haoscar/site.toml"]
    record = prepared.run(TaskContext())
    assert head.site.standbys == ()
    assert head.read("/etc/hosts") == HOSTS
    head.wiring.journal().undo(record.id, TaskContext())
    assert len(head.site.standbys) == 1
    with pytest.raises(Refused):
        head.remove("another")


def test_the_dhcp_server_forgets_a_removed_standby_at_once(head: Head) -> None:
    standby = replace(AddStandbyRequest.parse(FORM).standby(), mac=MAC)
    head.has(SITE.with_standby(standby))
    head.write("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    for path in (CONFIG, DEFAULTS):
        head.write(str(path), "")
    assert str(INCLUDE) not in files(head.remove())
    head.write(str(INCLUDE), f"host head-standby {{ hardware ethernet {MAC}; }}\n")
    changes = head.remove().groups[0].changes
    (ours,) = [one for one in changes if one.path == str(INCLUDE)]
    assert any(line.startswith("-") and MAC in line for line in ours.diff)
    assert any(one.kind is ChangeKind.UNIT for one in changes)


def test_neither_an_installation_nor_an_agent_loses_its_standby(head: Head) -> None:
    standby = replace(AddStandbyRequest.parse(FORM).standby(), mac=MAC)
    site = SITE.with_standby(standby)
    head.has(site)
    installs = Installs(head.wiring.paths)
    installs.arm(site, standby, 1)
    Record(head.wiring.paths).add(Member("head-standby", True, "10.0.0.200", b""))
    codes = [("standby.being-installed", ""), ("standby.has-agent", "")]
    with pytest.raises(Refused) as caught:
        head.remove()
    assert fields(caught.value) == codes
    with pytest.raises(Refused) as caught:
        head.add(before="head-standby", name="spare")
    assert fields(caught.value) == codes
    installs.disarm(MAC)
    Record(head.wiring.paths).drop(["head-standby"])
    assert not head.remove().idle
