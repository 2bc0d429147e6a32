"""A real snmpd on a machine of the world, set up as ``haoscar install-agent`` sets one up on a head."""

import time
from collections.abc import Sequence

from backend.errors import HaoscarError
from backend.lab.failover.agents import DISK
from backend.lab.failover.machine import Machine
from backend.lab.failover.programs import Program
from backend.lab.topology import Net
from backend.model.secrets import Secret
from backend.snmpd.files import access_file, lines_file
from backend.snmpd.needs import DISK as DISKS
from backend.snmpd.needs import LOAD, PROC, Wish
from backend.snmpd.wanted import Wanted
from backend.system.runner import Command

PROGRAM = "/usr/sbin/snmpd"
FILE, ACCESS = DISK / "snmpd.conf", DISK / "snmpd-access.conf"
NEVER_THAT_LOADED = (1000, 1000, 1000)
LISTENING = ":00A1"  # port 161 in /proc/net/udp
START_LIMIT = 15.0  # seconds
MOST = 99  # processes of a name; none is allowed, too, so that every line says that all is well


class Snmpd:
    """Runs between ``start`` and the end of its world."""

    def __init__(self, machine: Machine, net: Net, askers: Sequence[str], key: Secret) -> None:
        self._machine = machine
        self.address = str(machine.spec.port(net).address.ip)
        self._askers = tuple(askers)
        self._key = key
        self.program: Program | None = None

    def start(self, processes: Sequence[str]) -> None:
        """Start it anew, watching these processes, the load and a disk; raises HaoscarError."""
        self.stop()
        wish = Wish(frozenset((PROC, LOAD, DISKS)), self.address, self._askers)
        wanted = Wanted(
            load=NEVER_THAT_LOADED, disks=("/run",), listen=self.address, listen_loopback=True,
            fresh=True,
        )  # fmt: skip
        lines = lines_file(wanted, str(ACCESS)).decode()
        lines += "".join(f"proc {name} {MOST} 0\n" for name in processes)
        disk = self._machine.disk
        (disk / FILE.name).write_text(lines)
        (disk / ACCESS.name).touch(0o600)
        (disk / ACCESS.name).write_text(access_file(wish, self._key, fresh=True).reveal())
        environment = {"SNMP_PERSISTENT_DIR": "/run/snmpd", "MIBS": ""}
        command = Command((PROGRAM, "-f", "-C", "-c", str(FILE), "-LEw"), env=environment).within(
            None
        )
        log = self._machine.log_file.with_name(f"snmpd-{self._machine.name}.out")
        self.program = self._machine.start(command, log)
        end = time.monotonic() + START_LIMIT
        while not self._listens():
            if not self.program.running or time.monotonic() > end:
                said = log.read_text(errors="replace")[-2000:]
                raise HaoscarError.of("bench.snmpd", f"snmpd did not start: {said}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, when it runs."""
        if self.program is not None:
            self.program.stop(5.0)
            self.program = None

    def _listens(self) -> bool:
        assert self.program is not None
        try:
            with open(f"/proc/{self.program.process.pid}/net/udp") as table:  # noqa: PTH123
                return LISTENING in table.read()
        except OSError:
            return False
