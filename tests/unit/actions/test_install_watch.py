"""Watching all machines at once: only news are told, and nothing that is damaged stops it."""

from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from backend.actions.install_progress import Phase
from backend.actions.install_watch import InstallsSeen, WatchInstalls
from backend.clone.constants import Stage
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.ticket import Ticket
from backend.model.addresses import Mac
from backend.model.names import HostName
from backend.model.site import Site
from backend.site.store import SiteStore
from backend.tasks import CancelToken, Event, TaskContext
from backend.wiring import Wiring
from tests.clone_site import BOOT_MAC, site, standby
from tests.unit.test_clone_ticket import key

SECOND = standby(
    name=HostName("standby2"), mac=None, address=IPv4Address("10.0.0.3"), public_address=None
)
SITE = site().with_standby(standby()).with_standby(SECOND)
MAC = Mac(BOOT_MAC)


class Scripted(CancelToken):
    """A token whose waits are the test's moments; cancels after the last one."""

    def __init__(self, moments: list[Callable[[], object]]) -> None:
        super().__init__()
        self._moments = moments

    def wait(self, seconds: float) -> bool:
        if self._moments:
            self._moments.pop(0)()
        else:
            self.cancel()
        return self.cancelled


class Head:
    def __init__(self, root: Path) -> None:
        self.now = 1e9
        self.wiring = Wiring.rooted_at(root)
        self.installs = Installs(self.wiring.paths, lambda: self.now)
        self.events: list[Event] = []

    def write(self, what: Site) -> None:
        self.wiring.paths.site_file.parent.mkdir(parents=True, exist_ok=True)
        self.wiring.paths.site_file.write_bytes(SiteStore(self.wiring.paths).render(what))

    def watch(self, *moments: Callable[[], object]) -> list[InstallsSeen]:
        context = TaskContext(self.events.append, Scripted(list(moments)))
        WatchInstalls(self.wiring, lambda: self.now).run(context)
        return [one for one in self.events if isinstance(one, InstallsSeen)]

    def later(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def head(tmp_path: Path) -> Head:
    made = Head(tmp_path)
    made.write(SITE)
    return made


def test_an_installation_is_seen_from_its_arming_to_its_end(head: Head) -> None:
    def event(kind: str, stage: Stage | None = None, done: int | None = None) -> None:
        head.later(1)
        head.installs.record(MAC, InstallEvent(head.now, kind, stage, done=done, total=100))

    def booted() -> None:
        facts = {"root": "/dev/vda1"}
        end = InstallEvent(head.now, "booted", Stage.BOOTED, facts=facts)
        head.installs.change(MAC, Ticket.done)
        head.installs.change(MAC, Ticket.booted, end)

    seen = head.watch(
        lambda: head.installs.arm(SITE, SITE.standbys[0], 1),
        lambda: head.installs.admit(MAC, key()),
        lambda: head.installs.change(MAC, Ticket.running),
        lambda: event("stage", Stage.COPY),
        lambda: event("bytes", done=20),
        lambda: event("bytes", done=40),
        booted,
    )
    first = [one.machines[0] for one in seen]
    phases = [one.phase for one in first]
    assert phases[:3] == [Phase.NONE, Phase.WAITING, Phase.RUNNING]
    assert phases[-1] is Phase.INSTALLED
    copying = [one.lines[6].detail for one in first if one.lines]
    assert "40 B of 100 B, 20 B/s, 3 s left" in copying
    assert {one.machines[1].phase for one in seen} == {Phase.NONE}


def test_nothing_new_is_not_told(head: Head) -> None:
    seen = head.watch(*[lambda: head.later(0.25)] * 20)
    assert len(seen) == 1


def test_time_alone_changes_what_is_seen(head: Head) -> None:
    head.installs.arm(SITE, SITE.standbys[0], 1, window=60)
    seen = head.watch(lambda: head.later(30), lambda: head.later(31))
    assert [one.machines[0].phase for one in seen][-1] is Phase.ENDED


def test_standbys_come_and_go_with_the_site_file(head: Head) -> None:
    one = site().with_standby(standby())
    seen = head.watch(
        lambda: head.write(one),
        lambda: head.wiring.paths.site_file.write_bytes(b"half a fi"),
        lambda: head.wiring.paths.site_file.unlink(),
    )
    assert [[m.name for m in event.machines] for event in seen] == [
        ["standby1", "standby2"], ["standby1"], [],
    ]  # fmt: skip


def test_a_damaged_ticket_is_named_and_the_others_go_on(head: Head) -> None:
    head.installs.arm(SITE, SITE.standbys[0], 1)
    (head.installs.directory(MAC) / "ticket.json").write_text("{")
    seen = head.watch()
    assert seen[0].machines[0].phase is Phase.FAILED
    assert "stored ticket" in seen[0].machines[0].headline
    assert seen[0].machines[1].name == "standby2"


def test_the_last_words_of_a_failed_installer_are_shown(head: Head) -> None:
    head.installs.arm(SITE, SITE.standbys[0], 1)
    for number in range(20):
        head.installs.record(MAC, InstallEvent(head.now, "log", text=f"line {number}"))
    failed = InstallEvent(head.now, "failed", text="no disk")
    head.installs.change(MAC, lambda ticket: ticket.failed("no disk"), failed)
    machine = head.watch()[0].machines[0]
    assert machine.log[0] == "line 5"
    assert machine.log[-1] == "line 19"


def test_it_says_when_network_boot_is_set_up_or_taken_back(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [False]
    monkeypatch.setattr("backend.actions.install_watch.is_set_up", lambda _paths: there[0])

    def becomes(value: bool) -> None:
        head.later(1.5)
        there[0] = value

    seen = head.watch(lambda: becomes(True), lambda: becomes(False))
    assert [one.set_up for one in seen] == [False, True, False]
