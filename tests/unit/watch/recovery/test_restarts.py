"""Programs of a restart, run by the real process that runs them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.system.agent.program import How, Program
from backend.system.watch.restarts import Restarts
from tests.unit.watch.process.link_pair import go, until


@asynccontextmanager
async def made() -> AsyncIterator[Restarts]:
    one = Restarts()
    try:
        yield one
    finally:
        one.close()


def shell(text: str, limit: float = 20.0) -> Program:
    return Program(("/bin/sh", "-c", text), limit=limit)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def number(file: Path) -> int:
    await until(lambda: file.exists() and file.read_text().endswith("\n"), "the program")
    return int(file.read_text())


def test_each_end_goes_to_who_asked_for_it() -> None:
    async def work() -> None:
        async with made() as restarts:
            texts = ("sleep 0.2; echo slow; exit 3", "echo quick", "kill -9 $$")
            slow, quick, shot = await asyncio.gather(*(restarts.run(shell(one)) for one in texts))
            assert (slow.how, slow.code, slow.said) == (How.EXITED, 3, "slow")
            assert (quick.how, quick.code, quick.said) == (How.EXITED, 0, "quick")
            assert (shot.how, shot.code) == (How.SIGNALLED, signal.SIGKILL)

    go(work)


def test_what_cannot_be_started_or_takes_too_long_is_an_end_too() -> None:
    async def work() -> None:
        async with made() as restarts:
            assert (await restarts.run(Program(("/nowhere/at/all",)))).how is How.NOT_STARTED
            assert (
                await restarts.run(Program(("/bin/true",), input="x" * 40_000))
            ).how is How.NOT_STARTED
            assert (await restarts.run(shell("sleep 60", 0.2))).how is How.TIMED_OUT

    go(work)


def test_a_cancelled_one_is_stopped_and_others_go_on(tmp_path: Path) -> None:
    async def work() -> None:
        async with made() as restarts:
            file = tmp_path / "pid"
            task = asyncio.ensure_future(restarts.run(shell(f"echo $$ >{file}; exec sleep 60")))
            other = asyncio.ensure_future(restarts.run(shell("sleep 0.5; echo done")))
            pid = await number(file)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            await until(lambda: not alive(pid), "the end of the program")
            assert (await other).said == "done"

    go(work)


def test_when_the_process_that_runs_them_dies_the_end_is_lost_and_the_next_one_runs(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        async with made() as restarts:
            file = tmp_path / "pid"
            task = asyncio.ensure_future(restarts.run(shell(f"echo $$ >{file}; exec sleep 60")))
            pid = await number(file)
            assert restarts._worker is not None
            os.kill(restarts._worker.pid, signal.SIGKILL)
            try:
                assert (await asyncio.wait_for(task, 10)).how is How.LOST
                assert (await restarts.run(shell("echo again"))).said == "again"
            finally:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)

    go(work)


def test_what_a_program_leaves_running_stays(tmp_path: Path) -> None:
    async def work() -> None:
        file = tmp_path / "pid"
        async with made() as restarts:
            text = f"setsid sleep 60 >/dev/null 2>&1 & echo $! >{file}"
            assert (await restarts.run(shell(text))).code == 0
            pid = await number(file)
            assert alive(pid)
            os.kill(pid, signal.SIGKILL)

    go(work)
