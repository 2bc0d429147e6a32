"""Assigning cards: who gets what, what is returned, and what is refused."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.discovery.assignment import Outcome, assign, assign_all, delete, restore
from backend.discovery.mac_files import Entry
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import Network, Node, Primary, Site, Standby

A, B, C, D = (Mac(f"00:16:3e:00:00:0{n}") for n in (1, 2, 3, 4))


def standby(name: str, mac: Mac | None = None) -> Standby:
    return Standby(HostName(name), ImageName("image"), IPv4Address("10.0.0.2"), 24, mac=mac)


def site(*standbys: Standby, nodes: tuple[Node, ...] = ()) -> Site:
    return Site(
        HostName("cluster"),
        DomainName("example.org"),
        Network(InterfaceName("eth1"), IPv4Network("10.0.0.0/24")),
        Primary(HostName("head"), IPv4Address("10.0.0.1")),
        standbys=standbys,
        nodes=nodes,
    )


def node(name: str, mac: Mac | None = None) -> Node:
    return Node(HostName(name), mac=mac)


def cards(outcome: Outcome) -> list[Mac | None]:
    return [one.mac for one in outcome.site.standbys]


def codes(outcome: Outcome) -> list[str]:
    return [report.code for report in outcome.reports]


def test_assign_sets_the_card_and_keeps_the_order():
    outcome = assign(site(standby("s1"), standby("s2"), standby("s3")), A, "s2")
    assert outcome.ok
    assert cards(outcome) == [None, A, None]
    assert [one.name for one in outcome.site.standbys] == ["s1", "s2", "s3"]
    assert outcome.returned == ()


def test_replacing_returns_the_old_card():
    outcome = assign(site(standby("s1", A)), B, "s1")
    assert (cards(outcome), outcome.returned) == ([B], (A,))


def test_assigning_again_changes_nothing():
    before = site(standby("s1", A))
    outcome = assign(before, A, "s1")
    assert outcome.site == before
    assert (outcome.ok, outcome.returned, codes(outcome)) == (True, (), ["macs.unchanged"])


def test_duplicate_unknown_standby_and_own_card_are_refused_and_change_nothing():
    before = site(standby("s1", A), standby("s2"))
    for outcome, code in (
        (assign(before, A, "s2"), "macs.duplicate"),
        (assign(before, B, "nobody"), "macs.no-standby"),
        (assign(before, B, "s2", own={B}), "macs.own-card"),
        (delete(before, "nobody"), "macs.no-standby"),
    ):
        assert codes(outcome) == [code]
        assert not outcome.ok
        assert not outcome.needs_confirmation
        assert outcome.site is before


def test_card_of_a_compute_node_needs_a_confirmation():
    before = site(standby("s1"), nodes=(node("node1", A), node("node2", B)))
    refused = assign(before, A, "s1")
    assert codes(refused) == ["macs.belongs-to-node"]
    assert "node1" in refused.reports[0].text
    assert refused.needs_confirmation
    assert refused.site is before
    taken = assign(before, A, "s1", node_is_mine=True)
    assert taken.ok
    assert cards(taken) == [A]
    assert [one.mac for one in taken.site.nodes] == [None, B]
    assert "macs.taken-from-node" in codes(taken)


def test_confirmation_does_not_lift_other_refusals():
    before = site(standby("s1", A), standby("s2"), nodes=(node("node1", A),))
    outcome = assign(before, A, "s2", node_is_mine=True)
    assert codes(outcome) == ["macs.duplicate"]
    assert not assign(before, A, "s2").needs_confirmation


def test_assign_all_goes_top_down_and_oldest_first():
    before = site(standby("s1"), standby("s2", D), standby("s3"))
    assert cards(assign_all(before, [C, A, B])) == [C, D, A]


def test_assign_all_stops_when_cards_run_out():
    outcome = assign_all(site(standby("s1"), standby("s2"), standby("s3")), [A])
    assert cards(outcome) == [A, None, None]
    assert codes(outcome) == ["macs.assigned", "macs.too-few"]
    assert "s2, s3" in outcome.reports[-1].text


def test_assign_all_leaves_out_compute_nodes_own_cards_and_taken_ones():
    before = site(standby("s1", A), standby("s2"), nodes=(node("node1", B),))
    outcome = assign_all(before, [A, B, C, D], own={C})
    assert cards(outcome) == [A, D]
    assert codes(outcome) == ["macs.belongs-to-node", "macs.own-card", "macs.assigned"]
    assert outcome.ok
    assert cards(assign_all(before, [A, B, C, D], nodes_are_mine=True)) == [A, B]


def test_assign_all_with_nothing_to_do_says_so():
    assert codes(assign_all(site(standby("s1", A)), [B])) == ["macs.unchanged"]


def test_delete_returns_the_card():
    outcome = delete(site(standby("s1", A), standby("s2", B)), "s1")
    assert (cards(outcome), outcome.returned) == ([None, B], (A,))
    again = delete(outcome.site, "s1")
    assert (again.site, again.returned) == (outcome.site, ())


def test_restore_binds_standbys_and_compute_nodes_and_frees_the_rest():
    before = site(standby("s1"), nodes=(node("node1"), node("node2", D)))
    entries = [
        Entry(A, HostName("s1")),
        Entry(B, HostName("node1")),
        Entry(C, HostName("gone")),
        Entry(D, HostName("node2")),
        Entry(Mac("00:16:3e:00:00:05")),
    ]
    outcome = restore(before, entries, source="macs.txt")
    assert cards(outcome) == [A]
    assert [one.mac for one in outcome.site.nodes] == [B, D]
    assert outcome.returned == (C, "00:16:3e:00:00:05")
    assert codes(outcome) == [
        "macs.assigned",
        "macs.assigned",
        "macs.unknown-client",
        "macs.unchanged",
    ]
    assert {str(report.place) for report in outcome.reports} == {"macs.txt"}


def test_restore_never_takes_a_card_from_a_compute_node_nor_changes_its_card():
    before = site(standby("s1"), nodes=(node("node1", A), node("node2", B)))
    outcome = restore(before, [Entry(A, HostName("s1")), Entry(C, HostName("node2"))])
    assert outcome.site == before
    assert codes(outcome) == ["macs.belongs-to-node", "macs.other-card"]
    assert outcome.returned == (C,)  # A is node1's and not free


def test_restore_returns_the_card_that_a_standby_had():
    outcome = restore(site(standby("s1", A)), [Entry(B, HostName("s1"))])
    assert (cards(outcome), outcome.returned) == ([B], (A,))


addresses = st.sampled_from([A, B, C, D])
states = st.lists(st.none() | addresses, min_size=1, max_size=4).map(
    lambda macs: [mac if macs.index(mac) == at else None for at, mac in enumerate(macs)]
)


@given(
    states,
    st.lists(addresses, max_size=2, unique=True),
    st.lists(addresses, max_size=5),
    st.sampled_from(["assign", "all", "delete", "restore"]),
    st.booleans(),
)
def test_no_card_is_ever_held_twice_and_none_is_lost(held, node_cards, macs, what, mine):
    node_cards = [mac for mac in node_cards if mac not in held]
    before = site(
        *(standby(f"s{n}", mac) for n, mac in enumerate(held)),
        nodes=tuple(node(f"node{n}", mac) for n, mac in enumerate(node_cards)),
    )
    match what:
        case "assign":
            outcome = assign(before, (*macs, A)[0], "s0", node_is_mine=mine)
        case "all":
            outcome = assign_all(before, macs, nodes_are_mine=mine)
        case "delete":
            outcome = delete(before, "s0")
        case _:
            outcome = restore(before, [Entry(mac, HostName(f"s{n}")) for n, mac in enumerate(macs)])
    after = [one.mac for one in (*outcome.site.standbys, *outcome.site.nodes) if one.mac]
    assert len(after) == len(set(after))
    assert not set(after) & set(outcome.returned)
    assert {mac for mac in held if mac} <= set(after) | set(outcome.returned)
    assert set(node_cards) <= set(after)
    if not mine:
        assert outcome.site.nodes == before.nodes
    assert [one.name for one in outcome.site.standbys] == [one.name for one in before.standbys]


@pytest.mark.parametrize("name", ["s1\n", "\x1b[31m", "x" * 500])
def test_hostile_names_are_shown_harmlessly(name):
    text = assign(site(standby("s1")), A, name).reports[0].text
    assert text.isprintable()
    assert len(text) < 200
