"""The virtual cluster: it comes up, its machines talk, lose power, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import Refused
from backend.lab import state
from backend.lab.cluster import VirtualCluster, sweep
from backend.lab.topology import Net
from backend.paths import Paths
from backend.system.processes import ProcessId, in_pid_namespace_of
from backend.system.runner import Command, LocalRunner, Result

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
PATHS = Paths()
SOURCE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lab() -> Iterator[VirtualCluster]:
    """A lab that the tests of this file share."""
    with VirtualCluster.start(PATHS) as cluster:
        yield cluster


def wait_for(done: Callable[[], bool], what: str, limit: float = 15.0) -> None:
    """Wait for a condition; fails with its name."""
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.05)


def answers(lab: VirtualCluster, name: str, address: str) -> bool:
    """Whether a machine gets an answer to one ping."""
    ping = Command.of("ping", "-n", "-c", "1", "-W", "1", address)
    return lab.node(name).runner.run(ping, check=False).ok


def host_traces() -> tuple[set[str], set[str], set[str]]:
    """Return this machine's mounts, network links and named namespaces."""
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    links = {path.name for path in Path("/sys/class/net").iterdir()}
    named = Path("/run/netns")
    return mounts, links, {path.name for path in named.iterdir()} if named.is_dir() else set()


def test_machines_talk_on_their_networks_only(lab: VirtualCluster) -> None:
    wait_for(lambda: answers(lab, "head1", "10.77.0.11"), "node1's answer")
    assert answers(lab, "node1", "10.77.0.12")
    assert answers(lab, "client", "192.0.2.1")
    assert not answers(lab, "client", "10.77.0.1")


def test_a_new_lab_touches_nothing_of_this_machine(lab: VirtualCluster) -> None:
    mounts, links, _named = host_traces()
    assert not any(str(lab.directory) in mount for mount in mounts)
    assert not links & {"private", "public", "head1-pri", "node1-pri"}
    assert not (Path("/run/netns") / "node1").exists()


def test_the_head_logs_in_on_a_node_with_the_labs_key(lab: VirtualCluster) -> None:
    ssh = Command.of(
        "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "node1", "hostname"
    )
    assert lab.node("head1").runner.run(ssh.within(30)).stdout.strip() == "node1"


def test_the_heads_own_ssh_knows_the_compute_nodes(lab: VirtualCluster) -> None:
    head = lab.node("head1").runner
    for name in ("node1", "10.77.0.12"):
        login = Command.of(
            "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", name, "true"
        )
        head.run(login)


def test_machines_are_real_and_different(lab: VirtualCluster) -> None:
    ids = set()
    for name in lab.nodes:
        run = lab.node(name).runner.run
        assert run(Command.of("hostname")).stdout.strip() == name
        assert run(Command.of("cat", "/proc/1/comm")).stdout.strip() == "systemd"
        ids.add(run(Command.of("cat", "/etc/machine-id")).stdout.strip())
        failed = run(Command.of("systemctl", "--failed", "--plain", "--no-legend")).stdout
        assert failed.strip() == "", f"{name}: {failed}"
    assert len(ids) == len(lab.nodes)


def test_the_product_runs_on_the_head_but_is_no_part_of_it(lab: VirtualCluster) -> None:
    head = lab.node("head1").runner
    assert "HA-OSCAR" in head.run(Command.of("haoscar", "--version").within(30)).stdout
    said = head.run(Command.of("touch", str(SOURCE / "from-the-lab")), check=False)
    assert not said.ok
    assert "Read-only" in said.stderr
    code = head.run(Command.of("findmnt", "-n", "-o", "TARGET", "-T", str(SOURCE))).stdout.strip()
    assert code != "/"  # a mount of its own: fetching the image leaves it out


def test_the_existing_cluster_has_a_dhcp_server(lab: VirtualCluster) -> None:
    head = lab.node("head1").runner
    active = Command.of("systemctl", "is-active", "isc-dhcp-server")
    wait_for(lambda: head.run(active, check=False).ok, "dhcpd")


def test_power_loss_ends_a_machine_at_once_and_keeps_its_disk(lab: VirtualCluster) -> None:
    node = lab.node("node2")
    wait_for(lambda: answers(lab, "head1", "10.77.0.12"), "node2's answer")
    before = node.runner.run(Command.of("cat", "/etc/machine-id")).stdout
    leader = lab.state.nodes["node2"]
    node.power_cut()
    assert not leader.alive
    assert not node.is_on
    assert not answers(lab, "head1", "10.77.0.12")
    with pytest.raises(Refused, match="switched off"):
        node.runner.run(Command.of("true"))
    node.power_on()
    node.wait_until_up()
    assert node.runner.run(Command.of("cat", "/etc/machine-id")).stdout == before
    wait_for(lambda: answers(lab, "head1", "10.77.0.12"), "node2's answer after the outage")


