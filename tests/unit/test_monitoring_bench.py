"""The monitoring bench's pure parts: what is watched, what the schedule proves, promises, the chart."""

import itertools
import json
import struct
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from backend.cli.main import main
from backend.errors import HaoscarError
from backend.lab.failover.agents import Program
from backend.lab.failover.places import HEADS, Places
from backend.lab.monitoring import mix, report, results
from backend.lab.monitoring.chart import chart
from backend.lab.monitoring.lateness import Lateness
from backend.lab.monitoring.meter import OURS, Count, Traffic, added, polls_of, rules
from backend.lab.monitoring.pair import WatchedPair
from backend.lab.monitoring.plan import FULL, QUICK, WORLD, Clock
from backend.lab.monitoring.polling import Mark, poll
from backend.lab.monitoring.results import INTERVALS, SIZES, Late, Load, MonitoringBench, Poll
from backend.system import bench_responders
from backend.tasks import Progress, TaskContext
from backend.watch.config import understand
from backend.watch.monitors import dns_message, ntp_message
from backend.watch.monitors.registry import problems

A, B = HEADS


# what is watched


class PairOfPlaces(WatchedPair):
    """A pair of which only the configuration is looked at."""

    def __init__(self) -> None:
        self.program = Program(())
        self.world = type("World", (), {"places": Places.standard()})()  # type: ignore[assignment]


def test_the_watch_lists_are_such_as_the_watch_process_takes() -> None:
    services = [*mix.default_rows(), *mix.more(B, 3.0)]
    document = PairOfPlaces()._document(A, services)
    found = understand(json.dumps(document))
    assert found.problems == ()
    assert found.settings is not None
    assert [one for each in found.settings.services for one in problems(each)] == []
    assert len(found.settings.services) == 3 + 20
    rows = [(one.name, one.interval) for one in found.settings.services[:3]]
    assert rows == [("process_server", 3), ("loadaverage_server", 1200), ("freespace_server", 7200)]
    assert {one.interval for one in found.settings.services[3:]} == {3.0}


def test_many_services_are_the_same_mix_with_names_of_their_own() -> None:
    many = mix.more(B, 30.0, 500)
    assert len({one["name"] for one in many}) == 500
    assert mix.told(many[:20]) == mix.told(many[480:])
    said = mix.told(many)
    for kind in ("125 tcp", "75 http", "75 icmp", "100 netsnmp-proc.monitor", "50 dns", "25 ntp"):
        assert kind in said
    assert "systemd-unit" not in said  # no systemd runs there


def test_the_listed_processes_are_enough_and_fit_into_snmpd_conf() -> None:
    assert len(set(mix.LISTED)) >= max(SIZES)
    assert all(len(one) <= 15 and " " not in one for one in mix.LISTED)


def test_the_responders_answer_what_the_monitors_ask() -> None:
    question = dns_message.Question(77, "www.example.org", "A")
    answer = dns_message.decode(bench_responders.dns(dns_message.encode(question)), question)
    assert answer is not None
    assert dns_message.complaint(answer, question, "192.0.2.80", strict=True) == ""
    now = struct.unpack("!I", bench_responders.ntp(bytes(48))[32:36])[0] - 2_208_988_800
    time = ntp_message.decode(bench_responders.ntp(ntp_message.encode(b"nonce---")), b"nonce---", now, now)  # fmt: skip
    assert time is not None
    assert (time.problem, abs(time.offset) < 2) == ("", True)


# the schedule


def said(start: float, due: float, *, ref: str = "g:s", interval: float = 10.0, **more: Any) -> Any:
    """A service as the status says it after a check that took a quarter of a second."""
    return {
        "ref": ref, "running": False, "skipped": 0, "took": 0.25, "last_check": start + 0.25,
        "next_check": due + interval, **more,
    }  # fmt: skip


def seen(*checks: tuple[float, float]) -> Lateness:
    found = Lateness({"g:s": 10.0})
    for start, due in checks:
        found.take([said(start, due)])
    return found


def test_lateness_is_from_the_due_moment_to_the_start_of_the_monitor() -> None:
    found = seen((1000.0, 1000.0), (1010.3, 1010.0), (1020.1, 1020.0))
    assert found.late() == pytest.approx([0.0, 0.3, 0.1])
    assert found.worst == pytest.approx(0.3)
    assert found.median == pytest.approx(0.1)
    assert found.whole


def test_one_check_that_is_seen_twice_counts_once() -> None:
    found = seen((1000.0, 1000.0), (1000.0, 1000.0), (1010.0, 1010.0))
    assert found.checks == 2
    assert not found.whole  # one interval only


def test_a_schedule_that_begins_anew_after_a_standstill_hides_nothing() -> None:
    # Due at 1010, but nothing happened until 1027; the watch list then counts from 1027 on.
    found = seen((1000.0, 1000.0), (1027.0, 1027.0))
    assert found.worst == pytest.approx(17.0)
    # A check that was merely not looked at is no such thing.
    assert seen((1000.0, 1000.0), (1020.0, 1020.0)).worst == 0


