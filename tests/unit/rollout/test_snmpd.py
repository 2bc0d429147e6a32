"""Setting up snmpd on pretended heads: package, files, what fails, and that all of it is undone."""

import importlib.util
import json
from pathlib import Path

import pytest

from backend.errors import HaoscarError
from backend.rollout.places import (
    CREDENTIALS,
    SNMPD_ACCESS,
    SNMPD_DROP_IN,
    SNMPD_INCLUDE,
    SNMPD_LINES,
    SNMPD_LINES_ALONE,
    SNMPD_RECORD,
    SNMPD_UNIT,
)
from backend.rollout.show import changes
from backend.rollout.writes import Run
from backend.snmpd.files import community_of
from backend.snmpd.needs import DISK, LOAD, PROC, Wish
from backend.system.snmpd_far import CONF
from tests.fakes.agent_member import FakeMember, cut_at, member, refused
from tests.fakes.agent_world import SECRET, World, three_members
from tests.fakes.snmpd_member import STOCK, owner_only

WISH = Wish(frozenset({PROC, LOAD, DISK}), "10.0.0.5", ("10.0.0.5", "10.0.0.6"))
COMMUNITY = community_of(SECRET).reveal()
OWN = "agentaddress 192.0.2.9\nproc sshd 9 1\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return the members; the first head's snmpd is asked for all three tables."""
    made = three_members(tmp_path)
    made.members[0] = member("head1", snmp=WISH)
    return made


def head(world: World) -> FakeMember:
    return world.cluster.members["head1"]


def running(world: World) -> None:
    unit = head(world).units[SNMPD_UNIT]
    unit.state, unit.enabled, unit.pid = "active", True, 50


def lines(world: World, path: str = SNMPD_LINES) -> list[str]:
    text = head(world).at(path).read_text()
    return [one for one in text.splitlines() if one and not one.startswith("#")]


def test_a_missing_package_is_installed_and_removed_again(world: World) -> None:
    before = head(world).everything()
    [plan] = [one for one in world.plans() if one.member.name == "head1"]
    shown = "\n".join(str(one.sentence) for one in changes(plan))
    assert "Install the package snmpd." in shown
    assert f"New file {SNMPD_LINES} (mode 0644" in shown
    assert "+proc sshd" in "\n".join(line for one in changes(plan) for line in one.diff)
    world.install()
    assert "agentaddress udp:10.0.0.5:161" in lines(world)
    assert head(world).units[SNMPD_UNIT].state == "active"
    record = json.loads(head(world).at(SNMPD_RECORD).read_text())
    assert record["packages"] == ["libsnmp40", "snmpd"]
    assert world.plans() == []
    world.remove()
    assert head(world).snmpd.apt == ["install", "purge libsnmp40 snmpd"]
    made = {"usr", "usr/local", "usr/local/lib", "var", "var/lib", "etc/snmp"}
    assert head(world).everything() - made == before - made


def test_what_was_configured_stays_byte_for_byte(world: World) -> None:
    head(world).snmpd.put()
    running(world)
    before, files = head(world).files(), head(world).everything()
    world.install()
    assert head(world).snmpd.conf.read_text() == STOCK
    assert lines(world)[-3:] == [
        "disk / 10%", "disk /var 10%", "repeat 5 .1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2 = 1",
    ]  # fmt: skip
    assert head(world).at(CREDENTIALS).read_text() == f"community = {COMMUNITY}\n"
    assert head(world).at(CREDENTIALS).stat().st_mode & 0o777 == 0o600
    assert owner_only(head(world).at(SNMPD_ACCESS))
    assert head(world).at(SNMPD_DROP_IN).exists()
    world.remove()
    assert head(world).files() == before
    made = {"usr", "usr/local", "usr/local/lib", "var", "var/lib"}
    assert head(world).everything() - made == files
    assert head(world).units[SNMPD_UNIT].state == "active"
    assert head(world).units[SNMPD_UNIT].enabled
    assert head(world).snmpd.apt == []


@pytest.mark.parametrize("text", [OWN, OWN.rstrip("\n"), ""])
def test_without_a_directory_one_line_includes_ours(world: World, text: str) -> None:
    head(world).snmpd.put(text)
    running(world)
    world.install()
    assert head(world).snmpd.conf.read_text() == f"{SNMPD_INCLUDE}\n{text}"
    assert head(world).snmpd.conf.stat().st_mode & 0o777 == 0o640
    assert not head(world).at(SNMPD_LINES).exists()
    found = lines(world, SNMPD_LINES_ALONE)
    assert ("proc sshd" in found) is (text == "")
    assert "proc cron" in found
    assert not [one for one in found if one.startswith("agentaddress")]
    assert world.plans() == []
    world.remove()
    assert head(world).snmpd.conf.read_text() == text


