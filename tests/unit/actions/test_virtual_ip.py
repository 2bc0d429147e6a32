"""Keeping a change of addresses or going back, as the window does it."""

from pathlib import Path

import pytest

from backend.actions.virtual_ip import RollBackAction, VirtualIpAction, Waiting, keep
from backend.addressing import pending, places
from backend.addressing.pending import Pending
from backend.errors import Cancelled, InvalidInput, Refused
from backend.paths import Paths
from backend.tasks import CancelToken, Event, Progress, TaskContext
from backend.wiring import Wiring
from tests.unit.actions.test_standby import Nobody
from tests.unit.addressing.test_command import TRANSFER, open_change


def watched(root: Path, decide: object, after: int = 2) -> tuple[bool, list[Progress]]:
    """Follow a change; ``decide`` is called when the seconds left have been said ``after`` times."""
    seen: list[Progress] = []

    def listen(event: Event) -> None:
        assert isinstance(event, Progress)
        seen.append(event)
        if len(seen) == after and callable(decide):
            decide()

    waiting = Waiting(Wiring.rooted_at(root), every=0.001)
    return waiting.run(TaskContext(listen)), seen


def test_a_change_that_is_kept(tmp_path: Path) -> None:
    open_change(tmp_path, 40)
    wiring = Wiring.rooted_at(tmp_path)
    said: list[str] = []
    kept, seen = watched(tmp_path, lambda: said.append(keep(wiring)))
    assert kept
    assert said == [
        "Confirmed. Next: haoscar install-agent; until then this head holds the virtual IP."
    ]
    assert 39 < seen[0].done <= 40
    assert seen[0].detail == "It goes back in 40 s."
    with pytest.raises(Refused, match="no change that waits"):
        keep(wiring)


def test_a_change_that_goes_back(tmp_path: Path) -> None:
    open_change(tmp_path, 0)
    paths = Paths(tmp_path)

    def watcher() -> None:
        found = pending.claim(paths, "it was not confirmed in time")
        assert found is not None

    def rolled_back() -> None:
        pending.finish(paths, {"when": "now", "what": "x", "why": "it was not confirmed in time"})

    kept, seen = watched(tmp_path, lambda: (watcher(), rolled_back()))
    assert not kept
    assert seen[0].done == 0
    assert seen[0].detail == "It is being taken back."


def test_who_looks_away_decides_nothing(tmp_path: Path) -> None:
    open_change(tmp_path, 40)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        Waiting(Wiring.rooted_at(tmp_path)).run(TaskContext(cancel=token))
    assert places.pending_file(Paths(tmp_path)).exists()


def test_another_change_must_be_decided_first(tmp_path: Path) -> None:
    open_change(tmp_path, 40)
    with pytest.raises(Refused, match="waits to be confirmed"):
        VirtualIpAction(Wiring.rooted_at(tmp_path)).prepare(TaskContext(), Nobody())
    with pytest.raises(InvalidInput, match="from 3 to 3600"):
        VirtualIpAction(Wiring.rooted_at(tmp_path), limit=1).prepare(TaskContext(), Nobody())


def test_what_would_be_given_back_is_shown(tmp_path: Path) -> None:
    action = RollBackAction(Wiring.rooted_at(tmp_path))
    with pytest.raises(Refused, match="no change of the private address"):
        action.prepare(TaskContext(), Nobody())
    settings = tmp_path / places.settings_file("private").relative_to("/")
    settings.parent.mkdir(parents=True)
    settings.write_bytes(TRANSFER.to_json())
    assert not action.undecided
    made = action.prepare(TaskContext(), Nobody())
    assert made.sentence == "Give 10.0.0.1 back to eth1, and drop 10.0.0.2."
    assert made.groups[0].changes
    assert not places.back_file(Paths(tmp_path)).exists()  # only shown
    agent = tmp_path / places.AGENT_CONFIG.relative_to("/")
    agent.parent.mkdir(parents=True, exist_ok=True)
    agent.write_text("{}")
    with pytest.raises(Refused, match="The failover agent holds the virtual IP"):
        action.prepare(TaskContext(), Nobody())


def test_an_undecided_change_goes_back_without_further_questions(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    waiting = Pending(TRANSFER, pending.boot_clock() + 40, pending.this_boot(paths))
    pending.write(paths, places.pending_file(paths), waiting)
    action = RollBackAction(Wiring.rooted_at(tmp_path))
    assert action.undecided
    made = action.prepare(TaskContext(), Nobody())
    assert "10.0.0.1" in made.sentence
