"""The live list: what the window is told, in which order, and that nothing heard is lost."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.actions.macs import SAVE_EVERY, CollectLive, LiveList, look_at_situation
from backend.discovery.networks import Sides
from backend.discovery.survey import LookAround
from backend.errors import CommandFailed, InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.paths import Paths
from backend.system import packets
from backend.system.packets import Batch
from backend.tasks import TaskContext
from tests.fakes.dhcp_frames import DISCOVER, frame
from tests.fakes.mac_head import OS, OWN, PRIVATE, ROM, SITE, A, B, C, D, MacHead, heard, request
from tests.unit.test_discovery_preflight import READY

OnBatch = Callable[[Batch], None]
Cancelled = Callable[[], bool]


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MacHead:
    monkeypatch.setattr(packets, "own_cards", lambda: frozenset([OWN]))
    return MacHead(tmp_path)


def saved(head: MacHead) -> list[str]:
    file = head.paths.state / "macs.json"
    return [one["mac"] for one in json.loads(file.read_text())["machines"]] if file.exists() else []


def wire(*batches: Batch) -> Callable[[InterfaceName, OnBatch, Cancelled], None]:
    """Return a listener that hears these batches and ends."""

    def listen(interface: InterfaceName, on_batch: OnBatch, cancelled: Cancelled) -> None:
        assert interface == PRIVATE
        on_batch(Batch(()))
        for batch in batches:
            on_batch(batch)
            cancelled()

    return listen


def collect(head: MacHead, *batches: Batch) -> None:
    CollectLive(head.live, PRIVATE, wire(*batches)).run(TaskContext())


def test_what_is_heard_is_news_once_with_its_vendor_and_owner(head: MacHead) -> None:
    collect(head, heard(request(B, *OS), request(A, *ROM), request(OWN, *ROM)))
    news = head.live.news()
    assert list(news) == [B, A]
    first = news[B]
    assert first is not None
    assert (first.machine.node, first.vendor) == ("node1", "QEMU/KVM virtual machine")
    assert head.live.news() == {}
    assert saved(head) == [B, A]


def test_what_this_head_itself_sends_is_no_machine(head: MacHead) -> None:
    """When it asks for DHCP servers, it invents one."""
    asked = bytearray(frame(D.raw, DISCOVER))
    asked[6:12] = OWN.raw
    collect(head, heard(bytes(asked), request(A, *ROM)))
    assert head.listed == [A]


def test_a_machine_that_is_heard_again_keeps_its_place(head: MacHead) -> None:
    collect(head, heard(request(A, *ROM), request(C, *ROM)), heard(request(A, *OS), at=300.0))
    assert list(head.live.news()) == [A, C]
    collect(head, heard(request(C, *ROM), at=400.0))
    (shown,) = head.live.news().values()
    assert shown is not None
    assert (shown.machine.mac, shown.machine.times_heard) == (C, 2)
    assert head.listed == [A, C]


def test_removed_machines_are_gone_until_they_are_heard_again(head: MacHead) -> None:
    collect(head, heard(request(A, *ROM), request(C, *ROM)))
    head.live.news()
    head.live.remove((A, D))
    assert head.live.news() == {A: None}
    assert saved(head) == [C]
    collect(head, heard(request(A, *ROM)))
    assert head.listed == [C, A]


def test_a_list_that_was_changed_elsewhere_is_read_anew_unless_it_is_listened(
    head: MacHead,
) -> None:
    collect(head, heard(request(A, *ROM), request(C, *ROM)))
    head.live.news()
    other = LiveList(head.paths)
    other.open(SITE)
    other.remove((A,))
    with head.live.adding():
        head.live.open(SITE)
        assert head.listed == [A, C]
    head.live.open(SITE)  # what was heard was not written over it: nothing was heard
    assert head.listed == [C]
    assert head.live.news()[A] is None


def test_only_one_listens_at_a_time(head: MacHead) -> None:
    with head.live.adding(), pytest.raises(Refused) as caught:
        collect(head)
    assert caught.value.reports[0].code == "macs.listening"
    collect(head, heard(request(A, *ROM)))
    assert head.listed == [A]


def test_a_listener_that_breaks_keeps_what_it_heard(head: MacHead) -> None:
    def breaks(_interface: InterfaceName, on_batch: OnBatch, _cancelled: Cancelled) -> None:
        on_batch(heard(request(A, *ROM)))
        raise CommandFailed.of("sniffer.interface-gone", "Listening ended.")

    with pytest.raises(CommandFailed):
        CollectLive(head.live, PRIVATE, breaks).run(TaskContext())
    assert saved(head) == [A]
    collect(head, heard(request(C, *ROM)))
    assert head.listed == [A, C]


def test_it_is_kept_now_and_then_while_it_is_listened(tmp_path: Path) -> None:
    now = [0.0]
    live = LiveList(Paths(tmp_path), clock=lambda: now[0])
    file = tmp_path / "var/lib/haoscar/macs.json"

    def listen(_interface: InterfaceName, on_batch: OnBatch, cancelled: Cancelled) -> None:
        now[0] = SAVE_EVERY
        on_batch(heard(request(A, *ROM)))
        assert not file.exists()
        cancelled()
        assert A in file.read_text()
        on_batch(heard(request(C, *ROM)))
        cancelled()
        assert C not in file.read_text()  # not at every look

    CollectLive(live, PRIVATE, listen).run(TaskContext())
    assert C in file.read_text()


def test_the_window_never_waits_for_a_batch(head: MacHead) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def listen(_interface: InterfaceName, on_batch: OnBatch, _cancelled: Cancelled) -> None:
        class Slow(tuple):  # type: ignore[type-arg]
            def __iter__(self):  # type: ignore[no-untyped-def]
                begun.set()
                go_on.wait(10)
                return super().__iter__()

        on_batch(Batch(Slow(heard(request(A, *ROM)).frames)))

    thread = threading.Thread(
        target=lambda: CollectLive(head.live, PRIVATE, listen).run(TaskContext()), daemon=True
    )
    thread.start()
    assert begun.wait(10)
    before = time.perf_counter()
    assert head.live.news() == {}
    assert time.perf_counter() - before < 0.05
    go_on.set()
    thread.join(10)
    assert list(head.live.news()) == [A]


def test_free_cards_come_back_and_owners_are_marked(head: MacHead) -> None:
    collect(head, heard(request(A, *ROM)))
    head.live.news()
    with_a = replace(SITE, standbys=(replace(SITE.standbys[0], mac=A), *SITE.standbys[1:]))
    head.live.settle(with_a, (C,))
    news = head.live.news()
    assert {mac: shown and shown.machine.node for mac, shown in news.items()} == {
        A: "standby1", C: None,
    }  # fmt: skip
    assert saved(head) == [A, C]


def test_a_damaged_list_is_said_and_left_alone(head: MacHead) -> None:
    head.paths.state.mkdir(parents=True, exist_ok=True)
    (head.paths.state / "macs.json").write_text("{")
    with pytest.raises(InvalidInput):
        head.live.open(SITE)
    assert (head.paths.state / "macs.json").read_text() == "{"


def test_the_tree_has_standbys_first_and_only_they_are_given_cards(head: MacHead) -> None:
    head.assigned(A, None)
    found = look_at_situation(head.wiring, TaskContext())
    assert [(one.name, one.mac, one.standby) for one in found.clients] == [
        ("standby1", A, True), ("standby2", None, True), ("node1", B, False),
    ]  # fmt: skip
    assert found.taken == {A}
    assert found.interface == PRIVATE
    client = found.client("standby2")
    assert client is not None
    assert str(client.address) == "10.0.0.3"


def test_without_a_site_discovery_says_where_to_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = MacHead(tmp_path, None)
    survey = READY
    monkeypatch.setattr(LookAround, "run", lambda _task, _context: survey)
    found = look_at_situation(head.wiring, TaskContext())
    assert (found.interface, found.site, found.clients) == ("eth0", None, ())
    survey = replace(READY, sides=Sides())
    with pytest.raises(Refused) as caught:
        look_at_situation(head.wiring, TaskContext())
    assert caught.value.reports[0].code == "macs.no-interface"


def test_the_window_is_given_no_more_than_it_can_take_in(
    head: MacHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.actions.macs.MOST_NEWS", 2)
    collect(head, heard(request(A, *ROM), request(C, *ROM), request(D, *ROM)))
    assert list(head.live.news()) == [A, C]
    head.live.remove((A,))
    assert list(head.live.news()) == [D, A]
    assert head.live.news() == {}


def test_looking_again_tells_only_what_is_different(head: MacHead) -> None:
    collect(head, heard(request(A, *ROM), request(C, *ROM)))
    head.live.news()
    head.live.open(SITE)
    assert head.live.news() == {}
    other = LiveList(head.paths)
    other.open(SITE)
    other.settle(SITE, (D,))
    head.live.open(SITE)
    assert list(head.live.news())[-1] == D


def test_ten_thousand_machines_are_all_told(head: MacHead) -> None:
    macs = [Mac.from_bytes(bytes((2, 16)) + number.to_bytes(4, "big")) for number in range(10_000)]
    frames = [request(mac, *ROM) for mac in macs]
    collect(head, *(heard(*frames[at : at + 250], at=float(at)) for at in range(0, 10_000, 250)))
    told: list[Mac] = []
    while news := head.live.news():
        told += news
    assert told == macs
    assert len(saved(head)) == 10_000
