"""The site file as a file: what is read, what is written, what stays as people wrote it."""

import os
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.model.site import (
    Network,
    Node,
    PostInstall,
    Primary,
)
from backend.paths import Paths
from backend.site.store import SiteStore
from tests.unit.hand_site import HAND, save


@pytest.fixture
def store(tmp_path) -> SiteStore:
    found = SiteStore(Paths(tmp_path))
    found.file.parent.mkdir(parents=True)
    return found


@pytest.fixture
def hand(store) -> SiteStore:
    store.file.write_text(HAND)
    return store


def test_a_file_written_by_hand_becomes_a_site(hand):
    site = hand.load()
    assert site.cluster == "beowulf"
    assert site.private.network == IPv4Network("10.0.0.0/24")
    assert site.private.gateway is None
    assert site.primary == Primary(
        HostName("head1"), IPv4Address("10.0.0.2"), IPv4Address("192.0.2.11")
    )
    assert site.images[0].post_install is PostInstall.REBOOT
    standby = site.standby("head2")
    assert standby is not None
    assert standby.prefix == 24
    assert standby.mac == "52:54:00:12:34:56"
    assert standby.wipe is False
    assert type(standby.name) is HostName
    assert type(standby.mac) is Mac
    assert [node.name for node in site.nodes] == ["node01", "node02"]


def test_what_did_not_change_is_written_letter_by_letter(hand):
    assert hand.render(hand.load()) == HAND.encode()
    crlf = HAND.replace("\n", "\r\n").encode()
    hand.file.write_bytes(crlf)
    assert hand.render(hand.load()) == crlf
    changed = hand.render(replace(hand.load(), cluster=HostName("wulf")))
    assert changed == crlf.replace(b"beowulf", b"wulf").replace(b"'wulf'", b'"wulf"')


def test_one_changed_key_changes_one_line(hand):
    site = hand.load()
    standby = replace(site.standbys[0], mac=Mac.parse("52:54:00:aa:bb:cc"))
    new = save(hand, replace(site, standbys=(standby,)))
    assert new == HAND.replace("52-54-00-12-34-56", "52:54:00:aa:bb:cc")


def test_keys_are_added_below_the_others_and_removed_with_their_line(hand):
    site = hand.load()
    private = replace(site.private, gateway=IPv4Address("10.0.0.254"), virtual_ip=None)
    standby = replace(site.standbys[0], wipe=True)
    new = save(hand, replace(site, private=private, standbys=(standby,)))
    assert 'network = "10.0.0.0/255.255.255.0"\ngateway = "10.0.0.254"\n\n[networks.public]' in new
    assert "  # as printed on the card\nwipe = true\n\n# ---- rack 1 ----\n" in new
    assert new.count("\n") == HAND.count("\n") + 1


def test_tables_come_and_go_with_the_comments_of_the_others(hand):
    site = hand.load()
    standby = replace(site.standbys[0], public_interface=InterfaceName("eth0"))
    without = replace(
        site,
        public=None,
        primary=replace(site.primary, public_address=None),
        standbys=(standby,),
        nodes=(Node(HostName("node00")), site.nodes[1], Node(HostName("node03"))),
    )
    new = save(hand, without)
    assert "[networks.public]" not in new
    assert "first" not in new  # node01 went with its own comments
    for comment in ("Ada", "touch", "film", "rack 1\n", "new machine", "card", "-- rack 1", "rack 2"):  # fmt: skip
        assert comment in new
    again = save(hand, site)
    assert "\n\n[networks.public]\ninterface" in again
    assert again.index("[networks.public]") < again.index("[[image]]")


def test_a_new_file_is_readable_and_reads_back(store, hand):
    site = hand.load()
    hand.file.unlink()
    assert not store.exists()
    text = save(store, site)
    assert text.startswith("# The site")
    assert '\n\n[[standby]]\nname = "head2"\n' in text
    assert "wipe" not in text  # defaults are left to the documentation
    step = store.write_step(site)
    assert str(step.path) == "/etc/haoscar/site.toml"
    assert step.content == text.encode()
    store.file.chmod(0o640)
    assert store.write_step(site).mode == 0o640