def test_what_runs_or_never_ran_proves_nothing() -> None:
    found = Lateness({"g:s": 10.0, "g:other": 10.0})
    found.take([said(1000, 1000, running=True), said(0, 0, ref="g:other", last_check=None)])
    assert (found.checks, found.worst, found.whole) == (0, 0.0, False)
    found.take([said(1000, 1000, skipped=2), said(1000, 1000, ref="g:unasked", skipped=1)])
    assert (found.checks, found.skipped) == (1, 3)


# what passes on the cables


def test_frames_are_told_apart_and_counted_with_their_headers() -> None:
    listing = {
        "nftables": [
            {"metainfo": {}},
            *(
                {"counter": {"name": f"{name}_{hook}", "packets": 2, "bytes": size}}
                for name, size in (("agent", 1000), ("snmp", 500), ("link", 50))
                for hook in ("ingress", "egress")
            ),
        ]
    }
    counts = added(listing, list(OURS))
    assert counts["snmp"] == Count(500 + 2 * 14 + 500, 4)  # at egress Ethernet is counted already
    traffic = Traffic.of(5000, counts)
    assert traffic.monitoring == 5000 - counts["agent"].bytes
    assert traffic.snmp + traffic.link + traffic.checks + traffic.agent == 5000
    before = Traffic(28, 128, 100, 0)
    assert traffic.since(before, 2.0).snmp == 500


def test_what_nftables_is_told() -> None:
    text = rules(["eth0", "eth1"], OURS)
    assert text.count("type filter hook egress device eth1 priority 0; policy accept;") == 1
    for line in ("udp dport 161 counter name snmp_ingress accept", "udp sport 4747 counter name agent_egress accept",
                 "tcp dport 4748 counter name link_ingress accept"):  # fmt: skip
        assert text.count(line) == 2  # each card
    # Later fragments of a long answer have no port: they are known by the asker's address.
    assert "ip protocol udp ip saddr 192.0.2.11 counter name snmp_ingress" in rules(
        ["eth0"], polls_of("192.0.2.11")
    )


def test_one_poll_from_what_passed_between_two_moments() -> None:
    before = {1.0: Mark(100.0, Count(1000, 10)), 3.0: Mark(100.0, Count(0, 0))}
    after = {1.0: Mark(106.02, Count(2500, 22)), 3.0: Mark(106.0, Count(1000, 4))}
    found = poll(5, before, after)
    assert (found.bytes, found.frames, found.polls) == (500, 2, 2)
    assert found.measured == {1.0: 250, 3.0: pytest.approx(1000 / 6)}
    assert found.rate(1.0) == 250  # as measured, although 500 bytes each second would be twice that
    assert found.rate(10.0) == 50
    with pytest.raises(HaoscarError, match="Nothing was polled of 5 processes"):
        poll(5, before, before)


# promises


def load(name: str, cpu: float = 0.7, late: Late | None = None, **more: Any) -> Load:
    return Load(
        name, f"the {name} list", "20 tcp", 23, 40.0, 7.0,
        {"watch": cpu, "watch of the standby": 0.1, "snmpd": 0.1}, {"watch": 30_000_000},
        Traffic(450, 800, 1600, 18_000), late, **more,
    )  # fmt: skip


def bench(**more: Any) -> MonitoringBench:
    found = MonitoringBench(began="2026-11-26T09:00:00+00:00", program="this checkout", machine="2 processors")  # fmt: skip
    found.loads = [load("usual"), load("many", late=Late(0.04, 0.002, 1500, 0))]
    found.polls = [
        Poll(size, 300.0 + 90 * size, 2, 2, {1.0: 150.0 + 45 * size, 3.0: 100.0 + 30 * size})
        for size in SIZES
    ]
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_promises_that_are_kept() -> None:
    found = bench()
    assert found.kept
    assert [one.verdict for one in found.promises] == ["kept"] * 3
    assert [(one.value, one.limit) for one in found.promises] == [(0.7, 0.9), (2.85, 10), (0.04, 1)]


@pytest.mark.parametrize(
    ("loads", "verdicts"),
    [
        ([load("usual", 1.8)], ["missed: 2.00 times what was promised", "kept"]),
        ([replace(load("usual"), traffic=Traffic(5000, 5000, 2000, 0))],
         ["kept", "missed: 1.20 times what was promised"]),
        ([load("many", late=Late(1.5, 0.1, 900, 0))], ["missed: 1.50 times what was promised"]),
    ],
)  # fmt: skip
def test_a_missed_promise_is_said_in_words(loads: list[Load], verdicts: list[str]) -> None:
    found = bench(loads=loads)
    assert not found.kept
    assert [one.verdict for one in found.promises] == verdicts
    text = report.as_html(found)
    assert "Not every promise was kept." in text
    assert 'class="missed">missed:' in text


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (load("usual", not_well=("bench:1 is failed: <b>.",)), "1 services were not well"),
        (load("many", late=Late(0.1, 0.0, 900, 0, whole=False)), "not every service was seen"),
        (load("many", late=Late(0.1, 0.0, 900, 7)), "7 checks were left out"),
    ],
)
def test_doubtful_figures_are_no_kept_promises(one: Load, sentence: str) -> None:
    found = bench(loads=[one])
    assert not found.kept
    assert sentence in found.problems[0]
    text = report.as_html(found)
    assert "but they are doubtful" in text
    assert "<b>" not in text


