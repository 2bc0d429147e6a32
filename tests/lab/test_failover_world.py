"""The failover world, its prober and its judge: what they measure is what was done to them."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.errors import Cancelled, Refused
from backend.lab.failover.bench import BenchFailover
from backend.lab.failover.catalogue import chosen
from backend.lab.failover.judge import Findings, judge
from backend.lab.failover.keepalived import Keepalived
from backend.lab.failover.places import HEADS, VIRTUAL
from backend.lab.failover.prober import NETS, Prober, now_us
from backend.lab.failover.scene import Scene
from backend.lab.failover.world import World, sweep, worlds_directory
from backend.lab.topology import Net
from backend.paths import Paths
from backend.system.processes import ProcessId, in_pid_namespace_of
from backend.system.runner import Command
from backend.tasks import CancelToken, Event, Progress, TaskContext

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
SOURCE = Path(__file__).resolve().parents[2]
A, B = HEADS
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000  # <linux/sched.h>


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that the tests of this file share; nothing serves in it."""
    with World.start(Paths(tmp_path_factory.mktemp("root"))) as made:
        yield made


@pytest.fixture(scope="module")
def prober(world: World) -> Prober:
    return Prober(world)


def wait_for(done: Callable[[], bool], what: str, limit: float = 10.0) -> None:
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.005)


def put(world: World, name: str, change: str = "add") -> None:
    """Configure the virtual IPs on a head by hand, or take them away ("del")."""
    for port in world.places.spec(name).ports:
        words = ("ip", "address", change, f"{VIRTUAL[port.net].ip}/32", "dev", port.interface)
        world.machines[name].runner.run(Command.of(*words))


def observe(prober: Prober, act: Callable[[], None], after: float = 0.2) -> Findings:
    """Return what the prober saw from a moment before ``act`` to ``after`` seconds after it."""
    begin = now_us()
    wait_for(lambda: now_us() - begin > 60_000, "time")
    act()
    end = now_us() + int(after * 1e6)
    wait_for(lambda: now_us() > end + 60_000, "the records")
    return judge(prober.records(), begin, end)


def served_by(prober: Prober, head: str) -> Callable[[], bool]:
    """Whether one head answers the judge, and the clients, whose ARP may take a second."""
    return lambda: (
        all(found == {head} for found in prober.holders().values()) and prober.served(head)
    )


def traces() -> set[str]:
    """Return the mounts, links and named network namespaces of the thread that asks."""
    mounts = Path("/proc/thread-self/mountinfo").read_text().splitlines()
    named = Path("/run/netns")
    return {
        *(line.split()[4] for line in mounts),
        *(name for _, name in socket.if_nameindex()),
        *(path.name for path in (named.iterdir() if named.is_dir() else ())),
    }


def apart(act: Callable[[], None]) -> None:
    """Do it in a thread with mounts, links and /run of its own: other tests' worlds come and go.

    A mount that was there may still vanish, when another test removes what it is mounted on.
    """

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        for words in (("--make-rprivate", "/"), ("-t", "tmpfs", "run", "/run")):
            subprocess.run(["mount", *words], check=True)
        act()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(enter).result()


def test_a_world_comes_quickly_and_goes_without_a_trace(tmp_path: Path) -> None:
    apart(lambda: come_and_go(tmp_path))


def come_and_go(tmp_path: Path) -> None:
    before, paths = traces(), Paths(tmp_path)
    began = time.monotonic()
    with World.start(paths) as one, World.start(paths) as other:
        taken = time.monotonic() - began
        assert one.directory != other.directory
        assert traces() <= before  # not even while it is there
        pids = (*in_pid_namespace_of(one.reaper.pid), *in_pid_namespace_of(other.reaper.pid))
        everything = [found for found in map(ProcessId.of, pids) if found is not None]
    assert taken < 2 * 3.0  # 0.3 s each on an idle machine
    assert not any(found.alive for found in everything)
    assert not list(worlds_directory(paths).iterdir())
    assert traces() <= before


