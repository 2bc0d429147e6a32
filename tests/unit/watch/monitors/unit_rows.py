"""What systemd answers to ListUnitsByNames."""

import struct

from backend.system.watch import bus


def body(texts: tuple[str, ...]) -> bytes:
    """Return the answer's body with one row, of which the first seven texts matter."""
    row = b""
    for one in texts:
        row += b"\0" * (-len(row) % 4) + bus.text(one)
    row += b"\0" * (-len(row) % 4) + struct.pack("<I", 0)
    for one in ("", "/"):
        row += b"\0" * (-len(row) % 4) + bus.text(one)
    return struct.pack("<II", len(row), 0) + row