def test_the_result_as_json_and_as_tables() -> None:
    found = bench()
    document = json.loads(json.dumps(found.as_dict()))
    assert document["promises_kept"] is True
    assert document["loads"][0]["bytes_per_second"]["monitoring"] == 2850
    assert document["loads"][0]["cpu_us_per_check"] == 1000
    rates = document["polling"][0]["bytes_per_second"]
    assert rates["3"] == {"value": 130.0, "measured": True}
    assert rates["60"] == {"value": 6.5, "measured": False}
    assert all(len(one) == len(results.LOAD_HEADERS) for one in results.load_cells(found.loads))
    assert results.poll_cells(found.polls)[0] == ("1", "390", "2", "195", "130", "~39", "~13", "~6")
    assert (
        replace(found.loads[0], checks=0.3).check_us is None
    )  # mostly what is there without checks


# the report


class Page(HTMLParser):
    """Complains about what is not closed, and notes what there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "line", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle", "polyline"):
            assert self.open.pop() == tag


def test_the_report_is_one_file_without_scripts_for_light_and_dark() -> None:
    text = report.as_html(bench())
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img"} & set(page.tags)
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("HTTP", "").replace("75 http", "").replace("3 http", "")
    assert "At 1 s less was sent" in text  # the measured rates are half of a poll each second
    whole = bench(polls=[Poll(5, 600.0, 2, 2, {1.0: 590.0})])
    assert "At 1 s less was sent" not in report.as_html(whole)


def test_the_chart_has_a_line_for_each_size_and_says_everything_in_words_too() -> None:
    polls = bench().polls
    drawing = ElementTree.fromstring(chart(polls))
    assert len(drawing.findall("polyline")) == len(SIZES)
    dots = drawing.findall("circle")
    assert len(dots) == len(SIZES) * len(INTERVALS)
    open_dots = [one for one in dots if "open" in one.get("class", "")]
    assert len(open_dots) == len(SIZES) * (len(INTERVALS) - 2)
    assert all(
        (one.find("title").text or "").startswith(("1 ", "5 ", "20 ", "50 ")) for one in dots
    )  # type: ignore[union-attr]
    named = (drawing.get("aria-labelledby") or "").split()
    assert [one.get("id") for one in drawing if one.tag in ("title", "desc")] == named
    assert "With 50 processes a poll is 4800 bytes" in (drawing.find("desc").text or "")  # type: ignore[union-attr]


def test_lines_fall_to_the_right_and_longer_messages_lie_higher() -> None:
    lines = [
        [tuple(map(float, point.split(","))) for point in (one.get("points") or "").split()]
        for one in ElementTree.fromstring(chart(bench().polls)).findall("polyline")
    ]
    for points in lines:
        assert sorted(points) == points
        assert [y for _, y in points] == sorted(y for _, y in points)  # downwards on the page
    for lower, higher in itertools.pairwise(lines):
        assert all(a[1] > b[1] for a, b in zip(lower, higher, strict=True))
    # A decade of the interval is a decade of the rate: the axes are logarithmic.
    ten, three, sixty = lines[0][2], lines[0][3], lines[0][4]
    assert (three[1] - ten[1]) / (sixty[1] - three[1]) == pytest.approx(1.585, rel=0.02)


def test_labels_of_alike_sizes_do_not_lie_on_each_other() -> None:
    alike = [Poll(size, 400.0 + size, 2, 2, {}) for size in SIZES]
    texts = ElementTree.fromstring(chart(alike)).findall("text")
    ends = sorted(float(one.get("y") or 0) for one in texts if "process" in (one.text or ""))
    assert len(ends) == len(SIZES)
    assert all(b - a >= 14.9 for a, b in itertools.pairwise(ends))
    assert chart([]) == ""


# around it


def test_the_plans_keep_their_time() -> None:
    assert FULL.seconds <= 240
    assert QUICK.seconds <= 40


def test_progress_grows_and_never_passes_the_whole() -> None:
    heard: list[Any] = []
    clock = Clock(TaskContext(heard.append), 100.0)
    clock.say("one", 60.0)
    clock.say("two", 36.0)
    clock.went()
    done = [one.done for one in heard if isinstance(one, Progress) and one.total]
    assert done == sorted(done)
    assert done[0] == pytest.approx(WORLD, abs=0.5)
    assert done[-1] <= 100.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--agent", "/no/such.pyz"), "no file /no/such.pyz"),
        (("--output", "/no/such/report.html"), "No report can be written"),
        (("--output", "/tmp"), "No report can be written"),
    ],
)
def test_bad_input_is_refused_at_once(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "monitoring", *words]) != 0
    assert message in capsys.readouterr().err


def test_the_report_is_written_where_it_was_wanted(tmp_path: Path) -> None:
    report.write(bench(), tmp_path / "report.html")
    assert "What monitoring costs" in (tmp_path / "report.html").read_text()
