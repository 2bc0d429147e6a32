"""The failover agent on real machines: installed, upgraded, refused, rolled back, removed."""

import itertools
import json
import os
from collections.abc import Iterator

import pytest

from backend.lab.cluster import VirtualCluster
from backend.lab.topology import Topology
from backend.paths import Paths
from backend.rollout.places import CONFIG, KEY, PROGRAM, WITNESS_UNIT
from tests.lab.agent_site import MEMBERS, NODES, Site, wait_until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with VirtualCluster.start(Paths(), topology=Topology(NODES)) as lab:
        yield Site(lab)


def test_a_machine_that_is_off_is_named_and_nothing_changes(site: Site) -> None:
    before = {name: site.files(name) for name in MEMBERS}
    site.lab.node("node1").power_cut()
    refused = site.haoscar("install-agent", "--yes", *site.host_keys)
    site.lab.node("node1").power_on()
    site.lab.node("node1").wait_until_up()
    assert refused.exit_code == 3
    assert "node1 (witness, 10.77.0.11): No SSH connection" in refused.stderr
    assert {name: site.files(name) for name in MEMBERS} == before


def test_an_unconfirmed_host_key_changes_nothing(site: Site) -> None:
    before = {name: site.files(name) for name in MEMBERS}
    refused = site.haoscar("install-agent", "--yes")
    assert refused.exit_code == 3
    assert site.host_keys[3] in refused.stderr  # node1's
    other = site.haoscar("install-agent", "--yes", "--host-key", "SHA256:somebody-elses")
    assert other.exit_code == 3
    assert {name: site.files(name) for name in MEMBERS} == before


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, set[str]]:
    """Return the files of each machine before anything was installed."""
    return {name: site.files(name) for name in MEMBERS}


@pytest.fixture(scope="module")
def installed(site: Site, before: dict[str, set[str]]) -> Site:
    """Return the site with the agent on all members."""
    assert before
    done = site.haoscar("install-agent", "--yes", "--json", *site.host_keys)
    assert done.exit_code == 0, done.stderr
    members = json.loads(done.stdout)["members"]
    assert [(one["name"], one["done"]) for one in members] == [
        ("node1", True), ("head1", True), ("head2", True),
    ]  # fmt: skip
    return site


def test_agents_run_in_real_time_with_few_powers(installed: Site) -> None:
    keys = set()
    for name in MEMBERS:
        pid = installed.pid(name)
        status = dict(
            line.split(":\t", 1)
            for line in installed.on(name, "cat", f"/proc/{pid}/status").stdout.splitlines()
            if ":\t" in line
        )
        powers = int(status["CapBnd"], 16)
        allowed = {13, 14, 12, 39, 23} if name.startswith("head") else {14, 23}
        assert powers & ~sum(1 << bit for bit in allowed) == 0, (name, hex(powers))
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert int(status["VmLck"].split()[0]) > 0
        stat = installed.on(name, "cat", f"/proc/{pid}/stat").stdout.rpartition(")")[2].split()
        assert stat[38] == "2"  # SCHED_RR
        modes = installed.on(name, "stat", "--format=%a %U", PROGRAM, CONFIG, KEY).stdout
        assert modes.splitlines() == ["755 root", "644 root", "600 root"]
        keys.add(installed.on(name, "cat", KEY).stdout)
        # The distribution's Python, also where the installer itself runs in an environment.
        assert installed.on(name, "cat", f"/proc/{pid}/cmdline").stdout.startswith(
            "/usr/bin/python3"
        )
    assert len(keys) == 1
    assert installed.role("head1") == "active"
    assert installed.role("head2") == "standby"
    assert "haoscar_gate" in installed.tables("head1")


def test_a_second_run_changes_nothing(installed: Site) -> None:
    pids = installed.pids()
    again = installed.haoscar("install-agent", "--yes")
    assert again.exit_code == 0, again.stderr
    assert "Nothing to do" in again.stdout
    assert installed.pids() == pids


def test_an_upgrade_while_clients_are_served(installed: Site) -> None:
    """Old and new agents work together; the virtual IP never goes away for long."""
    pids = installed.pids()
    log = installed.lab.node("node2").disk / "var/tmp/ping"
    ping = "exec ping -n -D -i 0.02 -W 1 10.77.0.10 >/var/tmp/ping"
    installed.on("node2", "systemd-run", "--unit=probe", "sh", "-c", ping)
    try:
        wait_until(lambda: log.exists() and log.read_text().count("bytes from") > 5, "an answer")
        done = installed.other_build(
            "backend/agent/release.py", "# another build", "install-agent", "--yes", "--json"
        )
    finally:
        installed.on("node2", "systemctl", "stop", "probe")
    assert done.exit_code == 0, done.stderr
    members = json.loads(done.stdout)["members"]
    assert [one["name"] for one in members] == ["node1", "head2", "head1"]
    now = installed.pids()
    assert all(now[name] != pids[name] for name in MEMBERS)
    assert installed.role("head2") == "active"  # no fail-back
    assert installed.role("head1") == "standby"
    answers = [
        float(line[1:].split("]")[0])
        for line in log.read_text().splitlines()
        if "bytes from" in line
    ]
    gaps = [later - sooner for sooner, later in itertools.pairwise(answers)]
    assert max(gaps) < 0.5
    for name in MEMBERS:
        assert not [line for line in installed.files(name) if ".previous" in line]


def test_a_build_that_does_not_work_is_taken_back(installed: Site) -> None:
    before = {name: installed.on(name, "sha256sum", PROGRAM).stdout for name in MEMBERS}
    heads = installed.pid("head1"), installed.pid("head2")
    failed = installed.other_build(
        "backend/agent/witness.py", "raise SystemExit('broken')", "install-agent", "--yes"
    )
    assert failed.exit_code == 1
    assert "broken" in failed.stderr
    assert "What ran before runs again." in failed.stderr
    assert "Not begun: head1, head2." in failed.stderr
    assert {name: installed.on(name, "sha256sum", PROGRAM).stdout for name in MEMBERS} == before
    assert (installed.pid("head1"), installed.pid("head2")) == heads
    assert installed.on("node1", "systemctl", "is-active", WITNESS_UNIT).stdout.strip() == "active"


def test_removal_leaves_nothing(installed: Site, before: dict[str, set[str]]) -> None:
    done = installed.haoscar("remove-agent", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "Nothing of the agent is left on: head1, head2, node1." in done.stdout
    for name in MEMBERS:
        assert installed.files(name) == before[name]
        units = installed.on(name, "systemctl", "list-units", "--all", "haoscar-*").stdout
        assert "haoscar-agent" not in units
        assert "haoscar-witness" not in units
        assert not installed.on(name, "test", "-e", "/run/haoscar-agent", check=False).ok
    for name in ("head1", "head2"):
        assert "10.77.0.10" not in installed.on(name, "ip", "-br", "addr").stdout
        assert "haoscar" not in installed.tables(name)
