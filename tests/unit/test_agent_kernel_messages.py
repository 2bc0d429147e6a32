"""What the agent says to the kernel, as bytes; what it hears is parsed whatever it is."""

import errno
import struct
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.system.agent import netlink, process, ruleset, watchdog
from backend.system.agent.addresses import Renewer
from backend.system.agent.arp import Confirmation, Sighting, filter_for, frame, understood

VIPS = [b"\x0a\x4d\x00\x0a", b"\xc0\x00\x02\x0a"]
OURS, THEIRS = bytes.fromhex("021000000001"), bytes.fromhex("021000000002")
NOBODY = bytes(6)


def test_attributes_are_padded_and_read_back():
    data = netlink.text(1, "eth0") + netlink.number(2, 7) + netlink.nested(3, netlink.number(4, 9))
    assert len(data) % 4 == 0
    found = netlink.attributes(data)
    assert found[1] == b"eth0\0"
    assert found[2] == b"\0\0\0\x07"
    assert netlink.attributes(found[3]) == {4: b"\0\0\0\x09"}


def test_a_negative_priority_is_a_32_bit_number():
    assert netlink.number(2, -300)[4:] == struct.pack("!i", -300)


@given(st.binary(max_size=300))
def test_whatever_arrives_is_parsed_or_ignored(data):
    for one in netlink.messages(data):
        netlink.attributes(one.body)
        list(netlink.listed(one.body))
        said = netlink.verdict(one)
        assert isinstance(said.code, int)
    understood(data, "eth0", VIPS, {OURS})


def test_a_refusal_is_a_sentence_with_the_kernels_words():
    words = netlink.attribute(1, b"Device is missing\0")
    body = struct.pack("=i", -errno.ENODEV) + bytes(16) + words
    said = netlink.verdict(netlink.Message(netlink.ERROR, 0x100 | 0x200, 5, body))
    assert said == (5, errno.ENODEV, "Device is missing")
    problem = netlink.refused(said.code, said.words, "watch eth9")
    assert str(problem) == "The kernel refused: watch eth9 (No such device; Device is missing)."
    assert problem.errno == errno.ENODEV
    assert "CAP_NET_ADMIN" in str(netlink.refused(errno.EPERM, "", "open the gate"))


@pytest.mark.parametrize("word", ["", "10.0.0", "10.0.0.256", "ten", "10.0.0.1 x", "::1"])
def test_what_is_no_address_is_refused(word):
    with pytest.raises(ValueError, match="is not an IPv4 address"):
        netlink.four_bytes(word)


def test_a_batch_is_framed_numbered_and_asks_for_one_answer():
    parts = [
        ruleset.elements(ruleset.NEW_ELEMENT, family, ["10.0.0.1"], 285)
        for family in ruleset.FAMILIES
    ]
    found = list(netlink.messages(ruleset.batch(parts)))
    assert [one.kind for one in found] == [16, *[10 << 8 | 12] * 3, 17]
    assert [one.sequence for one in found[1:-1]] == [1, 2, 3]
    assert [bool(one.flags & netlink.ACK) for one in found] == [False, False, False, True, False]
    assert [one.body[0] for one in found[1:-1]] == [1, 3, 5]  # inet, arp, netdev
    element = next(netlink.listed(netlink.attributes(found[1].body[4:])[ruleset.ELEMENTS]))
    values = netlink.attributes(element)
    assert struct.unpack("!Q", values[ruleset.TIMEOUT]) == (60_000,)  # fixed: see ruleset.py
    assert struct.unpack("!Q", values[ruleset.EXPIRATION]) == (285,)


def test_the_whole_gate_is_loaded_closed_and_never_touches_forward_or_ingress():
    parts = ruleset.tables(["eth0", "eth1"], ["10.0.0.1"], 0, 0)
    assert sum(part.kind == ruleset.NEW_TABLE for part in parts) == 3
    filled = [part for part in parts if part.kind == ruleset.NEW_ELEMENT]
    assert all(netlink.attributes(part.body)[2] == b"vips\0" for part in filled)
    hooks = []
    for part in parts:
        if part.kind == ruleset.NEW_CHAIN:
            hook = netlink.attributes(netlink.attributes(part.body)[4])
            hooks.append((part.family, struct.unpack("!I", hook[1])[0], hook.get(3)))
    local_in, local_out, arp_in, arp_out, egress = 1, 3, 0, 1, 1
    assert hooks == [
        (ruleset.INET, local_in, None), (ruleset.INET, local_out, None),
        (ruleset.ARP, arp_in, None), (ruleset.ARP, arp_out, None),
        (ruleset.NETDEV, egress, b"eth0\0"), (ruleset.NETDEV, egress, b"eth1\0"),
    ]  # fmt: skip
    open_ones = ruleset.tables(["eth0"], ["10.0.0.1"], 100, 0)
    assert sum(netlink.attributes(one.body).get(2) == b"alive\0" for one in open_ones
               if one.kind == ruleset.NEW_ELEMENT) == 3  # fmt: skip


def test_arp_frames_say_what_they_mean():
    question = frame(1, OURS, VIPS[0], NOBODY, VIPS[0])
    assert question.hex() == (
        "ffffffffffff02100000000108060001080006040001"
        "0210000000010a4d000a0000000000000a4d000a"
    )  # fmt: skip
    assert understood(question, "eth0", VIPS, {OURS}) is None
    assert understood(question, "eth0", VIPS, {THEIRS}) == Sighting(
        "eth0", "10.77.0.10", "02:10:00:00:00:01"
    )


