"""Single rules of the decision core, and that it has an answer to every event in every role."""

import itertools

import pytest

from backend.agent.core import events, messages, solo
from backend.agent.core.actions import CloseGate, OpenGate, Persist, Send, Serve
from backend.agent.core.active import repeated
from backend.agent.core.events import Persisted, Received, Tick
from backend.agent.core.explain import explain
from backend.agent.core.head import step, wake_at
from backend.agent.core.messages import (
    Answer,
    Ask,
    Handover,
    Health,
    Invite,
    Kind,
    Poll,
    Promise,
    Release,
    Request,
    Resign,
    Solicit,
    Status,
)
from backend.agent.core.state import Decision, Head, Role, adopt, start
from backend.agent.core.timing import MS, Members, Timing
from backend.agent.core.voter import Voter

TIMING = Timing()
LEASE = TIMING.lease
WELL = Health.FIT | Health(3)
NOW = 10_000 * MS


def standby(me: int = 2) -> Head:
    """Return a head that started long ago."""
    head = start(Members(me, (1, 2), (3, 4, 5)), TIMING, 0, term=3, fresh=False)
    return head._replace(health=WELL, voter=head.voter._replace(bar=0))


def active(me: int = 1, term: int = 5) -> Head:
    """Return a head that was elected just now by everybody."""
    head = standby(me)
    voter = Voter(bar=0, holder=me, term=term, until=NOW + LEASE)
    peer = head.peer._replace(health=WELL, at=NOW - MS)
    return head._replace(
        role=Role.ACTIVE, term=term, voter=voter, acks=(NOW - MS,) * 5, peer=peer,
        lease_until=NOW - MS + TIMING.usable, next_round=NOW + MS, next_retry=NOW + MS,
        round_sent=NOW - MS, incumbent=True,
    )  # fmt: skip


def heads() -> list[Head]:
    """Return a head in each role, and variations of it."""
    soliciting = standby()._replace(role=Role.SOLICITING, solicited=NOW - MS, deadline=NOW + MS)
    candidate = standby()._replace(role=Role.CANDIDATE, term=6, deadline=NOW + MS)
    plain = [standby(), soliciting, candidate, active()]
    return [
        changed
        for head in plain
        for changed in (
            head, head._replace(promised=7), head._replace(stopping=NOW + MS),
            head._replace(fresh=True), head._replace(health=Health.NONE),
            head._replace(solo=9, forced=True), head._replace(maintenance_until=NOW + LEASE),
        )
    ]  # fmt: skip


HEARD = (
    *(
        Request(term, kind, previous, LEASE, NOW, health, 12)
        for term, kind, previous in ((1, Kind.RENEW, 0), (9, Kind.CAMPAIGN, 0), (9, Kind.TRANSFER, 1))
        for health in (WELL, WELL | Health.ACTIVE, WELL | Health.ACTIVE | Health.SOLO)
    ),
    Answer(True, 1, 5, LEASE, NOW), Answer(False, 2, 9, 0, NOW, WELL | Health.PROMISED, 3),
    Poll(NOW, WELL), Poll(1), Status(0, 9, 0, 0, WELL), Status(1, 2, LEASE, NOW),
    Resign(9, lapsed=True), Resign(1, lapsed=False), Invite(9), Invite(0), Solicit(NOW),
    Handover(NOW - MS, LEASE, 9), Handover(0, 1, 0), Ask(1), Ask(99), Promise(1), Promise(99),
    Release(1), Release(99),
)  # fmt: skip
EVENTS: tuple[events.Event, ...] = (
    Tick(), Tick(LEASE), events.Condition(WELL), events.Condition(Health.NONE), Persisted(7),
    events.Maintenance(0), events.Maintenance(NOW + LEASE), events.Switchover(), events.Stop(),
    events.Force(), *(Received(one, what) for one in (1, 2, 3, 77) for what in HEARD),
)  # fmt: skip


def test_every_event_in_every_role_has_an_answer() -> None:
    assert {type(one.message) for one in EVENTS if isinstance(one, Received)} == set(
        messages.Message.__args__  # type: ignore[attr-defined]
    )
    for head, event in itertools.product(heads(), EVENTS):
        done = step(head, event, NOW)
        assert isinstance(done.state, Head)
        assert isinstance(wake_at(done.state, NOW), int)
        assert all(isinstance(line, str) and line for line in explain(done.state, NOW))
        opened = [one for one in done.actions if isinstance(one, OpenGate)]
        assert all(NOW < one.until <= NOW + LEASE for one in opened)
        if head.role is Role.ACTIVE and done.state.role is not Role.ACTIVE:
            assert done.actions[0] == CloseGate(), "first of all the gate"
            assert done.sentence
        if head.role is not Role.ACTIVE and done.state.role is Role.ACTIVE:
            assert isinstance(done.actions[0], OpenGate)
            assert any(isinstance(one, Serve) for one in done.actions)
            assert done.sentence


