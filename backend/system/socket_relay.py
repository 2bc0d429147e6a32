"""A UNIX socket that stands for a TCP port of this machine, for who lives in another network."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

START_LIMIT = 30.0  # seconds


@contextlib.contextmanager
def relay(path: Path, host: str, port: int) -> Iterator[None]:
    """Serve ``path`` from a thread until the block ends; root alone may use it.

    Raises OSError when the port does not answer.
    """
    with asyncio.Runner() as runner:
        loop, ended = runner.get_loop(), asyncio.Event()
        began = threading.Event()
        problems: list[OSError] = []

        def work() -> None:
            try:
                runner.run(_serve(path, host, port, began, ended))
            except OSError as problem:
                problems.append(problem)
            began.set()

        thread = threading.Thread(target=work, name="relay", daemon=True)
        thread.start()
        try:
            began.wait(START_LIMIT)
            if problems:
                raise problems[0]
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(START_LIMIT)


async def _serve(
    path: Path, host: str, port: int, began: threading.Event, ended: asyncio.Event
) -> None:
    _reader, probe = await asyncio.open_connection(host, port)
    probe.close()
    running: set[asyncio.Task[None]] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(host, port)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        writer.close()
        running.discard(task)

    server = await asyncio.start_unix_server(join, path)
    path.chmod(0o600)
    async with server:
        began.set()
        await ended.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()
