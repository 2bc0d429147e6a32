"""The whole step on a machine of the tests: applied, confirmed, gone back, killed anywhere."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from backend.addressing import apply, live, pending, places, watcher
from backend.addressing.apply import Apply
from backend.addressing.follow import Follow
from backend.addressing.prepare import Prepared, Situation, prepare
from backend.addressing.rollback import RollBack
from backend.addressing.status import status
from backend.addressing.watcher import Watch
from backend.change.journal import Journal
from backend.change.plan import Plan, WriteFile
from backend.change.records import RecordState
from backend.discovery.cluster import Cluster
from backend.discovery.host import HostFacts
from backend.discovery.networks import Certainty, Side, Sides
from backend.discovery.survey import Survey
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.paths import Paths
from backend.reports import Severity
from backend.site.store import SiteStore
from backend.system.links import Link, LinkAddress, NetworkSnapshot
from backend.tasks import TaskContext
from tests.unit.addressing.kernel import FakeMachine

OLD, OWN, NODE = "10.0.0.1", "10.0.0.201", "10.0.0.11"
FILES = {
    "etc/systemd/network/10-private.network": "# ours\n[Match]\nName=eth1\n[Network]\nAddress=10.0.0.1/24\nGateway=10.0.0.254\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/hosts": f"127.0.0.1 localhost\n{OLD} head1\n{NODE} node1\n",
    "etc/slurm/slurm.conf": f"SlurmctldHost=head1({OLD})\n",
    "etc/exports": f"/home {OLD}(rw)\n",
    "etc/haoscar/site.toml": f"""\
version = 1
[cluster]
name = "beowulf"
domain = "example.org"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "{OLD}"  # known to everybody
[[node]]
name = "node1"
address = "{NODE}"
""",
}
PRIMITIVES = ("replace", "unlink", "mkdir", "open", "fdopen")


class Killed(BaseException):
    """The process is gone: nothing it wanted to do after this happens."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    found = FakeMachine(tmp_path, alive=(NODE,))
    found.reload_networkd()
    found.units["systemd-networkd.service"] = ["enabled", "active"]
    monkeypatch.setattr(watcher, "start", lambda *_args, **_more: None)
    monkeypatch.setattr(live, "PAUSE", 0.0)
    quick = live.settle
    monkeypatch.setattr(
        live,
        "settle",
        lambda runner, wanted: quick(runner, wanted, calm=0.0, sleep=lambda _s: None),
    )
    return found


def survey(machine: FakeMachine) -> Survey:
    network = IPv4Network("10.0.0.0/24")
    addresses = tuple(
        LinkAddress(
            IPv4Interface(f"{one['local']}/{one['prefixlen']}"),
            secondary=bool(one.get("secondary")),
        )
        for one in machine.addresses
    )
    card = Link(
        InterfaceName("eth1"), 2, "ethernet", Mac("52:54:00:00:00:01"), True, True, None, addresses
    )
    side = Side(InterfaceName("eth1"), network, IPv4Address(OLD), (), "", Certainty.CERTAIN)
    return Survey(HostFacts(HostName("head1")), NetworkSnapshot((card,)), Sides(side), Cluster())


def situation(machine: FakeMachine, used: tuple[str, ...] = ()) -> Situation:
    paths = Paths(machine.root)
    store = SiteStore(paths)
    systemctl = machine.systemctl

    def answer(words: list[str]) -> tuple[int, str]:
        if words[0] == "show":
            return (
                0,
                "Id=systemd-networkd.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
            )
        return systemctl(words)

    machine.systemctl = answer  # type: ignore[method-assign]
    holders = {IPv4Address(one): Mac("52:54:00:00:00:77") for one in used}
    return Situation(
        paths, machine, store, store.load(), survey(machine),
        lambda _card, asked: {one: holders[one] for one in asked if one in holders},
    )  # fmt: skip


def prepared(machine: FakeMachine, own: str | None = OWN) -> Prepared:
    return prepare(situation(machine), "private", None if own is None else IPv4Address(own))


def journal(machine: FakeMachine) -> Journal:
    return Journal(Paths(machine.root), machine)


def task(machine: FakeMachine, limit: float = 60.0) -> Apply:
    found = prepared(machine)
    return Apply(Paths(machine.root), machine, journal(machine), found.plan, found.transfer, limit)


def world(machine: FakeMachine) -> tuple[object, ...]:
    """Return everything that must be the same again."""
    files = {
        str(path.relative_to(machine.root)): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(machine.root.rglob("*"))
        if path.is_file() and "var" not in path.relative_to(machine.root).parts[:1]
    }
    enabled = {unit for unit, state in machine.units.items() if state[0] == "enabled"}
    return files, sorted(map(str, machine.addresses)), sorted(map(str, machine.routes)), enabled


