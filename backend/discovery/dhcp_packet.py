"""Raw Ethernet frames into DHCP requests: pure, and never raising, whatever arrives on the wire.

Checksums are not verified: virtual cards hand over frames whose checksum was never computed.
Sources: RFC 951, 2131, 2132, 3004, 3396, 4578, 4702; https://ipxe.org/howto/dhcpd for option 175.
"""

import enum
import struct
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address
from uuid import UUID

from backend.errors import InvalidInput
from backend.model.addresses import Mac

SERVER_PORT = 67
TEXT_LIMIT = 64  # characters of one string that are kept
NUMBERS_LIMIT = 255  # entries of one list that are kept
COOKIE = b"\x63\x82\x53\x63"
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
BOOTP_HEADER = 236  # bytes before the cookie

_VISIBLE = tuple(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in range(256))


class Reject(enum.StrEnum):
    """Why a frame is no DHCP request of a machine."""

    SHORT_FRAME = "the frame ends too early"
    NOT_IPV4 = "no IPv4 packet"
    BAD_IP = "a broken IPv4 header"
    FRAGMENT = "a fragment of a bigger packet"
    NOT_TO_SERVER = "not sent to a DHCP server"
    BAD_UDP = "a broken UDP header"
    SHORT_BOOTP = "the BOOTP message ends too early"
    NOT_REQUEST = "an answer, not a request"
    NOT_ETHERNET = "from a machine without an Ethernet address"
    NOT_A_CARD = "from a group address or from all zeros"
    NO_COOKIE = "no DHCP options"
    BAD_OPTIONS = "broken DHCP options"


class MessageType(enum.IntEnum):
    """What a client says (option 53)."""

    DISCOVER = 1
    REQUEST = 3
    DECLINE = 4
    RELEASE = 7
    INFORM = 8


@dataclass(frozen=True, slots=True)
class DhcpRequest:
    """One request; strings are printable ASCII, everything else in them shows as ``\\xNN``."""

    mac: Mac  # chaddr: the machine, also behind a relay
    xid: int
    secs: int
    message: MessageType | None  # option 53; None: plain BOOTP
    vendor_class: str | None = None  # 60
    client_id: bytes | None = None  # 61
    user_class: str | None = None  # 77
    architectures: tuple[int, ...] = ()  # 93
    uuid: UUID | None = None  # 97; None also for all zeros or all ones
    ipxe: bool = False  # 175 was there
    host_name: str | None = None  # 12
    fqdn: str | None = None  # 81
    parameters: tuple[int, ...] = ()  # 55
    vlan: int | None = None  # of the innermost tag
    relay: IPv4Address | None = None  # giaddr


class _UnfitError(Exception):
    """The frame is none of ours; carries the reason to count."""

    def __init__(self, reason: Reject) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_frame(frame: bytes, rejected: Counter[Reject]) -> DhcpRequest | None:
    """Return the request in an Ethernet frame; None, with its reason counted, when there is none."""
    try:
        vlan, packet = _ethernet(frame)
        return _bootp(_udp(_ipv4(packet)), vlan)
    except _UnfitError as unfit:
        rejected[unfit.reason] += 1
        return None


def visible(raw: bytes, limit: int = TEXT_LIMIT) -> str:
    """Return bytes as printable ASCII, anything else (and the backslash) as ``\\xNN``; cut to ``limit``."""
    raw = raw.rstrip(b"\0")  # many clients end their strings as C does
    text = "".join([_VISIBLE[byte] for byte in raw[: limit + 1]])
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _ethernet(frame: bytes) -> tuple[int | None, bytes]:
    if len(frame) < 14:
        raise _UnfitError(Reject.SHORT_FRAME)
    vlan, offset = None, 12
    kind = int.from_bytes(frame[12:14], "big")
    while kind in VLAN_TAGS and offset <= 16:  # two tags at most
        if len(frame) < offset + 6:
            raise _UnfitError(Reject.SHORT_FRAME)
        vlan = int.from_bytes(frame[offset + 2 : offset + 4], "big") & 0x0FFF
        offset += 4
        kind = int.from_bytes(frame[offset : offset + 2], "big")
    if kind != 0x0800:
        raise _UnfitError(Reject.NOT_IPV4)
    return vlan, frame[offset + 2 :]


def _ipv4(packet: bytes) -> bytes:
    if len(packet) < 20:
        raise _UnfitError(Reject.SHORT_FRAME)
    if packet[0] >> 4 != 4:
        raise _UnfitError(Reject.NOT_IPV4)
    header = (packet[0] & 0x0F) * 4
    total = int.from_bytes(packet[2:4], "big")
    if header < 20 or total < header:
        raise _UnfitError(Reject.BAD_IP)
    if total > len(packet):
        raise _UnfitError(Reject.SHORT_FRAME)
    if int.from_bytes(packet[6:8], "big") & 0x3FFF:  # "more fragments", or an offset
        raise _UnfitError(Reject.FRAGMENT)
    if packet[9] != 17:
        raise _UnfitError(Reject.NOT_TO_SERVER)
    return packet[header:total]  # without the padding of short Ethernet frames


