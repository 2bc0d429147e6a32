"""The list of machines heard: one entry per card, in order of arrival, the best of what was told."""

from collections import Counter
from ipaddress import IPv4Address, IPv4Network

import pytest

from backend.discovery.dhcp_packet import DhcpRequest, parse_frame
from backend.discovery.mac_collecting import (
    CollectMacs,
    from_json,
    load_collection,
    save_collection,
    to_json,
)
from backend.discovery.machine_kind import Kind
from backend.discovery.macs import Collection, Heard, Machine, known_machines
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import Firmware, Network, Node, Primary, Site, Standby
from backend.paths import Paths
from backend.system.packets import Batch, Frame
from backend.tasks import CancelToken, Progress, TaskContext
from tests.fakes.dhcp_frames import DISCOVER, frame

A, B, C = (Mac(f"52:54:00:00:00:0{n}") for n in (1, 2, 3))
NODE = HostName("node001")
PRIVATE = InterfaceName("eth1")


def raw(mac: Mac, *options: tuple[int, bytes], **fields: object) -> bytes:
    return frame(mac.raw, DISCOVER, *options, **fields)


def request(mac: Mac, *options: tuple[int, bytes], **fields: object) -> DhcpRequest:
    found = parse_frame(raw(mac, *options, **fields), Counter())
    assert found is not None
    return found


ROM = ((60, b"PXEClient:Arch:00007:UNDI:003000"), (93, b"\0\7"), (97, b"\0" + bytes(range(1, 17))))


def site(**fields: object) -> Site:
    return Site(
        HostName("cluster"),
        DomainName("example.org"),
        Network(PRIVATE, IPv4Network("10.0.0.0/24")),
        Primary(HostName("head"), IPv4Address("10.0.0.1")),
        **fields,
    )


def standby(name: str, mac: Mac | None = None) -> Standby:
    return Standby(HostName(name), ImageName("image"), IPv4Address("10.0.0.2"), 24, mac=mac)


def test_order_of_arrival_first_and_last_time_and_counts():
    collection = Collection()
    assert collection.add(request(B, xid=1), 10.0) is Heard.NEW
    assert collection.add(request(A, xid=7), 11.0) is Heard.NEW
    assert collection.add(request(B, xid=1), 12.0) is Heard.AGAIN
    assert collection.add(request(B, xid=2), 15.0) is Heard.AGAIN
    assert [machine.mac for machine in collection] == [B, A]
    heard = collection.get(B)
    assert (heard.first_heard, heard.last_heard) == (10.0, 15.0)
    assert (heard.times_heard, heard.attempts) == (3, 2)


def test_an_operating_system_does_not_erase_what_the_rom_told():
    collection = Collection()
    collection.add(request(A, *ROM), 1.0)
    collection.add(request(A, (12, b"standby1"), (61, b"\xff" + bytes(18))), 2.0)
    machine = collection.get(A)
    assert machine.kind is Kind.OPERATING_SYSTEM
    assert machine.heard_as == (Kind.ROM, Kind.OPERATING_SYSTEM)
    assert machine.firmware is Firmware.UEFI
    assert machine.architecture == "x86-64 UEFI"
    assert machine.host_name == "standby1"
    assert machine.vendor_class.startswith("PXEClient")
    assert machine.uuid is not None
    assert machine.boots_from_network


def test_a_changed_firmware_setting_is_believed():
    collection = Collection()
    collection.add(request(A, *ROM), 1.0)
    collection.add(request(A, (60, b"PXEClient"), (93, b"\0\0")), 2.0)
    assert collection.get(A).firmware is Firmware.BIOS


def test_an_operating_system_alone_does_not_boot_from_the_network():
    collection = Collection()
    collection.add(request(A, (12, b"desk")), 1.0)
    assert not collection.get(A).boots_from_network


def test_own_cards_are_ignored_and_known_machines_are_marked():
    collection = Collection([A], {B: NODE})
    assert collection.add(request(A), 1.0) is Heard.IGNORED
    collection.add(request(B), 1.0)
    collection.add(request(C), 1.0)
    assert A not in collection
    assert [machine.node for machine in collection] == [NODE, None]
    collection.mark({C: NODE})
    assert [machine.node for machine in collection] == [None, NODE]


def test_removed_machines_reappear_at_the_end_when_heard_again():
    collection = Collection()
    for mac in (A, B, C):
        collection.add(request(mac), 1.0)
    assert collection.remove(A)
    assert not collection.remove(A)
    assert collection.add(request(A), 9.0) is Heard.NEW
    assert [machine.mac for machine in collection] == [B, C, A]
    assert collection.get(A).first_heard == 9.0
    collection.remove_all()
    assert len(collection) == 0


def test_returned_address_keeps_its_place_or_comes_at_the_end():
    collection = Collection()
    collection.add(request(A), 1.0)
    collection.add(request(B), 2.0)
    before = collection.get(A)
    collection.put_back(A, 5.0)
    collection.put_back(C, 5.0)
    assert collection.get(A) == before
    assert [machine.mac for machine in collection] == [A, B, C]
    assert collection.get(C).times_heard == 0
    collection.add(request(C), 8.0)
    assert (collection.get(C).first_heard, collection.get(C).times_heard) == (8.0, 1)


