"""The display of an environment, and its cookies for another host name."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput, Refused
from backend.system.x_display import Display, for_any_host

COOKIE = bytes(range(16))


def entry(family: int, address: bytes, number: bytes, cookie: bytes = COOKIE) -> bytes:
    parts = (address, number, b"MIT-MAGIC-COOKIE-1", cookie)
    packed = b"".join(struct.pack(">H", len(one)) + one for one in parts)
    return struct.pack(">H", family) + packed


def test_cookies_of_the_display_count_under_every_host_name() -> None:
    content = (
        entry(256, b"desk", b"0")
        + entry(256, b"desk", b"10", b"other")
        + entry(0, b"\x7f\0\0\1", b"")
    )
    assert for_any_host(content, 0) == entry(0xFFFF, b"", b"0") + entry(0xFFFF, b"", b"")
    assert for_any_host(content, 10) == entry(0xFFFF, b"", b"10", b"other") + entry(
        0xFFFF, b"", b""
    )


def test_a_damaged_file_gives_what_is_whole() -> None:
    whole = entry(256, b"desk", b"0")
    for length in range(len(whole)):
        assert for_any_host(whole + whole[:length], 0) == entry(0xFFFF, b"", b"0")


@given(st.binary(max_size=200), st.integers(0, 99))
def test_rubbish_never_crashes(content: bytes, number: int) -> None:
    assert len(for_any_host(content, number)) <= len(content) + 8


@pytest.mark.parametrize(
    ("name", "number", "host"),
    [
        (":0", 0, ""), (":1.0", 1, ""), ("unix:7", 7, ""), ("localhost:10.0", 10, "localhost"),
        ("[::1]:2", 2, "::1"), ("desk.lan:0", 0, "desk.lan"),
    ],
)  # fmt: skip
def test_names_of_displays(name: str, number: int, host: str, tmp_path: Path) -> None:
    file = tmp_path / "authority"
    file.write_bytes(entry(256, b"desk", str(number).encode()))
    found = Display.of({"DISPLAY": name, "XAUTHORITY": str(file)})
    assert (found.number, found.host, found.name) == (number, host, f":{number}")
    assert COOKIE in found.authority
    assert "authority" not in repr(found)


@pytest.mark.parametrize(
    "name", ["0", "a b:0", ":0;x", ":", "/tmp/x:0", ":999999", ":60000", "x\n:0"]
)
def test_no_display_and_no_name_of_one(name: str) -> None:
    with pytest.raises(Refused, match="DISPLAY is not set"):
        Display.of({})
    with pytest.raises(InvalidInput):
        Display.of({"DISPLAY": name})


def test_an_x_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="X59535"), Display(59535).socket(tmp_path):
        pass
