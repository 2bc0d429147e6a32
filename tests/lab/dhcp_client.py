"""Sends one crafted DHCP DISCOVER from a raw socket and prints the OFFER as JSON, or null.

usage: dhcp_client.py INTERFACE MAC SECONDS OPTIONS   (OPTIONS: JSON, option code to hexadecimal)
"""

import contextlib
import ipaddress
import json
import os
import socket
import struct
import sys
import time

COOKIE = b"\x63\x82\x53\x63"


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def discover(mac: bytes, transaction: bytes, options: dict[int, bytes]) -> bytes:
    fixed = struct.pack(
        "!BBBB4sHH16s16s64s128s", 1, 1, 6, 0, transaction, 0, 0x8000, b"", mac, b"", b""
    )
    body = b"".join(bytes((code, len(value))) + value for code, value in options.items())
    dhcp = fixed + COOKIE + b"\x35\x01\x01" + body + b"\xff"
    dhcp = dhcp.ljust(300, b"\0")
    udp = struct.pack("!HHHH", 68, 67, 8 + len(dhcp), 0) + dhcp
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\0" * 4, b"\xff" * 4
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\xff" * 6 + mac + b"\x08\x00" + head + udp


def answer(frame: bytes, transaction: bytes) -> dict[str, object] | None:
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    udp = 14 + (frame[14] & 15) * 4
    bootp = frame[udp + 8 :]
    if frame[udp : udp + 4] != struct.pack("!HH", 67, 68) or bootp[4:8] != transaction:
        return None
    options: dict[int, str] = {}
    rest = bootp[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        options[rest[0]] = rest[2 : 2 + rest[1]].hex()
        rest = rest[2 + rest[1] :]
    return {
        "type": options.get(53),
        "address": str(ipaddress.IPv4Address(bootp[16:20])),
        "next_server": str(ipaddress.IPv4Address(bootp[20:24])),
        "file": bootp[108:236].rstrip(b"\0").decode("latin-1"),
        "options": options,
    }


def main() -> None:
    interface, mac, seconds = (
        sys.argv[1],
        bytes.fromhex(sys.argv[2].replace(":", "")),
        float(sys.argv[3]),
    )
    options = {int(code): bytes.fromhex(value) for code, value in json.loads(sys.argv[4]).items()}
    transaction = os.urandom(4)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind((interface, 0))
        wire.settimeout(0.1)
        deadline, again = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < deadline:
            if now >= again:
                wire.send(discover(mac, transaction, options))
                again = now + 0.2
            with contextlib.suppress(TimeoutError):
                found = answer(wire.recv(2000), transaction)
                if found is not None:
                    sys.stdout.write(json.dumps(found) + "\n")
                    return
    sys.stdout.write("null\n")


if __name__ == "__main__":
    main()
