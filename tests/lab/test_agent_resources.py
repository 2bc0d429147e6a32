"""Resources with real programs: Debian's resource agents unchanged, mounts, systemd."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.agent.resources.state import PeerOff, Retire, Serve
from backend.agent.settings import Resource
from backend.lab.cluster import VirtualCluster
from backend.paths import Paths
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker
from backend.system.runner import Command
from tests.lab.agent_resources_head import Head, dummy, script, wait_for, worker_alone

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
SOURCE = Path(__file__).resolve().parents[2]


@pytest.fixture
def worker() -> Iterator[Worker]:
    with worker_alone() as made:
        yield made


def test_ocf_agents_start_are_watched_and_stop(worker: Worker, tmp_path: Path) -> None:
    head = Head(worker, dummy("a", tmp_path), dummy("b", tmp_path), dummy("c", tmp_path, "a", "b"))
    head.all("stopped")
    head.tell(Serve(1))
    head.all("running")
    assert all((tmp_path / name).exists() for name in "abc")
    (tmp_path / "b").unlink()  # b has died: the monitor action says 7
    head.until(lambda: any("b has failed" in one for one in head.said), "the failure of b")
    assert any("it does not run (its resource agent ended with exit code 7" in one for one in head.said)  # fmt: skip
    head.until(lambda: (tmp_path / "b").exists(), "the restart of b")
    head.all("running")
    assert "c is stopped" in " ".join(head.said)  # it needs b
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
    """The program of the worker whose directory is in the mount, or 0."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The mount is in the worker's namespace: in ours its path may not exist.
                inside = not (entry / "cwd").samefile("/") and (entry / "cwd").stat().st_dev
                ours = int((entry / "stat").read_text().split()[3]) == worker.pid
                if ours and inside and inside != where.stat().st_dev:
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


REALTIME = """
import os, select, sys
sys.path.insert(0, sys.argv[1])
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker
policy = os.SCHED_RR | (os.SCHED_RESET_ON_FORK if sys.argv[2] == "reset" else 0)
os.sched_setscheduler(0, policy, os.sched_param(10))
os.nice(-5)
open("/proc/self/oom_score_adj", "w").write("-500")
worker = Worker()
worker.submit("job", Program(("cat", "/proc/self/stat", "/proc/self/oom_score_adj")))
select.select([worker], [], [], 20)
stat, adjust = worker.events()[0].output.splitlines()
print(adjust)
for one in (stat, open(f"/proc/{worker.pid}/stat").read()):
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
    assert said == ["0", ordinary, ordinary, str(os.SCHED_RR)]


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


def test_nothing_is_left_of_the_worker(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    text = f"trap '' TERM; echo $$ >{file}; while :; do sleep 0.05; done"
    worker.submit("a", Program(("sh", "-c", text)))
    wait_for(lambda: file.exists() and bool(file.read_text().strip()), "the program")
    pids = (worker.pid, int(file.read_text()))
    worker.close()
    wait_for(lambda: worker.finished, "the end of the worker")
    for pid in pids:
        assert not Path(f"/proc/{pid}/exe").exists()  # gone, or a zombie of somebody else's
