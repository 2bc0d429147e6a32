"""The pair as it is drawn, from what real agents said in every situation."""

from dataclasses import replace

import pytest

from backend.actions.status_follow import News
from backend.reports import error
from panels.status_view import calmed, cluster, coarse, sentences
from panels.widgets.cluster_drawing import SIGNS, Cluster, describe, lay_out
from panels.widgets.lease_ring import Ring
from tests.recorded_status import NAMES, events, status
from tests.unit.gui.ruler import Ruler, check, texts

WIDTHS = (540, 690, 900, 1400)


def drawn(name: str, **changes: object) -> Cluster:
    found = cluster(News(status(name, **changes), events(name)))
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line", [14, 17, 34])
def test_nothing_is_clipped_and_nothing_lies_on_something_else(name: str, line: int) -> None:
    ruler = Ruler(line, max(1, line // 16))
    for width in WIDTHS:
        width = width * line // 17
        check(lay_out(drawn(name), ruler, width), width, ruler)


@pytest.mark.parametrize("name", NAMES)
def test_the_words_say_everything_that_is_drawn(name: str) -> None:
    """With room for all of it, so that nothing is shortened."""
    words = describe(drawn(name))
    for key, text in texts(lay_out(drawn(name), Ruler(), 3000)).items():
        if "ring" not in key:  # it moves all the time
            for sign in SIGNS.values():
                text = text.removeprefix(f"{sign} ")
            assert text in words, key


def heads(found: Cluster) -> dict[str, object]:
    return {one.name: one for one in found.heads}


def test_the_active_head_has_the_addresses_and_the_ring() -> None:
    for name in ("healthy-active", "healthy-standby"):
        found = drawn(name)
        assert [one.name for one in found.heads] == ["head-a", "head-b"]  # from either side
        active, standby = found.heads
        assert active.role.startswith("active")
        assert [one.text for one in active.addresses] == ["10.77.0.10", "192.0.2.10"]
        assert active.ring is not None
        assert 0.5 < active.ring.share <= 1
        assert (standby.role, standby.addresses, standby.ring) == ("standby", (), None)
    assert drawn("healthy-active").heads[0].here
    assert drawn("healthy-standby").heads[1].here
    ring = drawn("healthy-standby").heads[0].ring
    assert ring is not None
    assert ring.caption.startswith("vote ")


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("healthy-active", {"granting"}), ("healthy-standby", {"answering"}), ("solo-active", {"silent"}),
        ("solo-standby", {"silent"}), ("split-standby", {"granting"}),
    ],
)  # fmt: skip
def test_witnesses_say_what_they_do_in_words(name: str, states: set[str]) -> None:
    found = drawn(name).witnesses
    assert [one.name for one in found] == ["w1", "w2", "w3"]
    assert {one.state for one in found} == states
    shown = texts(lay_out(drawn(name), Ruler(), 690)).values()
    assert all(f"{one.name} {one.state}" in shown for one in found)


def test_a_pair_without_a_witness_says_so() -> None:
    assert drawn("no-witness-active").witnesses == ()
    assert "no witness" in describe(drawn("no-witness-active"))


def test_a_dead_head_and_its_links_are_silent() -> None:
    found = drawn("dead-active")
    [dead] = [one for one in found.heads if one.role.startswith("silent")]
    assert dead.tone == "error"
    assert {(one.words, one.tone) for one in found.wires} == {("silent", "error")}


def test_a_closed_gate_is_said() -> None:
    found = drawn("closed-active")
    [mine] = [one for one in found.heads if one.here]
    assert "gate closed, no virtual IP" in [one.text for one in mine.notes]
    assert mine.ring is None
    addresses = [{**one, "gate_remaining_us": 0} for one in _addresses("healthy-active")]
    [mine] = [one for one in drawn("healthy-active", virtual_ips=addresses).heads if one.here]
    assert "10.77.0.10 gate closed" in [one.text for one in mine.addresses]


def _addresses(name: str) -> list[dict[str, object]]:
    return [
        {
            "address": one.address, "network": one.network, "interface": one.interface,
            "configured": one.configured,
        }
        for one in status(name).virtual_ips
    ]  # fmt: skip


