"""DNS, NTP, DHCP, D-Bus and ICMP messages: right ones, and anything else."""

import contextlib
import os
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.system.watch import bus, icmp
from backend.system.watch.snmp import Reading, Wanted, _take
from backend.system.watch.units import Unit, parse
from backend.watch.monitors import dhcp_message, dns_message, ntp_message
from backend.watch.monitors.snmp_tables import TABLES, judge
from backend.watch.monitors.web import Wanted as Page
from backend.watch.monitors.web import judge as judge_page
from backend.watch.results import Outcome
from tests.unit.watch.monitors import unit_rows

ASKED = dns_message.Question(4711, "head1.example.org", "A")


def dns_reply(
    flags: int = 0x8180, address: bytes = b"\x0a\0\0\1", name: bytes = b"\xc0\x0c"
) -> bytes:
    question = dns_message.encode(ASKED)
    head = struct.pack("!6H", 4711, flags, 1, 1 if address else 0, 0, 0)
    record = name + struct.pack("!HHIH", 1, 1, 60, 4) + address if address else b""
    return head + question[12:] + record


def test_a_dns_answer() -> None:
    answer = dns_message.decode(dns_reply(), ASKED)
    assert answer == dns_message.Answer(0, False, 1, ("10.0.0.1",))
    assert dns_message.complaint(answer, ASKED, "", strict=True) == ""
    assert "should have" in dns_message.complaint(answer, ASKED, "10.0.0.2", strict=True)


@pytest.mark.parametrize(
    ("flags", "why"), [(0x8182, "SERVFAIL"), (0x8185, "REFUSED"), (0x8183, "it knows no"), (0x8180, "no A record")]
)  # fmt: skip
def test_dns_answers_that_are_failures(flags: int, why: str) -> None:
    answer = dns_message.decode(dns_reply(flags, b""), ASKED)
    assert answer is not None
    assert why in dns_message.complaint(answer, ASKED, "", strict=True)


def test_a_name_that_points_at_itself_is_no_answer() -> None:
    assert dns_message.decode(dns_reply(name=b"\xc0\x2f"), ASKED) is None


def test_answers_to_other_questions_are_none() -> None:
    for other in (
        ASKED._replace(number=1),
        ASKED._replace(name="head2"),
        ASKED._replace(kind="MX"),
    ):
        assert dns_message.decode(dns_reply(), other) is None


@given(st.binary(max_size=600))
def test_no_reader_ever_raises(data: bytes) -> None:
    start = struct.pack("!6H", 4711, 0x8180, 1, 9, 0, 0)
    for one in (data, start + data, dns_reply()[: len(data)] + data):
        dns_message.decode(one, ASKED)
    ntp_message.decode(data, b"x" * 8, 0.0, 1.0)
    dhcp_message.server_of(data, 1)
    dhcp_message.server_of(dhcp_message.discover(dhcp_message.Asked(1, b"123456", b"1234"), b"123456")[:240] + data, 1)  # fmt: skip
    icmp.reply(data, 1)
    icmp.reply(data, None)
    for reader in (bus.rows, bus.fields_of):
        with contextlib.suppress(bus.Garbled):
            reader(data)
    judge_page("h", data, Page(0, b""))


def ntp_reply(nonce: bytes, came: float, left: float, head: bytes = b"\x24\x02\0\0") -> bytes:
    def stamp(moment: float) -> bytes:
        return struct.pack(
            "!II", (int(moment) + 2_208_988_800) & 0xFFFFFFFF, int(moment % 1 * 2**32)
        )

    return head + bytes(8) + b"RATE" + bytes(8) + nonce + stamp(came) + stamp(left)


@pytest.mark.parametrize("now", [1.7e9, 2.2e9])  # the second one is after the era ends in 2036
def test_an_ntp_answer_and_its_offset(now: float) -> None:
    nonce = os.urandom(8)
    found = ntp_message.decode(ntp_reply(nonce, now + 5.1, now + 5.2), nonce, now, now + 0.3)
    assert found is not None
    assert found.problem == ""
    assert found.offset == pytest.approx(5.0, abs=1e-3)
    assert found.error == pytest.approx(0.1, abs=1e-3)
    assert ntp_message.decode(ntp_reply(nonce, now, now), os.urandom(8), now, now) is None


