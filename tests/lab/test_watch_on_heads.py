"""The default watch list on real heads: install-agent brings up the watch process and snmpd, removal neither."""

import json
import os
from collections.abc import Iterator

import pytest

from backend.lab.cluster import VirtualCluster
from backend.lab.topology import Topology
from backend.paths import Paths
from backend.rollout.places import (
    CREDENTIALS,
    SNMPD_ACCESS,
    SNMPD_LINES,
    SNMPD_UNIT,
    WATCH_CONFIG,
    WATCH_UNIT,
)
from tests.lab.agent_site import MEMBERS, NODES, SITE, Site, wait_until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
HEADS = ("head1", "head2")
WATCH = """\
[[host_group]]
name = "ServiceMonitor"
""" + "".join(
    f"""\
[[watch]]
group = "ServiceMonitor"
name = "{name}"
monitor = "{monitor}"
interval = "{interval}"
[[watch.period]]
when = "wd {{Sun-Sat}}"
"""
    for name, monitor, interval in (
        ("process_server", "netsnmp-proc.monitor", "3s"),
        ("loadaverage_server", "netsnmp-loadaverage.monitor", "20m"),
        ("freespace_server", "netsnmp-freespace.monitor", "2h"),
    )
)
# What snmpd keeps for itself, and the socket that Debian's snmpd.conf lets it make.
OWN = ("var/lib/snmp", "var/agentx")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with VirtualCluster.start(Paths(), topology=Topology(NODES)) as lab:
        made = Site(lab)
        made.write("/etc/haoscar/site.toml", SITE + WATCH)
        yield made


def files(site: Site, name: str) -> set[str]:
    return {line for line in site.files(name) if not line.startswith(OWN)}


def show(site: Site, name: str, unit: str) -> dict[str, str]:
    said = site.on(
        name, "systemctl", "show", "--property=ActiveState,UnitFileState,MainPID,NRestarts", unit
    ).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def status(site: Site, name: str) -> dict[str, object]:
    said = site.on(
        name, "python3", "-c",
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haoscar-watch/watch');"
        " s.sendall(b'{\"command\": \"status\"}\\n'); print(s.makefile().readline())",
    ).stdout  # fmt: skip
    found: dict[str, object] = json.loads(said)
    return found


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, set[str]]:
    """Return the files of each machine before anything was installed."""
    return {name: files(site, name) for name in MEMBERS}


@pytest.fixture(scope="module")
def installed(site: Site, before: dict[str, set[str]]) -> Site:
    """Return the site with the agent and the watch process."""
    assert before
    done = site.haoscar("install-agent", "--yes", "--json", *site.host_keys)
    assert done.exit_code == 0, done.stderr
    return site


def test_the_watch_process_runs_on_both_heads_and_on_no_witness(installed: Site) -> None:
    for name in HEADS:
        unit = show(installed, name, WATCH_UNIT)
        assert (unit["ActiveState"], unit["UnitFileState"]) == ("active", "enabled")
        assert unit["NRestarts"] == "0"
        pid = unit["MainPID"]
        stat = installed.on(name, "cat", f"/proc/{pid}/stat").stdout.rpartition(")")[2].split()
        assert (stat[16], stat[38]) == ("5", "0")  # nice; SCHED_OTHER
        assert installed.on(name, "cat", f"/proc/{pid}/oom_score_adj").stdout.strip() == "500"
        assert status(installed, name)["ok"] is True
    assert not installed.on("node1", "test", "-e", WATCH_CONFIG, check=False).ok
    assert show(installed, "node1", WATCH_UNIT)["ActiveState"] == "inactive"


def test_snmpd_answers_the_active_heads_watch_list_about_both(installed: Site) -> None:
    communities = set()
    for name in HEADS:
        assert show(installed, name, SNMPD_UNIT)["ActiveState"] == "active"
        lines = installed.on(name, "cat", SNMPD_LINES).stdout.splitlines()
        assert "proc sshd" in lines
        assert "disk / 10%" in lines
        modes = installed.on(name, "stat", "--format=%a %U", SNMPD_ACCESS, CREDENTIALS).stdout
        assert modes.splitlines() == ["640 root", "600 root"]
        communities.add(installed.on(name, "cat", CREDENTIALS).stdout)
    assert len(communities) == 1

    def states() -> dict[str, str]:
        services = status(installed, "head1").get("services", [])
        assert isinstance(services, list)
        return {str(one["service"]): str(one["state"]) for one in services}

    def answered() -> bool:
        """The load is the whole machine's: other tests may have made it too high just before."""
        found = states()
        load = found.pop("loadaverage_server", "")
        return set(found.values()) == {"ok"} and load in ("ok", "failed")

    wait_until(answered, "a check of everything", 30)
    assert set(states()) == {"process_server", "loadaverage_server", "freespace_server"}


def test_a_second_run_changes_nothing(installed: Site) -> None:
    pids = {name: show(installed, name, WATCH_UNIT)["MainPID"] for name in HEADS}
    again = installed.haoscar("install-agent", "--yes")
    assert again.exit_code == 0, again.stderr
    assert "Nothing to do" in again.stdout, again.stdout
    assert {name: show(installed, name, WATCH_UNIT)["MainPID"] for name in HEADS} == pids


def test_another_watch_list_restarts_the_watch_process_alone(installed: Site) -> None:
    agents = installed.pids()
    installed.write("/etc/haoscar/site.toml", SITE + WATCH.replace('"20m"', '"10m"'))
    pids = {name: show(installed, name, WATCH_UNIT)["MainPID"] for name in HEADS}
    done = installed.haoscar("install-agent", "--yes")
    assert done.exit_code == 0, done.stderr
    assert installed.pids() == agents
    now = {name: show(installed, name, WATCH_UNIT)["MainPID"] for name in HEADS}
    assert all(now[name] != pids[name] for name in HEADS)


def test_removal_leaves_nothing(installed: Site, before: dict[str, set[str]]) -> None:
    done = installed.haoscar("remove-agent", "--yes")
    assert done.exit_code == 0, done.stderr
    for name in MEMBERS:
        assert files(installed, name) == before[name]
        units = installed.on(name, "systemctl", "list-units", "--all", "haoscar-*").stdout
        assert "haoscar" not in units
        assert not installed.on(name, "test", "-e", "/run/haoscar-watch", check=False).ok
    for name in HEADS:
        kept = installed.on(name, "grep", "-c", "haoscar", "/var/lib/snmp/snmpd.conf", check=False)
        assert kept.stdout.strip() in ("", "0")
        unit = show(installed, name, SNMPD_UNIT)
        assert (unit["ActiveState"], unit["UnitFileState"]) == ("inactive", "disabled")
