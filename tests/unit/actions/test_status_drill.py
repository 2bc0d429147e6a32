"""The last drill is remembered."""

from pathlib import Path

import pytest

from backend.actions.drill import Drilled
from backend.actions.status_drill import LastDrill, keep, last_drill
from backend.drill.faults import Fault
from backend.drill.outcome import Outcome, Sentence
from backend.paths import Paths

OUTCOME = Outcome(
    Fault.AGENT_FROZEN, "2026-03-01T12:34:56+01:00", 4.0, 300.0, 400.0,
    ("head-a", "head-b", 4), ("head-b", 5), (),
    (
        Sentence(0.160, "head-b", "decision", "campaign for term 5: the other head is silent"),
        Sentence(0.163, "head-b", "decision", "active, term 5: elected, 280 ms of lease"),
    ),
)  # fmt: skip
ENDLESS = b'{"started": "", "title": "", "verdict": "", "phases": [["a", 0, NaN]], "total_ms": 1, "budget_ms": 1, "passed": true}'


def test_a_drill_is_read_as_it_was_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert last_drill(paths) is None
    drill = LastDrill.of(Drilled((OUTCOME,)))
    keep(paths, drill)
    assert last_drill(paths) == drill
    assert [one.name for one in drill.phases][:2] == ["detect", "decide"]
    assert drill.budget_ms == 400.0
    keep(paths, LastDrill("2026-03-02T00:00:00+01:00", "another", "", (), 0.0, 0.0, passed=True))
    found = last_drill(paths)
    assert found is not None
    assert found.title == "another"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b'{"phases": 3}', b"null", b"[" * 5000, ENDLESS]
)
def test_a_damaged_memory_is_none(tmp_path: Path, content: bytes) -> None:
    paths = Paths(tmp_path)
    keep(paths, LastDrill("", "", "", (), 0.0, 0.0, passed=False))
    [file] = paths.state.iterdir()
    file.write_bytes(content)
    assert last_drill(paths) is None
