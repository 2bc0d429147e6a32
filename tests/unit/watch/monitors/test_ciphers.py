"""pysnmp finds AES with any version of cryptography."""

import sys
import types

import pytest

from backend.system.watch import ciphers

OLDER = ciphers.OLDER


def without_the_recent(monkeypatch: pytest.MonkeyPatch, older: types.ModuleType | None) -> None:
    monkeypatch.setitem(sys.modules, ciphers.EXPECTED, None)  # importing it raises ImportError
    monkeypatch.setitem(sys.modules, OLDER, older)


def test_the_recent_one_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = types.ModuleType(ciphers.EXPECTED)
    monkeypatch.setitem(sys.modules, ciphers.EXPECTED, recent)
    assert ciphers.ready()
    assert sys.modules[ciphers.EXPECTED] is recent


def test_the_mode_of_an_older_one_is_given_to_pysnmp(monkeypatch: pytest.MonkeyPatch) -> None:
    older = types.ModuleType(OLDER)
    older.CFB = object()  # type: ignore[attr-defined]
    without_the_recent(monkeypatch, older)
    assert ciphers.ready()
    assert sys.modules[ciphers.EXPECTED].CFB is older.CFB  # type: ignore[attr-defined]
    assert ciphers.ready()


@pytest.mark.parametrize("older", [None, types.ModuleType(OLDER)], ids=["none", "without-the-mode"])
def test_without_any_it_says_so(monkeypatch: pytest.MonkeyPatch, older: types.ModuleType) -> None:
    without_the_recent(monkeypatch, older)
    assert not ciphers.ready()
    assert sys.modules[ciphers.EXPECTED] is None
