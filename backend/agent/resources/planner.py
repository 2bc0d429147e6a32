"""The order of starts and stops: ``step(board, event, now)`` is all there is; it does no I/O.

Every event changes what is known; ``settle`` then compares what should be with what is, resource
by resource, until nothing more follows. A resource starts when all that it comes after run, and
stops when nothing that comes after it is left; what is independent goes in parallel.
"""

from __future__ import annotations

from backend.agent.resources import permission
from backend.agent.resources.endings import finish
from backend.agent.resources.kinds import Verb, can_look
from backend.agent.resources.state import (
    SETTLES,
    Board,
    Decision,
    Drain,
    Event,
    Fence,
    FencingSaid,
    Finished,
    Forget,
    Item,
    PeerOff,
    PeerWord,
    Phase,
    Restart,
    Retire,
    Serve,
    StopFencing,
    Tick,
)
from backend.agent.resources.turn import Turn
from backend.system.agent.program import Ended, How

FOREVER = 1 << 62


def step(board: Board, event: Event, now: int) -> Decision:
    """Return what follows from an event at ``now``; events must come in order of time."""
    turn = Turn(board, now)
    if isinstance(event, Finished):
        finish(turn, event.ended)
    elif isinstance(event, Tick):
        _give_up_lost(turn)
    elif isinstance(event, Serve):
        _serve(turn, event.term)
    elif isinstance(event, Retire):
        _retire(turn)
    elif isinstance(event, Drain):
        _drain(turn)
    elif isinstance(event, (PeerOff, PeerWord, FencingSaid)):
        _hear(turn, event)
    elif isinstance(event, Forget):
        _forget(turn, event.name)
    elif isinstance(event, Restart):
        _restart(turn, event.name)
    settle(turn)
    return turn.decision()


def wake_at(board: Board) -> int:
    """Return the moment of the next Tick that this state needs, which may have passed already;
    FOREVER when it needs none."""
    moments = [item.deadline for item in board.items if item.verb is not None]
    moments += [item.due for item in board.items if item.due and _acts_when_due(board, item)]
    if permission.waiting(board):
        moments.append(permission.watchdog_bound(board) or FOREVER)
        if board.rules.fencing and not board.fencing_asked:
            moments.append(permission.fence_from(board))
    return min(moments, default=FOREVER)


def _acts_when_due(board: Board, item: Item) -> bool:
    """Whether something would be done with an item when its moment comes: the same questions as
    in ``settle``, or the loop would turn round and round."""
    wanted = board.serving and not board.draining and item.name not in barred(board)
    if item.verb is not None:
        return False
    if item.phase is Phase.FAILED:
        below = board.dependents(item.name)
        return item.dirty and not wanted and all(other.down for other in below)
    if item.phase is Phase.UNKNOWN:
        return can_look(item.resource) and (wanted or not item.doubts)
    return item.phase is Phase.RUNNING and wanted


def settle(turn: Turn) -> None:
    """Do what follows from what is known."""
    turn.changed = True
    while turn.changed:
        turn.changed = False
        items = turn.board.items
        for name in [one.name for one in (items if turn.board.serving else reversed(items))]:
            _settle_item(turn, turn.board.item(name))
    board, now = turn.board, turn.now
    ready = permission.waiting(board) and now >= permission.fence_from(board)
    if ready and board.rules.fencing and not board.fencing_asked:
        turn.board = board._replace(fencing_asked=True)
        turn.say("an exclusive resource waits: fencing the other head")
        turn.act(Fence())


def barred(board: Board) -> dict[str, str]:
    """Return what must not run now although this head serves, and the resource because of which:
    what has failed or is being started again, and what comes after it."""
    found = {item.name: item.name for item in board.items if item.held or item.again}
    grown = True
    while grown:
        grown = False
        for item in board.items:
            cause = next((found[name] for name in item.resource.after if name in found), "")
            if cause and item.name not in found:
                found[item.name] = cause
                grown = True
    return found


def settling(board: Board, now: int) -> bool:
    """Return whether this head has just begun to serve, and resources that should run do not yet."""
    if not board.serving or board.draining or now - board.served >= SETTLES:
        return False
    ways = (Phase.UNKNOWN, Phase.STOPPED, Phase.BLOCKED, Phase.STARTING)
    waiting = {item.name for item in board.items if item.phase in ways}
    return not waiting <= barred(board).keys()


def _settle_item(turn: Turn, item: Item) -> None:
    board = turn.board
    active = board.serving and not board.draining
    cause = barred(board).get(item.name, "")
    wanted = active and not cause
    if item.verb is not None:
        if not wanted and not item.cancelled and item.verb in (Verb.START, Verb.CHECK):
            turn.cancel(item)
    elif item.phase is Phase.UNKNOWN:
        _settle_unknown(turn, item, wanted)
    elif item.phase in (Phase.STOPPED, Phase.BLOCKED):
        _settle_stopped(turn, item, cause if active else "", wanted)
    elif item.phase is Phase.RUNNING:
        if not wanted:
            _stop(turn, item)
        elif item.due and turn.now >= item.due:
            turn.run(item, Verb.CHECK)
    elif item.phase is Phase.FAILED:
        _settle_failed(turn, item, wanted)