def test_an_answer_to_us_confirms_and_one_to_somebody_else_does_not():
    witness = b"\x0a\x4d\x00\x65"
    answer = frame(2, THEIRS, witness, OURS, VIPS[0])
    assert understood(answer, "eth0", VIPS, {OURS}) == Confirmation(
        "eth0", "10.77.0.10", "10.77.0.101"
    )
    for other in (frame(2, THEIRS, witness, THEIRS, VIPS[0]), frame(1, THEIRS, witness, OURS, VIPS[0]),
                  frame(2, THEIRS, witness, OURS, witness), answer[:-1]):  # fmt: skip
        assert understood(other, "eth0", VIPS, {OURS}) is None


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_kernels_filter_lets_exactly_those_frames_through(count):
    vips = [struct.pack("!I", 0x0A4D0000 + n) for n in range(count)]
    stranger = b"\x0a\x4d\xff\xff"
    program = filter_for(vips)
    for one in (vips[0], vips[-1]):
        assert taken(program, frame(1, THEIRS, one, NOBODY, stranger))
        assert taken(program, frame(2, THEIRS, stranger, OURS, one))
        assert not taken(program, frame(1, THEIRS, stranger, NOBODY, one))
    assert not taken(program, frame(2, THEIRS, stranger, OURS, stranger))
    other = bytearray(frame(1, THEIRS, vips[0], NOBODY, stranger))
    other[12:14] = b"\x08\x00"
    assert not taken(program, bytes(other))


def taken(program: bytes, data: bytes) -> int:
    """Run a filter as the kernel does."""
    steps = [struct.unpack_from("=HBBI", program, place) for place in range(0, len(program), 8)]
    place, value = 0, 0
    while True:
        code, yes, no, number = steps[place]
        place += 1
        if code == 0x28:
            value = int.from_bytes(data[number : number + 2], "big")
        elif code == 0x20:
            value = int.from_bytes(data[number : number + 4], "big")
        elif code == 0x15:
            place += yes if value == number else no
        else:
            return number


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", (0x80045705, 0xC0045706, 0x80285700)), ("aarch64", (0x80045705, 0xC0045706, 0x80285700)),
     ("ppc64le", (0x40045705, 0xC0045706, 0x40285700))],
)  # fmt: skip
def test_watchdog_numbers_are_those_of_the_header(machine, expected):
    read, write = 2, 1
    keep_alive = watchdog.ioctl_number(read, 5, 4, machine)
    set_timeout = watchdog.ioctl_number(read | write, 6, 4, machine)
    assert (keep_alive, set_timeout, watchdog.ioctl_number(read, 0, 40, machine)) == expected


def test_a_missing_watchdog_is_a_sentence(tmp_path):
    with pytest.raises(netlink.KernelError, match="cannot be opened: No such file"):
        watchdog.Watchdog(str(tmp_path / "watchdog"), 10)
    with pytest.raises(netlink.KernelError, match="cannot be set to 10 s"):
        watchdog.Watchdog("/dev/null", 10)
    assert watchdog.NoWatchdog().disarm()


def test_the_clock_is_the_one_that_goes_on_in_suspend():
    before = process.boottime_us()
    assert before <= process.boottime_us() < before + 60_000_000
    assert process.jiffy_us() in (1_000, 3_333, 4_000, 10_000)


def test_systemds_wish_is_read(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    assert process.watchdog_us() == 3_000_000
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert process.watchdog_us() == 0
    monkeypatch.setenv("WATCHDOG_USEC", "soon")
    assert process.watchdog_us() == 0
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert process.notify("READY=1") is False


class Addresses:
    """Fails as often as told, then works."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = failures
        self.renewed = threading.Event()
        self.wanted = True
        self.when_wanted: Callable[[], None] = lambda: None

    def renew(self) -> bool:
        if self.failures:
            raise OSError(self.failures.pop(0))
        self.renewed.set()
        return True


def test_a_failure_to_renew_is_told_once_and_renewing_goes_on():
    fake = Addresses(["no such interface"] * 5 + ["not permitted"] * 3)
    told: list[str] = []
    renewer = Renewer(fake, told.append, every=0.001)
    renewer.start()
    assert fake.renewed.wait(5)
    renewer.stop()
    assert told == ["no such interface", "not permitted"]


def test_addresses_are_renewed_when_told_and_in_time_when_nobody_tells():
    fake = Addresses([])
    slow, quick = Renewer(fake, pytest.fail, every=60.0), Renewer(fake, pytest.fail, every=0.001)
    slow.start()
    try:
        assert not fake.renewed.wait(0.05)
        slow.nudge()
        assert fake.renewed.wait(5)
        fake.renewed.clear()
        quick.start()
        assert fake.renewed.wait(5)
    finally:
        slow.stop()
        quick.stop()


def test_nothing_is_renewed_before_the_addresses_are_wanted():
    fake = Addresses([])
    fake.wanted = False
    renewer = Renewer(fake, pytest.fail, every=0.001)
    renewer.start()
    try:
        assert not fake.renewed.wait(0.05)
        fake.wanted = True
        fake.when_wanted()
        assert fake.renewed.wait(5)
    finally:
        renewer.stop()
