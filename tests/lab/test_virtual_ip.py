"""The head's known address becomes a virtual IP on a running cluster, and goes back, for real."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.lab.cluster import VirtualCluster
from backend.paths import Paths
from backend.system.runner import Command, Result

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
OLD, OWN = "10.77.0.1", "10.77.0.9"
FILE = "/etc/systemd/network/10-private.network"
LISTENS = ("ss", "-Hltn", "sport", "=", "7007")
SERVER = f"""
import socket
server = socket.create_server(("{OLD}", 7007))
while True:
    there, _ = server.accept()
    while data := there.recv(64):
        there.sendall(data)
"""
# One connection for as long as it lives: a byte there and back every 10 ms. The longest wait is kept.
CLIENT = f"""
import pathlib, socket, time
line = socket.create_connection(("{OLD}", 7007), 5)
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
count = longest = 0
while True:
    began = time.monotonic()
    line.sendall(b"x")
    assert line.recv(1) == b"x"
    count, longest = count + 1, max(longest, time.monotonic() - began)
    pathlib.Path("/run/line.new").write_text(f"{{count}} {{longest}}")
    pathlib.Path("/run/line.new").rename("/run/line")
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[VirtualCluster]:
    """A lab with a site file, and a connection from a node to the head's known address."""
    with VirtualCluster.start(Paths()) as cluster:
        haoscar(cluster, "init", "--private", "eth0", "--no-wire", "--yes")
        start_line(cluster)
        yield cluster


def start_line(lab: VirtualCluster) -> None:
    """Begin the one connection, anew after a power cut."""
    run(lab, "node1", "systemctl", "stop", "line")
    run(lab, "node1", "rm", "-f", "/run/line")
    for name, unit, text in (("head1", "server", SERVER), ("node1", "line", CLIENT)):
        words = ("systemd-run", "--quiet", "--collect", f"--unit={unit}", "python3", "-c", text)
        wait_for(lambda words=words, name=name: run(lab, name, *words).ok, f"{unit} on {name}")
        if unit == "server":
            wait_for(lambda: "7007" in run(lab, "head1", *LISTENS).stdout, "the server")
    wait_for(lambda: line_count(lab) > 5, "the connection")


def line_count(lab: VirtualCluster) -> int:
    """Return how often a byte came back over the one connection."""
    said = run(lab, "node1", "cat", "/run/line").stdout.split()
    return int(said[0]) if said else 0


def line_goes_on(lab: VirtualCluster) -> None:
    before = line_count(lab)
    wait_for(lambda: line_count(lab) > before + 5, "a byte over the old connection")
    assert run(lab, "node1", "systemctl", "is-active", "line").stdout.strip() == "active"


def wait_for(done: Callable[[], bool], what: str, limit: float = 15.0) -> None:
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.05)


def run(lab: VirtualCluster, name: str, *words: str) -> Result:
    return lab.node(name).runner.run(Command.of(*words), check=False)


def haoscar(lab: VirtualCluster, *words: str, code: int = 0) -> Any:
    done = run(lab, "head1", "haoscar", *words, "--json")
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else done.stderr


def state(lab: VirtualCluster) -> dict[str, str]:
    """Return everything that must be the same again: addresses, routes, files."""
    head = lab.node("head1").runner
    shown = head.run(Command.of("ip", "-4", "address", "show")).stdout
    found = {
        # Without the numbers of the other ends of the wires, which are new after a power cut.
        "addresses": re.sub(r"@if\d+|link-netnsid \d+", "", shown),
        "routes": head.run(Command.of("ip", "-4", "route", "show", "table", "all")).stdout,
    }
    for name in (FILE, "/etc/haoscar/site.toml"):
        found[name] = head.run(Command.of("stat", "-c", "%a %u %g", name)).stdout
        found[name] += head.run(Command.of("cat", name)).stdout
    listing = (
        "find",
        "/etc/haoscar",
        "/etc/systemd/system",
        "/etc/systemd/network",
        "-printf",
        "%p %l\n",
    )
    found["listing"] = "\n".join(sorted(head.run(Command.of(*listing)).stdout.splitlines()))
    return found


def addresses(lab: VirtualCluster) -> set[str]:
    said = run(lab, "head1", "ip", "-json", "-4", "address", "show", "dev", "eth0").stdout
    found = [one for link in json.loads(said) for one in link.get("addr_info", ())]
    return {f"{one['local']}/{one['prefixlen']}" for one in found}


def test_plan_changes_nothing(lab: VirtualCluster) -> None:
    before = state(lab)
    plan = haoscar(lab, "virtual-ip", "plan", "--address", OWN)
    assert plan["virtual_ip"] == OLD
    assert plan["system"] == "systemd-networkd"
    diff = next(one["diff"] for one in plan["changes"] if one["path"] == FILE)
    changed = [line for line in diff if line[0] in "+-" and not line.startswith(("+++", "---"))]
    assert changed == [f"-Address={OLD}/24", f"+Address={OWN}/24"]
    assert {"addressing.hosts", "addressing.dhcp-server"} <= {
        one["code"] for one in plan["reports"]
    }
    assert state(lab) == before


