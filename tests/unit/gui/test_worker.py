"""Mailboxes: what a task says, in order, without a flood."""

import threading

from backend.reports import info
from backend.tasks import CancelToken, Progress
from haoscar_gui.worker import ROOM, Job, Mailbox


def taken(box: Mailbox) -> list[object]:
    found: list[object] = []
    while (one := box.take()) is not None:
        found.append(one)
    return found


def test_progress_of_one_step_is_replaced_by_newer_progress() -> None:
    box = Mailbox(CancelToken())
    for done in range(5):
        box.put(Progress("copy", done))
    box.put(Progress("check", 1))
    assert taken(box) == [Progress("copy", 4), Progress("check", 1)]


def test_reports_are_all_kept_and_keep_their_place() -> None:
    box = Mailbox(CancelToken())
    first, second = info("a", "first"), info("b", "second")
    box.put(first)
    box.put(Progress("copy", 1))
    box.put(second)
    box.put(Progress("copy", 2))
    assert taken(box) == [first, Progress("copy", 1), second, Progress("copy", 2)]


def test_whoever_says_too_much_waits_until_there_is_room() -> None:
    box = Mailbox(CancelToken())
    said = []

    def flood() -> None:
        for number in range(ROOM + 10):
            box.put(info("n", str(number)))
            said.append(number)

    thread = threading.Thread(target=flood)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    assert len(said) == ROOM
    texts = []
    while thread.is_alive() or len(texts) < ROOM + 10:
        one = box.take()
        if one is not None:
            texts.append(one.text)  # type: ignore[union-attr]
    thread.join()
    assert texts == [str(number) for number in range(ROOM + 10)]


def test_a_cancelled_task_does_not_wait_for_room() -> None:
    token = CancelToken()
    box = Mailbox(token)
    for number in range(ROOM):
        box.put(info("n", str(number)))
    token.cancel()
    box.put(info("n", "last"))
    assert len(taken(box)) == ROOM + 1


def test_a_call_comes_after_what_was_said_before_it() -> None:
    job = Job(lambda _event: None)
    order: list[str] = []
    job.box.put(info("a", "said"))
    job.in_window(lambda: order.append("called"))
    first, second = taken(job.box)
    assert getattr(first, "text", "") == "said"
    assert callable(second)
    second()
    assert order == ["called"]