def test_full_list_says_so_and_still_hears_the_machines_in_it():
    collection = Collection(capacity=2)
    for mac in (A, B):
        assert collection.add(request(mac), 1.0) is Heard.NEW
    assert collection.add(request(C), 2.0) is Heard.FULL
    assert collection.add(request(A), 3.0) is Heard.AGAIN
    collection.put_back(C, 4.0)
    assert len(collection) == 2
    (report,) = collection.reports()
    assert report.code == "macs.full"
    assert "2 machines" in report.text


def test_a_batch_is_counted_and_names_what_changed_once():
    collection = Collection([C])
    frames = [(1.0, raw(A)), (1.1, raw(C)), (1.2, b"rubbish"), (1.3, raw(A)), (1.4, raw(B))]
    assert collection.take(frames, lost=3) == [A, B]
    assert {report.code for report in collection.reports()} == {
        "macs.packets-lost",
        "macs.not-requests",
    }
    assert "3" in collection.reports()[0].text


def test_unassigned_are_those_that_no_standby_has():
    collection = Collection()
    for mac in (C, A, B):
        collection.add(request(mac), 1.0)
    here = site(standbys=(standby("s1", A), standby("s2")), nodes=(Node(NODE, mac=B),))
    assert [machine.mac for machine in collection.unassigned(here)] == [C, B]
    assert known_machines(here) == {A: "s1", B: "node001"}


def test_list_is_kept_for_root_only_and_read_back_whole(tmp_path):
    collection = Collection(known={A: NODE})
    collection.add(request(A, *ROM, xid=5, vlans=(9,)), 1.25)
    collection.put_back(B, 2.0)
    paths = Paths(tmp_path)
    save_collection(paths, collection)
    file = paths.state / "macs.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert paths.state.stat().st_mode & 0o777 == 0o700
    again = Collection()
    load_collection(paths, again)
    assert [to_json(machine) for machine in again] == [to_json(machine) for machine in collection]
    assert again.get(A).boots_from_network


def test_no_list_yet_is_an_empty_one(tmp_path):
    collection = Collection()
    load_collection(Paths(tmp_path), collection)
    assert len(collection) == 0


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"machines": 3}', '{"machines": [{}]}', '{"machines": [{"mac": "x"}]}', "\0"],
)
def test_damaged_list_is_refused_with_its_remedy(tmp_path, content):
    paths = Paths(tmp_path)
    paths.state.mkdir(parents=True)
    (paths.state / "macs.json").write_text(content)
    with pytest.raises(InvalidInput) as caught:
        load_collection(paths, Collection())
    assert caught.value.reports[0].code == "macs.list-damaged"


def test_escape_sequences_cannot_come_back_through_the_list():
    fields = to_json(Machine(A, 1.0, 1.0)) | {"host_name": "\x1b[31m"}
    with pytest.raises(ValueError, match="printable"):
        from_json(fields)


def wire(*batches: Batch):
    """Return a sniffer that hands over these batches, then nothing until cancelled."""

    def listen(interface, on_batch, cancelled):
        assert interface == PRIVATE
        on_batch(Batch(()))
        waiting = list(batches)
        while not cancelled():
            if waiting:
                on_batch(waiting.pop(0))

    return listen


def test_task_tells_news_and_ends_when_enough_were_heard():
    news: list[list[Mac]] = []
    listening: list[int] = []
    events = []
    collection = Collection()
    collection.put_back(A, 0.5)  # known from before, but not heard in this run
    task = CollectMacs(
        PRIVATE,
        collection,
        until_count=2,
        on_news=lambda machines: news.append([machine.mac for machine in machines]),
        on_listening=lambda: listening.append(1),
        listen=wire(
            Batch((Frame(1.0, raw(A)), Frame(1.0, raw(A)))),
            Batch((Frame(2.0, b""),), lost=1),
            Batch((Frame(3.0, raw(B)),)),
            Batch((Frame(3.0, raw(C)),)),
        ),
    )
    assert task.run(TaskContext(events.append)) is collection
    assert news == [[A], [B]]
    assert listening == [1]
    assert [one.done for one in events if isinstance(one, Progress)][-1] == 2
    assert {one.code for one in events if not isinstance(one, Progress)} == {
        "macs.packets-lost",
        "macs.not-requests",
    }


def test_task_ends_after_its_time():
    now = iter(range(100))
    task = CollectMacs(PRIVATE, Collection(), seconds=5, listen=wire(), clock=lambda: next(now))
    task.run(TaskContext())
    assert next(now) == 6


def test_cancelling_ends_the_task_well_and_keeps_what_was_heard():
    token = CancelToken()
    task = CollectMacs(
        PRIVATE,
        Collection(),
        on_news=lambda _machines: token.cancel(),
        listen=wire(Batch((Frame(1.0, raw(A)),))),
    )
    assert [machine.mac for machine in task.run(TaskContext(cancel=token))] == [A]