def test_an_address_in_use_is_refused(lab: VirtualCluster) -> None:
    for taken in ("10.77.0.12", OLD):
        said = haoscar(lab, "virtual-ip", "apply", "--address", taken, "--yes", code=4)
        assert "report" in said
    assert haoscar(lab, "virtual-ip", "status")["in_force"] == []


def test_unconfirmed_it_goes_back_and_the_connection_lives(lab: VirtualCluster) -> None:
    before = state(lab)
    done = haoscar(
        lab, "virtual-ip", "apply", "--address", OWN, "--unconfirmed", "--limit", "4", "--yes"
    )
    assert not done["confirmed"]
    assert addresses(lab) == {f"{OWN}/24", f"{OLD}/32"}
    line_goes_on(lab)
    wait_for(lambda: gone_back(lab), "the end of the roll-back")
    assert state(lab) == before
    line_goes_on(lab)
    assert "not confirmed in time" in last(lab)


def gone_back(lab: VirtualCluster) -> bool:
    """Whether nothing waits or goes back any more, and something did."""
    left = run(lab, "head1", "ls", "/var/lib/haoscar/virtual-ip").stdout.split()
    return "last.json" in left and not {"pending.json", "rolling-back.json"} & set(left)


def last(lab: VirtualCluster) -> str:
    """Return why the last change went back."""
    return str(haoscar(lab, "virtual-ip", "status")["last_rollback"]["why"])


def test_killed_command_and_killed_watcher_go_back(lab: VirtualCluster) -> None:
    before = state(lab)
    words = ("haoscar", "virtual-ip", "apply", "--address", OWN, "--limit", "3", "--yes")
    assert run(lab, "head1", "systemd-run", "--quiet", "--collect", "--unit=applying", *words).ok
    file = ("grep", "-q", OWN, FILE)
    wait_for(lambda: run(lab, "head1", *file).ok, "the first changed file")
    for unit in ("applying", "haoscar-virtual-ip-watch"):
        killed = run(lab, "head1", "systemctl", "kill", "--signal=KILL", unit)
        assert killed.ok, killed.stderr
    wait_for(lambda: gone_back(lab), "the end of the roll-back")
    assert state(lab) == before
    line_goes_on(lab)


def test_gone_back_by_hand(lab: VirtualCluster) -> None:
    before = state(lab)
    words = ("virtual-ip", "apply", "--address", OWN, "--unconfirmed", "--limit", "600", "--yes")
    haoscar(lab, *words)
    haoscar(lab, "virtual-ip", "rollback")
    assert state(lab) == before
    line_goes_on(lab)


def test_started_anew_before_the_confirmation_it_goes_back(lab: VirtualCluster) -> None:
    before = state(lab)
    haoscar(
        lab, "virtual-ip", "apply", "--address", OWN, "--unconfirmed", "--limit", "600", "--yes"
    )
    assert OWN in state(lab)[FILE]
    head = lab.node("head1")
    head.power_cut()
    head.power_on()
    head.wait_until_up()
    wait_for(lambda: addresses(lab) == {f"{OLD}/24"}, "the old address")
    assert "started anew" in last(lab)
    assert state(lab) == before
    start_line(lab)


def test_confirmed_it_stays_and_undo_brings_everything_back(lab: VirtualCluster) -> None:
    before = state(lab)
    done = haoscar(lab, "virtual-ip", "apply", "--address", OWN, "--yes")
    assert done["confirmed"]
    line_goes_on(lab)
    stays = {f"{OWN}/24", f"{OLD}/32"}
    for words in (("networkctl", "reload"), ("networkctl", "reconfigure", "eth0"),
                  ("systemctl", "restart", "systemd-networkd")):  # fmt: skip
        assert run(lab, "head1", *words).ok
        wait_for(lambda: addresses(lab) == stays, f"the addresses after {words}")
    route = run(lab, "head1", "ip", "route", "get", "10.77.0.11").stdout
    assert f"src {OWN} " in route
    assert 'virtual_ip = "10.77.0.1"' in state(lab)["/etc/haoscar/site.toml"]
    line_goes_on(lab)
    haoscar(lab, "virtual-ip", "apply", "--yes", code=3)  # it is done already
    head = lab.node("head1")
    head.power_cut()
    head.power_on()
    head.wait_until_up()
    wait_for(lambda: addresses(lab) == stays, "both addresses after a start")
    start_line(lab)
    haoscar(lab, "undo", done["record"], "--yes")
    wait_for(lambda: gone_back(lab), "the end of the roll-back")
    assert "undone" in last(lab)
    assert state(lab) == before
    line_goes_on(lab)