def test_promises_maintenance_and_lost_networks_stand_in_the_boxes() -> None:
    def lines(name: str, here: bool) -> list[str]:
        [head] = [one for one in drawn(name).heads if one.here == here]
        return [one.text for one in head.notes]

    assert "serves alone, by promise" in lines("solo-active", True)
    assert "bound by its promise" in lines("solo-standby", True)
    assert "maintenance" in lines("maintenance-active", True)
    assert "maintenance" in lines("maintenance-standby", False)
    assert "does not reach public" in lines("network-active", False)
    assert "not fit to serve" in lines("failed-standby", False)


def test_what_is_old_is_drawn_as_old() -> None:
    news = News(
        status("healthy-active"), (), error("agent.silent", "It did not answer."), True, 12.0
    )
    found = cluster(news)
    assert found is not None
    for head in found.heads:
        assert head.notes[-1].text == "as it was 12 s ago"
        assert head.ring is None  # nobody knows whether the lease was renewed
        assert head.tone == "muted"
    assert cluster(News()) is None


def test_the_ring_shrinks_and_changes_its_colour() -> None:
    assert [Ring(share, "").tone for share in (1.0, 0.6, 0.4, 0.0)] == [
        "ok", "ok", "warning", "error",
    ]  # fmt: skip

    def arc(left: int) -> float:
        found = lay_out(drawn("healthy-active", lease_remaining_us=left), Ruler(), 690)
        return float(found.shapes["head-0-ring-left"].options["extent"])

    assert arc(0) == 0
    assert arc(150_000) == pytest.approx(180, abs=0.1)
    assert 359 < arc(300_000) < 360  # Tk draws nothing for a whole circle
    assert arc(900_000) == arc(300_000)


def test_a_moment_that_brings_nothing_new_changes_nothing_but_the_ring() -> None:
    before = lay_out(drawn("healthy-active", lease_remaining_us=280_000), Ruler(), 690).shapes
    after = lay_out(drawn("healthy-active", lease_remaining_us=262_345), Ruler(), 690).shapes
    assert before.keys() == after.keys()
    assert {key for key in after if before[key] != after[key]} == {
        "head-0-ring-left", "head-0-ring-caption",
    }  # fmt: skip
    again = drawn("healthy-active", lease_remaining_us=268_000)
    assert again == drawn("healthy-active", lease_remaining_us=262_345)  # less than a step


def test_nothing_of_a_well_pair_is_shortened_in_the_smallest_window() -> None:
    for name in (
        "healthy-active",
        "healthy-standby",
        "dead-active",
        "maintenance-active",
        "solo-active",
        "solo-standby",
        "closed-active",
    ):
        for text in texts(lay_out(drawn(name), Ruler(), 557)).values():
            assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_long_names_are_shortened_and_many_networks_find_room() -> None:
    found = drawn("healthy-active")
    long = replace(found.heads[0], name="a-head-with-a-very-long-name-indeed" * 2)
    wires = tuple(replace(found.wires[0], network=f"network-{i}") for i in range(8))
    many = Cluster((long, found.heads[1]), wires, found.witnesses * 2)
    check(lay_out(many, Ruler(), 690), 690, Ruler())


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(None, "-"), (420, "420 us"), (6_400, "6 ms"), (12_400, "10 ms"), (19_945, "20 ms")],
)
def test_jitter_has_no_more_digits_than_matter(microseconds: float | None, text: str) -> None:
    assert coarse(microseconds) == text


def test_a_sentence_changes_once_a_second_at_most() -> None:
    assert calmed("the other head is silent for 3761 ms") == "the other head is silent for 3 s"
    assert calmed("after 150 ms of silence") == "after 150 ms of silence"


def test_the_sentences_end_with_the_reason_for_or_against_a_takeover() -> None:
    decision, verdict, alarm, risks = sentences(status("solo-standby"))
    assert decision.startswith("Last decision, ")
    assert "it has promised to leave the role to the other head" in verdict
    assert (alarm, risks) == ("", "")
    entry = {"number": 1, "time": 0.0, "kind": "alarm", "sentence": "the disk is full"}
    _, _, alarm, risks = sentences(status("solo-standby", last_alarm=entry, risks=["no watchdog"]))
    assert alarm.endswith(": the disk is full.")
    assert risks.endswith("Risk: no watchdog.")
