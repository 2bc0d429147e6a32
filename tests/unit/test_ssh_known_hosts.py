"""Confirmed host keys: the file, and the judgement of a key that a host shows."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput, Refused
from backend.system.known_hosts import HostKey, KnownHosts, host_pattern
from backend.system.ssh import _blob_type, _HostKeyCheck

# A public key made for this test, and what "ssh-keygen -lf" prints for it.
REAL = "AAAAC3NzaC1lZDI1NTE5AAAAIBx2/5UJqSGhmNqQXFTdzNM5n6qGc4eL1zMDdHHq0Lvi"


def key(kind: str = "ssh-ed25519", tail: bytes = b"x" * 36) -> HostKey:
    name = kind.encode()
    return HostKey(kind, len(name).to_bytes(4, "big") + name + tail)


def test_fingerprint_is_unpadded_sha256() -> None:
    parsed = HostKey.parse("ssh-ed25519", REAL)
    assert parsed.base64 == REAL
    assert parsed.fingerprint.startswith("SHA256:")
    assert len(parsed.fingerprint) == 7 + 43
    assert not parsed.fingerprint.endswith("=")


def test_add_find_forget(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "state" / "known_hosts")
    assert known.keys("head", 22) == ()
    known.add("head", 22, key())
    known.add("head", 2222, key(tail=b"y" * 36))
    known.add("head", 22, key())
    assert known.keys("head", 22) == (key(),)
    assert known.keys("head", 2222) == (key(tail=b"y" * 36),)
    assert known.path.stat().st_mode & 0o777 == 0o600
    assert known.path.parent.stat().st_mode & 0o777 == 0o700
    assert len(known.path.read_text().splitlines()) == 2
    assert known.forget("head", 22) == 1
    assert known.forget("head", 22) == 0
    assert known.keys("head", 2222) != ()


def test_names_with_ports() -> None:
    assert host_pattern("10.0.0.9", 22) == "10.0.0.9"
    assert host_pattern("10.0.0.9", 2022) == "[10.0.0.9]:2022"


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        ("ssh-ed25519", "!!!"),
        ("ssh-ed25519", ""),
        ("ssh-rsa", REAL),
        ("ssh-ed25519", base64.b64encode(b"\0\0\0\x0bssh-ed25519").decode()),
        ("a b", REAL),
    ],
)
def test_what_is_no_key_is_refused(kind: str, encoded: str) -> None:
    with pytest.raises(InvalidInput):
        HostKey.parse(kind, encoded)


def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"# comment\n\nhead ssh-ed25519 {REAL}\nhead ssh-ed25519\n")
    with pytest.raises(InvalidInput) as caught:
        KnownHosts(path).keys("head", 22)
    place = caught.value.reports[0].place
    assert place is not None
    assert place.line == 4


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random_hosts"
    path.write_bytes(content)
    try:
        found = KnownHosts(path).keys("head", 22)
    except InvalidInput:
        found = ()
    assert found == ()


class Asked:
    """Decides as told and remembers the question."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.keys: list[HostKey] = []

    def __call__(self, _host: str, shown: HostKey) -> bool:
        self.keys.append(shown)
        return self.answer


def test_an_unknown_key_is_remembered_only_after_a_yes(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "known_hosts")
    no = Asked(False)
    with pytest.raises(Refused, match="not confirmed"):
        _HostKeyCheck("head", 22, known, no).check(key())
    assert known.keys("head", 22) == ()
    yes = Asked(True)
    _HostKeyCheck("head", 22, known, yes).check(key())
    _HostKeyCheck("head", 22, known, yes).check(key())
    assert no.keys == yes.keys == [key()]


@pytest.mark.parametrize("other", [key(tail=b"z" * 36), key("ssh-rsa")])
def test_another_key_is_refused_unasked_also_of_another_type(
    tmp_path: Path, other: HostKey
) -> None:
    known = KnownHosts(tmp_path / "known_hosts")
    known.add("head", 22, key())
    asked = Asked(True)
    with pytest.raises(Refused) as caught:
        _HostKeyCheck("head", 22, known, asked).check(other)
    assert asked.keys == []
    assert other.fingerprint in str(caught.value)
    assert key().fingerprint in str(caught.value)
    assert str(known.path) in str(caught.value)


def test_rsa_keys_sign_in_three_ways() -> None:
    assert {_blob_type(n) for n in ("rsa-sha2-256", "rsa-sha2-512", "ssh-rsa")} == {"ssh-rsa"}
    assert _blob_type("ssh-ed25519") == "ssh-ed25519"