def go_back(machine: FakeMachine) -> None:
    RollBack(Paths(machine.root), machine, journal(machine), "a test").run(TaskContext())


def test_applied_and_confirmed(machine: FakeMachine) -> None:
    found = prepared(machine)
    assert str(found.transfer.virtual) == OLD
    assert found.transfer.neighbours == (IPv4Address(NODE),)
    applied = task(machine).run(TaskContext())
    assert applied.reports == ()
    assert [(one["local"], one["prefixlen"]) for one in machine.addresses] == [(OWN, 24), (OLD, 32)]
    assert machine.routes == [
        {"dst": "default", "gateway": "10.0.0.254", "protocol": "static", "flags": []}
    ]
    text = (machine.root / "etc/systemd/network/10-private.network").read_text()
    assert text == FILES["etc/systemd/network/10-private.network"].replace(OLD, OWN)
    site = SiteStore(Paths(machine.root)).load()
    assert (str(site.private.virtual_ip), str(site.primary.private_address)) == (OLD, OWN)
    assert "# known to everybody" in (machine.root / "etc/haoscar/site.toml").read_text()
    assert status(Paths(machine.root)).waiting is not None
    assert pending.confirm(Paths(machine.root))
    assert not pending.confirm(Paths(machine.root))
    assert status(Paths(machine.root)).waiting is None
    Watch(Paths(machine.root), machine, journal(machine)).run(TaskContext())
    assert [one["local"] for one in machine.addresses] == [OWN, OLD]


def test_what_must_be_looked_at_is_said(machine: FakeMachine) -> None:
    codes = {one.code: str(one) for one in prepared(machine).reports}
    assert {"addressing.hosts", "addressing.slurm", "addressing.named"} <= set(codes)
    assert "/etc/exports:1" in codes["addressing.named"]


def test_the_plan_is_bound_to_this_machine_and_stops_for_the_agent(machine: FakeMachine) -> None:
    plan = prepared(machine).plan
    written = {
        step.path.name: step.content.decode() for step in plan.steps if isinstance(step, WriteFile)
    }
    hold = written["haoscar-virtual-ip-private.service"]
    assert "ConditionHost=0123456789abcdef0123456789abcdef" in hold
    assert "ExecStopPost=-" in hold
    script = written["hold-virtual-ip-private.sh"]
    assert f"[ ! -e {places.AGENT_CONFIG} ]" in script
    assert f"ip -4 address add {OLD}/32 dev eth1" in script
    boot = written["haoscar-virtual-ip-private-boot.service"]
    assert "ConditionPathExists=|/var/lib/haoscar/virtual-ip/pending.json" in boot
    assert ";" not in "".join(
        line for line in (hold + boot).splitlines() if line.startswith("Exec")
    )


def test_not_confirmed_it_goes_back(machine: FakeMachine) -> None:
    before = world(machine)
    task(machine, limit=3.0).run(TaskContext())
    late = pending.boot_clock() + 3.1
    Watch(Paths(machine.root), machine, journal(machine), clock=lambda: late).run(TaskContext())
    assert world(machine) == before
    last = pending.last(Paths(machine.root))
    assert last is not None
    assert "not confirmed" in last["why"]


def test_undone_in_the_journal_the_addresses_follow(machine: FakeMachine) -> None:
    before = world(machine)
    applied = task(machine).run(TaskContext())
    pending.confirm(Paths(machine.root))
    book = journal(machine)
    stop = machine.systemctl

    def systemctl(words: list[str]) -> tuple[int, str]:
        if words[0] == "stop":  # the unit's ExecStopPost
            assert Follow(Paths(machine.root), machine, book).run(TaskContext())
        return stop(words)

    machine.systemctl = systemctl  # type: ignore[method-assign]
    book.undo(applied.record.id, TaskContext())
    assert places.back_file(Paths(machine.root)).exists()
    Watch(Paths(machine.root), machine, book).run(TaskContext())
    assert world(machine) == before


def test_a_stopped_unit_alone_changes_nothing(machine: FakeMachine) -> None:
    task(machine).run(TaskContext())
    pending.confirm(Paths(machine.root))
    assert not Follow(Paths(machine.root), machine, journal(machine)).run(TaskContext())
    assert [one["local"] for one in machine.addresses] == [OWN, OLD]


