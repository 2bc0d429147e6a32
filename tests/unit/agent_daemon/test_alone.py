"""Taking over without any witness."""

from typing import Any

import pytest

from backend.agent.alone import RISKY, SILENT, Resort, last_resort
from backend.agent.core.messages import Health
from backend.agent.core.state import Head, Peer, Role, start
from backend.agent.core.timing import Members, Timing

GOOD = Health.FIT | Health(3)


def standby(silent: int, witnesses: tuple[int, ...] = (), **changes: Any) -> tuple[Head, int]:
    now = 100_000_000
    head = start(Members(2, (1, 2), witnesses), Timing(), 0, fresh=False)
    head = head._replace(health=GOOD, peer=Peer(GOOD | Health.ACTIVE, now - silent, now - silent))
    return head._replace(**changes), now


def due(silent: int, *, fencing: bool = True, policy: str = "hold", **changes: Any) -> Resort:
    head, now = standby(silent, **changes)
    return last_resort(head, now, fencing=fencing, policy=policy)


def test_a_silent_head_is_fenced_where_there_are_no_witnesses() -> None:
    assert due(SILENT - 1) is Resort.NONE
    assert due(SILENT) is Resort.FENCE


def test_witnesses_decide_by_themselves_unless_there_is_a_promise() -> None:
    assert due(60 * SILENT, witnesses=(3,)) is Resort.NONE
    assert due(SILENT, witnesses=(3,), promised=4) is Resort.FENCE


def test_without_fencing_only_the_policy_risks_two_heads() -> None:
    assert due(RISKY, fencing=False) is Resort.NONE
    assert due(RISKY - 1, fencing=False, policy="risk") is Resort.NONE
    assert due(RISKY, fencing=False, policy="risk") is Resort.RISK


@pytest.mark.parametrize(
    "changes",
    [
        {"role": Role.ACTIVE},
        {"health": Health.NONE},
        {"health": Health(3)},
        {"maintenance_until": 1 << 60},
        {"stopping": 1},
        {"peer": Peer()},
        {"nobody_dead_until": 100_000_000},
    ],
    ids=lambda one: next(iter(one)),
)
def test_there_are_reasons_to_leave_it(changes: dict[str, Any]) -> None:
    assert due(SILENT, **changes) is Resort.NONE
