"""What a head does beside its lease: moves that wait for the resources, and the last resort."""

from __future__ import annotations

from collections.abc import Callable

from backend.agent.alone import Resort, last_resort
from backend.agent.core.active import better_elsewhere
from backend.agent.core.events import Event, Force, Stop, Switchover
from backend.agent.core.lease import FIT
from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Role
from backend.agent.core.timing import SECOND
from backend.agent.parts import HeadParts
from backend.agent.resources import state as resources
from backend.agent.resources.permission import patience


class Errands:
    """Planned moves stop the resources first; ``decide`` lets the core decide an event."""

    def __init__(self, parts: HeadParts, decide: Callable[[Event], str]) -> None:
        self._parts = parts
        self._decide = decide
        self._errand: Event | None = None
        self._until = 0
        self._emptying = False  # the errand is there because this head is not fit
        self._calm_until = 0  # no move because of that before

    def waiting(self, now: int) -> bool:
        """Whether resources are still being stopped, and may take yet longer."""
        return now < self._until and not self._parts.resources_stopped()

    def begin(self, errand: Event, head: Head, now: int) -> str:
        """Stop the resources of an active head, then do it; returns the sentence."""
        self._errand = errand
        self._emptying = False
        self._until = now + patience(self._parts.conductor.board) + SECOND
        if head.role is Role.ACTIVE and not self._parts.resources_stopped():
            self._parts.drain()
            return "stopping the resources first"
        self._errand = None
        return self._decide(errand)

    def first(self, head: Head, now: int) -> bool:
        """The other head asks for the role by itself: whether the resources are stopped first.

        When they are, it will be invited. A head that was invited for a dead network is not kept
        waiting: its virtual IPs move at once.
        """
        asked = head.inviting_until or head.stopping
        if head.role is not Role.ACTIVE or asked or self._parts.resources_stopped():
            return False
        if self._errand is None:
            self.begin(Switchover(), head, now)
        return True

    def empties(self, head: Head, now: int) -> bool:
        """This head is not fit, as the watch list says: whether it still runs resources.

        While it does, the core does not hear of it, or it would give the role away at once. When
        the other head could take it, they are stopped first.
        """
        if head.role is not Role.ACTIVE or head.stopping or self._parts.resources_stopped():
            return False
        unfit = head._replace(health=Health(int(head.health) & ~FIT))
        if not better_elsewhere(unfit, now):
            self.fit_again(head)
        elif self._errand is None and not head.inviting_until and now >= self._calm(head):
            self.begin(Switchover(), head, now)
            self._emptying = True
        return True

    def _calm(self, head: Head) -> int:
        """Return from when on the role may move again because a head is not fit."""
        return max(head.calm_until, self._calm_until)

    def fit_again(self, head: Head) -> None:
        """The role is not to move any more because this head is not fit."""
        if not self._emptying:
            return
        self._emptying = False
        self._errand = None
        if head.role is Role.ACTIVE:
            self._parts.conductor.tell(resources.Serve(head.term))

    def look(self, head: Head, now: int) -> None:
        """Go on; to be called often."""
        if self._errand is not None:
            self._go_on(self._errand, head, now)
        elif self._parts.conductor.board.draining:
            self._refill(head, now)
        if head.role is not Role.ACTIVE or self._parts.peer_is_off:
            self._resort(head, now)

    def _refill(self, head: Head, now: int) -> None:
        """The resources are stopped, and the other head did not take the role: start them again."""
        inviting = head.inviting_until or head.stopping
        if head.role is not Role.ACTIVE or inviting:
            return
        self._calm_until = now + head.timing.calm
        self._parts.chronicle.alarm("the other head did not take over; the resources start again")
        self._parts.conductor.tell(resources.Serve(head.term))

    def _go_on(self, errand: Event, head: Head, now: int) -> None:
        if head.role is not Role.ACTIVE and not isinstance(errand, Stop):
            self._errand, self._emptying = None, False  # the role has gone by another way
            return
        if head.role is Role.ACTIVE and not self._parts.resources_stopped():
            if now < self._until:
                return
            self._parts.chronicle.alarm("the resources have not stopped in time")
            if not isinstance(errand, Stop):  # a stop goes on all the same
                self._errand, self._emptying = None, False
                self._calm_until = now + head.timing.calm
                self._parts.conductor.tell(resources.Serve(head.term))
                return
        self._errand, self._emptying = None, False
        self._decide(errand)

    def _resort(self, head: Head, now: int) -> None:
        """Without witnesses: fence the other head and serve, or what the policy says."""
        settings, parts = self._parts.settings, self._parts
        due = last_resort(
            head,
            now,
            fencing=settings.fencing is not None,
            policy=settings.takeover_without_witness,
        )
        if due is Resort.FENCE and not parts.peer_is_off:
            parts.conductor.fence()
        elif due is Resort.FENCE:
            self._decide(Force())
        elif due is Resort.RISK:
            parts.chronicle.alarm("taking over without witness and fencing: the policy says so")
            self._decide(Force())
        if head.peer.alive(now, head.timing.lease):
            parts.peer_is_off = False