def test_nobody_answers_the_new_address(machine: FakeMachine) -> None:
    before = world(machine)
    work = task(machine)
    machine.deaf = (OWN,)
    with pytest.raises(HaoscarError, match=f"nobody answers {OWN}") as caught:
        work.run(TaskContext())
    assert any(one.code == "addressing.back" for one in caught.value.reports)
    assert world(machine) == before
    assert not places.back_file(Paths(machine.root)).exists()


def test_a_newer_change_of_the_same_file_goes_back_with_it(machine: FakeMachine) -> None:
    before = world(machine)
    task(machine).run(TaskContext())
    site = machine.root / "etc/haoscar/site.toml"
    step = WriteFile(Path("/etc/haoscar/site.toml"), site.read_bytes() + b"# more\n", "")
    newer = journal(machine).apply(Plan("Newer", "", (step,)), TaskContext())
    go_back(machine)
    assert world(machine) == before
    state = {one.id: one.state for one in journal(machine).records()}
    assert state[newer.id] is RecordState.UNDONE


def test_started_anew_before_the_confirmation(machine: FakeMachine) -> None:
    before = world(machine)
    task(machine).run(TaskContext())
    machine.addresses.clear()  # the power is gone
    machine.said.clear()
    why = "a new start"
    RollBack(Paths(machine.root), machine, journal(machine), why, network_is_up=False).run(
        TaskContext()
    )
    assert not any(word.startswith(("ip ", "networkctl")) for word in machine.said)
    machine.reload_networkd()
    assert world(machine) == before


@contextmanager
def dies_after(machine: FakeMachine, count: int) -> Iterator[list[int]]:
    """Let ``count`` programs and operations on files succeed, and none after that."""
    left = [count]

    def spend() -> None:
        if left[0] <= 0:
            raise Killed
        left[0] -= 1

    def guarded(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            spend()
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in PRIMITIVES:
            patch.setattr(os, name, guarded(getattr(os, name)))
        patch.setattr(os, "fsync", lambda _file: None)
        patch.setattr(machine, "before_each", spend)
        yield left


def test_killed_anywhere_it_goes_back(machine: FakeMachine) -> None:
    """Also when what takes it back is killed, once, anywhere."""
    before = world(machine)
    work = task(machine)
    with dies_after(machine, 10_000) as left:
        work.run(TaskContext())
        needs = 10_000 - left[0]
    go_back(machine)
    assert world(machine) == before
    assert needs > 60
    for count in range(0, needs + 1, 3):
        with dies_after(machine, count), suppress(Killed):
            work.run(TaskContext())
        with dies_after(machine, count * 7 % 50), suppress(Killed, HaoscarError):
            go_back(machine)
        go_back(machine)
        assert world(machine) == before, f"killed after {count} operations"


def test_the_machine_is_asked_and_everything_wrong_is_said_at_once(machine: FakeMachine) -> None:
    for wanted, code in (
        ("10.0.1.5", "addressing.outside"),
        ("10.0.0.255", "addressing.not-a-host"),
        ("10.0.0.0", "addressing.not-a-host"),
        (OLD, "addressing.taken"),
        (NODE, "addressing.taken"),
        ("10.0.0.55", "addressing.answers"),
    ):
        with pytest.raises(InvalidInput) as caught:
            prepare(situation(machine, ("10.0.0.55",)), "private", IPv4Address(wanted))
        assert [one.code for one in caught.value.reports] == [code]
    (machine.root / "etc/systemd/network/10-private.network").write_text("[Match]\nName=eth1\n")
    with pytest.raises(Refused) as refused:
        prepare(situation(machine), "private", IPv4Address(NODE))
    assert [one.code for one in refused.value.reports] == ["addressing.nowhere", "addressing.taken"]


def test_an_own_address_is_proposed(machine: FakeMachine) -> None:
    assert str(prepared(machine, None).transfer.own) == "10.0.0.254"


def test_a_second_change_is_refused_while_one_is_open(machine: FakeMachine) -> None:
    work = task(machine)
    work.run(TaskContext())
    with pytest.raises(Refused, match="waits to be confirmed"):
        apply.refuse_open(Paths(machine.root))
    pending.confirm(Paths(machine.root))
    with pytest.raises(Refused, match="has a virtual IP already"):
        prepared(machine)


def test_a_machine_with_an_address_of_its_own_already(machine: FakeMachine) -> None:
    machine.addresses.clear()
    machine.add("10.0.0.2/24")
    machine.add(f"{OLD}/24")
    with pytest.raises(Refused, match="additional address") as caught:
        prepared(machine)
    assert all(one.severity is Severity.ERROR for one in caught.value.reports)