def test_a_stranger_is_not_heard() -> None:
    for head in heads():
        for message in HEARD:
            assert step(head, Received(77, message), NOW) == (head, (), "")


def test_only_the_other_head_is_voted_for() -> None:
    request = Request(9, Kind.CAMPAIGN, 0, LEASE, NOW, WELL)
    assert step(standby(), Received(3, request), NOW).actions == ()
    done = step(standby(), Received(1, request), NOW)
    assert done.state.voter.holder == 1
    assert Persist(9, 0) in done.actions, "a vote's term must outlive the process"


def test_an_outbid_head_no_longer_takes_grants_over() -> None:
    head = active()._replace(previous=2)
    done = step(head, Received(3, Answer(False, 2, 7, 100 * MS, NOW)), NOW)
    assert done.state.term == 8
    sent = [one.message for one in done.actions if isinstance(one, Send)]
    assert [(one.kind, one.previous) for one in sent if isinstance(one, Request)] == [
        (Kind.RENEW, 0)
    ]
    assert done.state.lease_until >= head.lease_until, "the grants it has stay in force"


@pytest.mark.parametrize(
    ("holder", "term", "becomes"), [(2, 5, 6), (1, 5, 5), (1, 6, 7), (2, 4, 5)]
)
def test_a_voter_with_the_same_or_a_higher_term_is_won_back(
    holder: int, term: int, becomes: int
) -> None:
    done = step(active(), Received(3, Answer(False, holder, term, 0, NOW)), NOW)
    assert done.state.term == becomes


def test_handing_over_binds_the_own_vote_and_closes_the_gate_first() -> None:
    done = step(active(), Received(2, Solicit(77)), NOW)
    assert done.actions[0] == CloseGate()
    assert done.state.voter.holder == 2
    assert done.state.voter.until >= NOW + LEASE
    late = step(done.state, Received(2, Resign(4, lapsed=False)), NOW + MS)
    assert late.state.voter.holder == 2
    assert late.state.voter.until >= NOW + LEASE, "a late resignation frees nothing"
    assert late.state.nobody_dead_until >= NOW + LEASE
    again = step(late.state, Received(2, Solicit(77)), NOW + 2 * MS)
    assert [one.message for one in again.actions if isinstance(one, Send)] == [done.state.given]


def test_nothing_follows_from_a_repeated_grant() -> None:
    """What the agent leaves out because it is a copy, the rules would make nothing of."""
    sent = NOW - MS
    answers = [
        Answer(granted, 1, term, LEASE, moment, health, promise)
        for granted in (True, False)
        for term in (4, 5, 6)
        for moment in (0, sent - MS, sent, NOW)
        for health in (Health.NONE, WELL, WELL | Health.PROMISED, WELL | Health.IDLE)
        for promise in (0, 12)
    ]
    copies = 0
    for head, source, message in itertools.product(heads(), (2, 3), (*answers, *HEARD)):
        if not repeated(head, source, message):
            continue
        copies += 1
        found = step(head, Received(source, message), NOW)
        heard = head.peer._replace(at=NOW) if source == 2 else head.peer
        assert found == Decision(head._replace(peer=heard))
    assert copies > 20


def test_a_grant_that_says_something_new_is_no_repetition() -> None:
    head, sent = active(), NOW - MS
    assert repeated(head, 2, Answer(True, 1, 5, LEASE, sent, WELL))
    assert not repeated(head, 2, Answer(True, 1, 5, LEASE, sent, WELL | Health.STOPPING))
    assert not repeated(head, 2, Answer(True, 1, 5, LEASE, sent, WELL, 7))
    assert not repeated(head, 2, Answer(True, 1, 5, LEASE, NOW, WELL))
    assert not repeated(head, 2, Answer(True, 1, 6, LEASE, sent, WELL))
    assert not repeated(head, 2, Answer(False, 1, 5, LEASE, sent, WELL))
    assert not repeated(head._replace(role=Role.CANDIDATE), 2, Answer(True, 1, 5, LEASE, sent))


def test_a_hand_over_counts_from_the_question() -> None:
    head = standby()._replace(role=Role.SOLICITING, solicited=NOW - 50 * MS, deadline=NOW + 99 * MS)
    done = step(head, Received(1, Handover(NOW - 50 * MS, 200 * MS, 6)), NOW)
    assert done.state.role is Role.ACTIVE
    assert done.actions[0] == OpenGate(NOW + 150 * MS)
    assert step(head, Received(1, Handover(NOW - 51 * MS, 200 * MS, 6)), NOW).actions == ()
    assert step(head, Received(3, Handover(NOW - 50 * MS, 200 * MS, 6)), NOW).actions == ()
    barred = head._replace(voter=Voter.started(NOW - 60 * MS, LEASE, 3))
    done = step(barred, Received(1, Handover(NOW - 50 * MS, 200 * MS, 6)), NOW)
    assert done.state.acks[1] == NOW, "it has its own vote although it has just started"