def _udp(datagram: bytes) -> bytes:
    if len(datagram) < 8:
        raise _UnfitError(Reject.BAD_UDP)
    _source, target, length, _checksum = struct.unpack_from("!4H", datagram)
    if target != SERVER_PORT:
        raise _UnfitError(Reject.NOT_TO_SERVER)
    if not 8 <= length <= len(datagram):
        raise _UnfitError(Reject.BAD_UDP)
    return datagram[8:length]


def _bootp(message: bytes, vlan: int | None) -> DhcpRequest:
    if len(message) < BOOTP_HEADER:
        raise _UnfitError(Reject.SHORT_BOOTP)
    if message[0] != 1:
        raise _UnfitError(Reject.NOT_REQUEST)
    if message[1] != 1 or message[2] != 6:
        raise _UnfitError(Reject.NOT_ETHERNET)
    if message[BOOTP_HEADER : BOOTP_HEADER + 4] != COOKIE:
        raise _UnfitError(Reject.NO_COOKIE)
    try:
        mac = Mac.from_bytes(message[28:34])
    except InvalidInput:
        raise _UnfitError(Reject.NOT_A_CARD) from None
    options = _all_options(message)
    relay = message[24:28]
    return DhcpRequest(
        mac=mac,
        xid=int.from_bytes(message[4:8], "big"),
        secs=int.from_bytes(message[8:10], "big"),
        message=_message_type(options.get(53)),
        vendor_class=_text(options.get(60)),
        client_id=_limited(options.get(61)),
        user_class=_user_class(options.get(77)),
        architectures=_architectures(options.get(93, b"")),
        uuid=_smbios_uuid(options.get(97, b"")),
        ipxe=175 in options,
        host_name=_text(options.get(12)),
        fqdn=_fqdn(options.get(81)),
        parameters=tuple(options.get(55, b"")[:NUMBERS_LIMIT]),
        vlan=vlan,
        relay=IPv4Address(relay) if any(relay) else None,
    )


def _all_options(message: bytes) -> dict[int, bytes]:
    """Collect the options; those that come in several parts are joined (RFC 3396)."""
    parts: dict[int, list[bytes]] = {}
    _collect(message[BOOTP_HEADER + 4 :], parts)
    overload = b"".join(parts.get(52, ()))  # RFC 2132 section 9.3; the areas follow in this order
    if overload and overload[0] & 1:
        _collect(message[108:BOOTP_HEADER], parts)
    if overload and overload[0] & 2:
        _collect(message[44:108], parts)
    return {code: b"".join(pieces) for code, pieces in parts.items()}


def _collect(area: bytes, parts: dict[int, list[bytes]]) -> None:
    position, end = 0, len(area)
    while position < end:
        code = area[position]
        position += 1
        if code == 255:
            return
        if code == 0:
            continue
        if position == end or position + 1 + area[position] > end:
            raise _UnfitError(Reject.BAD_OPTIONS)
        stop = position + 1 + area[position]
        parts.setdefault(code, []).append(area[position + 1 : stop])
        position = stop


def _message_type(raw: bytes | None) -> MessageType | None:
    if raw is None:
        return None
    if len(raw) != 1:
        raise _UnfitError(Reject.BAD_OPTIONS)
    try:
        return MessageType(raw[0])
    except ValueError:
        raise _UnfitError(Reject.NOT_REQUEST) from None


def _limited(raw: bytes | None) -> bytes | None:
    return None if raw is None else raw[:255]


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else visible(raw)


def _user_class(raw: bytes | None) -> str | None:
    """Read option 77: counted strings (RFC 3004), or the bare string that iPXE and others send."""
    if raw is None:
        return None
    names, position = [], 0
    while position < len(raw):
        stop = position + 1 + raw[position]
        if stop == position + 1 or stop > len(raw):
            return visible(raw)
        names.append(raw[position + 1 : stop])
        position = stop
    return visible(b", ".join(names))


def _architectures(raw: bytes) -> tuple[int, ...]:
    count = min(len(raw) // 2, NUMBERS_LIMIT)
    return struct.unpack_from(f"!{count}H", raw)


def _smbios_uuid(raw: bytes) -> UUID | None:
    """Read option 97: type 0 and the SMBIOS UUID, whose first three fields are little-endian."""
    if len(raw) != 17 or raw[0] != 0 or raw[1:] in (bytes(16), b"\xff" * 16):
        return None
    return UUID(bytes_le=raw[1:])


def _fqdn(raw: bytes | None) -> str | None:
    """Read option 81: flags, two old result codes, then the name as text or as DNS labels."""
    if raw is None or len(raw) < 4:
        return None
    name = raw[3:]
    if not raw[0] & 0x04:
        return visible(name)
    labels, position = [], 0
    while position < len(name) and name[position]:
        stop = position + 1 + name[position]
        if stop > len(name) or name[position] > 63:
            return visible(name)
        labels.append(name[position + 1 : stop])
        position = stop
    return visible(b".".join(labels))
