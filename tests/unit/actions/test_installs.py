"""Arming a ticket and taking it back: what is shown before, and what happens without a boot server."""

from pathlib import Path

import pytest

from backend.actions import installs as actions
from backend.actions.installs import ArmInstall, DisarmInstall, FollowInstall
from backend.clone.constants import Stage
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.ticket import Ticket, TicketState
from backend.errors import InvalidInput, Refused
from backend.model.addresses import Mac
from backend.paths import Paths
from backend.reports import warning
from backend.site.store import SiteStore
from backend.tasks import Event, Progress, TaskContext
from backend.wiring import Wiring
from tests.clone_site import BOOT_MAC, site, standby
from tests.fakes.persons import NOBODY
from tests.unit.test_clone_ticket import key

SITE = site().with_standby(standby())
MAC = Mac(BOOT_MAC)
DOUBT = warning("boot.no-esp", "On UEFI machines it will not start: no EFI partition.")


class BootServer:
    """Answers, or does not."""

    def __init__(self) -> None:
        self.told = 0
        self.runs = True

    def tell(self, _paths: Paths) -> None:
        self.told += 1
        if not self.runs:
            raise Refused.of("boot.not-running", "The boot server does not answer.")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> BootServer:
    made = BootServer()
    monkeypatch.setattr(actions, "tell_boot_server", made.tell)
    monkeypatch.setattr(actions, "bootable", lambda _version: (DOUBT,))
    return made


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    made = Wiring.rooted_at(tmp_path)
    made.paths.site_file.parent.mkdir(parents=True)
    made.paths.site_file.write_bytes(SiteStore(made.paths).render(SITE))
    for number in (1, 2):
        (made.paths.images / "head" / f"v{number}" / "tree").mkdir(parents=True)
        for name in ("manifest.jsonl", "image.json", "layout.json"):
            (made.paths.images / "head" / f"v{number}" / name).touch()
    return made


def test_arming_shows_what_it_means_before_it_does_it(wiring: Wiring, server: BootServer) -> None:
    prepared = ArmInstall(wiring, "standby1").prepare(TaskContext(), NOBODY)
    (change,) = prepared.groups[0].changes
    assert "standby1 (52:54:00:00:00:02) is installed with head v2" in change.sentence
    assert "only a blank disk is taken" in change.sentence
    assert prepared.reports == (DOUBT,)
    assert Installs(wiring.paths).ticket(MAC) is None
    ticket = prepared.run(TaskContext())
    assert (ticket.version, ticket.wipe) == (2, False)
    assert Installs(wiring.paths).ticket(MAC) == ticket
    assert server.told == 2
    assert prepared.tell(ticket).next.startswith("Switch standby1 on now")


def test_overwriting_is_said_and_kept_in_this_one_ticket(
    wiring: Wiring, server: BootServer
) -> None:
    action = ArmInstall(wiring, "standby1", version=1, wipe=True)
    prepared = action.prepare(TaskContext(), NOBODY)
    assert "whatever its disk carries is overwritten" in prepared.groups[0].changes[0].sentence
    assert prepared.run(TaskContext()).wipe
    stored = Installs(wiring.paths).ticket(MAC)
    assert stored is not None
    assert stored.wipe
    assert not ArmInstall(wiring, "standby1").arm(ArmInstall(wiring, "standby1").check()).wipe


def test_without_a_boot_server_no_ticket_is_left(wiring: Wiring, server: BootServer) -> None:
    server.runs = False
    prepared = ArmInstall(wiring, "standby1").prepare(TaskContext(), NOBODY)
    with pytest.raises(Refused, match="boot server"):
        prepared.run(TaskContext())
    assert Installs(wiring.paths).ticket(MAC) is None


@pytest.mark.parametrize("minutes", [0.0, -1.0, 7 * 24 * 60 + 1.0, float("nan")])
def test_a_window_that_is_none_is_refused(
    wiring: Wiring, server: BootServer, minutes: float
) -> None:
    with pytest.raises(InvalidInput, match="window"):
        ArmInstall(wiring, "standby1", minutes=minutes).check()


@pytest.mark.usefixtures("server")
def test_what_cannot_be_armed_is_named(wiring: Wiring) -> None:
    with pytest.raises(Refused, match="There are: standby1"):
        ArmInstall(wiring, "other").check()
    with pytest.raises(Refused, match="no image head v7"):
        ArmInstall(wiring, "standby1", version=7).check()


def test_cancelling_says_whether_the_disk_was_touched(wiring: Wiring, server: BootServer) -> None:
    installs = Installs(wiring.paths)
    action = DisarmInstall(wiring, "standby1")
    with pytest.raises(Refused, match="not being installed"):
        action.prepare(TaskContext(), NOBODY)
    installs.arm(SITE, SITE.standbys[0], 1)
    assert "nothing has been written" in action.prepare(TaskContext(), NOBODY).sentence
    installs.admit(MAC, key())
    installs.change(MAC, Ticket.running)
    installs.record(MAC, InstallEvent(1.0, "stage", Stage.PARTITION))
    prepared = action.prepare(TaskContext(), NOBODY)
    assert "its disk stays incomplete" in prepared.sentence
    assert prepared.run(TaskContext()).state is TicketState.DISARMED
    assert server.told == 1
    with pytest.raises(Refused, match="not being installed"):
        action.prepare(TaskContext(), NOBODY)


def test_following_tells_the_stages_and_the_bytes(wiring: Wiring) -> None:
    installs, told = Installs(wiring.paths), list[Event]()
    installs.arm(SITE, SITE.standbys[0], 1)
    installs.admit(MAC, key())
    installs.change(MAC, Ticket.running)
    installs.record(MAC, InstallEvent(1.0, "stage", Stage.COPY))
    installs.record(MAC, InstallEvent(2.0, "bytes", done=10, total=40))
    installs.change(MAC, lambda ticket: ticket.failed("no"), InstallEvent(3.0, "failed", text="no"))
    state = FollowInstall(wiring, SITE.standbys[0]).run(TaskContext(told.append))
    assert state is not None
    assert state.failure == "no"
    shares = [one.share for one in told if isinstance(one, Progress) and one.share is not None]
    assert shares == [0.25]


def test_a_standby_without_a_card_cannot_be_followed(wiring: Wiring) -> None:
    with pytest.raises(Refused, match="no MAC address"):
        FollowInstall(wiring, standby(mac=None)).run(TaskContext())