def _settle_unknown(turn: Turn, item: Item, wanted: bool) -> None:
    if can_look(item.resource) and (wanted or not item.doubts):
        if turn.now >= item.due:
            turn.run(item, Verb.PROBE)
    elif wanted:  # nobody can tell: its start must do no harm when it runs already
        _start(turn, item, Phase.UNKNOWN)
    else:
        _stop(turn, item)


def _settle_stopped(turn: Turn, item: Item, cause: str, wanted: bool) -> None:
    if not wanted:
        if cause and cause != item.name:
            turn.become(item, Phase.BLOCKED, f"it comes after {cause}, which does not run")
        else:
            turn.become(item, Phase.STOPPED)
        return
    _start(turn, item, Phase.BLOCKED)


def _start(turn: Turn, item: Item, waiting: Phase) -> None:
    """Start it, or let it wait and say why."""
    other = permission.blocked_by(turn.board, item.name)
    why = f"it comes after {other}, which does not run yet" if other else ""
    if not why and item.resource.exclusive:
        why = permission.obstacle(turn.board, turn.now)
        if why and why != item.why:
            turn.say(f"{item.name} is not started: {why}")
    if why:
        turn.become(item, waiting, why)
    else:
        turn.run(item, Verb.START)


def _settle_failed(turn: Turn, item: Item, wanted: bool) -> None:
    if not item.dirty:
        if not item.held:
            turn.become(item, Phase.STOPPED)
    elif wanted:  # its stop had failed, and now it may run again
        if can_look(item.resource):
            turn.become(item._replace(doubts=0, due=0, dirty=False), Phase.UNKNOWN)
        else:
            turn.put(item._replace(again=True, due=0))
    elif turn.now >= item.due:
        _stop(turn, item)


def _stop(turn: Turn, item: Item) -> None:
    if all(other.down for other in turn.board.dependents(item.name)):
        turn.run(item, Verb.STOP)


def _give_up_lost(turn: Turn) -> None:
    for item in turn.board.items:
        if item.verb is not None and turn.now >= item.deadline:
            finish(turn, Ended(item.job, How.LOST))


def _serve(turn: Turn, term: int) -> None:
    board, now = turn.board, turn.now
    if board.serving:
        turn.board = board._replace(term=term, draining=False)
        return
    # A head that was off a lease ago cannot have been started and served since: it grants
    # nothing for the length of a lease after its start, not even to itself.
    fresh = board.peer_off and now - board.peer_off <= board.rules.lease
    items = tuple(item._replace(held=False, doubts=0, due=_at_once(item)) for item in board.items)
    turn.board = board._replace(
        items=items, serving=True, draining=False, term=term, served=now,
        peer_off=board.peer_off if fresh else 0, peer_word=0, peer_busy=0, fencing_said="",
    )  # fmt: skip
    if items:
        turn.say(f"term {term}: starting the resources")


def _drain(turn: Turn) -> None:
    if turn.board.serving and not turn.board.draining:
        turn.board = turn.board._replace(draining=True)
        turn.say("stopping the resources to hand over")


def _retire(turn: Turn) -> None:
    board = turn.board
    items = tuple(
        item._replace(held=False, again=False, doubts=0, due=_at_once(item)) for item in board.items
    )
    if board.fencing_asked:
        turn.act(StopFencing())
    if board.serving and any(not item.stopped for item in items):
        turn.say("stopping the resources")
    turn.board = board._replace(
        items=items, serving=False, draining=False, peer_off=0, peer_word=0, peer_busy=0,
        fencing_asked=False, fencing_said="",
    )  # fmt: skip


def _at_once(item: Item) -> int:
    """A stop that has failed is tried again at once when the role changes."""
    return 0 if item.phase in (Phase.FAILED, Phase.UNKNOWN) else item.due


def _hear(turn: Turn, event: PeerOff | PeerWord | FencingSaid) -> None:
    board = turn.board
    if isinstance(event, PeerOff):
        turn.board = board._replace(peer_off=turn.now, fencing_said="")
    elif isinstance(event, FencingSaid):
        turn.board = board._replace(fencing_said=event.sentence)
    elif board.serving and event.asked >= board.served:
        if not event.stopped:
            turn.board = board._replace(peer_busy=turn.now)
        elif not board.peer_word:
            if board.fencing_asked:
                turn.act(StopFencing())
            turn.board = board._replace(peer_word=event.asked, fencing_asked=False)


def _restart(turn: Turn, name: str) -> None:
    """Not counted as its own failure; whatever is at work with it already goes on."""
    board = turn.board
    for item in board.items if board.serving and not board.draining else ():
        if item.name == name and item.phase is Phase.RUNNING and not item.again:
            turn.put(item._replace(again=True))
            turn.say(f"{name} does not work, as the watch list says; starting it again")


def _forget(turn: Turn, name: str) -> None:
    for item in turn.board.items:
        if name in ("", item.name) and (item.blame or item.held):
            clean = item._replace(held=False, blame="", stuck=False, restarted=0, doubts=0)
            turn.put(clean._replace(due=_at_once(item)))
            turn.say(f"the failure of {item.name} is forgotten")
