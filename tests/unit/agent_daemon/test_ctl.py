"""``haoscar-agent ctl``: words become a question; the help names every command of the agent."""

import json
import re
from pathlib import Path

import pytest

from backend.agent import ctl, head_control


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["role"], {"command": "role"}),
        (["maintenance", "seconds=30"], {"command": "maintenance", "seconds": 30.0}),
        (
            ["health", "fit=false", "seconds=20", "why=the export is gone"],
            {"command": "health", "fit": False, "seconds": 20.0, "why": "the export is gone"},
        ),
        (["health", "fit=true"], {"command": "health", "fit": True}),
        (["restart", "resource=exports"], {"command": "restart", "resource": "exports"}),
    ],
)
def test_words_become_a_question(
    words: list[str], question: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []

    def ask(path: str, line: bytes, _limit: float) -> bytes:
        asked.append((path, json.loads(line)))
        return b'{"ok":true}\n'

    monkeypatch.setattr(ctl, "ask", ask)
    assert ctl.run(["--socket", "/x", *words]) == 0
    assert asked == [("/x", question)]


def test_the_help_and_the_guide_name_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    source = Path(head_control.__file__).read_text(encoding="utf-8")
    commands = set(re.findall(r'"(\w+)": answers\.', source))
    assert {"role", "health", "restart"} <= commands
    assert ctl.run(["--help"]) == 0
    shown = capsys.readouterr().out
    guide = (Path(__file__).parents[3] / "docs" / "agent.md").read_text(encoding="utf-8")
    for one in commands:
        assert f"\n  {one} " in shown
        assert f"\n| `{one}` |" in guide
