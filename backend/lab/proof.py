"""The proof that the demo's clone is one: what it answers over SSH, and a comparison of its files."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.clone.compare import by_reason, differences
from backend.clone.keys import PublicKey
from backend.errors import HaoscarError
from backend.imaging.excludes import Exclusion, explain
from backend.lab.containers import LabNode
from backend.lab.report import CloneFacts, Difference
from backend.paths import Paths
from backend.system.runner import Command
from backend.tasks import TaskContext

SSH_LIMIT = 60.0  # seconds; the clone has reported before, so it answers at once
COMPARE_LIMIT = 300.0
KNOWN_HOSTS = "/run/haoscar/demo-known-hosts"  # on the head: the key that the clone has reported
NOT_ON_DISK = ("/proc/*", "/sys/*", "/dev/*", "/run/*", "/tmp/*")  # noqa: S108 - patterns only
# One login: each costs the emulated machine half a second.
QUESTIONS = (
    "hostname; findmnt -no SOURCE /; cat /proc/cmdline; "
    "test -d /sys/firmware/efi && echo uefi || echo bios; systemctl is-system-running --wait || :"
)


class Proof:
    """Asks the clone and compares it, from the head."""

    def __init__(self, head: LabNode, address: str, name: str, installed: dict[str, Any]) -> None:
        self._head = head
        self._address = str(address)
        self._name = name
        self._installed = installed

    def ask(self, context: TaskContext) -> CloneFacts:
        """Log in as root and ask; raises HaoscarError when SSH does not answer as the standby."""
        context.check_cancelled()
        key = PublicKey.parse(str(self._installed["facts"].get("hostkey", "")))
        known = f"{self._address} {key.line}\n".encode()
        self._head.runner.run(Command.of("tee", KNOWN_HOSTS).given(known))
        said = self._head.runner.run(Command.of(*self._ssh(), QUESTIONS).within(SSH_LIMIT)).stdout
        hostname, root, line, firmware, state, *_ = (*said.splitlines(), "", "", "", "", "")
        if hostname != self._name:
            raise HaoscarError.of(
                "demo.wrong-name", f"{self._address} answers as {hostname!r}, not as {self._name}."
            )
        return CloneFacts(
            hostname=hostname,
            address=self._address,
            ssh=True,
            root_device=root,
            firmware=firmware,
            power_on_to_ssh_s=0.0,
            kernel_command_line=line,
            system_state=state,
            bytes_copied=int(self._installed.get("total") or 0),
            copy_seconds=_copy_seconds(self._installed),
        )

    def compare(self, context: TaskContext, facts: CloneFacts) -> CloneFacts:
        """Return the facts with every difference from the image; raises CommandFailed."""
        image = str(self._installed["image"]).replace(" v", "/v")
        directory = Paths().images / image
        words = [
            "rsync", "-n", "-aHAXc", "--numeric-ids", "--delete", "--itemize-changes", "--stats",
            *(f"--exclude={pattern}" for pattern in NOT_ON_DISK),
            "-e", " ".join(self._ssh()[:-1]), f"{directory}/tree/", f"{self._ssh()[-1]}:/",
        ]  # fmt: skip
        result = self._head.runner.run(Command.of(*words).within(COMPARE_LIMIT))
        context.check_cancelled()
        excluded = _exclusions(self._head.disk / str(directory / "image.json").lstrip("/"))
        found = differences(result.stdout.splitlines(), lambda path: explain("/" + path, excluded))
        groups = tuple(Difference(why, paths) for why, paths in by_reason(found))
        return replace(facts, differences=groups, files_compared=_files(result.stdout))

    def _ssh(self) -> tuple[str, ...]:
        return (
            "ssh", "-i", "/root/.ssh/id_ed25519", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={KNOWN_HOSTS}", "-o", "StrictHostKeyChecking=yes",
            "-o", "HostKeyAlgorithms=ssh-ed25519", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", f"root@{self._address}",
        )  # fmt: skip


def _exclusions(path: Path) -> tuple[Exclusion, ...]:
    data = json.loads(path.read_text())
    return tuple(Exclusion.from_dict(one) for one in data.get("excluded", ()))


def _files(stats: str) -> int:
    match = re.search(r"^Number of files: ([0-9,]+)", stats, re.MULTILINE)
    return int(match[1].replace(",", "")) if match else 0


def _copy_seconds(installed: dict[str, Any]) -> float:
    times = {one["name"]: float(one["time"]) for one in installed["stages"]}
    return round(times.get("verify", 0.0) - times.get("copy", 0.0), 2)
