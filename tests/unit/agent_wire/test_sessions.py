"""Who is believed: restarts, lost introductions, and an attacker who has recorded everything."""

import random

import pytest

from backend.agent.core.messages import (
    Answer,
    Invite,
    Poll,
    Request,
    Resign,
    Status,
)
from backend.agent.errors import AgentError
from backend.agent.sessions import RECENT, WINDOW, Incoming, Refused, Sessions
from backend.agent.wire import Hello, Reason, Welcome, derive_key, seal
from tests.unit.agent_wire.talk import (
    ANSWER,
    HEADS,
    KEY,
    ONE_OF_EACH,
    REQUEST,
    WITNESSES,
    Datagram,
    Wire,
    process,
    reason,
    talk,
)


def test_after_a_hello_the_first_request_is_not_lost() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    assert len(wire.sent) == 3  # Hello, Welcome, Welcome
    talk(wire, 1, 2)
    assert len(wire.sent) == 5
    assert set(wire.processes[1].refused().values()) == {0}
    assert wire.processes[2].refused()["stranger"] == 1  # the Hello itself proves nothing


def test_without_a_hello_the_second_request_is_accepted() -> None:
    wire = Wire(1, 3)
    assert reason(wire.send(1, 3)) is Reason.STRANGER
    assert isinstance(wire.send(1, 3), Incoming)


@pytest.mark.parametrize("lost", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_whatever_part_of_an_introduction_is_lost_the_next_one_mends_it(lost: tuple[int]) -> None:
    wire = Wire(1, 2)
    hello = wire.make(1, 2, 0, Hello())
    if 0 not in lost:
        wire.arrive(hello, lambda one: wire.sent.index(one) in lost)
    wire.send(1, 2)
    talk(wire, 1, 2)


def presence(wire: Wire, source: int, to: int, network: int = 0) -> Datagram:
    data = wire.processes[source].presence(to, network)
    return Datagram(source, to, network, data)


def test_presence_is_believed_and_not_answered() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    wire.send(1, 2)
    before = len(wire.sent)
    found = wire.arrive(presence(wire, 2, 1))
    assert isinstance(found, Incoming)
    assert found.message is None
    assert len(wire.sent) == before
    assert reason(wire.arrive(presence(wire, 2, 1)._replace(data=b""))) is Reason.SHORT


def test_presence_to_whom_nobody_has_met_is_a_hello() -> None:
    wire = Wire(1, 2)
    wire.arrive(presence(wire, 2, 1))
    assert wire.processes[1].knows(2, 0)
    assert wire.processes[2].knows(1, 0)


@pytest.mark.parametrize(("restarted", "why"), [(1, Reason.OLD_SESSION), (2, Reason.WELCOME)])
def test_presence_proves_nothing_to_or_from_another_process(restarted: int, why: Reason) -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    late = presence(wire, 2, 1)
    wire.start(restarted)
    wire.introduce(1, 2)
    assert reason(wire.arrive(late)) is why
    talk(wire, 1, 2)


def test_introductions_that_cross_end() -> None:
    wire = Wire(1, 2)
    crossing = [wire.make(1, 2, 0, Hello()), wire.make(2, 1, 0, Hello())]
    for one in crossing:
        wire.arrive(one)
    assert len(wire.sent) <= 7
    talk(wire, 1, 2)


@pytest.mark.parametrize("again", [(1,), (2,), (1, 2), (2, 1), (1, 1), (2, 1, 2)])
def test_restarts_are_met_anew(again: tuple[int, ...]) -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    for member in again:
        wire.start(member)
    wire.introduce(again[-1], 3 - again[-1])
    talk(wire, 1, 2)


def test_a_restart_is_noticed_by_the_next_message_without_any_hello() -> None:
    wire = Wire(1, 3)
    wire.introduce(1, 3)
    wire.start(3)
    assert reason(wire.send(1, 3)) is Reason.OLD_SESSION
    assert isinstance(wire.send(1, 3), Incoming)
    wire.start(1)
    assert reason(wire.send(3, 1, ANSWER)) is Reason.OLD_SESSION
    talk(wire, 1, 3)


def test_it_is_said_that_a_process_is_new() -> None:
    wire = Wire(1, 2)
    hello = wire.make(1, 2, 0, Hello())
    wire.arrive(hello, answered=False)
    met = wire.processes[1].decode(wire.sent[-1].data, 0, wire.now)
    assert isinstance(met, Incoming)
    assert (met.met, met.message) == (True, None)


def test_duplicates_are_dropped_and_reordering_is_not() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    made = [wire.make(1, 2, 0, Poll(i)) for i in range(200)]
    order = [*range(0, 100, 2), *range(1, 100, 2), *range(199, 135, -1)]
    random.Random(1).shuffle(order[:40])
    for place in order:
        late = 100 > place >= 1 and place % 2 and place <= 98 - WINDOW
        found = wire.arrive(made[place])
        assert reason(found) is (Reason.REPLAY if late else None), place
        assert reason(wire.arrive(made[place])) is Reason.REPLAY
    assert reason(wire.arrive(made[135])) is Reason.REPLAY  # 64 behind the highest
    assert reason(wire.arrive(made[0])) is Reason.REPLAY


def test_the_window_moves_far_at_once() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    made = [wire.make(1, 2, 0, Poll(i)) for i in range(1000)]
    assert isinstance(wire.arrive(made[3]), Incoming)
    assert isinstance(wire.arrive(made[999]), Incoming)
    assert reason(wire.arrive(made[3])) is Reason.REPLAY
    assert isinstance(wire.arrive(made[998]), Incoming)
    assert isinstance(wire.arrive(made[999 - WINDOW + 1]), Incoming)
    assert reason(wire.arrive(made[999 - WINDOW])) is Reason.REPLAY


def test_a_datagram_is_good_for_one_member_on_one_network() -> None:
    wire = Wire(1, 2, 3)
    for network in (0, 1):
        wire.introduce(1, 2, network)
        wire.introduce(1, 3, network)
    one = wire.make(1, 3, 0, Poll(1))
    assert reason(wire.arrive(one._replace(to=2))) is Reason.DESTINATION
    assert reason(wire.arrive(one._replace(to=1))) is Reason.DESTINATION  # reflected
    assert reason(wire.arrive(one._replace(network=1))) is Reason.NETWORK
    assert isinstance(wire.arrive(one), Incoming)


def test_networks_are_met_one_by_one() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2, 0)
    assert reason(wire.send(1, 2, REQUEST, 1)) is Reason.STRANGER
    talk(wire, 1, 2, 1)
    talk(wire, 1, 2, 0)