def test_an_address_that_the_other_head_cannot_reach_is_said(world: World) -> None:
    head(world).snmpd.put(OWN)
    running(world)
    world.survey()
    said = " ".join(str(one) for one in world.events)
    assert "listen on 192.0.2.9 only: the other head cannot ask it" in said
    assert "udp:10.0.0.5:161" in said


@pytest.mark.parametrize(
    ("login", "there", "warned"),
    [("user = w\n", None, True), ("user = w\n", object(), False), ("community = c\n", None, False)],
)
def test_a_user_of_v3_on_a_head_that_cannot_encrypt_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, login: str, there: object, warned: bool
) -> None:
    file = head(world).at("/etc/site-snmp")
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"# of this site\n{login}")
    world.members[0] = member("head1", snmp=WISH._replace(file="/etc/site-snmp"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: there)
    world.survey()
    said = " ".join(str(one) for one in world.events)
    assert ("has no package cryptography" in said) is warned
    assert ("Install python3-cryptography there." in said) is warned


def test_a_service_that_was_stopped_is_stopped_again(world: World) -> None:
    head(world).snmpd.put()
    world.install()
    assert head(world).units[SNMPD_UNIT].enabled
    world.remove()
    unit = head(world).units[SNMPD_UNIT]
    assert (unit.state, unit.enabled) == ("inactive", False)


@pytest.mark.parametrize("fault", ["refuses", "silent"])
def test_what_snmpd_does_not_take_is_taken_back_and_the_next_run_goes_on(
    world: World, fault: str
) -> None:
    head(world).snmpd.put(OWN)
    running(world)
    setattr(head(world).snmpd, fault, "line 3: Error: no" if fault == "refuses" else True)
    with pytest.raises(HaoscarError) as caught:
        world.install()
    said = refused(caught.value)
    assert "head1 (head" in said
    assert "snmpd has its former configuration again. The failover agent is well." in said
    assert ("line 3: Error: no" in said) is (fault == "refuses")
    assert "Not begun: head2." in said
    assert world.installed == ["node1", "head1"]  # its agent is there: removal has to know
    assert head(world).snmpd.conf.read_text() == OWN
    assert not head(world).at(SNMPD_LINES_ALONE).exists()
    assert head(world).units[SNMPD_UNIT].state == "active"
    setattr(head(world).snmpd, fault, "" if fault == "refuses" else False)
    assert set(world.install()) == {"head1", "head2"}
    assert world.plans() == []
    world.remove()
    assert head(world).snmpd.conf.read_text() == OWN


def test_a_cut_connection_is_gone_on_with(world: World) -> None:
    head(world).snmpd.put()
    running(world)
    before = head(world).files()
    head(world).before = cut_at(lambda one: '"validate"' in str(getattr(one.stdin, "_value", "")))
    with pytest.raises(HaoscarError):
        world.install()
    head(world).before = lambda _command: None
    world.install()
    assert world.plans() == []
    world.remove()
    assert head(world).files() == before


def test_when_nothing_is_asked_any_more_it_is_taken_back(world: World) -> None:
    head(world).snmpd.put()
    running(world)
    before = head(world).files()
    world.install()
    world.members[0] = member("head1")
    [plan] = world.plans()
    assert plan.snmpd.retire
    assert plan.run is Run.NOTHING
    world.install()
    assert head(world).snmpd.conf.read_text() == STOCK
    assert not [one for one in head(world).files() if "snmp" in one and one not in before]


def test_another_snmp_file_of_the_site_gets_lines_and_no_community(world: World) -> None:
    head(world).snmpd.put()
    running(world)
    world.members[0] = member("head1", snmp=WISH._replace(file="/etc/site/snmp"))
    world.install()
    assert "proc cron" in lines(world)
    assert "rocommunity" not in head(world).at(SNMPD_ACCESS).read_text()
    assert not head(world).at(CREDENTIALS).exists()


def test_the_community_is_in_no_event_and_on_no_command_line(world: World) -> None:
    world.install()
    assert COMMUNITY not in repr(world.events)
    for command in head(world).seen:
        assert COMMUNITY not in repr(command)
    assert COMMUNITY in head(world).at(SNMPD_ACCESS).read_text()
    assert CONF == "/etc/snmp/snmpd.conf"