def test_the_version_of_a_promise_is_never_used_twice() -> None:
    head = active()
    used = set()
    for _ in range(3):
        version = solo.next_version(head)
        assert version not in used
        used.add(version)
        head = head._replace(version=version)
    assert solo.next_version(active(term=6)) > max(used)


def test_a_promise_counts_when_it_is_stored() -> None:
    asked = step(standby(), Received(1, Ask(50)), NOW)
    assert asked.actions == (Persist(3, 50),)
    assert asked.state.promised == 0
    assert step(asked.state, Received(1, Ask(50)), NOW + MS).actions == (), "once is enough"
    stored = step(asked.state, Persisted(50), NOW + 2 * MS)
    assert stored.state.promised == 50
    assert stored.actions == (Send((1,), Promise(50)),)
    released = step(asked.state, Received(1, Release(50)), NOW + MS).state
    assert step(released, Persisted(50), NOW + 2 * MS).state.promised == 0
    newer = step(stored.state, Received(1, Ask(60)), NOW + 3 * MS).state
    old = step(newer, Received(1, Release(50)), NOW + 4 * MS)
    assert old.actions == (), "or the disk would forget the newer one"


def test_a_promise_is_kept_while_the_lease_rests_on_it() -> None:
    head = active()._replace(
        solo=60, enough_since=NOW - 6_000 * MS, acks=(NOW, NOW - 250 * MS, *(NOW - 250 * MS,) * 3),
        lease_until=NOW + TIMING.usable, next_round=NOW,
    )  # fmt: skip
    assert step(head, Tick(), NOW).state.solo == 60
    head = head._replace(lease_until=NOW - 250 * MS + TIMING.usable)
    done = step(head, Tick(), NOW)
    assert done.state.solo == 0
    releases = [
        one for one in done.actions if isinstance(one, Send) and isinstance(one.message, Release)
    ]
    assert releases[0].message.version >= 60  # type: ignore[union-attr]


def test_what_the_other_head_uses_is_remembered_and_reported_when_stored() -> None:
    request = Request(9, Kind.RENEW, 0, LEASE, NOW, WELL | Health.ACTIVE | Health.SOLO, 33)
    done = step(standby(), Received(1, request), NOW)
    assert done.state.promised == 33
    assert solo.reported(done.state) == 0
    assert solo.reported(step(done.state, Persisted(33), NOW + MS).state) == 33


def test_a_head_without_memory_asks_the_other_one_first() -> None:
    head = start(Members(2, (1, 2), (3, 4, 5)), TIMING, 0, fresh=True)._replace(health=WELL)
    request = Request(9, Kind.RENEW, 0, LEASE, 1, WELL)
    assert step(head, Received(1, request), MS).state.fresh, "a request may be old"
    asked = step(head, Tick(), MS)
    assert asked.actions == (Send((1,), Poll(MS, WELL)),)
    alone = step(asked.state, Received(1, Status(1, 9, 0, MS, WELL | Health.SOLO)), 2 * MS)
    assert alone.state.fresh, "its promise may be in use"
    assert step(asked.state, Received(1, Status(1, 9, 0, 0, WELL)), 2 * MS).state.fresh
    assert not step(asked.state, Received(1, Status(1, 9, 0, MS, WELL)), 2 * MS).state.fresh


def test_a_failed_campaign_gives_its_grants_back() -> None:
    head = standby()._replace(health=WELL, peer=standby().peer)
    polled = step(head, Tick(), NOW).state
    for voter in (3, 4):
        polled = step(polled, Received(voter, Status(0, 3, 0, NOW)), NOW + MS).state
    assert polled.role is Role.CANDIDATE
    done = step(polled, Tick(), NOW + LEASE)
    assert done.state.role is Role.STANDBY
    assert done.sentence == "campaign failed: 1 of 5 granted"
    assert Send((1, 3, 4, 5), Resign(polled.term, lapsed=True)) in done.actions
    assert done.state.voter.until == 0


def test_late_words_are_not_taken_for_new_ones() -> None:
    head = standby()._replace(term=6)
    assert step(head, Received(1, Invite(5)), NOW).state.role is Role.STANDBY
    assert step(head, Received(1, Invite(6)), NOW).state.role is Role.SOLICITING


def test_adopting_goes_on_with_a_term_of_its_own() -> None:
    head = start(Members(1, (1, 2), (3,)), TIMING, NOW, term=5, fresh=False)
    done = adopt(head, NOW, 5, NOW + 100 * MS)
    assert done.state.term == 6
    assert done.state.role is Role.ACTIVE
    assert done.actions == (Persist(6, 0),)
    ticked = step(done.state, Tick(), NOW)
    assert ticked.state.acks[0] == NOW, "its own vote, at once"
    assert ticked.state.lease_until == NOW + 100 * MS, "nobody else has granted yet"
