"""What a takeover's time was spent on."""

from backend.drill.faults import Fault
from backend.drill.outcome import Gap, Outcome, Row, Sentence
from backend.drill.phases import phases, total_ms
from backend.drill.targets import Target

VIP = Target("10.0.0.1", "private", budget_ms=400.0)
WEB = Target("10.0.0.1", "private", "web", 80, None)


def row(end: float, ms: float, target: Target = VIP, **more: str) -> Row:
    """Return a row whose only gap ends so many milliseconds after the fault."""
    return Row("node1", target, (Gap((end - ms) / 1000, ms),), 1000, 990, **more)  # type: ignore[arg-type]


def said(ms: float, text: str, head: str = "head2", kind: str = "decision") -> Sentence:
    return Sentence(ms / 1000, head, kind, text)


def outcome(rows: tuple[Row, ...], *sentences: Sentence, active: str = "head2") -> Outcome:
    return Outcome(
        Fault.POWER_LOSS, "2026-01-01T00:00:00+00:00", 4.0, 300.0, 400.0, ("head1", "head2", 7),
        (active, 8), rows, sentences,
    )  # fmt: skip


LOST = (
    said(-3, "standby: the other head is well", "head1"),
    said(120, "disk full", kind="alarm"),
    said(301, "campaign for term 8: the other head is silent for 301 ms"),
    said(309, "active, term 8: elected, 290 ms of lease"),
    said(700, "home runs; its start took 0.4 s"),
)


def test_a_head_that_lost_its_power() -> None:
    found = phases(outcome((row(315, 310), row(331, 326)), *LOST))
    assert [(one.name, round(one.begin), round(one.end)) for one in found] == [
        ("detect", 0, 301), ("decide", 301, 309), ("take over", 309, 315), ("announce", 315, 331),
        ("services", 331, 700),
    ]  # fmt: skip


def test_a_planned_switchover_without_services() -> None:
    sentences = (
        said(0.5, "switchover: asked the other head", "head1"),
        said(2, "ready to take over; asking for the hand-over"),
        said(4, "handed over with 250 ms left", "head1"),
        said(5, "active, term 8: handed over with 248 ms left"),
    )
    found = phases(outcome((row(8, 8),), *sentences))
    assert [(one.name, one.end) for one in found] == [
        ("detect", 2.0), ("decide", 5.0), ("take over", 8.0), ("announce", 8.0),
    ]  # fmt: skip


def test_what_nobody_has_seen_takes_no_time_and_clocks_that_differ_make_no_negative_one() -> None:
    found = phases(outcome((row(6, 6), row(9, 9, WEB)), said(-4, "active, term 8: elected")))
    assert [(one.begin, one.end) for one in found] == [
        (0.0, 0.0), (0.0, 0.0), (0.0, 6.0), (6.0, 6.0), (6.0, 9.0),
    ]  # fmt: skip
    nothing = phases(outcome((Row("node1", VIP, problem="gone"),), active=""))
    assert {one.end for one in nothing} == {0.0}


def test_a_gap_that_begins_when_the_other_head_serves_is_no_part_of_the_takeover() -> None:
    late = Row("node1", VIP, (Gap(0.002, 306.0), Gap(3.605, 20.0)), 1000, 940)
    found = outcome((late, row(310, 308)), *LOST[:4])
    assert [(one.name, round(one.begin), round(one.end)) for one in phases(found)] == [
        ("detect", 0, 301), ("decide", 301, 309), ("take over", 309, 309), ("announce", 309, 310),
    ]  # fmt: skip
    assert total_ms(found) == 308
    alone = outcome((row(3625, 306),), said(3, "active, term 8: handed over with 248 ms left"))
    assert {one.end for one in phases(alone)} <= {0.0, 3.0}
    assert total_ms(alone) == 0


def test_a_role_that_is_given_back_later_is_another_takeover() -> None:
    sentences = (
        *LOST[:4],
        said(3600, "campaign for term 9: the other head is silent for 301 ms", "head1"),
        said(3605, "active, term 9: elected, 290 ms of lease", "head1"),
    )
    found = phases(outcome((row(315, 310),), *sentences, active="head1"))
    assert [(one.name, round(one.end)) for one in found] == [
        ("detect", 301), ("decide", 309), ("take over", 315), ("announce", 315),
    ]  # fmt: skip


def test_without_a_word_of_who_serves_the_first_outage_counts() -> None:
    twice = Row("node1", VIP, (Gap(0.0, 300.0), Gap(2.0, 900.0)), 1000, 900)
    assert [one.end for one in phases(outcome((twice,)))] == [0.0, 0.0, 300.0, 300.0]
    assert total_ms(outcome((twice,))) == 300


def test_the_total_is_the_worst_virtual_ip_of_what_is_measured() -> None:
    assert total_ms(outcome((row(315, 310), row(331, 326), row(900, 900, WEB)))) == 326
    assert total_ms(outcome(())) == 0
