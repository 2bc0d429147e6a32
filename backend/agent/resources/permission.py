"""May a resource that must never run twice be started here?

A lease says that the other head must not serve. It does not say that its file systems are
unmounted and its database has ended: a frozen machine may wake up and go on writing. So one of
these must be known first: the other head is off (fencing, or the administrator's word); it has
said itself, in an answer to a question asked in this term, that it has stopped them; or its
watchdog has had the time to reset it, because it is fed only by a head that has the lease or has
stopped them (``may_feed_watchdog``). The virtual IP waits for none of this.
"""

from __future__ import annotations

from backend.agent.core.timing import SECOND
from backend.agent.resources.state import PEER_HEARD, Board, Phase


def obstacle(board: Board, now: int) -> str:
    """Return why an exclusive resource must wait; empty when it need not."""
    if board.peer_off or board.peer_word:
        return ""
    bound = watchdog_bound(board)
    if bound and now >= bound:
        return ""
    if busy(board, now):
        return "the other head is still stopping what it ran"
    if board.rules.fencing and board.fencing_said:
        return (
            f"the other head may still run it, and fencing has not confirmed: {board.fencing_said}"
        )
    if board.rules.fencing:
        return "it waits until the other head is confirmed to be off"
    if bound:
        return "it waits until the other head's watchdog must have reset it"
    return (
        "the other head may still run it: it does not say that it has stopped it, and neither "
        "fencing nor its watchdog is configured. Make sure that it is off, then confirm that"
    )


def busy(board: Board, now: int) -> bool:
    """Whether the other head says at present that it is still stopping its resources."""
    return board.peer_busy > 0 and now - board.peer_busy < PEER_HEARD


def watchdog_bound(board: Board) -> int:
    """From when on the other head's watchdog must have fired; 0: there is none."""
    rules = board.rules
    if not rules.peer_watchdog:
        return 0
    return board.served + rules.lease + rules.peer_watchdog + rules.margin


def fence_from(board: Board) -> int:
    """From when on the other head is to be fenced: it gets a moment to say that it has stopped
    everything, and while it says that it is about to, as long as its stops may take."""
    soon = board.served + 2 * board.rules.lease
    if not board.peer_busy:
        return soon
    return max(soon, min(board.peer_busy + PEER_HEARD, board.served + patience(board)))


def patience(board: Board) -> int:
    """How long the stops of all resources may take: the longest chain of them."""
    longest: dict[str, float] = {}
    left = list(board.items)
    while left:
        ready = [one for one in left if all(name in longest for name in one.resource.after)]
        for one in ready:
            before = max((longest[name] for name in one.resource.after), default=0.0)
            longest[one.name] = before + one.resource.stop_limit
            left.remove(one)
        if not ready:
            break
    return int(max(longest.values(), default=0.0) * SECOND)


def may_feed_watchdog(board: Board, *, leased: bool) -> bool:
    """Whether this head may keep its watchdog quiet: it has the lease, or it runs nothing that
    must not run twice. The bound above rests on this."""
    return leased or not any(
        item.resource.exclusive and item.seen and not item.stopped for item in board.items
    )


def waiting(board: Board) -> bool:
    """Whether a resource is kept from its start by nothing but this."""
    return any(
        item.phase is Phase.BLOCKED and item.resource.exclusive and not blocked_by(board, item.name)
        for item in board.items
    )


def blocked_by(board: Board, name: str) -> str:
    """Return the first resource that must run before this one and does not; or empty."""
    for other in board.item(name).resource.after:
        if board.item(other).phase is not Phase.RUNNING:
            return other
    return ""
