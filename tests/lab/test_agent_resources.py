"""Resources and fencing with real programs: Debian's resource agents and fence agents, unchanged.

All of them run in a mount and a network namespace of the worker's own, which end with it.
"""

import ctypes
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.agent.fencing import DIRECTORY, program
from backend.agent.fencing_checks import metadata_problems, problems
from backend.agent.resources.conductor import Conductor
from backend.agent.resources.state import FencingSaid, PeerOff, Retire, Serve
from backend.agent.resources.validation import advice, programs_of
from backend.agent.resources.validation import problems as resource_problems
from backend.agent.settings import Fencing, Member, Resource, Settings
from backend.lab.cluster import VirtualCluster
from backend.paths import Paths
from backend.system.agent import program_runner, program_start
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker, program_problem
from backend.system.runner import Command

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
SOURCE = Path(__file__).resolve().parents[2]
PASSWORD = "secret-of-the-bmc"
CLONE_NEWNS, CLONE_NEWNET, MS_REC_PRIVATE = 0x20000, 0x40000000, 0x44000


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker in namespaces of its own, and in a hurry."""
    ordinary = program_start.be_ordinary

    def be_alone() -> None:
        ordinary()
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(CLONE_NEWNS | CLONE_NEWNET) == 0
        assert libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) == 0

    monkeypatch.setattr(program_runner, "be_ordinary", be_alone)
    monkeypatch.setattr(program_start, "GRACE", 0.2)
    monkeypatch.setattr(program_start, "HASTE", 0.2)
    made = Worker()
    yield made
    made.close()
    wait_for(lambda: made.finished, "the end of the worker")


class Head:
    """A head's resources, driven as its loop does."""

    def __init__(self, worker: Worker, *resources: Resource, fencing: Fencing | None = None):
        assert [text for one in resources for text in resource_problems(one)] == []
        members = (Member(1, "a", True, ("",)), Member(2, "b", True, ("",)))
        settings = Settings("c", 1, members, (), (), "", "", "")
        self.said: list[str] = []
        self.resets: list[str] = []
        self.offs = 0
        self.worker = worker
        self.conductor = Conductor(
            settings._replace(resources=resources, fencing=fencing), worker, peer_watchdog=0,
            clock=lambda: time.monotonic_ns() // 1000, say=self.said.append, peer_off=self._off,
            self_fence=self.resets.append,
        )  # fmt: skip
        self.conductor.begin()

    def _off(self) -> None:
        self.offs += 1

    def until(self, done: Callable[[], bool], what: str, limit: float = 30.0) -> None:
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, f"{what}: {self.states()}; {self.said}"
            wake = self.conductor.wake_at() / 1e6 - time.monotonic()
            ready, _, _ = select.select([self.conductor], [], [], min(max(wake, 0), 0.2))
            if ready:
                self.conductor.readable()
            if time.monotonic_ns() // 1000 >= self.conductor.wake_at():
                self.conductor.tick()

    def states(self) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.conductor.states()}

    def all(self, state: str) -> None:
        self.until(lambda: set(self.states().values()) == {state}, f"everything is {state}")

    def tell(self, event: Serve | Retire | PeerOff) -> None:
        self.conductor.tell(event)

    def mounts(self) -> set[str]:
        """What is mounted where the programs run."""
        lines = Path(f"/proc/{self.worker.pid}/mounts").read_text().splitlines()
        return {line.split()[1] for line in lines}


def wait_for(done: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.01)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def dummy(name: str, directory: Path, *after: str, check_every: float = 0.5) -> Resource:
    options = (("agent", "ocf:heartbeat:Dummy"), ("state", str(directory / name)))
    return Resource(name, "ocf", options, after, check_every=check_every)


def test_ocf_agents_start_are_watched_and_stop(worker: Worker, tmp_path: Path) -> None:
    head = Head(worker, dummy("a", tmp_path), dummy("b", tmp_path), dummy("c", tmp_path, "a", "b"))
    head.all("stopped")
    head.tell(Serve(1))
    head.all("running")
    assert all((tmp_path / name).exists() for name in "abc")
    changed = (tmp_path / "c").stat().st_ino
    (tmp_path / "b").unlink()  # b has died: the monitor action says 7
    head.until(lambda: any("b has failed" in one for one in head.said), "the failure of b")
    assert any("it does not run (its resource agent ended with exit code 7" in one for one in head.said)  # fmt: skip
    head.until(lambda: (tmp_path / "b").exists(), "the restart of b")
    head.all("running")
    assert (tmp_path / "c").stat().st_ino != changed or "c is stopped" in " ".join(head.said)
    head.tell(Retire())
    head.all("stopped")
    assert not any((tmp_path / name).exists() for name in "abc")
    assert head.conductor.board.all_stopped
    assert head.conductor.board.fit


