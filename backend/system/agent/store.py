"""The few values that survive the agent: a small file, replaced in one step, checked when read."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

FORMAT = 1
_LARGEST = 1 << 16


class Damaged(Exception):
    """The stored state cannot be used; the text says why and where it was put."""


class Store:
    """A file that holds one JSON object. Its directory must exist, and be root's alone."""

    def __init__(self, path: str) -> None:
        """``path`` is absolute."""
        self.path = path
        self._directory, _, self._name = path.rpartition("/")
        self._directory = self._directory or "/"

    def read(self) -> dict[str, Any] | None:
        """Return what was stored, or None when nothing was.

        Raises Damaged (the file is then called ``.corrupt``, if it can be renamed), OSError.
        """
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            data = os.read(file, _LARGEST)
        finally:
            os.close(file)
        try:
            return decode(data)
        except ValueError as problem:
            corrupt = f"{self.path}.corrupt"
            aside = f"it was put aside as {corrupt}"
            try:
                os.rename(self.path, corrupt)  # noqa: PTH104 - pathlib costs a witness memory
            except OSError as error:
                aside = f"it could not be put aside ({error.strerror})"
            raise Damaged(f"{self.path} cannot be used: {problem}; {aside}.") from problem

    def write(self, value: dict[str, Any]) -> None:
        """Store a value; when this returns it survives a power loss. Raises OSError, and the old
        value is there still."""
        self.replace(encode(value))

    def replace(self, content: bytes) -> None:
        """Store what ``encode`` returned; see ``write``."""
        new = f".{self._name}.new"
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(new, flags, 0o600, dir_fd=directory)
            try:
                _write_all(file, content)
                os.fchmod(file, 0o600)
                os.fsync(file)
            finally:
                os.close(file)
            os.rename(new, self._name, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=directory)
            raise
        finally:
            os.close(directory)


class Stored(NamedTuple):
    """What became of a submitted value."""

    tag: Any
    problem: str = ""  # empty: it is durable


class StoreWriter:
    """Stores in a thread of its own, so that the heartbeat never waits for a disk.

    A value that still waits when a newer one is submitted is never stored, and its tag is never
    reported: the state is one value, and the newer one contains what matters of the older.
    """

    def __init__(self, store: Store, prepare: Callable[[], None] = lambda: None) -> None:
        """``prepare`` runs first in the thread (join_realtime, see process.py)."""
        self._store = store
        self._prepare = prepare
        self._changed = threading.Condition()
        self._waiting: tuple[bytes, Any] | None = None
        self._done: list[Stored] = []
        self._ending = False
        self._ear, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``finished`` has something, for select."""
        return self._ear

    def submit(self, value: dict[str, Any], tag: Any) -> None:
        """Store a value soon; does not wait for the disk. Raises TypeError for what is no JSON."""
        content = encode(value)
        with self._changed:
            self._waiting = content, tag
            self._changed.notify()

    def finished(self) -> list[Stored]:
        """Return what has been stored, or could not be, since the last call, without waiting."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._ear, 4096):
                pass
        with self._changed:
            done, self._done = self._done, []
        return done

    def stop(self, limit: float = 1.0) -> bool:
        """Store what still waits, for ``limit`` s at most; returns whether all was stored."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(limit)
        if self._thread.is_alive():
            return False  # the disk hangs; the thread ends with the process
        for end in (self._ear, self._bell):
            os.close(end)
        return self._waiting is None

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            self._prepare()
        while True:
            with self._changed:
                while self._waiting is None:
                    if self._ending:
                        return
                    self._changed.wait()
                (content, tag), self._waiting = self._waiting, None
            problem = ""
            try:
                self._store.replace(content)
            except OSError as error:
                problem = f"{self._store.path} could not be written: {error.strerror}"
            with self._changed:
                self._done.append(Stored(tag, problem))
            with contextlib.suppress(OSError):
                os.write(self._bell, b"!")  # full: it rings already


def encode(value: dict[str, Any]) -> bytes:
    """Return the content of the file; the checksum is for damage, not for malice."""
    content = json.dumps(value, sort_keys=True, separators=(",", ":"))
    check = zlib.crc32(content.encode())
    return f'{{"format":{FORMAT},"crc32":{check},"value":{content}}}\n'.encode()


def decode(data: bytes) -> dict[str, Any]:
    """Return the value in a file's content; raises ValueError with the reason."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("value"), dict):
        raise ValueError("it holds no value")
    if whole.get("format") != FORMAT:
        raise ValueError(f"its format is {whole.get('format')!r}, this program knows {FORMAT}")
    value: dict[str, Any] = whole["value"]
    if data != encode(value):
        raise ValueError("its checksum is wrong")
    return value


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
