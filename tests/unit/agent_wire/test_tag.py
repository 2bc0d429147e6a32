"""HMAC-SHA256 by hand."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from backend.agent.tag import same, tag


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_it_is_what_the_library_computes(key: bytes, data: bytes) -> None:
    assert tag(key, data) == hmac.digest(key, data, "sha256")


def test_rfc_4231_case_2() -> None:
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert tag(b"Jefe", b"what do ya want for nothing?").hex() == wanted
    assert same(tag(b"Jefe", b"x"), tag(b"Jefe", b"x"))
    assert not same(tag(b"Jefe", b"x"), tag(b"Jefe", b"y"))