@pytest.mark.parametrize(
    ("head", "why"), [(b"\xe4\x02\0\0", "synchronised"), (b"\x24\x10\0\0", "synchronised"), (b"\x24\0\0\0", "RATE")]
)  # fmt: skip
def test_ntp_servers_without_a_time(head: bytes, why: str) -> None:
    found = ntp_message.decode(ntp_reply(b"12345678", 1e9, 1e9, head), b"12345678", 1e9, 1e9)
    assert found is not None
    assert why in found.problem


def test_dhcp_messages() -> None:
    asked = dhcp_message.Asked(77, bytes.fromhex("525400123456"), b"\x0a\0\0\2")
    offer = bytearray(dhcp_message.inform(asked))
    assert len(offer) >= 300
    assert dhcp_message.server_of(bytes(offer), 77) is None  # a question is no answer
    offer[0] = 2
    offer[240:] = b"\0\0\x35\1\2\x36\4\x0a\0\0\1\xff"
    assert dhcp_message.server_of(bytes(offer), 77) == "10.0.0.1"
    assert dhcp_message.server_of(bytes(offer), 78) is None
    other = dhcp_message.stand_in(asked.mac)
    assert other != asked.mac
    assert other[0] & 3 == 2  # locally given, and of one machine


def test_systemd_messages() -> None:
    texts = ("ssh.service", "OpenSSH", "loaded", "active", "running", "", "/org/x")
    assert bus.rows(unit_rows.body(texts)) == [texts[:5]]
    sent = bus.message(1, 1, [(1, "o", "/x"), (8, "g", "as")], bus.texts(("a", "bcd")))
    size = struct.unpack_from("<I", sent, 12)[0]
    assert bus.fields_of(sent[16 : 16 + size]) == {1: "/x", 8: "as"}
    shown = "Id=a.service\nLoadState=loaded\nActiveState=active\nSubState=x\n\nId=b.service\nLoadState=not-found\n"
    assert parse(shown) == [
        Unit("a.service", "loaded", "active", "x"),
        Unit("b.service", "not-found", ""),
    ]


def walk(answers: list[list[tuple[tuple[int, ...], object]]]) -> dict[int, dict[int, object]]:
    wanted = Wanted("a", 1, (1, 2), (2, 100))
    last = {2: (1, 2, 2), 100: (1, 2, 100)}
    rows: dict[int, dict[int, object]] = {}
    for pairs in answers:
        if not _take(wanted, pairs, last, rows):
            break
    return rows


def test_a_table_in_pieces_and_one_that_goes_round_in_circles() -> None:
    a, b = [((1, 2, 2, 1), "x"), ((1, 2, 100, 1), 0)], [((1, 2, 2, 2), "y"), ((1, 2, 100, 2), 1)]
    end = [((1, 2, 3, 1), 1), ((1, 3), 1)]
    assert walk([a, b, end]) == {1: {2: "x", 100: 0}, 2: {2: "y", 100: 1}}
    assert walk([a, a, a]) == {1: {2: "x", 100: 0}}
    noise = random.Random(1)
    for _ in range(200):
        walk([[(tuple(noise.choices((1, 2, 100), k=noise.randrange(6))), None)] * 3] * 3)


@pytest.mark.parametrize(
    ("rows", "names", "outcome"),
    [
        ({1: {2: "sshd", 100: 0}}, (), Outcome.OK),
        ({1: {2: "sshd", 100: 0}, 2: {2: "x", 100: 1, 101: "No x"}}, (), Outcome.FAILED),
        ({1: {2: "sshd", 100: 0}, 2: {2: "x", 100: 1, 101: "No x"}}, ("sshd",), Outcome.OK),
        ({1: {2: "sshd", 100: 0}}, ("slurmd",), Outcome.UNKNOWN),
        ({}, (), Outcome.UNKNOWN),
        ({1: {2: "sshd"}}, (), Outcome.UNKNOWN),
        ({1: {2: "sshd", 100: "yes"}}, (), Outcome.UNKNOWN),
    ],
)
def test_what_a_table_says(
    rows: dict[int, dict[int, object]], names: tuple[str, ...], outcome: Outcome
) -> None:
    assert judge("head1", TABLES["netsnmp-proc.monitor"], Reading(rows), names).outcome is outcome