def test_introductions_on_two_networks_at_once_do_not_disturb_each_other() -> None:
    wire = Wire(1, 2)
    hellos = [wire.make(1, 2, network, Hello()) for network in (0, 1)]
    for hello in hellos:
        wire.arrive(hello)
    assert len(wire.sent) == 6
    talk(wire, 1, 2, 0)
    talk(wire, 1, 2, 1)


def test_who_is_no_member_is_refused() -> None:
    stranger = seal(KEY, 77, 2, 0, 5, 0, 1, Poll(1))
    myself = seal(KEY, 2, 2, 0, 5, 0, 1, Poll(1))
    two = process(2, 9)
    assert reason(two.decode(stranger, 0, 0)) is Reason.MEMBER
    assert reason(two.decode(myself, 0, 0)) is Reason.MEMBER
    assert two.replies() == []


def test_what_each_role_may_say() -> None:
    wire = Wire(1, 2, 3, 4)
    pairs = ((1, 2), (1, 3), (3, 1), (3, 4))
    for source, to in pairs:
        wire.introduce(source, to)
    head_to_witness = {Request, Poll, Resign}
    witness_to_head = {Answer, Status}
    both = {Hello, Welcome}
    everything = {type(one) for one in ONE_OF_EACH}
    sets = (everything, head_to_witness | both, witness_to_head | both, both)
    for (source, to), types in zip(pairs, sets, strict=True):
        for word in ONE_OF_EACH:
            found = wire.send(source, to, word)
            assert reason(found) is (None if type(word) in types else Reason.ROLE), (source, word)


def test_newer_versions_other_clusters_and_forgers_are_told_apart() -> None:
    wire = Wire(1, 2)
    wire.introduce(1, 2)
    two = wire.processes[2]
    other = process(1, 5, derive_key(bytes(range(32)), "another"))
    found = two.decode(other.encode(2, 0, REQUEST), 0, 0)
    assert isinstance(found, Refused)
    assert found.sentence.startswith("refused a datagram of an unknown sender: ")
    assert found.reason is Reason.FORGED
    counted = two.refused()
    assert counted["forged"] == 1
    assert set(counted) == {one.name.lower() for one in Reason}


def test_a_sentence_names_the_sender_when_it_is_certain() -> None:
    wire = Wire(1, 3)
    wire.introduce(3, 1)
    found = wire.send(3, 1, Invite(1))
    assert isinstance(found, Refused)
    assert found.sentence == (
        "refused a datagram of member 3: its sender's role does not say that to this one's"
    )


def test_welcomes_are_limited() -> None:
    wire = Wire(1, 2)
    sent = []
    for step in range(3000):
        wire.now += 1000
        wire.arrive(wire.make(1, 2, 0, Hello()), answered=False)
        if wire.sent[-1].source == 2:
            sent.append(step)
    assert sent[:4] == [0, 1, 2, 3]
    assert max(sum(1 for one in sent if begin <= one < begin + 1000) for begin in sent) <= 20
    assert len(sent) >= 3 * 16
    # another sender does not suffer
    before = len(wire.sent)
    wire.start(3)
    wire.send(3, 2, Hello())
    assert len(wire.sent) == before + 3


def test_a_welcome_must_answer_something_recent() -> None:
    wire = Wire(1, 2)
    one = wire.processes[1]
    session = 0xABCD_0000_0000_0001

    def welcome(counter: int, theirs: int = session, new: int = 99) -> Reason | None:
        data = seal(KEY, 2, 1, 0, new, theirs, 1, Welcome(counter, True))
        return reason(one.decode(data, 0, 0))

    assert welcome(1) is Reason.WELCOME  # nothing was sent yet
    for _ in range(RECENT + 10):
        one.encode(2, 0, REQUEST)
    assert welcome(0) is Reason.WELCOME
    assert welcome(10) is Reason.WELCOME  # too old
    assert welcome(RECENT + 11) is Reason.WELCOME  # not sent yet
    assert welcome(RECENT, theirs=7) is Reason.OLD_SESSION  # to somebody else
    assert welcome(RECENT, new=0) is Reason.WELCOME
    assert not one.knows(2, 0)
    assert welcome(11) is None
    assert one.knows(2, 0)
    assert welcome(11) is Reason.REPLAY
    assert one.replies() == []


def test_a_session_is_a_random_number() -> None:
    with pytest.raises(AgentError, match="random"):
        process(1, 0)
    with pytest.raises(AgentError, match="random"):
        process(1, 1 << 64)
    assert HEADS + WITNESSES == (1, 2, 3, 4, 5)
    assert isinstance(process(1, (1 << 64) - 1), Sessions)
