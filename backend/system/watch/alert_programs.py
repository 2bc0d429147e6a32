"""Running alert programs: text on standard input, a time limit, and their group dies with them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterable, Mapping
from typing import IO, NamedTuple

from backend.system.watch.not_delivered import NotDelivered
from backend.system.watch.waiting import within

LIMIT = 60.0  # seconds
GRACE = 2.0  # seconds from SIGTERM to SIGKILL
MOST_OUTPUT = 4000  # bytes that are kept of what it prints
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}


class Ended(NamedTuple):
    """How a program ended."""

    code: int  # of its exit; negative: the signal that ended it
    output: str
    seconds: float
    too_long: bool = False  # it was stopped because its time was over


def find_program(places: Iterable[str]) -> str:
    """Return the first path that can be run; raises NotDelivered with what is wrong otherwise."""
    wrong = "the program was not found"
    for path in places:
        try:
            found = os.stat(path)  # noqa: PTH116 - the same as for the agent's programs
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
            wrong = f"{path} is not a program"
        elif found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            wrong = f"{path} can be changed by others than root, so it is not run; correct its owner and mode"
        else:
            return path
    raise NotDelivered(wrong)


async def run_alert(
    argv: tuple[str, ...], environment: Mapping[str, str], text: bytes, limit: float = LIMIT
) -> Ended:
    """Run a program until its end; raises NotDelivered when it could not be started."""
    began = time.monotonic()
    with contextlib.ExitStack() as files:
        # Files, not pipes: a program that reads nothing, or leaves a child behind that keeps its
        # output open, holds up nobody.
        given = files.enter_context(_memory("input"))
        given.write(text)
        given.seek(0)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        files.callback(os.close, reader)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=given, stdout=writer, stderr=writer, cwd="/", umask=0o022,
                env={**ENVIRONMENT, **environment}, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise NotDelivered(f"{argv[0]} cannot be run: {reason}") from None
        finally:
            os.close(writer)
        kept = bytearray()
        loop = asyncio.get_running_loop()
        loop.add_reader(reader, _keep, loop, reader, kept)
        try:
            too_long = await _ended(process, limit)
        finally:
            loop.remove_reader(reader)
        _keep(loop, reader, kept)
    output = bytes(kept).decode("utf-8", "replace")
    return Ended(process.returncode or 0, output, time.monotonic() - began, too_long)


async def _ended(process: asyncio.subprocess.Process, limit: float) -> bool:
    """Wait for its end; returns whether it had to be stopped."""
    try:
        await within(limit, process.wait())
        return False
    except asyncio.TimeoutError:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(asyncio.TimeoutError):
            await within(GRACE, process.wait())
        _signal(process, signal.SIGKILL)  # also what it has left behind
        return True
    finally:
        if process.returncode is None:  # also when nobody waits for it any more
            _signal(process, signal.SIGKILL)
            await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _keep(loop: asyncio.AbstractEventLoop, reader: int, kept: bytearray) -> None:
    """Take what it has printed; more than MOST_OUTPUT is thrown away, so that it never waits."""
    with contextlib.suppress(BlockingIOError):
        data = os.read(reader, 65_536)
        if not data:
            loop.remove_reader(reader)
        kept += data[: MOST_OUTPUT - len(kept)]


def _memory(name: str) -> IO[bytes]:
    return os.fdopen(os.memfd_create(name, os.MFD_CLOEXEC), "w+b")
