"""Frames for the tests of the MAC collection, made byte by byte (not with the parser's own code)."""

import struct

DISCOVER = (53, b"\x01")


def option(code: int, value: bytes) -> bytes:
    """Return one option."""
    return bytes((code, len(value))) + value


def bootp(
    mac: bytes,
    *options: tuple[int, bytes],
    xid: int = 0x12345678,
    op: int = 1,
    secs: int = 0,
    raw_options: bytes | None = None,
    sname: bytes = b"",
    file: bytes = b"",
    giaddr: bytes = bytes(4),
    hardware: tuple[int, int] = (1, 6),
    cookie: bytes = b"\x63\x82\x53\x63",
) -> bytes:
    """Return a BOOTP message."""
    head = struct.pack("!4BIHH", op, *hardware, 0, xid, secs, 0x8000)
    head += bytes(12) + giaddr + mac.ljust(16, b"\0")
    head += sname.ljust(64, b"\0") + file.ljust(128, b"\0")
    if raw_options is None:
        raw_options = b"".join(option(*one) for one in options or (DISCOVER,)) + b"\xff"
    return (head + cookie + raw_options).ljust(300, b"\0")


def packet(message: bytes, *, port: int = 67, ip_options: bytes = b"", fragment: int = 0) -> bytes:
    """Return an IPv4 packet that carries a UDP message."""
    words = 5 + len(ip_options) // 4
    total = words * 4 + 8 + len(message)
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, total, 1, fragment, 64, 17, 0, bytes(4), b"\xff" * 4
    )  # fmt: skip
    return head + ip_options + struct.pack("!4H", 68, port, 8 + len(message), 0) + message


def ethernet(content: bytes, mac: bytes, vlans: tuple[int, ...] = ()) -> bytes:
    """Return a broadcast frame, with a tag for each VLAN."""
    tags = b"".join(struct.pack("!HH", 0x8100, vlan) for vlan in vlans)
    return b"\xff" * 6 + mac + tags + b"\x08\x00" + content


def frame(
    mac: bytes,
    *options: tuple[int, bytes],
    port: int = 67,
    vlans: tuple[int, ...] = (),
    **fields: object,
) -> bytes:
    """Return a whole frame of a request."""
    return ethernet(packet(bootp(mac, *options, **fields), port=port), mac, vlans)  # type: ignore[arg-type]
