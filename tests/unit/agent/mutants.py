"""Each takes one rule out of the decision core; the simulator must notice within some schedules."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.agent.core import active, head, lease, solo, standby, state, steps
from backend.agent.core.actions import CloseGate
from backend.agent.core.lease import lease_end
from backend.agent.core.state import Decision
from backend.agent.core.timing import Members, Timing
from backend.agent.core.voter import Voter

Patch = pytest.MonkeyPatch
MODULES = (active, head, lease, solo, standby, state, steps)
Mutant = Callable[[Patch], None]


def replace(patch: Patch, name: str, new: Any) -> None:
    """Put a function in the place of another one wherever the core knows it by its name."""
    for module in MODULES:
        if hasattr(module, name):
            patch.setattr(module, name, new)


def no_margin(patch: Patch) -> None:
    """A lease is used to its very end on the holder's clock."""
    patch.setattr(Timing, "usable", property(lambda self: self.lease))


def voter_without_bar(patch: Patch) -> None:
    """A voter grants as soon as it has started."""

    def started(cls: Any, now: int, lease: int, term: int = 0, holder: int = 0) -> Voter:
        return Voter(bar=now, term=term, holder=holder)

    patch.setattr(Voter, "started", classmethod(started))


def grant_shortened(patch: Patch) -> None:
    """A voter grants a higher term to another head before its grant has run out."""
    old = Voter.grant

    def grant(self: Voter, source: int, request: Any, now: int) -> Voter | None:
        if source != self.holder and request.term > self.term:
            self = self._replace(until=now)
        return old(self, source, request, now)

    patch.setattr(Voter, "grant", grant)


def resign_from_anybody(patch: Patch) -> None:
    """A voter is freed by whoever resigns."""

    def resign(self: Voter, source: int, message: Any) -> Voter:
        return self._replace(until=0, resigned=message.term, resigner=source)

    patch.setattr(Voter, "resign", resign)


def late_resign(patch: Patch) -> None:
    """A voter is freed by a resignation of an earlier term."""

    def resign(self: Voter, source: int, message: Any) -> Voter:
        if source != self.holder:
            return self
        return self._replace(until=0, resigned=message.term, resigner=source)

    patch.setattr(Voter, "resign", resign)


def own_vote_not_needed(patch: Patch) -> None:
    """The other head, or a majority without this one, is a quorum."""

    def end(one: Any) -> int:
        other = one.acks[one.place(one.members.peer)]
        if one.solo:
            return lease_end(one)
        begin = max(other, sorted(one.acks, reverse=True)[one.members.majority - 1])
        return begin + one.timing.usable if begin else 0

    replace(patch, "lease_end", end)


def small_quorum(patch: Patch) -> None:
    """One voter less than a majority is a quorum."""
    made = Members.__init__

    def begin(self: Members, *words: object) -> None:
        made(self, *words)
        self.majority = len(self.voters) // 2

    patch.setattr(Members, "__init__", begin)


def counted_from_receipt(patch: Patch) -> None:
    """A grant is counted from when the answer came."""
    for module in (active, standby):
        old = module.answer

        def answer(one: Any, source: int, message: Any, now: int, old: Any = old) -> Decision:
            return old(one, source, message._replace(sent=now), now)

        patch.setattr(module, "answer", answer)


def remaining_from_receipt(patch: Patch) -> None:
    """What is left of a handed-over lease is counted from when the answer came."""
    old = standby.handed_over

    def handed_over(one: Any, source: int, message: Any, now: int) -> Decision:
        left = message.remaining + now - message.sent
        return old(one, source, message._replace(remaining=left), now)

    patch.setattr(standby, "handed_over", handed_over)


def gate_left_open(patch: Patch) -> None:
    """A head that steps down leaves its gate to run out."""
    old = steps.step_down

    def step_down(*args: Any, **kwargs: Any) -> Decision:
        done = old(*args, **kwargs)
        return done._replace(actions=tuple(a for a in done.actions if a != CloseGate()))

    replace(patch, "step_down", step_down)