CREATOR = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from backend.lab.failover.prober import Prober
from backend.lab.failover.world import World
from backend.paths import Paths
world = World.start(Paths(Path(sys.argv[2])))
prober = Prober(world)
prober.pause()  # what is stopped must go, too
print(world.directory.name, world.reaper.pid, flush=True)
time.sleep(600)
"""


def test_nothing_is_left_when_the_creator_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CREATOR, str(SOURCE), str(tmp_path)],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as creator:  # fmt: skip
        assert creator.stdout is not None
        name, reaper = creator.stdout.readline().split()
        pids = [int(reaper), *in_pid_namespace_of(int(reaper))]
        processes = [found for found in map(ProcessId.of, pids) if found is not None]
        assert len(processes) >= 3
        creator.send_signal(signal.SIGKILL)
        creator.wait(10)
    wait_for(lambda: not any(one.alive for one in processes), "the end of the world")
    wait_for(lambda: not (worlds_directory(Paths(tmp_path)) / name).exists(), "its directory's end")


def test_what_a_killed_reaper_leaves_is_swept(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    world = World.start(paths)
    assert sweep(paths) == []  # it lives
    world.reaper.send(signal.SIGKILL)
    world.reaper.wait(5)
    assert sweep(paths) == []  # its creator lives
    os.close(world._leash or -1)
    world._leash = None
    assert sweep(paths) == [world.directory.name]
    world.down()


def test_machines_are_apart(world: World) -> None:
    for name, machine in world.machines.items():
        assert machine.runner.run(Command.of("hostname")).stdout.strip() == name
        assert machine.runner.run(Command.of("ls", "/run")).stdout.split() == ["disk"]
    (world.machines[A].disk / "kept").write_text("kept")
    world.machines[A].runner.run(Command.of("touch", "/run/lost"))
    world.power_cut(A)
    with pytest.raises(Refused, match="switched off"):
        world.machines[A].runner.run(Command.of("true"))
    world.power_on(A)
    run = world.machines[A].runner.run
    assert run(Command.of("cat", "/run/disk/kept")).stdout == "kept"
    assert run(Command.of("ls", "/run")).stdout.split() == ["disk"]


def test_an_outage_of_known_length_is_seen(world: World, prober: Prober) -> None:
    put(world, A)
    try:
        wait_for(served_by(prober, A), "the first answers")
        lengths: list[float] = []

        def cut() -> None:
            began = time.monotonic()
            world.cut(A)
            held = time.monotonic()
            wait_for(lambda: time.monotonic() - held > 0.2, "the length of the outage")
            ended = time.monotonic()
            world.mend(A)
            lengths[:] = [ended - held, time.monotonic() - began]

        found = observe(prober, cut)
        least, most = (1000 * one for one in lengths)
        for outage in found.outage.values():
            # Two gaps of 5 ms, and the prober's own delays, may be added.
            assert least - 1 <= outage <= most + 15 + found.late
        assert found.ended
        assert (found.takeovers, found.dual, found.serving) == (0, 0, A)
        quiet = observe(prober, lambda: None, after=0.4)
        assert quiet.worst <= 25 + quiet.late
    finally:
        put(world, A, "del")


def test_the_judge_sees_two_heads(world: World, prober: Prober) -> None:
    put(world, A)
    try:
        wait_for(served_by(prober, A), "head-a's answers")
        both: list[float] = []

        def double() -> None:
            put(world, B)
            began = time.monotonic()
            wait_for(lambda: time.monotonic() - began > 0.3, "a while")
            both.append(1000 * (time.monotonic() - began))
            put(world, B, "del")

        found = observe(prober, double)
        assert both[0] * 0.8 - found.late <= found.dual <= both[0] + 200
        assert found.takeovers == 1
        again = observe(prober, lambda: None, after=0.4)
        assert (again.dual, again.takeovers, again.serving) == (0, 0, A)
    finally:
        put(world, A, "del")


def test_one_after_the_other_is_not_two(world: World, prober: Prober) -> None:
    put(world, A)
    wait_for(served_by(prober, A), "head-a's answers")

    def move() -> None:
        put(world, A, "del")
        put(world, B)

    try:
        found = observe(prober, move)
        assert (found.dual, found.takeovers, found.serving) == (0, 1, B)
        assert found.silence > 0
    finally:
        put(world, B, "del")


def test_wires_lose_what_they_are_told_to_lose(world: World, prober: Prober) -> None:
    put(world, A)
    try:
        wait_for(served_by(prober, A), "head-a's answers")
        world.silence(A, Net.PRIVATE)
        found = observe(prober, lambda: None)
        assert found.outage[Net.PRIVATE] > 200
        assert found.outage[Net.PUBLIC] < 100
        world.heal()
        wait_for(served_by(prober, A), "the answers after the heal")
        world.wires = type(world.wires)(loss=40, spared=world.whole.spared)
        prober.forget()
        observe(prober, lambda: None, after=1.0)
        records = prober.records()
        heard = sum(1 for one in records if one.kind == 1 and one.net is Net.PRIVATE)
        assert 20 <= heard <= 130  # of about 230 questions, 36 % both ways
        judged = [one for one in records if one.kind == 2 and one.net is Net.PRIVATE]
        assert len(judged) > 600  # the judge is spared: of about 840, not 36 %
    finally:
        world.heal()
        put(world, A, "del")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """keepalived on both heads of a world of its own."""
    with Scene.open(Paths(tmp_path_factory.mktemp("pair")), Keepalived) as scene:
        scene.short = True
        yield scene


def happen(scene: Scene, name: str) -> tuple[Findings, Findings | None]:
    (fault,) = chosen(name)
    scene.settle()
    scene.begin()
    fault.run(scene)
    return scene.end(fault.nets)


def test_keepalived_takes_over(pair: Scene) -> None:
    assert pair.active == A
    found, _ = happen(pair, "F1")
    assert found.ended
    assert (found.takeovers, found.serving, found.dual) == (1, B, 0)
    assert set(found.outage) == set(NETS)
    assert 200 < found.worst < 1500  # three adverts of 0.1 s, and a machine that may be busy


def test_the_judge_sees_keepalived_split(pair: Scene) -> None:
    """The positive control: a judge that is blind here would prove nothing for the agent."""
    found, _ = happen(pair, "F6")
    assert found.dual > 500
    assert found.takeovers >= 1


def test_a_cancelled_bench_leaves_nothing(tmp_path: Path) -> None:
    apart(lambda: cancelled_bench(tmp_path))


def cancelled_bench(tmp_path: Path) -> None:
    before, token = traces(), CancelToken()

    def cancel(event: Event) -> None:
        if isinstance(event, Progress) and "Idle cost" in event.detail:
            token.cancel()

    etc = tmp_path / "root/etc"
    etc.mkdir(parents=True)
    (etc / "os-release").write_bytes(Path("/etc/os-release").read_bytes())
    bench = BenchFailover(
        chosen("F1"), 1, report=tmp_path / "report", paths=Paths(tmp_path / "root")
    )
    with pytest.raises(Cancelled):
        bench.run(TaskContext(cancel, token))
    assert not list(worlds_directory(Paths(tmp_path / "root")).iterdir())
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"keepalived-head-a.log"}
    assert traces() <= before