def test_two_start_at_the_same_time_and_the_third_after_them(
    worker: Worker, tmp_path: Path
) -> None:
    """Each of the first two ends only when the other one has begun."""
    made = []
    for name, other in (("a", "b"), ("b", "a")):
        begin = f"touch {tmp_path}/{name}; while ! [ -e {tmp_path}/{other} ]; do sleep 0.02; done"
        start = script(tmp_path / f"{name}.up", begin)
        stop = script(tmp_path / f"{name}.down", f"echo {name} >>{tmp_path}/log")
        made.append(Resource(name, "command", (("start", start), ("stop", stop))))
    start = script(tmp_path / "c.up", f"[ -e {tmp_path}/a ] && [ -e {tmp_path}/b ]")
    stop = script(tmp_path / "c.down", f"echo c >>{tmp_path}/log")
    made.append(Resource("c", "command", (("start", start), ("stop", stop)), ("a", "b")))
    head = Head(worker, *made)
    head.all("stopped")
    (tmp_path / "log").write_text("")
    head.tell(Serve(1))
    head.all("running")
    head.tell(Retire())
    head.all("stopped")
    stopped = (tmp_path / "log").read_text().split()
    assert stopped[0] == "c"
    assert sorted(stopped[1:]) == ["a", "b"]


def test_the_file_system_agent_mounts_a_real_disk(worker: Worker, tmp_path: Path) -> None:
    image, where = tmp_path / "disk", tmp_path / "home"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    loop = subprocess.run(
        ["losetup", "--find", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        resource = Resource(
            "home", "ocf",
            (("agent", "ocf:heartbeat:Filesystem"), ("device", loop), ("directory", str(where)),
             ("fstype", "ext4")),
            exclusive=True,
        )  # fmt: skip
        head = Head(worker, resource)
        head.all("stopped")
        head.tell(Serve(1))
        assert head.states() == {"home": "blocked"}
        head.tell(PeerOff())
        head.all("running")
        assert str(where) in head.mounts()
        assert str(where) not in Path("/proc/self/mounts").read_text()  # not on this machine
        head.tell(Retire())
        head.all("stopped")
        assert str(where) not in head.mounts()
    finally:
        subprocess.run(["losetup", "--detach", loop], check=True)


def test_a_mount_is_watched_and_a_busy_one_is_told(worker: Worker, tmp_path: Path) -> None:
    where = tmp_path / "srv"
    where.mkdir()
    options = (("device", "tmpfs"), ("directory", str(where)), ("type", "tmpfs"), ("options", "size=1m"))  # fmt: skip
    head = Head(worker, Resource("srv", "mount", options, exclusive=True, check_every=0.5))
    head.all("stopped")
    head.tell(Serve(1))
    head.tell(PeerOff())
    head.all("running")
    assert str(where) in head.mounts()
    worker.submit("ro", Program(("mount", "-o", "remount,ro", str(where))))
    head.until(lambda: any("srv has failed: nothing is mounted and writable" in one for one in head.said), "the failure")  # fmt: skip
    head.all("running")
    worker.submit("user", Program(("sh", "-c", f"cd {where} && exec sleep 60"), limit=100))
    head.until(lambda: user_of(where, worker) > 0, "the user of the mount")
    head.tell(Retire())
    head.until(lambda: bool(head.resets), "the wish for a reset")
    assert "target is busy" in head.resets[0]
    assert head.states() == {"srv": "failed"}
    assert not head.conductor.board.exclusive_stopped
    assert not head.conductor.may_feed_watchdog(leased=False)
    worker.cancel("user")
    head.until(lambda: "user" not in worker.busy, "the end of the user")
    head.tell(Retire())  # try again at once
    head.all("stopped")
    assert head.conductor.board.exclusive_stopped
    assert str(where) not in head.mounts()
    assert len(head.resets) == 1


def user_of(where: Path, worker: Worker) -> int:
    """The process whose directory is in a mount of the worker's namespace, or 0."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                inside = (entry / "cwd").readlink() == where
                if inside and int((entry / "stat").read_text().split()[3]) == worker.pid:
                    return int(entry.name)
            except OSError:
                continue
    return 0


def test_a_stop_that_ignores_its_end_is_killed_and_escalates(
    worker: Worker, tmp_path: Path
) -> None:
    up = tmp_path / "up"
    options = (
        ("start", script(tmp_path / "start", f"touch {up}")),
        ("stop", script(tmp_path / "stop", "trap '' TERM; while :; do sleep 0.05; done")),
        ("check", script(tmp_path / "check", f"[ -e {up} ] || exit 3")),
    )
    resource = Resource("db", "command", options, exclusive=True, stop_limit=0.3, check_every=0)
    head = Head(worker, resource)
    head.all("stopped")
    head.tell(Serve(1))
    head.tell(PeerOff())
    head.all("running")
    head.tell(Retire())
    head.until(lambda: bool(head.resets), "the wish for a reset")
    assert "did not end within" in head.resets[0]
    up.unlink()  # it is down after all: the next try finds that out
    head.tell(Retire())
    head.all("stopped")
    assert head.conductor.board.fit


def test_descriptions_of_real_agents(worker: Worker) -> None:
    files = Resource("home", "ocf", (("agent", "ocf:heartbeat:Filesystem"),), start_limit=10.0)
    [path] = programs_of(files)
    assert program_problem(path) == ""
    environment = (("OCF_ROOT", "/usr/lib/ocf"),)
    worker.submit("ra", Program((path, "meta-data"), environment=environment, keep=60_000))
    ipmi = Fencing("fence_ipmilan", (("ip", "10.0.0.1"), ("lanplus", "1")))
    fabric = Fencing("fence_scsi", (("devices", "/dev/sdb"),))
    assert program_problem(f"{DIRECTORY}/fence_ipmilan") == ""
    for fencing in (ipmi, fabric):
        made = program(fencing, "metadata", 20.0)._replace(keep=60_000)
        worker.submit(fencing.agent, made)
    found: dict[str, str] = {}

    def all_there() -> bool:
        found.update((one.job, one.output) for one in worker.events())
        return len(found) == 3

    wait_for(all_there, "the descriptions")
    [advised] = advice(files, found["ra"])
    assert "start_limit is 10 s" in advised
    assert metadata_problems(ipmi, found["fence_ipmilan"]) == ()
    wrong = ipmi._replace(options=(("lanpuls", "1"),))
    assert "does not know lanpuls" in metadata_problems(wrong, found["fence_ipmilan"])[0]
    assert "cuts off storage" in metadata_problems(fabric, found["fence_scsi"])[0]


def test_a_fence_agent_of_the_project_without_hardware(worker: Worker, tmp_path: Path) -> None:
    power = tmp_path / "power"
    power.write_text("on")
    fencing = Fencing("fence_dummy", (("status_file", str(power)),))
    files = dummy("files", tmp_path)._replace(exclusive=True)
    head = Head(worker, files, fencing=fencing)
    head.all("stopped")
    head.tell(Serve(1))
    assert head.states() == {"files": "blocked"}
    head.all("running")  # after the moment that the other head gets to answer
    assert power.read_text() == "off"
    assert head.offs == 1
    assert any("the other head is off: fence_dummy says so" in one for one in head.said)


class Bmc:
    """OpenIPMI's simulator, on the worker's own loopback; the machine's power is a file."""

    def __init__(self, worker: Worker, directory: Path) -> None:
        self.power = directory / "power"
        self.power.write_text("1")
        chassis = script(directory / "chassis", CHASSIS.format(power=self.power))
        (directory / "lan").write_text(LAN.format(password=PASSWORD, chassis=chassis))
        (directory / "emu").write_text(EMULATION)
        (directory / "state").mkdir()
        self.argv = ("ipmi_sim", "-n", "-p", "-c", f"{directory}/lan", "-f", f"{directory}/emu", "-s", f"{directory}/state")  # fmt: skip
        self.credentials = directory / "credentials"
        self.write(PASSWORD)
        worker.submit("lo", Program(("ip", "link", "set", "lo", "up")))

    def write(self, password: str) -> None:
        self.credentials.write_text(f"username=fence\npassword={password}\n")
        self.credentials.chmod(0o600)

    def fencing(self) -> Fencing:
        options = (("ip", "127.0.0.1"), ("ipport", "9623"), ("lanplus", "1"), ("cipher", "3"))
        return Fencing("fence_ipmilan", options, str(self.credentials), limit=10.0)


CHASSIS = """shift
case "$1" in
get) shift; for what; do
    case $what in power) echo power:$(cat {power});; *) echo $what:0;; esac; done;;
set) shift; while [ $# -ge 2 ]; do [ $1 = power ] && echo $2 >{power}; shift 2; done;;
esac"""
LAN = """name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 9623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis} 0x20"
  user 2 true "fence" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"  # fmt: skip


def test_a_real_bmc_protocol_wrong_password_off_and_dead(worker: Worker, tmp_path: Path) -> None:
    bmc = Bmc(worker, tmp_path)
    fencing = bmc.fencing()
    assert problems(fencing) == ()
    head = Head(worker, fencing=fencing)
    worker.submit("bmc", Program(bmc.argv, limit=300))
    bmc.write("wrong-word")
    head.conductor.fence()
    head.until(lambda: len(head.said) >= 2, "the end of the first try")
    assert "cannot say whether the other head is off" in head.said[1]
    assert bmc.power.read_text().strip() == "1"
    bmc.write(PASSWORD)  # the next try reads it again
    head.until(lambda: head.offs == 1, "the confirmation")
    assert bmc.power.read_text().strip() == "0"
    head.conductor.fence()  # it is off already: that counts
    head.until(lambda: head.offs == 2, "the second confirmation")
    worker.cancel("bmc")  # the power cord is pulled: the device dies with its machine
    head.until(lambda: "bmc" not in worker.busy, "the end of the device")
    head.conductor.fencing = head.conductor.fencing._replace(fencing=fencing._replace(limit=1.5))  # type: ignore[union-attr]
    before = len(head.said)
    head.conductor.fence()
    head.until(lambda: len(head.said) > before + 1, "the end of the third try")
    assert "cannot say whether the other head is off" in head.said[-1]
    assert head.offs == 2
    assert not any(PASSWORD in one or "wrong-word" in one for one in head.said)
    assert FencingSaid(head.said[-1]).sentence == head.conductor.board.fencing_said


REALTIME = """
import os, select, sys
sys.path.insert(0, sys.argv[1])
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker
policy = os.SCHED_RR | (os.SCHED_RESET_ON_FORK if sys.argv[2] == "reset" else 0)
os.sched_setscheduler(0, policy, os.sched_param(10))
os.nice(-5)
worker = Worker()
worker.submit("job", Program(("cat", "/proc/self/stat")))
select.select([worker], [], [], 20)
for one in (worker.events()[0].output, open(f"/proc/{worker.pid}/stat").read()):
    fields = one.rpartition(")")[2].split()
    print(fields[38], fields[37], fields[16])
print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
worker.close()
while not worker.finished:
    pass
"""


@pytest.mark.parametrize("flag", ["reset", "inherited"])
def test_programs_of_a_real_time_agent_are_ordinary(flag: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", REALTIME, str(SOURCE), flag],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    ordinary = f"{os.SCHED_OTHER} 0 0"
    assert said == [ordinary, ordinary, str(os.SCHED_RR)]


UNITS = """
import json, select, sys, time
sys.path.insert(0, sys.argv[1])
from backend.agent.resources.planner import step
from backend.agent.resources.state import Begin, Finished, Retire, Rules, Run, Serve, begin
from backend.agent.settings import Resource
from backend.system.agent.programs import Worker
worker, out = Worker(), []
def clock(): return time.monotonic_ns() // 1000
good = Resource("good", "unit", (("unit", "demo-good.service"),))
bad = Resource("bad", "unit", (("unit", "demo-bad.service"),))
board = begin((good, bad), Rules(300000), clock())
def tell(event):
    global board
    decision = step(board, event, clock())
    board = decision.state
    if decision.sentence: out.append(decision.sentence)
    for one in decision.actions:
        assert isinstance(one, Run), one
        worker.submit(one.job, one.program)
def until_quiet():
    while worker.busy:
        select.select([worker], [], [], 30)
        for ended in worker.events(): tell(Finished(ended))
    return {item.name: item.phase.value for item in board.items}
states = []
for event in (Begin(), Serve(1), Retire()):
    tell(event)
    states.append(until_quiet())
print(json.dumps([states, out]))
"""


def test_systemd_units_in_a_machine_of_the_virtual_cluster() -> None:
    with VirtualCluster.start(Paths()) as lab:
        run = lab.node("head1").runner.run
        for name, text in (("good", "sleep infinity"), ("bad", "/bin/false")):
            unit = f"[Service]\nExecStart=/bin/{text}\n" if name == "good" else (
                f"[Service]\nType=oneshot\nExecStart={text}\n"
            )  # fmt: skip
            path = f"/run/systemd/system/demo-{name}.service"
            run(Command.of("tee", path).given(unit.encode()))
        run(Command.of("systemctl", "daemon-reload"))
        said = run(Command.of("python3", "-I", "-c", UNITS, str(SOURCE)).within(60)).stdout
        states, sentences = json.loads(said)
        active = Command.of("systemctl", "is-active", "demo-good.service")
        assert run(active, check=False).stdout.strip() == "inactive"
    assert states == [
        {"good": "stopped", "bad": "stopped"},
        {"good": "running", "bad": "failed"},
        {"good": "stopped", "bad": "stopped"},
    ]
    assert any("bad did not start: systemctl ended with exit code 1" in one for one in sentences)


def test_nothing_is_left_of_the_worker(worker: Worker) -> None:
    worker.submit("a", Program(("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")))
    pid = worker.pid
    worker.close()
    wait_for(lambda: worker.finished, "the end of the worker")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
