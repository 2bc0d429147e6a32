"""The DHCP parser: what it reads, what it refuses, and that nothing on the wire makes it fail."""

import random
import time
from collections import Counter
from ipaddress import IPv4Address
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.discovery.dhcp_packet import (
    TEXT_LIMIT,
    DhcpRequest,
    MessageType,
    Reject,
    parse_frame,
    visible,
)
from tests.fakes.dhcp_frames import DISCOVER, bootp, ethernet, frame, option, packet

MAC = bytes.fromhex("525400123456")
SMBIOS = bytes(range(1, 17))


def parse(data: bytes) -> DhcpRequest:
    rejected: Counter[Reject] = Counter()
    request = parse_frame(data, rejected)
    assert request is not None, rejected
    return request


def reason(data: bytes) -> Reject:
    rejected: Counter[Reject] = Counter()
    assert parse_frame(data, rejected) is None
    assert rejected.total() == 1
    return next(iter(rejected))


def test_every_field_of_a_pxe_request():
    request = parse(
        frame(
            MAC,
            DISCOVER,
            (60, b"PXEClient:Arch:00007:UNDI:003010"),
            (61, b"\x01" + MAC),
            (77, b"iPXE"),
            (93, b"\x00\x07\x00\x09"),
            (97, b"\x00" + SMBIOS),
            (175, b"\x01\x02\x03"),
            (12, b"node7"),
            (81, b"\x00\x00\x00node7.cluster"),
            (55, b"\x01\x03\x06\x0f"),
            xid=0xCAFEBABE,
            secs=4,
            giaddr=bytes((10, 1, 0, 1)),
        )
    )
    assert request == DhcpRequest(
        mac="52:54:00:12:34:56",
        xid=0xCAFEBABE,
        secs=4,
        message=MessageType.DISCOVER,
        vendor_class="PXEClient:Arch:00007:UNDI:003010",
        client_id=b"\x01" + MAC,
        user_class="iPXE",
        architectures=(7, 9),
        uuid=UUID("04030201-0605-0807-090a-0b0c0d0e0f10"),
        ipxe=True,
        host_name="node7",
        fqdn="node7.cluster",
        parameters=(1, 3, 6, 15),
        vlan=None,
        relay=IPv4Address("10.1.0.1"),
    )


def test_the_machine_is_the_one_in_the_message_not_the_sender_of_the_frame():
    data = ethernet(packet(bootp(MAC)), b"\x00\x11\x22\x33\x44\x55")
    assert parse(data).mac == "52:54:00:12:34:56"


@pytest.mark.parametrize("vlans", [(), (7,), (100, 7)])
def test_vlan_tags(vlans):
    assert parse(frame(MAC, vlans=vlans)).vlan == (7 if vlans else None)


def test_third_vlan_tag_is_refused():
    assert reason(frame(MAC, vlans=(1, 2, 3))) is Reject.NOT_IPV4


def test_ip_options_and_ethernet_padding_are_skipped():
    content = packet(bootp(MAC), ip_options=b"\x94\x04\x00\x00")
    assert parse(ethernet(content, MAC) + bytes(30)).mac == "52:54:00:12:34:56"


def test_split_options_are_joined_in_order():
    parts = b"".join(option(60, one) for one in (b"PXECli", b"ent:", b"Arch:00000"))
    assert parse(frame(MAC, raw_options=parts + b"\xff")).vendor_class == "PXEClient:Arch:00000"


@pytest.mark.parametrize(
    ("overload", "expected"), [(1, "start-file"), (2, "start-sname"), (3, "start-file-sname")]
)
def test_overloaded_areas_are_read_file_before_sname(overload, expected):
    data = frame(
        MAC,
        (52, bytes((overload,))),
        (12, b"start"),
        file=option(12, b"-file") + b"\xff",
        sname=option(12, b"-sname") + b"\xff",
    )
    assert parse(data).host_name == expected


def test_areas_that_are_not_overloaded_are_no_options():
    data = frame(MAC, DISCOVER, file=b"\x0c\xffpxelinux.0", sname=option(12, b"server") + b"\xff")
    assert parse(data).host_name is None


