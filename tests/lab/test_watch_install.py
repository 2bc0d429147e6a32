"""The real snmpd in a network of its own: our lines are understood, merged, refused where wrong, and fresh."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.model.secrets import Secret
from backend.rollout.snmpd_look import SNMP, SNMPD
from backend.rollout.snmpd_proof import DISK_PATHS, PROC_NAMES, UCD
from backend.snmpd.files import access_file, community_of, lines_file
from backend.snmpd.head import Head, Running, existing
from backend.snmpd.needs import DISK, LOAD, PROC, Wish
from backend.snmpd.wanted import wanted
from backend.system.runner import Command, Daemon, LocalRunner, spawn
from tests.lab.agent_site import wait_until

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace"),
    pytest.mark.skipif(
        shutil.which("snmpd", path="/usr/sbin:/usr/bin") is None, reason="needs the package snmpd"
    ),
]
KEY = Secret("5" * 64 + "\n")
WISH = Wish(frozenset({PROC, LOAD, DISK}), "127.0.0.3", ("127.0.0.3", "127.0.0.4"))
NAME = "haoscarvictim"  # of a process that nobody else has
CONF = """\
agentaddress  127.0.0.1,[::1]
rocommunity  public default -V systemonly
view systemonly included .1.3.6.1.2.1.1
proc haoscarother
includeDir {directory}
"""


class Snmpd:
    """A snmpd with the administrator's file and ours, in a network namespace of its own."""

    def __init__(self, work: Path) -> None:
        self.work, self.namespace = work, f"haoscar-snmpd-{os.getpid()}"
        self.runner = LocalRunner(("ip", "netns", "exec", self.namespace))
        self.daemons: list[Daemon] = []
        LocalRunner().run(Command.of("ip", "netns", "add", self.namespace))
        self.runner.run(Command.of("ip", "link", "set", "lo", "up"))
        victim = work / NAME
        shutil.copy("/bin/sleep", victim)
        self.victim = spawn(Command.of(victim, "600"), work / "victim.log")
        self.daemons.append(self.victim)
        directory = work / "snmpd.conf.d"
        directory.mkdir()
        conf = CONF.format(directory=directory)
        there = existing(conf.splitlines())
        head = Head(1, ("/",), (Running("a.service", NAME), Running("b.service", "haoscarother")))
        self.wanted = wanted(WISH, head, there, new=False)
        access = access_file(WISH, KEY, fresh=True).reveal()
        self.lines = lines_file(self.wanted, str(work / "access.conf")).decode()
        self.checked = "".join(
            one
            for one in (self.lines + access).splitlines(keepends=True)
            if not one.startswith(("agentaddress", "includeFile"))
        )
        (directory / "haoscar.conf").write_text(self.lines)
        (work / "access.conf").write_text(access)
        (work / "snmpd.conf").write_text(conf)

    def start(self) -> None:
        words = ("snmpd", "-f", "-Lf", str(self.work / "log"), "-C", "-c", self.work / "snmpd.conf")
        without = ("-I", "-smux,mteTrigger,mteTriggerConf")
        environment = {"SNMP_PERSISTENT_DIR": str(self.work / "state"), "MIBS": ""}
        prefix = ("ip", "netns", "exec", self.namespace)
        argv = tuple(map(str, (*prefix, *words, *without)))
        self.daemons.append(spawn(Command(argv, env=environment), self.work / "output"))
        wait_until(lambda: self.values(PROC_NAMES), "an answer of snmpd")

    def far(self, program: str, request: dict[str, object]) -> dict[str, object]:
        command = Command.of(sys.executable, "-I", "-c", program)
        said = self.runner.run(command.given(Secret(json.dumps(request)))).stdout
        answer: dict[str, object] = json.loads(said)
        return answer

    def values(self, oid: str, address: str = "127.0.0.3", community: str = "") -> list[str]:
        word = community or community_of(KEY).reveal()
        request = {"address": address, "community": word, "oid": oid, "limit": 1}
        found = self.far(SNMP, request).get("found") or []  # type: ignore[arg-type]
        assert isinstance(found, list)
        return [str(value) for _name, value in found]

    def close(self) -> None:
        for one in reversed(self.daemons):
            one.stop()
        LocalRunner().run(Command.of("ip", "netns", "delete", self.namespace))


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    made = Snmpd(tmp_path_factory.mktemp("snmpd"))
    try:
        yield made
    finally:
        made.close()


def test_snmpd_takes_our_lines_and_names_what_is_wrong(snmpd: Snmpd) -> None:
    good = snmpd.far(SNMPD, {"do": "validate", "text": snmpd.checked})
    assert (good["ok"], good["started"], good["wrong"]) == (True, True, [])
    bad = snmpd.far(SNMPD, {"do": "validate", "text": snmpd.checked + "nonsense 3\nproc\n"})
    wrong = " ".join(map(str, bad["wrong"]))  # type: ignore[call-overload]
    assert "Unknown token: nonsense" in wrong
    assert "Blank line following proc token" in wrong
    assert not list(Path("/tmp").glob("haoscar-snmpd-*"))


def test_ours_and_the_administrators_lines_work_together(snmpd: Snmpd) -> None:
    snmpd.start()
    assert snmpd.wanted.procs == (NAME,)  # the other one is watched already
    assert sorted(snmpd.values(PROC_NAMES)) == ["haoscarother", NAME]
    # Where it listened before it listens still.
    assert sorted(snmpd.values(PROC_NAMES, "127.0.0.1")) == ["haoscarother", NAME]
    assert snmpd.values("1.3.6.1.2.1.1.1", "127.0.0.1", "public")
    assert set(snmpd.values(DISK_PATHS)) <= {"/"}
    log = (snmpd.work / "log").read_text()
    assert "Unknown token" not in log
    assert "Error:" not in log


def test_the_community_opens_its_own_subtree_only(snmpd: Snmpd) -> None:
    assert snmpd.values("1.3.6.1.2.1.1") == []
    assert snmpd.values(PROC_NAMES, community="public") == []
    assert snmpd.values(PROC_NAMES, community="wrong") == []


def test_a_process_that_ended_is_seen_within_three_seconds(snmpd: Snmpd) -> None:
    """Without the setting from within it took 30 s."""
    name = "1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2"
    wait_until(lambda: snmpd.values(name.rpartition(".")[0]) == ["1"], "the setting", 15)
    assert "0" in snmpd.values(f"{UCD}.2.1.100")
    snmpd.victim.stop()
    wait_until(lambda: f"No {NAME[:15]} process running" in snmpd.values(f"{UCD}.2.1.101"), "it", 3)