INLINE = """\
version = 1
cluster = {name = 'c', domain = 'd'}
primary.name = 'h'
primary.private_address = '10.0.0.2'
networks = {private = {interface = 'e', network = '10.0.0.0/24'}}
node = [{name = 'n1'}, # one
 {name = 'n2', address = '10.0.0.9'}]
"""
QUOTED = """\
version = 1
node = []
primary = {name='h', private_address='10.0.0.2'}
[networks]
private.interface = 'e'
private.network = '10.0.0.0/24'
[cluster]
'name' = '''c'''
"domain" = 'd'"""  # no newline at the end


@pytest.mark.parametrize("text", [INLINE, QUOTED])
def test_unusual_layouts_can_be_changed_too(store, text):
    store.file.write_text(text)
    site = store.load()
    private = replace(site.private, virtual_ip=IPv4Address("10.0.0.77"))
    public = Network(InterfaceName("eth0"), IPv4Network("192.0.2.0/24"))
    nodes = (*site.nodes, Node(HostName("new")))
    save(store, replace(site, cluster=HostName("other")))
    save(store, replace(site, private=private, public=public, nodes=nodes))
    save(store, replace(site, private=private, nodes=()))


def test_a_file_with_errors_is_not_overwritten(hand):
    site = hand.load()
    hand.file.write_text(HAND.replace("head1", "head 1"))
    with pytest.raises(InvalidInput):
        hand.render(site)


def test_a_site_that_contradicts_itself_is_not_written(hand):
    site = hand.load()
    twice = replace(site, nodes=(*site.nodes, replace(site.nodes[0], name=HostName("node03"))))
    with pytest.raises(InvalidInput) as caught:
        hand.render(twice)
    assert {one.code for one in caught.value.reports} == {"site.duplicate", "site.duplicate-address"}  # fmt: skip


# --- files that are not what they should be ---------------------------------------------------


def problem(store: SiteStore):
    with pytest.raises(InvalidInput) as caught:
        store.load()
    (report,) = caught.value.reports
    assert report.place is not None
    assert report.place.source == store.file
    assert report.remedy
    return report


def test_missing_links_directories_and_pipes(store, tmp_path):
    assert problem(store).code == "site.missing"
    (tmp_path / "other").write_text(HAND)
    store.file.symlink_to(tmp_path / "other")
    assert store.exists()
    assert problem(store).code == "site.symlink"
    store.file.unlink()
    store.file.mkdir()
    assert problem(store).code == "site.not-a-file"
    store.file.rmdir()
    os.mkfifo(store.file)
    assert problem(store).code == "site.not-a-file"


def test_unreadable(store, monkeypatch):
    def denied(*args, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert problem(store).code == "site.unreadable"


def test_too_large_wrong_encoding_and_byte_order_mark(store):
    store.file.write_bytes(b"#" * ((1 << 20) + 1))
    assert problem(store).code == "site.too-large"
    store.file.write_bytes(b"version = 1\n\n# M\xfcnchen\n")
    report = problem(store)
    assert report.code == "site.encoding"
    assert report.place.line == 3
    store.file.write_bytes(b"\xef\xbb\xbfversion = 1\n")
    assert problem(store).code == "site.bom"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version = 1\n\n[cluster\n", 3),
        ("version = 1\nname = 'x\n", 2),
        ("version = 1\nversion = 1\n", 2),
        ("version = 1\n[cluster]\nname =", 3),
        ('version = 1\nname = "\x00"\n', 2),
        ("a = " + "[" * 5000, None),
        ("a = " + "9" * 5000, None),
    ],
)
def test_syntax_errors_have_their_line(store, text, line):
    store.file.write_text(text)
    report = problem(store)
    assert report.code == "site.syntax"
    assert report.place.line == line