def test_overload_inside_an_overloaded_area_changes_nothing():
    data = frame(
        MAC,
        (52, b"\x01"),
        file=option(52, b"\x02") + b"\xff",
        sname=option(12, b"x") + b"\xff",
    )
    assert parse(data).host_name is None


def test_plain_bootp_has_no_message_type():
    assert parse(frame(MAC, raw_options=b"\xff")).message is None


def test_missing_end_option_is_forgiven():
    assert parse(frame(MAC, raw_options=option(53, b"\x01"))).message is MessageType.DISCOVER


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"iPXE", "iPXE"),
        (b"\x04iPXE", "iPXE"),
        (b"\x03abc\x02de", "abc, de"),
        (b"\x00", ""),
        (b"\x09short", "\\x09short"),
    ],
)
def test_user_class_counted_or_bare(raw, expected):
    assert parse(frame(MAC, DISCOVER, (77, raw))).user_class == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x00\x00\x00node1.cluster", "node1.cluster"),
        (b"\x04\x00\x00\x05node1\x07cluster\x00", "node1.cluster"),
        (b"\x04\x00\x00\x05node1", "node1"),
        (b"\x04\x00\x00\xc0\x0c", "\\xc0\\x0c"),
        (b"\x00\x00\x00", None),
    ],
)
def test_fqdn_as_text_and_as_labels(raw, expected):
    assert parse(frame(MAC, DISCOVER, (81, raw))).fqdn == expected


@pytest.mark.parametrize(
    "raw", [bytes(17), b"\x00" + b"\xff" * 16, b"\x01" + SMBIOS, b"\x00" + SMBIOS[:15], b""]
)
def test_uuid_that_names_no_machine_is_none(raw):
    assert parse(frame(MAC, DISCOVER, (97, raw))).uuid is None


def test_odd_architecture_list_keeps_the_whole_numbers():
    assert parse(frame(MAC, DISCOVER, (93, b"\x00\x07\x00"))).architectures == (7,)
    assert parse(frame(MAC, DISCOVER, (93, b"\x00"))).architectures == ()


def test_strings_are_made_visible_and_cut():
    request = parse(frame(MAC, DISCOVER, (12, b"a\x1b[31m\nb\\\xe9\0\0"), (60, b"x" * 200)))
    assert request.host_name == "a\\x1b[31m\\x0ab\\x5c\\xe9"
    assert request.vendor_class == "x" * (TEXT_LIMIT - 3) + "..."


GOOD = frame(MAC)
IP, UDP, BOOTP = 14, 34, 42


def changed(offset: int, value: bytes, data: bytes = GOOD) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Reject.SHORT_FRAME),
        (GOOD[:13], Reject.SHORT_FRAME),
        (frame(MAC, vlans=(5,))[:17], Reject.SHORT_FRAME),
        (GOOD[:30], Reject.SHORT_FRAME),
        (GOOD[:-1], Reject.SHORT_FRAME),
        (changed(12, b"\x08\x06"), Reject.NOT_IPV4),
        (changed(12, b"\x86\xdd"), Reject.NOT_IPV4),
        (changed(IP, b"\x65"), Reject.NOT_IPV4),
        (changed(IP, b"\x44"), Reject.BAD_IP),
        (changed(IP + 2, b"\x00\x13"), Reject.BAD_IP),
        (changed(IP + 6, b"\x20\x00"), Reject.FRAGMENT),
        (changed(IP + 6, b"\x00\x01"), Reject.FRAGMENT),
        (changed(IP + 9, b"\x06"), Reject.NOT_TO_SERVER),
        (frame(MAC, port=68), Reject.NOT_TO_SERVER),
        (changed(IP + 2, b"\x00\x1a"), Reject.BAD_UDP),
        (changed(UDP + 4, b"\x00\x07"), Reject.BAD_UDP),
        (changed(UDP + 4, b"\xff\xff"), Reject.BAD_UDP),
        (changed(UDP + 4, b"\x00\x40"), Reject.SHORT_BOOTP),
        (frame(MAC, op=2), Reject.NOT_REQUEST),
        (frame(MAC, (53, b"\x02")), Reject.NOT_REQUEST),
        (frame(MAC, (53, b"\x63")), Reject.NOT_REQUEST),
        (frame(MAC, hardware=(32, 0)), Reject.NOT_ETHERNET),
        (frame(MAC, hardware=(1, 16)), Reject.NOT_ETHERNET),
        (frame(bytes(6)), Reject.NOT_A_CARD),
        (frame(b"\xff" * 6), Reject.NOT_A_CARD),
        (frame(b"\x01\x00\x5e\x00\x00\x01"), Reject.NOT_A_CARD),
        (frame(MAC, cookie=bytes(4)), Reject.NO_COOKIE),
        (frame(MAC, (53, b"")), Reject.BAD_OPTIONS),
        (frame(MAC, (53, b"\x01\x01")), Reject.BAD_OPTIONS),
        (ethernet(packet(bootp(MAC)[:240] + b"\x0c\x7f" + bytes(50)), MAC), Reject.BAD_OPTIONS),
        (ethernet(packet(bootp(MAC)[:240] + b"\x35\x01\x01\x0c"), MAC), Reject.BAD_OPTIONS),
    ],
)
def test_what_is_no_request_is_counted_by_reason(data, expected):
    assert reason(data) is expected


