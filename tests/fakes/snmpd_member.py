"""A snmpd that only pretends, on a pretended member: it answers what its files tell it to watch."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.rollout.snmpd_proof import DISK_PATHS, LOADS, PROC_NAMES
from backend.system import snmpd_far
from backend.system.runner import Command

STOCK = """\
# the distribution's file
agentaddress  127.0.0.1,[::1]
rocommunity  public default -V systemonly
includeDir /etc/snmp/snmpd.conf.d
"""
RUNNING = [
    ["ssh.service", "sshd", True], ["cron.service", "cron", True],
    ["slurmctld.service", "slurmctld", True],
]  # fmt: skip


@dataclass
class FakeSnmpd:
    """The package, its files below a member's root, and what it says."""

    root: Path
    installed: bool = False
    refuses: str = ""  # what it says against every configuration
    silent: bool = False
    facts: dict[str, Any] = field(default_factory=dict)  # what is said instead of the truth
    apt: list[str] = field(default_factory=list)

    def put(self, text: str = STOCK) -> None:
        """Install it, with this snmpd.conf."""
        self.installed = True
        (self.root / "etc/snmp/snmpd.conf.d").mkdir(parents=True)
        self.conf.write_text(text)
        self.conf.chmod(0o640)

    @property
    def conf(self) -> Path:
        return self.root / "etc/snmp/snmpd.conf"

    def answer(self, walk: bool, command: Command, running: bool) -> dict[str, Any]:
        assert not isinstance(command.stdin, bytes | None)
        request = {**json.loads(command.stdin.reveal()), "root": str(self.root)}
        if walk:
            return self._walk(request, running)
        if request["do"] == "validate":
            wrong = [self.refuses] if self.refuses else []
            return {"ok": True, "started": not wrong, "wrong": wrong, "last": []}
        if request["do"] == "facts":
            request["units"] = []  # no program is started here
        answer = snmpd_far.answer(json.dumps(request))
        if request["do"] == "facts" and answer["ok"]:
            answer |= {"program": "/usr/sbin/snmpd" if self.installed else ""}
            answer |= {"cpus": 8, "mounts": ["/", "/var"], "running": RUNNING, "threads": []}
            answer |= {"os_release": 'ID=debian\nVERSION_ID="12"\n', **self.facts}
        return answer

    def _walk(self, request: dict[str, Any], running: bool) -> dict[str, Any]:
        if self.silent or not running:
            return {"ok": False, "error": "timed out"}
        files = snmpd_far.configuration(self.root, set())
        if not any(request["community"] in text for text in files.values()):
            return {"ok": False, "error": "timed out"}
        if request["oid"] == LOADS:
            return {"ok": True, "found": [["1", "0.10"], ["2", "0.20"], ["3", "0.30"]]}
        word = {PROC_NAMES: "proc", DISK_PATHS: "disk"}[request["oid"]]
        lines = [line.split() for text in files.values() for line in text.splitlines()]
        values = [line[1] for line in lines if line[:1] == [word]]
        return {"ok": True, "found": [[str(n), one] for n, one in enumerate(values, 1)]}

    def packages(self, words: tuple[str, ...]) -> tuple[int, str, str]:
        if words[0] == "dpkg-query":
            both = "installed snmpd\ninstalled libsnmp40\n" if self.installed else ""
            return 0, f"installed base-files\n{both}", ""
        simulated = "--simulate" in words
        if "install" in words:
            if not simulated:
                self.apt.append("install")
                self.put()
            return 0, "Inst libsnmp40 (5.9)\nInst snmpd (5.9)\n", ""
        assert "purge" in words
        if not simulated:
            self.apt.append(f"purge {' '.join(words[words.index('--') + 1 :])}")
            self.conf.unlink()
            (self.root / "etc/snmp/snmpd.conf.d").rmdir()
            (self.root / "etc/snmp").rmdir()
            self.installed = False
        return 0, "Purg snmpd [5.9]\nPurg libsnmp40 [5.9]\n", ""


def owner_only(path: Path) -> bool:
    """Whether nobody but owner and group may read a file."""
    return not path.stat().st_mode & 0o007 and path.stat().st_uid == os.geteuid()
