"""What a head remembers."""

import select
from pathlib import Path

from backend.agent.chronicle import Chronicle
from backend.agent.memory import LEASE_NAME, STATE_NAME, Memory
from backend.agent.settings import Settings


def memory(tmp_path: Path, lines: list[str]) -> Memory:
    settings = Settings("c", 1, (), (), (), "", str(tmp_path), str(tmp_path))
    return Memory(settings, Chronicle(lines.append, lambda: 0.0, lambda: 0))


def written(memory: Memory) -> list[int]:
    ready, _, _ = select.select([memory.fileno()], [], [], 10.0)
    assert ready
    return memory.finished()


def test_without_a_file_it_is_fresh(tmp_path: Path) -> None:
    assert memory(tmp_path, []).recall() == (0, 0, True)


def test_a_promise_counts_when_it_is_on_the_disk(tmp_path: Path) -> None:
    lines: list[str] = []
    first = memory(tmp_path, lines)
    first.start()
    first.keep(5, 3)
    assert written(first) == [3]
    first.stop()
    assert memory(tmp_path, lines).recall() == (5, 3, False)
    assert lines == []


def test_a_damaged_file_is_no_memory_and_an_alarm(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / STATE_NAME).write_text("{}")
    assert memory(tmp_path, lines).recall() == (0, 0, True)
    assert lines[0].startswith("alarm: ")
    assert (tmp_path / f"{STATE_NAME}.corrupt").exists()


def test_a_disk_that_refuses_is_an_alarm_and_no_promise(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "state").mkdir()
    broken = memory(tmp_path / "state", lines)
    broken.start()
    (tmp_path / "state").rmdir()
    broken.keep(5, 3)
    assert written(broken) == []
    broken.stop()
    assert "could not be written" in lines[0]


def test_the_served_term_is_known_after_a_restart(tmp_path: Path) -> None:
    first = memory(tmp_path, [])
    assert first.served() == (0, 0)
    assert first.note_serving(9, 7)
    assert memory(tmp_path, []).served() == (9, 7)
    (tmp_path / LEASE_NAME).write_text("rubbish")
    assert memory(tmp_path, []).served() == (0, 0)
    lines: list[str] = []
    lost = memory(tmp_path / "gone", lines)
    assert not lost.note_serving(9)
    assert lines