def sound(request: DhcpRequest) -> bool:
    """Whether everything in a request may be shown and kept."""
    texts = (request.vendor_class, request.user_class, request.host_name, request.fqdn)
    return all(
        text is None or (text.isascii() and text.isprintable() and len(text) <= TEXT_LIMIT)
        for text in texts
    ) and (len(request.parameters) <= 255 >= len(request.client_id or b""))


@given(st.binary(max_size=700))
def test_random_bytes_never_raise(data):
    rejected: Counter[Reject] = Counter()
    assert parse_frame(data, rejected) is None or not rejected


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=255)), max_size=6),
    st.binary(max_size=64),
    st.binary(max_size=128),
    st.binary(max_size=64),
)
def test_random_options_never_raise(options, sname, file, tail):
    raw = b"".join(option(*one) for one in options) + tail
    data = ethernet(packet(bootp(MAC, raw_options=raw, sname=sname, file=file)), MAC)
    rejected: Counter[Reject] = Counter()
    request = parse_frame(data, rejected)
    assert (request is None) == (rejected.total() == 1)
    assert request is None or sound(request)


@given(st.binary(max_size=300))
def test_visible_text_is_printable_ascii_and_short(raw):
    text = visible(raw)
    assert text.isascii()
    assert text.isprintable() or not text
    assert len(text) <= TEXT_LIMIT


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Return a frame with something wrong in it: cut, bytes changed, parts swapped or repeated."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[at:]
            case 1 if at < len(data):
                data[at] = chance.choice((0, 1, 52, 53, 97, 127, 128, 254, 255))
            case 2 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 3:
                data[at:at] = data[: chance.randrange(40)]
            case _:
                other = chance.choice(seeds)
                data[at:] = other[chance.randrange(len(other)) :]
    return bytes(data)


def test_a_hundred_thousand_malformed_packets_are_all_counted_and_none_crashes():
    chance = random.Random(20261122)
    seeds = [
        frame(MAC, DISCOVER, (60, b"PXEClient:Arch:00000:UNDI:002001"), (93, b"\0\0"), (77, b"iPXE")),
        frame(MAC, (52, b"\x03"), (81, b"\4\0\0\1a\1b\0"), file=option(12, b"x"), sname=option(97, SMBIOS)),
        frame(MAC, (55, bytes(range(1, 100))), (61, b"\xff" * 19), vlans=(3,)),
    ]  # fmt: skip
    frames = [mutated(chance, seeds) for _ in range(100_000)]
    rejected: Counter[Reject] = Counter()
    began = time.process_time()
    requests = [parse_frame(data, rejected) for data in frames]
    seconds = time.process_time() - began
    accepted = [request for request in requests if request is not None]
    assert len(accepted) + rejected.total() == 100_000
    assert len(accepted) > 1000  # the mutations reach the depth of the parser
    assert set(rejected) == set(Reject)  # and every refusal
    assert all(map(sound, accepted))
    assert seconds < 10, seconds
