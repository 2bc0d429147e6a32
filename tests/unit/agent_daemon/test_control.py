"""The control socket's language."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from backend.agent import control


def ask(data: bytes) -> Any:
    def echo(question: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ok": True, "heard": question.get("word")}

    answer = control.respond(data, {"echo": echo})
    return None if answer is None else json.loads(answer)


def test_a_question_is_answered_on_one_line() -> None:
    assert ask(b'{"command":"echo","word":"hello"}\n') == {"ok": True, "heard": "hello"}


def test_an_unfinished_line_waits() -> None:
    assert ask(b'{"command":"echo"') is None
    assert ask(b"x" * control.LONGEST)["ok"] is False


@pytest.mark.parametrize(
    "data", [b"\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"{\n", b'"echo"\n', b"[" * 4000 + b"\n"]
)
def test_rubbish_is_refused_in_words(data: bytes) -> None:
    assert ask(data) == {"ok": False, "error": "the question is not a JSON object"}


def test_an_unknown_command_names_the_known_ones() -> None:
    assert "there are echo" in ask(b'{"command":"reboot"}\n')["error"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(5, 5.0), (-1, 0.0), (1e99, 10.0), ("5", 3.0), (True, 3.0), (None, 3.0), (math.nan, 3.0), (math.inf, 10.0)],
)  # fmt: skip
def test_numbers_are_bounded(value: object, wanted: float) -> None:
    assert control.number({"n": value}, "n", 3.0, 10.0) == wanted
