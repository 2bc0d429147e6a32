"""State, history and availability on the disk: what was kept comes back, what is rubbish does not."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from backend.system.watch import disk
from backend.watch import store as store_module
from backend.watch.availability import (
    Day,
    count,
    day_of,
    is_day,
    merge,
    read_day,
    summed,
)
from backend.watch.history import History, as_line, read_entry
from backend.watch.store import Store
from tests.unit.watch.process.link_pair import go


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    said: list[str] = []

    async def work() -> None:
        one = Store(str(tmp_path), said.append)
        history = History("head1")
        one.keep_state({"term": 1})
        one.keep_state({"term": 2, "board": {"g:s": {"state": "ok"}}})
        one.keep_entries([history.write(5.0, "g:s", "state", f"sentence {n}") for n in range(3)])
        one.keep_day("2026-11-26", {"g:s": {"head1": [1.0, 2.0, 3.0, 4.0]}})
        await one.close()

    go(work)
    again, history = Store(str(tmp_path), said.append), History("head1")
    assert again.state() == {"format": 1, "term": 2, "board": {"g:s": {"state": "ok"}}}
    again.history(history)
    assert [one.sentence for one in history.find("g:s", 0, 9)] == [
        f"sentence {n}" for n in range(3)
    ]
    assert history.write(6.0, "g:s", "state", "more").number == 4
    assert again.days() == ["2026-11-26"]
    assert again.day("2026-11-26") == {"g:s": {"head1": [1.0, 2.0, 3.0, 4.0]}}
    assert not said
    for path in (tmp_path / "watch").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"format":9}', b"\xff\0" * 99, b"[" * 100_000]
)
def test_rubbish_is_said_and_put_aside(tmp_path: Path, content: bytes) -> None:
    said: list[str] = []
    store = Store(str(tmp_path), said.append)
    files = [tmp_path / "watch/state.json", tmp_path / "watch/availability/2026-11-26.json"]
    for file in files:
        file.write_bytes(content)
    assert store.state() == {}
    assert store.day("2026-11-26") == {}
    aside = [
        file
        for file in files
        if Path(f"{file}.corrupt").read_bytes() == content and not file.exists()
    ]
    assert len(aside) == len(said) == 2
    assert all("cannot be used" in text for text in said)


def test_rubbish_among_the_history_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    store, before = Store(str(tmp_path), said.append), History("head1")
    good = [as_line(before.write(1.0, "g:s", "state", str(n))) for n in range(3)]
    bad = [b"{}\n", b"\xff\n", good[2][:20] + b"\n", b'{"by":"x","number":true,"time":1}\n', b"7\n"]
    lines = [good[0], *bad[:3], good[1], *bad[3:], good[2], good[1]]
    (tmp_path / "watch/history.jsonl").write_bytes(b"".join(lines))
    history = History("head1")
    store.history(history)
    assert [one.sentence for one in history.find("", 0, 9)] == ["0", "1", "2"]
    assert said == [
        f"5 lines of {tmp_path}/watch/history.jsonl are no entries of the history; they are left out."
    ]


def test_the_history_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "HISTORY_BYTES", 10_000)
    history = History("head1")

    async def work() -> None:
        store = Store(str(tmp_path), print)
        for n in range(400):
            store.keep_entries([history.write(float(n), "g:s", "state", "x" * 100)])
        await store.close()

    go(work)
    sizes = [one.stat().st_size for one in (tmp_path / "watch").glob("history*")]
    assert len(sizes) == 2
    assert all(5_000 < size <= 10_000 for size in sizes)
    again = History("head1")
    Store(str(tmp_path), print).history(again)
    found = again.find("", 0, 1000)
    assert [one.number for one in found] == list(range(400 - len(found) + 1, 401))


def full(_path: str, _content: bytes, **_options: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_said_once_and_then_that_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def work() -> None:
        store = Store(str(tmp_path), said.append)
        with monkeypatch.context() as patch:
            patch.setattr(disk, "replace", full)
            patch.setattr(disk, "append", full)
            for _ in range(5):
                store.keep_state({"term": 1})
                store.keep_entries([History("head1").write(1.0, "g:s", "state", "x")])
                await store.flush()
        for _ in range(2):
            store.keep_state({"term": 2})
            store.keep_entries([History("head1").write(1.0, "g:s", "state", "x")])
            await store.flush()
        await store.close()

    go(work)
    assert len(said) == 2
    assert "cannot be written: No space left on device. The watch list goes on" in said[0]
    assert said[1] == "The files of the watch list can be written again."
    assert Store(str(tmp_path), said.append).state()["term"] == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "watch").write_text("a file")
    said: list[str] = []

    async def work() -> None:
        store = Store(str(tmp_path), said.append)
        assert store.state() == {}
        assert store.days() == []
        store.keep_state({})
        await store.close()

    go(work)
    assert "cannot be written" in said[0]


def test_two_heads_tell_each_other_what_they_lack() -> None:
    one, other = History("head1"), History("head2")
    for n in range(3):
        one.write(n, "g:s", "state", f"one {n}")
    for entry in one.since(other.known, 100):
        assert other.add(entry)
    other.write(10, "g:s", "state", "other 0")
    one.write(11, "g:s", "state", "one 3")  # while they could not talk
    for mine, theirs in ((one, other), (other, one)):
        for entry in mine.since(theirs.known, 100):
            theirs.add(entry)
    assert one.find("", 0, 99) == other.find("", 0, 99)
    assert [entry.sentence for entry in one.find("", 10, 99)] == ["other 0", "one 3"]
    assert not one.since(other.known, 100)
    assert len(one.since({"head1": "rubbish"}, 2)) == 2  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"by": 1}, {"by": "a", "number": 0, "time": 1}, {"by": "a", "number": 1, "time": -1},
     {"by": "a", "number": 1, "time": float("nan")}, {"by": "a", "number": 1, "time": 1, "sentence": 3}],
)  # fmt: skip
def test_what_is_no_entry(value: object) -> None:
    assert read_entry(value) is None


def test_an_entry_is_made_harmless() -> None:
    entry = read_entry({"by": "a", "number": 1, "time": 1, "sentence": "\x1b[2J" + "x" * 5000})
    assert entry is not None
    assert entry.sentence.startswith("\\x1b[2J")
    assert len(entry.sentence) <= 800


def test_availability_is_merged_in_any_order() -> None:
    chance = random.Random(1)

    def copy(day: Day) -> Day:
        found = read_day(json.loads(json.dumps(day)))
        assert found is not None
        return found

    one: Day = {}
    two: Day = {}
    for _ in range(300):
        mine, head = (one, "head1") if chance.random() < 0.5 else (two, "head2")
        count(
            mine,
            head,
            chance.choice(["g:a", "g:b"]),
            chance.choice(["ok", "failed", "unknown", "?"]),
            1.5,
        )
        if chance.random() < 0.2:
            merge(one, copy(two))
        if chance.random() < 0.2:
            merge(two, copy(one))
    merge(one, copy(two))
    merge(two, copy(one))
    assert one == two
    assert not merge(one, copy(two))
    found = summed([one], "g:a")
    assert found["share"] == found["ok"] / (found["ok"] + found["failed"])
    assert summed([one], "g:none")["share"] is None


@pytest.mark.parametrize(
    "value",
    [None, [], {"a": 1}, {"a": {"h": [1, 2]}}, {"a": {"h": [1, 2, 3, "x"]}}, {"a": {"h": [1, 2, 3, -1]}},
     {"a": {"h": [1, 2, 3, 1e9]}}, {"a": {"h": [True, 2, 3, 4]}}, {"a" * 300: {}}],
)  # fmt: skip
def test_what_is_no_day(value: object) -> None:
    assert read_day(value) is None


def test_days() -> None:
    moment = datetime(2026, 11, 26, 23, 59, 50).timestamp()  # noqa: DTZ001
    assert day_of(moment) == "2026-11-26"
    assert is_day("2026-11-26")
    bad: list[str] = ["", "../../etc/passwd", "2026-13-01", "20261126", "2026-11-26x"]
    reject: Callable[[str], bool] = is_day
    assert not any(map(reject, bad))
