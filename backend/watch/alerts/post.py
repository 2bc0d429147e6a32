"""The alerts' post office: takes alerts at once, delivers them beside the monitoring."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Any, Callable

from backend.system.watch.not_delivered import NotDelivered
from backend.system.watch.waiting import within
from backend.watch.alerts import saved
from backend.watch.alerts.checks import problems
from backend.watch.alerts.courier import LONGEST_TRY, Courier, Places, Receipt
from backend.watch.alerts.message import Message, target_name
from backend.watch.alerts.outbox import Item, Outbox
from backend.watch.results import harmless
from backend.watch.settings import Settings

__all__ = ["AlertPost", "Message", "Places"]

CLOSE_LIMIT = 3.0  # seconds for what is being sent when the program ends
MOST_REMEMBERED = 100  # ends of deliveries


class AlertPost:
    """Used from one event loop; only ``run`` and ``close`` ever wait."""

    def __init__(
        self, settings: Settings, say: Callable[[str], None],
        places: Places = Places(), clock: Callable[[], float] = time.monotonic,  # noqa: B008
    ) -> None:  # fmt: skip
        self._settings = settings
        self._say = say
        self._clock = clock
        self._box = Outbox()
        self._courier = Courier(settings, places)
        self._tasks: set[asyncio.Task[None]] = set()
        self._news: asyncio.Event | None = None  # made in the loop, as Python 3.9 needs it
        self._closing = False
        self._refused: set[str] = set()
        self._ends: deque[dict[str, Any]] = deque(maxlen=MOST_REMEMBERED)

    def send(self, message: Message) -> None:
        """Take an alert; returns at once. One that can never be delivered is said, once."""
        wrong = problems(message.alert)
        if wrong:
            self._refuse(message, wrong)
            return
        self._tell(self._box.add(message, self._clock()))
        self._wake()

    async def run(self) -> None:
        """Deliver until ``close`` is called."""
        news = self._news = asyncio.Event()
        while not self._closing:
            news.clear()
            now = self._clock()
            item = self._box.take(now)
            while item is not None:
                task = asyncio.ensure_future(self._deliver(item))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                item = self._box.take(now)
            wake = self._box.wake_at(now)
            await _until(news, None if wake is None else wake - now)

    async def close(self) -> None:
        """End ``run``; what is being sent gets a few seconds, the rest stays for ``remember``."""
        self._closing = True
        self._wake()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_LIMIT)
        left = [*self._tasks]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)
        self._courier.close()

    def snapshot(self) -> list[dict[str, Any]]:
        """Return what waits, for people: JSON without the monitors' texts."""
        now = self._clock()
        return [
            {
                "service": item.message.service.ref,
                "alert": target_name(item.message.alert),
                "run": item.message.run,
                "wall": item.message.wall,
                "waiting": round(now - item.since, 3),
                "tries": item.tries,
                "next_try": 0.0 if item.busy else round(max(0.0, item.due - now), 3),
                "sending": item.busy,
                "problem": item.problem,
            }
            for item in self._box
        ]

    def counts(self) -> dict[str, int]:
        """Return how many were delivered, superseded, dropped, given_up and refused."""
        return dict(self._box.counts)

    def history(self) -> list[dict[str, Any]]:
        """Return how the last tries ended, with the exit codes of programs; JSON."""
        return [*self._ends]

    def remember(self) -> list[dict[str, Any]]:
        """Return everything that has not been delivered, as JSON for ``recall``."""
        now = self._clock()
        return [saved.write(item, now) for item in self._box]

    def recall(self, given: object) -> int:
        """Take what ``remember`` returned, here or on the other head; returns how many.

        Nothing in it is believed: what is run comes from this head's own configuration, and what
        waits here already is not taken twice.
        """
        now = self._clock()
        found, lost = saved.read(self._settings, given)
        known = {_mark(item.message) for item in self._box}
        fresh = [one for one in found if _mark(one.message) not in known]
        for one in fresh:
            self._tell(self._box.add(one.message, now, since=now - one.age))
        if lost:
            self._say(f"{lost} alerts that had waited were left out: this head's watch list does not have them, or they could not be read.")  # fmt: skip
        self._wake()
        return len(fresh)

    def forget(self) -> None:
        """Drop what waits: the other head is active now, and has it."""
        self._box.clear()

    async def _deliver(self, item: Item) -> None:
        began = self._clock()
        try:
            receipt = await within(LONGEST_TRY, self._courier.deliver(item.message))
        except asyncio.CancelledError:
            self._box.release(item)
            raise
        except NotDelivered as problem:
            self._failed(item, str(problem), began, problem.code, final=problem.final)
        except asyncio.TimeoutError:
            self._failed(item, f"it took longer than {LONGEST_TRY:.0f} s", began)
        except Exception as problem:  # noqa: BLE001 - no alert may end the others
            self._failed(item, f"a mistake of this program: {problem!r}", began)
        else:
            self._delivered(item, receipt, began)
        self._wake()

    def _delivered(self, item: Item, receipt: Receipt, began: float) -> None:
        self._note(item, began, receipt.code, receipt.note, well=True)
        if receipt.note:
            self._say(f"The alert {target_name(item.message.alert)} about {item.message.service.ref}: {receipt.note}.")  # fmt: skip
        self._tell(self._box.delivered(item))

    def _failed(
        self, item: Item, problem: str, began: float, code: int = 0, *, final: bool = False
    ) -> None:
        said = self._box.failed(item, problem, self._clock(), final=final)
        self._note(item, began, code, item.problem, well=False)
        self._tell(said)

    def _note(self, item: Item, began: float, code: int, text: str, *, well: bool) -> None:
        message = item.message
        self._ends.append(
            {
                "service": message.service.ref, "alert": target_name(message.alert),
                "run": message.run, "wall": message.wall, "delivered": well, "code": code,
                "text": text, "took": round(self._clock() - began, 3),
            }
        )  # fmt: skip

    def _refuse(self, message: Message, wrong: list[str]) -> None:
        self._box.counts["refused"] += 1
        text = harmless(" ".join(wrong), 400)
        sentence = (
            f"No alert about {message.service.ref} goes out by {target_name(message.alert)}: {text}"
        )
        if sentence not in self._refused and len(self._refused) < 1000:
            self._refused.add(sentence)
            self._say(sentence)

    def _tell(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._say(sentence)

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()


def _mark(message: Message) -> object:
    return (message.lane, message.run, message.wall)


async def _until(news: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(news.wait(), seconds)