def test_a_cut_cable_is_a_lost_carrier(lab: VirtualCluster) -> None:
    node = lab.node("node1")
    carrier = Command.of("cat", "/sys/class/net/eth0/carrier")
    node.unplug(Net.PRIVATE)
    wait_for(lambda: node.runner.run(carrier).stdout.strip() == "0", "the loss of carrier")
    assert not answers(lab, "head1", "10.77.0.11")
    node.plug(Net.PRIVATE)
    wait_for(lambda: answers(lab, "head1", "10.77.0.11"), "node1's answer")


def test_an_orderly_shutdown(lab: VirtualCluster) -> None:
    node = lab.node("client")
    node.power_off()
    assert not node.is_on
    node.power_on()
    node.wait_until_up()


def test_another_process_finds_the_lab(lab: VirtualCluster) -> None:
    other = VirtualCluster.attach(PATHS, lab.name)
    assert other.node("node1").runner.run(Command.of("hostname")).stdout.strip() == "node1"


def test_nothing_is_left_after_the_end() -> None:
    before = host_traces()
    with VirtualCluster.start(PATHS) as lab:
        directory, reaper = lab.directory, lab.state.reaper
        inside = [ProcessId.of(pid) for pid in in_pid_namespace_of(reaper.pid)]
        everything = [one for one in (*inside, *lab.state.nodes.values()) if one is not None]
        assert len(everything) > len(lab.nodes)
    assert_gone(before, directory, [reaper, *everything])


CREATOR = """
import signal, sys, time
sys.path.insert(0, sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from backend.lab.cluster import VirtualCluster
from backend.paths import Paths
lab = VirtualCluster.start(Paths())
print(lab.name, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_creator_is_killed(number: int) -> None:
    before = host_traces()
    with subprocess.Popen(
        [sys.executable, "-c", CREATOR, str(SOURCE)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as creator:
        assert creator.stdout is not None
        name = creator.stdout.readline().strip()
        lab = state.load(state.labs_directory(PATHS) / name)
        processes = [lab.reaper, *lab.nodes.values()]
        assert all(process.alive for process in processes)
        creator.send_signal(number)
        creator.wait(10)
    assert_gone(before, lab.directory, processes)


def test_what_a_killed_reaper_leaves_is_swept() -> None:
    before = host_traces()
    lab = VirtualCluster.start(PATHS)
    lab.detach()
    processes = [lab.state.reaper, *lab.state.nodes.values()]
    lab.state.reaper.send(signal.SIGKILL)
    wait_for(lambda: not any(process.alive for process in processes), "the end of the lab")
    # What "lab up" and "lab down --all" do first; the latter would end other people's labs too.
    assert lab.name in sweep(PATHS)
    assert_gone(before, lab.directory, processes)


def test_the_command_leaves_a_lab_running_and_ends_it() -> None:
    before = host_traces()

    def haoscar(*words: str) -> Result:
        program = "from haoscar_gui.scripts import cli; raise SystemExit(cli())"
        command = Command.of(sys.executable, "-c", program, "lab", *words)
        return LocalRunner().run(replace(command, cwd=SOURCE), check=False)

    started = json.loads(haoscar("up", "--json").stdout.splitlines()[-1])
    name = started["lab"]
    lab = state.load(state.labs_directory(PATHS) / name)
    try:
        assert lab.alive
        assert haoscar("exec", "--lab", name, "node2", "--", "hostname").stdout.strip() == "node2"
        assert haoscar("exec", "--lab", name, "node2", "--", "sh", "-c", "exit 7").exit_code == 7
        assert haoscar("power-cut", "--lab", name, "node2").ok
        assert haoscar("exec", "--lab", name, "node2", "--", "true").exit_code == 3
        assert name in haoscar("status").stdout
    finally:
        assert haoscar("down", name).ok
    assert_gone(before, lab.directory, [lab.reaper, *lab.nodes.values()])


def assert_gone(
    before: tuple[set[str], set[str], set[str]], directory: Path, processes: list[ProcessId]
) -> None:
    """Check that nothing of a lab is left, within the moment that the kernel needs."""
    wait_for(lambda: not directory.exists(), "the removal of the lab's directory")
    wait_for(lambda: not any(one.alive for one in processes), "the end of the lab's processes")
    after = host_traces()
    for had, has in zip(before, after, strict=True):
        new = {name for name in has - had if "lab" in name or directory.name in name}
        assert not new
    groups = Path("/sys/fs/cgroup").glob(f"**/haoscar-lab-{directory.name}")
    wait_for(lambda: not list(groups), "the removal of the control groups", 5)
