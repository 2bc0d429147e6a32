"""The agent's stored state: replaced in one step, checked when read, never in the loop's way."""

import errno
import os
import select
import threading
from pathlib import Path

import pytest

from backend.system.agent import store as module
from backend.system.agent.store import Damaged, Store, Stored, StoreWriter, decode, encode

VALUE = {"term": 7, "promised": 3, "text": "ä"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "state.json"))


def test_what_was_stored_is_read_back_by_root_alone(store):
    assert store.read() is None
    store.write(VALUE)
    assert store.read() == VALUE
    assert Path(store.path).stat().st_mode & 0o777 == 0o600
    store.write({"term": 8})
    assert store.read() == {"term": 8}
    assert [one.name for one in Path(store.path).parent.iterdir()] == ["state.json"]


def test_every_flipped_bit_is_noticed():
    good = encode(VALUE)
    assert decode(good) == VALUE
    for place in range(len(good)):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[place] ^= 1 << bit
            with pytest.raises(ValueError, match=r"JSON|value|format|checksum"):
                decode(bytes(damaged))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"null", b"[" * 60_000,
                                     b'{"format":2,"crc32":0,"value":{}}\n', b"x" * 100_000])  # fmt: skip
def test_a_damaged_file_is_put_aside_with_a_sentence(store, content):
    path = Path(store.path)
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"state\.json cannot be used: .*put aside as .*corrupt"):
        store.read()
    assert store.read() is None
    assert Path(f"{store.path}.corrupt").read_bytes() == content
    store.write(VALUE)
    assert store.read() == VALUE


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_failure_leaves_the_old_value_and_nothing_else(store, monkeypatch, step):
    store.write(VALUE)

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, step, full)
    with pytest.raises(OSError, match="No space left"):
        store.write({"term": 9})
    monkeypatch.undo()
    assert store.read() == VALUE
    assert [one.name for one in Path(store.path).parent.iterdir()] == ["state.json"]


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Store(str(tmp_path / "nowhere" / "state.json")).write(VALUE)


def finished(writer: StoreWriter) -> list[Stored]:
    assert select.select([writer], (), (), 5)[0], "nothing was stored"
    return writer.finished()


def test_the_writer_tells_what_is_durable_and_what_failed(store, monkeypatch):
    prepared = []
    writer = StoreWriter(store, lambda: prepared.append(threading.current_thread().name))
    writer.start()
    assert writer.finished() == []
    writer.submit(VALUE, 1)
    assert finished(writer) == [Stored(1)]
    assert store.read() == VALUE
    assert prepared == ["store"]

    def read_only(*_args: object, **_more: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(module.os, "rename", read_only)
    writer.submit({"term": 8}, 2)
    (failed,) = finished(writer)
    assert failed.tag == 2
    assert failed.problem == f"{store.path} could not be written: Read-only file system"
    monkeypatch.undo()
    writer.submit({"term": 9}, 3)
    assert finished(writer) == [Stored(3)]
    with pytest.raises(TypeError):
        writer.submit({"term": object()}, 4)
    assert writer.stop()


def test_nobody_waits_for_a_disk_that_hangs_and_only_the_newest_is_stored(store, monkeypatch):
    reached, released = threading.Event(), threading.Event()
    real = module.os.fsync

    def hang(file: int) -> None:
        reached.set()
        released.wait(10)
        real(file)

    monkeypatch.setattr(module.os, "fsync", hang)
    writer = StoreWriter(store)
    writer.start()
    writer.submit({"term": 1}, 1)
    assert reached.wait(5)
    for number in range(2, 100):
        writer.submit({"term": number}, number)
    assert writer.finished() == []
    assert writer.stop(limit=0.01) is False
    released.set()
    tags: list[object] = []
    while 99 not in tags:
        tags += [one.tag for one in finished(writer)]
    assert tags == [1, 99]
    assert store.read() == {"term": 99}
    assert writer.stop()
