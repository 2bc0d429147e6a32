"""The historical file formats and CSV: nothing is lost, nothing is guessed, rubbish is refused."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.discovery.mac_files import Entry, MacFile, MacFormat, read_macs, write_macs
from backend.discovery.machine_kind import Kind
from backend.discovery.macs import Machine
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.reports import Severity

A, B, C = (Mac(f"00:16:3e:00:00:0{n}") for n in (1, 2, 3))
NODE1, NODE2 = HostName("node001"), HostName("node002")


def read(text: str | bytes) -> MacFile:
    return read_macs(text if isinstance(text, bytes) else text.encode(), "macs.txt")


def pairs(found: MacFile) -> list[tuple[str, str | None]]:
    return [(entry.mac, entry.node) for entry in found.entries]


def rejections(found: MacFile) -> list[tuple[int, str]]:
    return [(report.place.line, report.code) for report in found.rejected]


@pytest.mark.parametrize(
    "text",
    [
        f"# Saved OSCAR MAC Addresses\n{A}\n{B}\n",
        f"# Saved OSCAR MAC Addresses; Tue Feb 15 10:00:00 2005\n{A}\n{B}\n",
        f"{A}\t# \n{B}\t#\n",
        "00:16:3E:00:00:01\n0:16:3e:0:0:2\n",
        "00-16-3e-00-00-01\n0016.3e00.0002\n",
        "00163e000001\r\n  00163e000002  \r\n\r\n",
        "00163e000001\r00163e000002\r",
        f"\ufeff{A}\n{B}",
        f"MAC\n{A}".replace("MAC\n", "mac,client\n") + f",\n{B},\n",
        f"{A},\n{B},\n",
    ],
)
def test_addresses_without_machines(text):
    found = read(text)
    assert pairs(found) == [(A, None), (B, None)]
    assert found.reports == ()


@pytest.mark.parametrize(
    "text",
    [
        f"# Saved OSCAR MAC Addresses; now\n{A}\t# node001\n{B}\t# \n",
        f"{A} # node001.cluster.example.org\n{B}\n",
        f"node001 {A}\n{B}\n",
        f"node001\t{A}   # front rack\n{B}\n",
        f"{A} node001\n{B}\n",  # /etc/ethers
        f"mac,client\n{A},node001\n{B},\n",
        f"Client;Rack;MAC address\nnode001;7;{A}\n;8;{B}\n",
        f'"node","address"\n"node001","{A}"\n"","{B}"\n',
    ],
)
def test_bindings_are_kept(text):
    found = read(text)
    assert pairs(found) == [(A, NODE1), (B, None)]
    assert found.reports == ()


def test_node_names_that_look_like_addresses():
    assert pairs(read(f"deadbeefcafe {A}\n")) == [(A, "deadbeefcafe")]


def test_utf16_of_notepad():
    assert pairs(read(f"{A}\r\n".encode("utf-16"))) == [(A, None)]


def test_comment_that_names_nobody_is_told_and_the_address_taken():
    found = read(f"{A} # spare card, left shelf\n")
    assert pairs(found) == [(A, None)]
    assert found.rejected == ()
    assert [one.code for one in found.reports] == ["macfile.comment"]


def test_old_encoding_in_a_comment():
    assert pairs(read(f"{A} # für später\n".encode("latin-1"))) == [(A, None)]


def test_every_rejected_line_has_its_number_and_reason():
    found = read(
        f"# head\n{A}\nnot-a-mac\n{A}\nff:ff:ff:ff:ff:ff\n00:00:00:00:00:00\n"
        f"one two three {B}\nbad_name! {B}\nnode001 {C}\n00:16:3e:00:00:04 # node001\n"
    )
    assert rejections(found) == [
        (3, "address.mac"),
        (4, "macfile.duplicate"),
        (5, "address.mac-group"),
        (6, "address.mac-group"),
        (7, "macfile.line"),
        (8, "name.domain"),
        (10, "macfile.second-card"),
    ]
    assert pairs(found) == [(A, None), (B, None), (C, NODE1), ("00:16:3e:00:00:04", None)]
    assert "line 2" in found.rejected[1].text
    assert all(one.severity is Severity.ERROR for one in found.rejected)


def test_broken_csv_lines_are_rejected_one_by_one():
    found = read(f'mac,client\n{A},"node001\n{B},node002\nx,\n"a"b,c\n')
    assert pairs(found) == [(B, NODE2)]
    assert rejections(found) == [(2, "macfile.line"), (4, "address.mac"), (5, "macfile.line")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01" + bytes(64),
        f"{A}\n\x00".encode(),
        f"{A}\x1b[2J\n".encode(),
        b"\x1f\x8b\x08\x00",
        b"x" * (17 << 20),
        b"\n" * 200_001,
    ],
)
def test_what_is_no_text_or_too_big_is_refused(data):
    with pytest.raises(InvalidInput) as caught:
        read(data)
    assert caught.value.reports[0].code == "macfile.unreadable"


@given(st.binary(max_size=400))
def test_hostile_files_are_read_or_refused(data):
    try:
        found = read(data)
    except InvalidInput:
        return
    for report in found.reports:
        assert report.text.isprintable(), report.text
        assert len(report.text) < 300


@given(st.text(alphabet="0123456789abcdefABCDEF:-.#,; \t\n\rnode\"'", max_size=200))
def test_every_line_with_content_becomes_an_entry_or_a_report(text):
    found = read(text)
    lines = [
        number
        for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)
        if line.partition("#")[0].strip()
    ]
    assert len(found.entries) + len({line for line, _ in rejections(found)}) >= len(lines) - 1
    assert len({entry.mac for entry in found.entries}) == len(found.entries)


macs = st.integers(1, 2**40 - 1).map(lambda n: Mac.from_bytes(b"\x02" + n.to_bytes(5, "big")))
names = st.from_regex(r"\A[A-Za-z0-9](?:[A-Za-z0-9-]{0,9}[A-Za-z0-9])?\Z").map(HostName.parse)


@st.composite
def files(draw: st.DrawFn) -> list[Entry]:
    """Return entries as a site has them: each address once, each machine once."""
    addresses = draw(st.lists(macs, max_size=5, unique=True))
    clients = draw(st.lists(names, min_size=len(addresses), max_size=len(addresses), unique=True))
    bound = draw(st.lists(st.booleans(), min_size=len(addresses), max_size=len(addresses)))
    return [
        Entry(mac, client if yes else None)
        for mac, client, yes in zip(addresses, clients, bound, strict=True)
    ]


@given(files(), st.sampled_from([MacFormat.CURRENT, MacFormat.CSV]))
def test_round_trip_with_bindings(entries, form):
    found = read(write_macs(entries, form, 1e9))
    assert list(found.entries) == entries
    assert found.reports == ()


@given(files(), st.sampled_from([MacFormat.OSCAR_2003, MacFormat.OSCAR_2005]))
def test_round_trip_of_addresses(entries, form):
    found = read(write_macs(entries, form, 1e9))
    assert [entry.mac for entry in found.entries] == [entry.mac for entry in entries]
    assert found.reports == ()


@given(files())
def test_round_trip_of_mac_info_keeps_every_bound_machine(entries):
    found = read(write_macs(entries, MacFormat.MAC_INFO, 1e9))
    assert list(found.entries) == [entry for entry in entries if entry.node is not None]


def test_what_is_written():
    entries = [Entry(A, NODE1), Entry(B)]
    moment = time.asctime(time.localtime(1e9))
    assert write_macs(entries, MacFormat.OSCAR_2003, 1e9).decode() == (
        f"# Saved OSCAR MAC Addresses\n{A}\n{B}\n"
    )
    assert write_macs(entries, MacFormat.OSCAR_2005, 1e9).decode() == (
        f"# Saved OSCAR MAC Addresses; {moment}\n{A}\n{B}\n"
    )
    assert write_macs(entries, MacFormat.CURRENT, 1e9).decode() == (
        f"# Saved OSCAR MAC Addresses; {moment}\n{A}\t# node001\n{B}\t# \n"
    )
    assert write_macs(entries, MacFormat.MAC_INFO, 1e9).decode() == f"node001 {A}\n"


def test_csv_carries_the_facts_and_no_formula():
    machine = Machine(
        A, 0.0, 60.0, 3, 2, 7, Kind.ROM, (Kind.ROM,), None, "x86 BIOS",
        host_name='=cmd|"/c calc"!A1', uuid=UUID(int=5),
    )  # fmt: skip
    text = write_macs([Entry(A, NODE1, machine)], MacFormat.CSV, 0.0).decode()
    assert text.splitlines()[1] == (
        f"{A},node001,1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,3,rom,x86 BIOS,"
        '"\'=cmd|""/c calc""!A1",00000000-0000-0000-0000-000000000005'
    )
    assert pairs(read(text)) == [(A, NODE1)]


def test_a_hundred_thousand_lines_take_seconds_at_most():
    lines = [
        f"02:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}:01\t# node{n}"
        for n in range(100_000)
    ]
    data = "\r\n".join(lines).encode()
    assert len(data) > 1 << 20
    began = time.process_time()
    found = read(data)
    assert len(found.entries) == 100_000
    assert found.entries[-1] == Entry(Mac("02:00:01:86:9f:01"), HostName("node99999"))
    assert time.process_time() - began < 5
