"""The failover bench's pure parts: what records prove, what is promised, what the switch is told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend.cli.main import main
from backend.errors import InvalidInput
from backend.lab.failover import results
from backend.lab.failover.catalogue import FAULTS, chosen
from backend.lab.failover.judge import Findings, judge
from backend.lab.failover.places import HEADS, Places
from backend.lab.failover.prober import NETS, Record
from backend.lab.failover.results import FailoverBench, Repetition, Row, Series, promise_of
from backend.lab.failover.waking import WAKING
from backend.lab.failover.wires import Wires
from backend.lab.topology import Net
from backend.system.vip_prober import ARP, CLIENT, JUDGE, LATE

A, B = HEADS
MS = 1000
END = 1000 * MS
QUIET = Findings(dict.fromkeys(NETS, 5.0), True, 2.0, 0.0, 0.0, 0, A, 0.0)


def clients(head: str, begin: int, end: int, nets: tuple[Net, ...] = NETS) -> Iterator[Record]:
    for sent in range(begin, end, 5 * MS):
        yield from (Record(sent, 60, CLIENT, net, head) for net in nets)


def ticks(head: str, begin: int, end: int, nets: tuple[Net, ...] = NETS) -> Iterator[Record]:
    """What the judge hears of one head: it is asked first and last, or in the middle."""
    for sent in range(begin, end, 2 * MS):
        first = (sent // (2 * MS)) % 2 == (head == B)
        for place in (0, 2) if first else (1,):
            yield from (Record(sent, place, JUDGE, net, head) for net in nets)


def test_a_takeover_and_its_outage() -> None:
    records = [
        *clients(A, 0, 300 * MS), *ticks(A, 0, 300 * MS),
        *clients(B, 600 * MS, END), *ticks(B, 590 * MS, END),
    ]  # fmt: skip
    found = judge(records, 0, END)
    assert found.outage == dict.fromkeys(NETS, pytest.approx(305))
    assert found.silence == pytest.approx(292)
    assert (found.ended, found.takeovers, found.serving, found.dual) == (True, 1, B, 0)
    assert not found.stalled


def test_the_longer_outage_counts_and_how_far_the_networks_are_apart() -> None:
    records = [
        *clients(A, 0, 300 * MS), *ticks(A, 0, 300 * MS),
        *clients(B, 400 * MS, END, (Net.PRIVATE,)), *ticks(B, 400 * MS, END, (Net.PRIVATE,)),
        *clients(B, 450 * MS, END, (Net.PUBLIC,)), *ticks(B, 450 * MS, END, (Net.PUBLIC,)),
    ]  # fmt: skip
    found = judge(records, 0, END)
    assert found.worst == found.outage[Net.PUBLIC] == pytest.approx(155)
    assert found.apart == pytest.approx(50)
    only = judge(records, 0, END, (Net.PRIVATE,))
    assert only.worst == pytest.approx(105)


def test_an_outage_that_goes_on_did_not_end() -> None:
    found = judge([*clients(A, 0, 300 * MS), *ticks(A, 0, 300 * MS)], 0, END)
    assert not found.ended
    assert found.worst == pytest.approx(700, abs=6)


def test_two_heads_are_two_only_when_the_answers_interleave() -> None:
    both = [*ticks(A, 0, END), *ticks(B, 400 * MS, 600 * MS)]
    assert judge(both, 0, END).dual == pytest.approx(200)
    # Handed over between two questions of one tick: the first answered by A, the others by B.
    tick = 500 * MS
    moved = [*ticks(A, 0, tick), *ticks(B, tick + 2 * MS, END)]
    moved += [Record(tick, 0, JUDGE, Net.PRIVATE, A), Record(tick, 1, JUDGE, Net.PRIVATE, B)]
    found = judge(moved, 0, END)
    assert (found.dual, found.takeovers) == (0, 1)


def test_two_answers_to_one_arp_request_are_two_heads() -> None:
    records = [Record(at, 0, ARP, Net.PUBLIC, A) for at in range(0, END, 10 * MS)]
    assert judge(records, 0, END).dual == 0
    records += [Record(at, 0, ARP, Net.PUBLIC, B) for at in range(0, 50 * MS, 10 * MS)]
    assert judge(records, 0, END).dual == 50


def test_a_head_that_pauses_has_not_taken_over_from_itself() -> None:
    records = [*ticks(A, 0, 100 * MS), *ticks(A, 500 * MS, END)]
    assert judge(records, 0, END).takeovers == 0
    flap = [*ticks(A, 0, END), *ticks(B, 300 * MS, 310 * MS), *ticks(B, 700 * MS, 710 * MS)]
    assert judge(flap, 0, END).takeovers == 2  # B began twice beside A


def test_a_prober_that_stood_still_proves_nothing() -> None:
    records = [*clients(A, 0, END), Record(500 * MS, 25 * MS, LATE, Net.PRIVATE, "")]
    found = judge(records, 0, END)
    assert found.late == 25
    series = Series("x").with_one(Repetition(found)).with_one(Repetition(QUIET))
    assert (len(series.kept), series.left_out) == (1, 1)


def row(name: str, ours: Findings, theirs: float = 345.0, after: Findings | None = None) -> Row:
    (fault,) = chosen(name)
    other = replace(QUIET, outage=dict.fromkeys(NETS, theirs), takeovers=1)
    return Row(
        fault, Series("haoscar", (Repetition(ours, after),)), Series("keepalived", (Repetition(other),))
    )  # fmt: skip


def outage(milliseconds: float, takeovers: int = 1) -> Findings:
    return replace(QUIET, outage=dict.fromkeys(NETS, milliseconds), takeovers=takeovers, serving=B)


def test_promises() -> None:
    good = row("F1", outage(250))
    assert good.broken_promises("default") == []
    assert good.ratio == pytest.approx(1.38)
    assert row("F1", outage(350)).broken_promises("default") == [
        "median above 300 ms", "not below keepalived"
    ]  # fmt: skip
    assert row("F1", outage(250)).broken_promises("fast") == ["median above 130 ms"]
    assert row("F4s", outage(20)).broken_promises("default") == ["takeovers 1, not 0"]
    dual = replace(outage(20, 0), dual=4.0)
    assert row("F4s", dual).broken_promises("default") == ["two heads served for 4 ms"]
    late = row("F4s", outage(20, 0), after=outage(900, 0))
    assert late.broken_promises("default") == ["900 ms of outage after the heal"]
    nobody = replace(QUIET, serving="", ended=False)
    assert row("F5", outage(20), after=nobody).broken_promises("default") == [
        "nobody served in the end"
    ]
    assert Row(chosen("F1")[0], Series("x"), None).broken_promises("default") == [
        "nothing was measured"
    ]


def test_an_outage_that_never_ends_is_no_number_to_compare() -> None:
    found = row("F2s", replace(outage(4000), ended=False))
    assert found.ratio is None
    assert "worst above 1000 ms" in found.broken_promises("default")
    assert results.cells(found, "default")[3:5] == ("never", "never")


def test_the_result_as_json_and_as_a_table() -> None:
    found = FailoverBench("default", "keepalived", [row("F1", outage(250)), row("F10", outage(7))])
    found.costs = {"haoscar": {A: results.Cost(0.8, 40_000, 20_000_000)}}
    document = found.as_dict()
    assert document["promises_kept"] is True
    assert [one["fault"] for one in document["faults"]] == ["F1", "F10"]
    assert document["faults"][0]["ours"]["median_ms"] == 250
    assert document["idle"]["haoscar"][A]["cpu_percent"] == 0.8
    for one in found.rows:
        assert len(results.cells(one, "default")) == len(results.HEADERS)
    assert results.cost_cells(found.costs, "default") == [
        ("haoscar", A, "0.80 %", "40.0 kB/s", "20.0 MB", "kept")
    ]


def test_idle_costs_are_promised_too() -> None:
    found = FailoverBench("default", "", [row("F1", outage(95))])
    found.costs = {"haoscar": {"w1": results.Cost(0.4, 60_000, 16_000_000)}}
    assert not found.kept
    assert results.cost_cells(found.costs, "default")[0][-1] == (
        "processor above 0.3 %; traffic above 50 kB/s; memory above 15 MB"
    )
    # A lease of the fast profile is renewed more than twice as often: it may use twice as much.
    found.profile = "fast"
    assert results.cost_cells(found.costs, "fast")[0][-1] == (
        "traffic above 50 kB/s; memory above 15 MB"
    )
    found.costs = {"haoscar": {"w1": results.Cost(0.5, 9_000, 14_000_000)}}
    assert found.kept
    for other in ("keepalived", WAKING):
        found.costs = {other: {A: results.Cost(50, 60_000, 160_000_000)}}
        assert found.kept  # nobody promised anything for it
        assert results.cost_cells(found.costs, "default")[0][-1] == ""


def test_faults_are_chosen_by_name() -> None:
    assert chosen("") == FAULTS
    assert [one.name for one in chosen("F10, F1,F7,F1")] == ["F10", "F1", "F7a", "F7b"]
    with pytest.raises(InvalidInput, match="There is no fault 'F99'"):
        chosen("F1,F99")
    assert len({one.name for one in FAULTS}) == len(FAULTS)
    assert promise_of(chosen("F10")[0], "fast") == chosen("F10")[0].promise


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--faults", "F1,nonsense"), "no fault 'nonsense'"),
        (("--repeats", "0"), "Repeats are 1 to"),
        (("--agent", "/no/such.pyz"), "no file /no/such.pyz"),
        (("--report", "/etc/passwd"), "written to /etc/passwd: /etc/passwd is a file"),
    ],
)
def test_bad_input_is_refused(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "failover", *words]) != 0
    assert said in capsys.readouterr().err


def test_what_the_switch_is_told() -> None:
    ports = Places.standard().ports
    whole = Wires(spared=frozenset(ports("observer")))
    assert whole.rules() == "table bridge faults {}\ndelete table bridge faults\n"
    silent = replace(whole, silent=frozenset(ports(A, Net.PRIVATE))).rules()
    assert "iifname head-a-pri drop\noifname head-a-pri drop\n" in silent
    assert silent.startswith(whole.rules())  # one transaction, whatever was there before
    apart = whole.apart(ports(A), ports(B)).rules()
    for pair in (("head-a-pri", "head-b-pub"), ("head-b-pri", "head-a-pri")):
        assert f"iifname {pair[0]} oifname {pair[1]} drop\n" in apart
    lossy = replace(whole, loss=40).rules()
    assert lossy.index("iifname observer-pri accept") < lossy.index("mod 100 < 40 drop")
    with pytest.raises(ValueError, match="makes no sense"):
        Wires(loss=100)
