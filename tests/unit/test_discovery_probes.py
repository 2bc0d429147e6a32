"""ARP and DHCP frames: made right, and read without ever trusting them."""

from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.model.addresses import Mac
from backend.system.probes import arp_holder, arp_probe, dhcp_discover, dhcp_offer

OWN, OTHER = Mac("02:00:00:00:00:01"), Mac("02:00:00:00:00:02")
ASKER, TRANSACTION = b"\x02abcde", b"wxyz"
ADDRESS = IPv4Address("10.0.0.9")


def arp_reply(sender: Mac = OTHER, address: IPv4Address = ADDRESS) -> bytes:
    head = OWN.raw + sender.raw + bytes.fromhex("0806 0001 0800 06 04 0002")
    return head + sender.raw + address.packed + OWN.raw + bytes(4)


def offer(options: bytes = b"\x35\x01\x02\x36\x04\x0a\x00\x00\x07\xff") -> bytes:
    discover = bytearray(dhcp_discover(OTHER, ASKER, TRANSACTION))
    discover[34:38] = b"\0\x43\0\x44"  # from 67 to 68
    discover[26:30] = bytes((10, 0, 0, 8))
    discover[42] = 2
    discover[42 + 16 : 42 + 20] = ADDRESS.packed
    return bytes(discover[: 42 + 240]) + options


def test_a_probe_names_nobody_as_sender() -> None:
    frame = arp_probe(OWN, ADDRESS)
    assert len(frame) == 42
    assert frame[28:32] == bytes(4)  # RFC 5227: a probe must not touch anybody's cache
    assert frame[38:42] == ADDRESS.packed


def test_a_reply_and_another_ones_probe_claim_the_address() -> None:
    assert arp_holder(arp_reply(), OWN) == (ADDRESS, OTHER)
    assert arp_holder(arp_probe(OTHER, ADDRESS), OWN) == (ADDRESS, OTHER)
    assert arp_holder(arp_probe(OWN, ADDRESS), OWN) is None
    assert arp_holder(arp_reply(sender=OWN), OWN) is None


def test_the_discover_carries_what_servers_need() -> None:
    frame = dhcp_discover(OWN, ASKER, TRANSACTION)
    assert frame[:6] == b"\xff" * 6
    assert len(frame) == 14 + 20 + 8 + 300
    header = frame[14:34]
    total = sum(int.from_bytes(header[n : n + 2], "big") for n in range(0, 20, 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 791: the checksum over all is -0
    assert frame[42 + 10] == 0x80  # answer by broadcast: the card does not know the asker


def test_an_offer_is_read() -> None:
    found = dhcp_offer(offer(), ASKER, TRANSACTION)
    assert found is not None
    assert (str(found.identifier), found.mac, found.offered) == ("10.0.0.7", OTHER, ADDRESS)
    without = dhcp_offer(offer(b"\x35\x01\x02\xff"), ASKER, TRANSACTION)
    assert without is not None
    assert str(without.identifier) == "10.0.0.8"


def test_answers_to_others_and_other_messages_are_not_offers() -> None:
    assert dhcp_offer(offer(), b"\x02other", TRANSACTION) is None
    assert dhcp_offer(offer(), ASKER, b"0000") is None
    assert dhcp_offer(offer(b"\x35\x01\x05\xff"), ASKER, TRANSACTION) is None
    assert dhcp_offer(offer(b"\x35\x01\x02\x36\x02\x0a\x00\xff"), ASKER, TRANSACTION) is None
    assert dhcp_offer(dhcp_discover(OTHER, ASKER, TRANSACTION), ASKER, TRANSACTION) is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 330), st.integers(0, 400))
def test_no_frame_crashes_the_readers(noise: bytes, at: int, length: int) -> None:
    for good in (offer(), arp_reply()):
        frame = (good[:at] + noise + good[at + len(noise) :])[:length]
        dhcp_offer(frame, ASKER, TRANSACTION)
        arp_holder(frame, OWN)
    dhcp_offer(noise, ASKER, TRANSACTION)
    arp_holder(noise, OWN)
