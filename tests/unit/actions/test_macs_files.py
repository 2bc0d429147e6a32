"""Import and export as actions: the historical formats, bad files, and that nothing is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.actions.macs_files import MOST_LINES, ImportMacs, export_live, limited
from backend.change.records import ChangeRecord
from backend.discovery.mac_files import MacFormat
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.netboot.dhcp import INCLUDE
from backend.reports import error
from backend.system import packets
from backend.tasks import TaskContext
from tests.fakes.mac_head import OWN, ROM, SITE, A, B, C, D, MacHead, request, write_site
from tests.fakes.persons import NOBODY


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MacHead:
    monkeypatch.setattr(packets, "own_cards", lambda: frozenset([OWN]))
    return MacHead(tmp_path / "root")


def prepare(head: MacHead, file: Path, *, dynamic: bool = True):  # type: ignore[no-untyped-def]
    return ImportMacs(head.wiring, head.live, file, dynamic).prepare(TaskContext(), NOBODY)


def take(head: MacHead, file: Path) -> ChangeRecord | None:
    prepared = prepare(head, file)
    record: ChangeRecord | None = prepared.run(TaskContext())
    return record


@pytest.mark.parametrize(
    ("form", "name", "bound"),
    [
        (None, "mac-addresses", True), (None, "macs.csv", True), ("csv", "macs.txt", True),
        (MacFormat.OSCAR_2003, "macs", False), (MacFormat.OSCAR_2005, "macs", False),
        (MacFormat.CURRENT, "macs", True), (MacFormat.MAC_INFO, "MAC.info", True),
    ],
)  # fmt: skip
def test_every_format_survives_the_way_out_and_in(
    head: MacHead, tmp_path: Path, form: str | None, name: str, bound: bool
) -> None:
    head.assigned(None, C)
    head.live.open(head.site)
    head.hear(request(A, *ROM))
    file = tmp_path / name
    said = export_live(head.wiring, head.live, file, form)
    assert said.code == ("macs.left-out" if form == MacFormat.MAC_INFO else "macs.exported")
    head.live.remove((A, C))
    write_site(head.paths, replace(SITE, nodes=(replace(SITE.nodes[0], mac=None),)))
    take(head, file)
    assert head.cards == ([None, C] if bound else [None, None])
    assert head.site.nodes[0].mac == (B if bound else None)
    expected = [] if form == MacFormat.MAC_INFO else [A] if bound else [A, C, B]
    assert sorted(head.listed) == sorted(expected)


def test_nobody_is_asked_when_only_the_list_grows(head: MacHead, tmp_path: Path) -> None:
    file = tmp_path / "macs"
    file.write_text(f"{A}\n{C}\n")
    prepared = prepare(head, file)
    assert prepared.idle
    assert head.listed == []
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence == "2 addresses: 0 with their machines, 2 for the list."
    assert outcome.undo == ""
    assert head.listed == [A, C]


def test_bindings_are_a_change_of_the_site_that_can_be_undone(
    head: MacHead, tmp_path: Path
) -> None:
    file = tmp_path / "macs"
    file.write_text(f"standby2 {A}\n")
    prepared = prepare(head, file)
    assert not prepared.idle
    assert [group.title for group in prepared.groups] == ["The list of MAC addresses", "The site"]
    record = prepared.run(TaskContext())
    assert head.cards == [None, A]
    assert not head.paths.at(INCLUDE).exists()  # it was not configured before
    head.wiring.journal().undo(prepared.tell(record).undo, TaskContext())
    assert head.cards == [None, None]


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_dhcp_server_that_was_configured_learns_it(
    head: MacHead, tmp_path: Path, dynamic: bool
) -> None:
    include = head.paths.at(INCLUDE)
    include.parent.mkdir(parents=True)
    include.write_text("# ours\n")
    file = tmp_path / "macs"
    file.write_text(f"standby2 {A}\n")
    prepare(head, file, dynamic=dynamic).run(TaskContext())
    assert (A in include.read_text()) is dynamic


@pytest.mark.parametrize(
    "content",
    [
        b"52-54-00-00-00-01\r\n52-54-00-00-00-03\r\n",
        b"\xef\xbb\xbf52:54:00:00:00:01\r52:54:00:00:00:03",
        "52:54:00:00:00:01\n525400000003\n".encode("utf-16"),
        b"# Saved OSCAR MAC Addresses; Mon Jan  5 10:00:00 2026\n5254.0000.0001\t# \n52:54:0:0:0:3\n",
    ],
    ids=["hyphens and Windows line ends", "byte order mark", "UTF-16", "dots and one digit"],
)
def test_unusual_files_are_read(head: MacHead, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "macs"
    file.write_bytes(content)
    take(head, file)
    assert head.listed == [A, C]


def test_lines_that_are_left_out_are_listed_with_their_reason_before_anything_is_taken(
    head: MacHead, tmp_path: Path
) -> None:
    file = tmp_path / "macs"
    file.write_text(f"{A}\nrubbish\n{A}\n01:00:5e:00:00:01\n{B} # standby1\n")
    prepared = prepare(head, file)
    assert not prepared.idle
    assert prepared.sentence.endswith("Lines left out: 3.")
    left = prepared.groups[-1]
    assert left.title == "Left out"
    assert [one.sentence.partition(": ")[0] for one in left.changes] == [
        "macs:2", "macs:3", "macs:4", "macs",
    ]  # fmt: skip
    assert "is not a MAC address" in left.changes[0].sentence
    assert f"{A} is in line 1 too" in left.changes[1].sentence
    assert "compute node node1" in left.changes[3].sentence
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert len(outcome.details) == 4
    assert head.listed == [A]
    assert head.cards == [None, None]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x7fELF\0\1\2", "macfile.unreadable"), (bytes(range(256)) * 400, "macfile.unreadable"),
        (b"x" * ((16 << 20) + 1), "macfile.unreadable"), (b"rubbish\n" * 300, "macs.nothing-imported"),
        (b"\n" * 200_001, "macfile.unreadable"),
    ],
    ids=["ELF", "all bytes", "too big", "no address", "too many lines"],
)  # fmt: skip
def test_rubbish_is_refused_with_the_reason_and_nothing_is_lost(
    head: MacHead, tmp_path: Path, content: bytes, code: str
) -> None:
    head.hear(request(D, *ROM))
    before = head.paths.site_file.read_bytes()
    file = tmp_path / "macs"
    file.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        prepare(head, file)
    assert caught.value.reports[0].code == code
    assert len(caught.value.reports) <= 12  # they are shown one below the other
    assert head.listed == [D]
    assert head.paths.site_file.read_bytes() == before


def test_a_file_that_cannot_be_read_or_written_is_said(head: MacHead, tmp_path: Path) -> None:
    for action in (
        lambda: prepare(head, tmp_path / "nothere"),
        lambda: prepare(head, tmp_path),
        lambda: export_live(head.wiring, head.live, tmp_path / "no" / "file", None),
    ):
        with pytest.raises(InvalidInput) as caught:
            action()
        assert caught.value.reports[0].code == "macs.file"


def test_a_hundred_thousand_lines(head: MacHead, tmp_path: Path) -> None:
    macs = [Mac.from_bytes(bytes((2, 0)) + number.to_bytes(4, "big")) for number in range(60_000)]
    lines = [str(one) for one in macs] + [f"line {number} is wrong" for number in range(40_000)]
    file = tmp_path / "macs"
    file.write_text("\n".join(lines))
    prepared = prepare(head, file)
    assert prepared.sentence.endswith("Lines left out: 40000.")
    left = prepared.groups[-1].changes
    assert len(left) == MOST_LINES + 1
    assert left[-1].sentence.startswith("macs:65001: 35000 more of this kind")
    prepared.run(TaskContext())
    assert head.listed == macs


def test_without_a_site_addresses_are_taken_and_it_is_said(tmp_path: Path) -> None:
    head = MacHead(tmp_path / "root", None)
    file = tmp_path / "macs"
    file.write_text(f"standby1 {A}\n")
    prepared = prepare(head, file)
    assert "taken without their machines" in prepared.groups[-1].changes[0].sentence
    prepared.run(TaskContext())
    assert head.listed == [A]


def test_what_is_more_than_can_be_shown_is_counted_by_kind() -> None:
    reports = [error("one" if n % 2 else "two", f"line {n}") for n in range(10)]
    assert limited(reports, 10) == tuple(reports)
    short = limited(reports, 4)
    assert [one.text for one in short[4:]] == [
        "3 more of this kind: line 4", "3 more of this kind: line 5",
    ]  # fmt: skip
