"""The wiring: the board and fencing decide, the worker runs, and the agent's loop drives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.agent import fencing
from backend.agent.resources import planner, state
from backend.agent.resources.permission import may_feed_watchdog
from backend.agent.resources.state import Board, Rules, begin
from backend.agent.settings import Settings
from backend.system.agent.program import Ended, How, Program
from backend.system.agent.programs import Worker


class Conductor:
    """Everything about resources and fencing that a head's loop calls; for one thread.

    Make the worker before the agent becomes real-time, locks memory and opens sockets. Nothing
    here waits, but a start of the worker's process after it has died costs a fork.
    """

    def __init__(
        self,
        settings: Settings,
        worker: Worker,
        *,
        peer_watchdog: int,
        clock: Callable[[], int],
        say: Callable[[str], object],
        peer_off: Callable[[], object],
        self_fence: Callable[[str], object],
    ) -> None:
        """``peer_watchdog``: microseconds, 0 when the other head has none or it is not known.
        ``peer_off`` is called when fencing has confirmed; ``self_fence`` when this machine has to
        be reset, with the reason."""
        self._worker = worker
        self._clock = clock
        self._say = say
        self._peer_off = peer_off
        self._self_fence = self_fence
        rules = Rules(settings.timing.lease, settings.fencing is not None, peer_watchdog)
        self.board: Board = begin(settings.resources, rules, clock())
        self._planned: tuple[Board, int] | None = None  # a board, and when it wants to be woken
        self.fencing = fencing.State(settings.fencing) if settings.fencing is not None else None

    def begin(self) -> None:
        """Find out what runs; call it once, when the loop is about to begin."""
        self.tell(state.Begin())

    def fileno(self) -> int:
        """For select; ask for it anew each time."""
        return self._worker.fileno()

    def wake_at(self) -> int:
        """Return when ``tick`` is to be called; it may have passed already."""
        if self._planned is None or self._planned[0] is not self.board:
            self._planned = self.board, planner.wake_at(self.board)
        moment = self._planned[1]
        return moment if self.fencing is None else min(moment, fencing.wake_at(self.fencing))

    def tick(self) -> None:
        """A moment has come."""
        self.tell(state.Tick())
        self._fence_step(fencing.Tick())

    def readable(self) -> None:
        """Programs have ended."""
        for ended in self._worker.events():
            self._ended(ended)

    def tell(self, event: state.Event) -> None:
        """Let an event be decided and carried out."""
        decision = planner.step(self.board, event, self._clock())
        self.board = decision.state
        if decision.sentence:
            self._say(decision.sentence)
        for action in decision.actions:
            self._do(action)

    def fence(self, delay: int = 0) -> None:
        """Have the other head switched off, for whatever reason; ``delay`` in microseconds."""
        self._fence_step(fencing.Fence(delay))

    def states(self) -> list[dict[str, Any]]:
        """Return each resource's state for the status."""
        return [
            {
                "name": one.name,
                "state": one.phase.value,
                "why": one.why or one.blame,
                "since": one.since,
                "failed": bool(one.blame),
            }
            for one in self.board.items
        ]

    def may_feed_watchdog(self, *, leased: bool) -> bool:
        """See permission.may_feed_watchdog."""
        return may_feed_watchdog(self.board, leased=leased)

    def close(self) -> None:
        """Let the worker go; programs.py says what happens to what runs."""
        self._worker.close()

    def _do(self, action: state.Action) -> None:
        if isinstance(action, state.Run):
            self._submit(action.job, action.program)
        elif isinstance(action, state.Cancel):
            self._worker.cancel(action.job)
        elif isinstance(action, state.Fence):
            self._fence_step(fencing.Fence())
        elif isinstance(action, state.StopFencing):
            self._fence_step(fencing.Stop())
        else:
            self._self_fence(action.why)

    def _submit(self, job: str, program: Program) -> None:
        try:
            self._worker.submit(job, program)
        except (OSError, ValueError) as error:
            self._ended(Ended(job, How.NOT_STARTED, output=str(error)))

    def _ended(self, ended: Ended) -> None:
        if ended.job.startswith(f"{fencing.PREFIX}:"):
            self._fence_step(fencing.Finished(ended))
        else:
            self.tell(state.Finished(ended))

    def _fence_step(self, event: fencing.Event) -> None:
        if self.fencing is None:
            return
        decision = fencing.step(self.fencing, event, self._clock())
        self.fencing = decision.state
        if decision.sentence:
            self._say(decision.sentence)
        for action in decision.actions:
            if isinstance(action, fencing.Run):
                self._submit(action.job, action.program)
            elif action.verdict is fencing.Verdict.CONFIRMED:
                self.tell(state.PeerOff())
                self._peer_off()
            else:
                self.tell(state.FencingSaid(decision.sentence))
