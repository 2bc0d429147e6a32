"""What a voter must never do, whatever it is asked in whatever order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.core.messages import Kind, Request, Resign
from backend.agent.core.voter import Voter

LEASE = 300
HEADS = (1, 2)

requests = st.builds(
    Request,
    term=st.integers(0, 6),
    kind=st.sampled_from((Kind.RENEW, Kind.CAMPAIGN)),
    previous=st.just(0),
    length=st.just(LEASE),
    sent=st.just(0),
)
steps = st.lists(
    st.tuples(
        st.integers(0, 200),  # time passes
        st.sampled_from(HEADS),
        st.one_of(requests, st.builds(Resign, term=st.integers(0, 6), lapsed=st.booleans())),
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_without_a_hand_over_no_two_grants_overlap(steps: list[tuple[int, int, object]]) -> None:
    """A grant of one holder ends by its time or by its own resignation, never otherwise."""
    voter, now = Voter.started(0, LEASE), 0
    ends = {1: 0, 2: 0}  # until when each head may believe to be granted
    term = 0
    for passed, source, message in steps:
        now += passed
        if isinstance(message, Resign):
            freed = voter.resign(source, message)
            if freed != voter:
                assert source == voter.holder
                ends[source] = 0
            voter = freed
            continue
        assert isinstance(message, Request)
        granted = voter.grant(source, message, now)
        if granted is None:
            continue
        assert now >= LEASE, "a voter that has just started grants nothing"
        assert ends[3 - source] <= now, "two heads are granted at once"
        assert granted.term >= term, "terms only grow"
        assert granted.until >= max(voter.until if source == voter.holder else 0, now + LEASE)
        ends[source], term, voter = granted.until, granted.term, granted


@given(steps, st.integers(1, 299))
@settings(max_examples=100, deadline=None)
def test_an_adopted_voter_grants_only_its_own_head_at_first(
    steps: list[tuple[int, int, object]], until: int
) -> None:
    voter, now = Voter.adopted(0, LEASE, 1, 3, until), 0
    for passed, source, message in steps:
        now += passed
        if now >= LEASE or not isinstance(message, Request):
            break
        granted = voter.grant(source, message, now)
        assert granted is None or source == 1
        voter = granted or voter


def test_a_hand_over_passes_the_grant_on_once() -> None:
    renew = Request(4, Kind.RENEW, 0, LEASE, 0)
    voter = Voter.started(0, LEASE).grant(1, renew, 400)
    assert voter is not None
    transfer = Request(5, Kind.TRANSFER, 1, LEASE, 0)
    passed = voter.grant(2, transfer, 410)
    assert passed is not None
    assert (passed.holder, passed.term, passed.until) == (2, 5, 710)
    assert passed.grant(1, Request(6, Kind.CAMPAIGN, 0, LEASE, 0), 420) is None
    assert passed.grant(1, renew, 420) is None
    assert voter.grant(2, transfer._replace(term=4), 410) is None, "the term must be a new one"
    assert voter.grant(2, transfer._replace(previous=2), 410) is None


def test_what_was_resigned_is_not_granted_again() -> None:
    voter = Voter.started(0, LEASE).grant(1, Request(4, Kind.RENEW, 0, LEASE, 0), 400)
    assert voter is not None
    freed = voter.resign(1, Resign(4, lapsed=False))
    assert freed.grant(1, Request(4, Kind.RENEW, 0, LEASE, 0), 401) is None, "a late request"
    assert freed.grant(1, Request(5, Kind.CAMPAIGN, 0, LEASE, 0), 401) is not None
    assert freed.grant(2, Request(5, Kind.CAMPAIGN, 0, LEASE, 0), 401) is not None
    assert voter.resign(1, Resign(3, lapsed=False)) == voter, "a late resignation"
    assert voter.resign(2, Resign(9, lapsed=False)) == voter
