"""What follows from the end of a resource's program."""

from __future__ import annotations

from backend.agent.core.timing import SECOND
from backend.agent.resources.kinds import Meaning, Outcome, Verb, can_look, meaning
from backend.agent.resources.state import (
    LOOK_AGAIN,
    PROBES,
    RESTART_ONCE_IN,
    RETRY,
    Item,
    Phase,
    SelfFence,
)
from backend.agent.resources.turn import Turn
from backend.system.agent.program import Ended, How


def finish(turn: Turn, ended: Ended) -> None:
    """Take the end of a program into account; one that is awaited no more is ignored."""
    item = next((one for one in turn.board.items if one.verb and one.job == ended.job), None)
    if item is None or item.verb is None:
        return
    verb, broken_off = item.verb, item.cancelled and ended.how is not How.EXITED
    found = meaning(item.resource, verb, ended)
    item = turn.put(item._replace(verb=None, job="", deadline=0, cancelled=False))
    if verb is Verb.STOP:
        _stop_ended(turn, item, found)
    elif verb is Verb.START:
        _start_ended(turn, item, found, broken_off)
    elif item.phase is Phase.STOPPING:
        _stop_verified(turn, item, found)
    elif verb is Verb.PROBE:
        _probe_ended(turn, item, found)
    elif broken_off:
        turn.put(item._replace(due=turn.check_due(item)))
    else:
        _check_ended(turn, item, found)


def _running(turn: Turn, item: Item) -> None:
    blame = "" if item.stuck else item.blame
    item = item._replace(seen=True, dirty=False, stuck=False, doubts=0, blame=blame)
    turn.become(item._replace(due=turn.check_due(item)), Phase.RUNNING)


def _start_ended(turn: Turn, item: Item, found: Meaning, broken_off: bool) -> None:
    if found.outcome is Outcome.DONE:
        took = (turn.now - item.since) / SECOND
        _running(turn, item._replace(blame=""))
        turn.say(f"{item.name} runs; its start took {took:.1f} s")
        return
    item = item._replace(dirty=True, due=0)
    if broken_off:
        turn.become(item._replace(again=True), Phase.FAILED, "its start was broken off")
        return
    _hold(turn, item, f"{item.name} did not start: {found.why}")


def _hold(turn: Turn, item: Item, why: str) -> None:
    """It has failed here, and once is enough: it is stopped, and stays so in this term."""
    turn.become(item._replace(held=True, again=False, blame=why), Phase.FAILED, why)
    others = [one.name for one in turn.board.items if _comes_after(turn, one, item.name)]
    tail = f"; {', '.join(others)} cannot run without it" if others else ""
    turn.say(f"{why}; what it started is stopped{tail}")


def _comes_after(turn: Turn, item: Item, name: str) -> bool:
    """Whether one resource needs another, also through a third one."""
    after = item.resource.after
    return name in after or any(_comes_after(turn, turn.board.item(one), name) for one in after)


def _probe_ended(turn: Turn, item: Item, found: Meaning) -> None:
    if found.outcome is Outcome.DONE:
        _running(turn, item)
        turn.say(f"{item.name} is found running")
    elif found.outcome is Outcome.STOPPED:
        _stopped(turn, item)
    elif found.outcome is Outcome.FAILED:
        turn.say(f"{item.name} is found in a bad state: {found.why}")
        bad = item._replace(seen=True, dirty=True, again=True, due=0)
        turn.become(bad, Phase.FAILED, found.why)
    else:
        _probe_failed(turn, item, found.why)


def _probe_failed(turn: Turn, item: Item, why: str) -> None:
    """Nobody can tell whether it runs. It is neither started, which could run it twice, nor
    stopped, while this head serves: it may be well."""
    item = item._replace(doubts=item.doubts + 1, due=turn.now + LOOK_AGAIN)
    if item.doubts == 1:
        turn.say(f"cannot tell whether {item.name} runs: {why}")
    if item.doubts == PROBES and turn.board.serving:
        text = f"{item.name} is not started, because nobody can tell whether it runs: {why}"
        turn.say(text)
        item = item._replace(blame=item.blame or text, stuck=True)
    turn.become(item, Phase.UNKNOWN, why)


def _check_ended(turn: Turn, item: Item, found: Meaning) -> None:
    item = item._replace(due=turn.check_due(item))
    if found.outcome is Outcome.DONE:
        if item.doubts:
            turn.say(f"{item.name} is well; it can be looked at again")
        turn.become(item._replace(doubts=0), Phase.RUNNING)
    elif found.outcome is Outcome.UNKNOWN:
        if not item.doubts:
            turn.say(f"cannot tell whether {item.name} is well: {found.why}; it is left as it is")
        turn.become(item._replace(doubts=item.doubts + 1), Phase.RUNNING, found.why)
    else:
        _failed(turn, item, found.why)


def _failed(turn: Turn, item: Item, why: str) -> None:
    """It runs no more, or badly: one new start here, then it is the other head's turn."""
    item = item._replace(dirty=True, due=0, doubts=0)
    if item.restarted and turn.now - item.restarted < RESTART_ONCE_IN:
        _hold(turn, item, f"{item.name} has failed again: {why}")
        return
    turn.say(f"{item.name} has failed: {why}; starting it again")
    turn.become(item._replace(again=True, restarted=turn.now), Phase.FAILED, why)


def _stop_ended(turn: Turn, item: Item, found: Meaning) -> None:
    if found.outcome is Outcome.DONE:
        _stopped(turn, item)
    elif can_look(item.resource):
        # It may be down all the same: "not mounted" is an error of umount.
        turn.run(turn.put(item._replace(why=found.why)), Verb.PROBE)
    else:
        _not_stopped(turn, item, found.why)


def _stop_verified(turn: Turn, item: Item, found: Meaning) -> None:
    if found.outcome is Outcome.STOPPED:
        _stopped(turn, item)
    else:
        _not_stopped(turn, item, item.why)


def _stopped(turn: Turn, item: Item) -> None:
    blame = "" if item.stuck and not item.held else item.blame
    was = item.seen
    item = item._replace(
        seen=False, dirty=False, stuck=False, again=False, escalated=False, due=0, doubts=0,
        blame=blame,
    )  # fmt: skip
    if item.held:
        turn.become(item, Phase.FAILED, blame)
    else:
        turn.become(item, Phase.STOPPED)
    if was:
        turn.say(f"{item.name} is stopped")


def _not_stopped(turn: Turn, item: Item, why: str) -> None:
    """Its stop has failed. What lies below it is stopped all the same: on a head that must not
    serve, less running is better. An exclusive one must not stay: this machine has to be reset."""
    serving = turn.board.serving
    text = f"{item.name} did not stop: {why}"
    if not item.stuck:
        turn.say(text)
    item = item._replace(
        dirty=True, again=False, stuck=True, held=serving and not turn.board.draining,
        blame=item.blame or text, due=turn.now + RETRY,
    )  # fmt: skip
    if item.resource.exclusive and item.seen and not serving and not item.escalated:
        item = item._replace(escalated=True)
        turn.act(SelfFence(f"{text}; it must not run twice, and this head does not serve"))
        turn.say("this machine has to be reset")
    turn.become(item, Phase.FAILED, text)