def gate_open_while_handing_over(patch: Patch) -> None:
    """A head hands over and leaves its gate to run out."""
    old = active.hand_over

    def hand_over(*args: Any) -> Decision:
        done = old(*args)
        return done._replace(actions=tuple(a for a in done.actions if a != CloseGate()))

    patch.setattr(active, "hand_over", hand_over)


def promise_not_stored(patch: Patch) -> None:
    """A promise counts before it is on the disk."""

    def ask(one: Any, message: Any) -> Decision:
        if one.role is not state.Role.STANDBY:
            return Decision(one)
        reply = solo.Send((one.members.peer,), solo.Promise(message.version))
        return Decision(one._replace(promised=message.version), (reply,))

    patch.setattr(solo, "ask", ask)


def promise_not_kept(patch: Patch) -> None:
    """A head campaigns although it has promised not to."""
    old = standby.why_not
    replace(patch, "why_not", lambda one, now: old(one._replace(promised=0), now))


def promise_not_awaited(patch: Patch) -> None:
    """The active head serves alone as soon as it has asked for the promise."""
    old = solo.consider

    def consider(one: Any, now: int) -> Any:
        one, actions, sentence = old(one, now)
        return (one._replace(solo=one.asked) if one.asked else one), actions, sentence

    patch.setattr(solo, "consider", consider)


def votes_of_any_term(patch: Patch) -> None:
    """A candidate counts what was granted to an earlier campaign, resigned since."""
    old = standby.answer

    def answer(one: Any, source: int, message: Any, now: int) -> Decision:
        return old(one, source, message._replace(term=one.term), now)

    patch.setattr(standby, "answer", answer)


def adopts_for_longer(patch: Patch) -> None:
    """A restarted head takes a whole new lease."""
    from backend.simulation import world

    old = state.adopt

    def adopt(one: Any, now: int, term: int, until: int) -> Decision:
        done = old(one, now, term, now + one.timing.usable)
        return done._replace(actions=(*done.actions, active.OpenGate(now + one.timing.usable)))

    patch.setattr(world, "adopt", adopt)


def fresh_head_hopes(patch: Patch) -> None:
    """A head without memory campaigns without having heard the other one."""
    old = standby.why_not
    replace(patch, "why_not", lambda one, now: old(one._replace(fresh=False), now))
    old_tick = standby.tick
    patch.setattr(
        standby, "tick", lambda one, late, now: old_tick(one._replace(fresh=False), late, now)
    )


def vote_kept_while_handing_over(patch: Patch) -> None:
    """The head that hands over keeps its own vote."""
    patch.setattr(Voter, "handed", lambda self, source, term, until: self)


def no_bar_after_hand_over(patch: Patch) -> None:
    """The head that has handed over is free to campaign at once, with its own vote."""
    vote_kept_while_handing_over(patch)
    old = active.hand_over

    def hand_over(*args: Any) -> Decision:
        done = old(*args)
        return done._replace(state=done.state._replace(nobody_dead_until=0))

    patch.setattr(active, "hand_over", hand_over)


def forced_head_goes_on(patch: Patch) -> None:
    """A forced head that stood still goes on although the other one may have started."""
    old = active.serve_alone

    def serve_alone(one: Any, now: int) -> Decision:
        done = old(one, now)
        return done._replace(state=done.state._replace(forced=False))

    patch.setattr(active, "serve_alone", serve_alone)


# With each, the seed from which it is looked for first.
MUTANTS: tuple[tuple[Mutant, int], ...] = (
    (no_margin, 1), (voter_without_bar, 1), (grant_shortened, 1), (resign_from_anybody, 1),
    (late_resign, 1900), (own_vote_not_needed, 450), (small_quorum, 1), (counted_from_receipt, 2100),
    (remaining_from_receipt, 650), (gate_left_open, 280), (gate_open_while_handing_over, 1),
    (promise_not_stored, 1), (promise_not_kept, 640), (promise_not_awaited, 1),
    (votes_of_any_term, 1300), (adopts_for_longer, 1), (fresh_head_hopes, 18700),
    (vote_kept_while_handing_over, 450), (no_bar_after_hand_over, 1), (forced_head_goes_on, 1),
)  # fmt: skip
