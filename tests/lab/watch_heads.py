"""Two systemd heads with watch processes, snmpd, a mon monitor and a Nagios plugin; services of the tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.errors import HaoscarError
from backend.lab.cluster import VirtualCluster
from backend.lab.topology import Topology
from backend.paths import Paths
from backend.system.runner import Command
from backend.system.unix_socket import Connection
from tests.lab.agent_site import NODES, SITE, Site

HEADS = ("head1", "head2")
AGENT, WATCH = "run/haoscar-agent/control", "run/haoscar-watch/watch"
ALERTS = "/var/log/lab-alerts"
VIRTUAL = "10.77.0.10"
PORT = 8099
SERVICES = ("proc", "unit", "port", "plugin", "ocf", "app")  # each has a unit of this name
INTERVALS = {
    "proc": 3.0,
    "unit": 1.0,
    "port": 2.0,
    "plugin": 2.0,
    "ocf": 1.0,
    "app": 1.0,
}  # seconds
MOVING = ("app", "base")  # the agent runs these on the active head only
UNITS = ("proc", "unit", "port", "plugin")
STOPPING = 1.0  # seconds that "base" takes to stop
# From packages of this machine, which is a Debian of the same suite as the machines of the lab.
BORROWED = {
    "/usr/lib/mon/mon.d/tcp.monitor": "/usr/lib/mon/mon.d/tcp.monitor",
    "/usr/lib/nagios/plugins/check_procs": "/usr/lib/nagios/plugins/check_procs",
    "/usr/share/perl/5.36/Getopt/Std.pm": "/etc/perl/Getopt/Std.pm",
    "/etc/protocols": "/etc/protocols",
}
# The administrator's own lines: a small disk, and a load that is not reached by itself.
LINES = "disk /full 10%\nload 48 12000 12000\n"
ALERT = f"""\
#!/bin/sh
cat > /dev/null
echo "$MON_SERVICE $MON_ALERTTYPE" >> {ALERTS}
"""
# A resource agent; its service is a transient unit, so that it is looked at as the others are.
AGENT_PROGRAM = """\
#!/bin/sh
case "$1" in
start) systemctl reset-failed labocf 2> /dev/null
    systemctl --quiet is-active labocf || systemd-run --quiet --unit=labocf /usr/local/sbin/labocf 1000000 ;;
stop) systemctl stop labocf 2> /dev/null; exit 0 ;;
monitor) systemctl --quiet is-active labocf || exit 7 ;;
validate-all) test -x /usr/local/sbin/labocf || exit 5 ;;
*) exit 3 ;;
esac
"""
OCF = "/usr/lib/ocf/resource.d/lab/daemon"
UNIT = """\
[Service]
Type=exec
ExecStart={start}
{more}
[Install]
WantedBy=multi-user.target
"""
BASE = "/var/log/lab-base"
NOTE = f"/bin/sh -c 'echo {{}} $$(date +%%s.%%N) >> {BASE}'"
# Parents that wait for a child made with CLONE_VFORK count for the load, and cost nothing.
LOADING = """\
import ctypes, time
libc = ctypes.CDLL(None)
for _ in range(260):
    if libc.syscall(56, 0x4000 | 17, 0, 0, 0, 0):
        break
time.sleep(1000)
"""
RESOURCES = """\
[[resource]]
name = "base"
kind = "unit"
options = { unit = "labbase.service" }
[[resource]]
name = "app"
kind = "unit"
options = { unit = "labapp.service" }
after = ["base"]
check_every = 0
[[host_group]]
name = "heads"
"""
RECOVERY = """\
[watch.recovery]
{what}
restarts = 2
within = "10m"
verify = "1s"
limit = "20s"
escalate = "takeover"
"""


def watched(name: str, monitor: str, words: str, interval: float, recovery: str = "") -> str:
    """Return a service of the site file."""
    alert = '[[watch.period.alert]]\nprogram = "/usr/local/sbin/lab-alert"\nrun = "{}"\n'
    return (
        f'[[watch]]\ngroup = "heads"\nname = "{name}"\nmonitor = "{monitor}"\n'
        f'parameters = "{words}"\ninterval = "{interval:g}s"\n'
        + (RECOVERY.format(what=recovery) if recovery else "")
        + '[[watch.period]]\nalert_every = "1h"\n'
        + alert.format("down")
        + alert.format("up")
    )


def _unit(name: str) -> str:
    return f'kind = "unit"\noptions = {{ unit = "lab{name}.service" }}'


def site_file() -> str:
    """Return the site of these tests."""
    rows = (
        ("proc", "netsnmp-proc.monitor", "labproc timeout=1s", _unit("proc")),
        ("unit", "systemd-unit", "labunit", _unit("unit")),
        ("port", "tcp.monitor", f"-p {PORT}", _unit("port")),
        ("plugin", "check_procs", "-c 1: -C labplugin", _unit("plugin")),
        ("ocf", "ocf:lab:daemon", "", 'kind = "ocf"\noptions = { agent = "ocf:lab:daemon" }'),
        ("app", "systemd-unit", "labapp", 'kind = "resource"\noptions = { resource = "app" }'),
    )
    return "".join(
        (
            SITE,
            RESOURCES,
            *(watched(name, how, words, INTERVALS[name], heal) for name, how, words, heal in rows),
            watched("load", "netsnmp-loadaverage.monitor", "timeout=1s", 1.0),
            watched("disk", "netsnmp-freespace.monitor", "/full timeout=1s", 1.0),
        )
    )


class Pair:
    """The two heads."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def run(self, name: str, script: str, *, check: bool = True) -> str:
        """Run a line of shell on a head."""
        return self.site.on(name, "sh", "-c", script, check=check).stdout.strip()

    def put(self, name: str, path: str, data: bytes, mode: str = "755") -> None:
        """Write a file on a head."""
        command = Command.of("install", "-D", "-m", mode, "/dev/stdin", path)
        self.site.lab.node(name).runner.run(command.given(data))

    def prepare(self) -> None:
        """Give both heads the programs, units and snmpd lines of the tests."""
        for name in HEADS:
            for source, target in BORROWED.items():
                self.put(name, target, Path(source).read_bytes())
            self.put(name, "/usr/local/sbin/lab-alert", ALERT.encode())
            self.put(name, "/etc/snmp/snmpd.conf.d/lab.conf", LINES.encode(), "644")
            self.run(name, "mkdir /full && mount -t tmpfs -o size=1m full /full")
            self.put(name, OCF, AGENT_PROGRAM.encode())
            for service in (*UNITS, *MOVING):
                start, more = f"/usr/local/sbin/lab{service} 1000000", ""
                if service == "port":
                    start = f"@/usr/local/sbin/labport busybox httpd -f -p {PORT} -h /var/empty"
                if service == "base":
                    more = (
                        f"ExecStartPre={NOTE.format('started')}\nExecStop=/bin/sleep {STOPPING:g}"
                    )
                    more += f"\nExecStopPost={NOTE.format('stopped')}"
                text = UNIT.format(start=start, more=more).encode()
                self.put(name, f"/etc/systemd/system/lab{service}.service", text, "644")
            self.run(name, "mkdir -p /var/empty")
            self.mend(name)
            own = " ".join(f"lab{one}" for one in UNITS)
            self.run(name, f"systemctl daemon-reload && systemctl enable --now {own}")
            self.run(name, f"{OCF} start")

    def mend(self, name: str) -> None:
        """Put every program of the services in its place."""
        for service in (*SERVICES, "base"):
            source = "/bin/busybox" if service == "port" else "/bin/sleep"
            self._replace(name, service, source)

    def spoil(self, name: str, service: str) -> None:
        """Replace the program of a service by one that ends with 1; what runs goes on."""
        self._replace(name, service, "/bin/false")

    def _replace(self, name: str, service: str, source: str) -> None:
        target = f"/usr/local/sbin/lab{service}"
        self.run(name, f"cp {source} {target}.new && mv {target}.new {target}")

    # questions

    def ask(self, name: str, path: str, **question: Any) -> dict[str, Any]:
        """Ask a process of a head over its socket; raises HaoscarError."""
        root = Path(f"/proc/{self.site.lab.node(name).inside().pid}/root")
        try:
            connection = Connection(root / path, 20.0)
            try:
                answer = connection.ask(question)
            finally:
                connection.close()
        except (OSError, ValueError) as problem:
            answer = {"error": str(problem)}
        if not answer.get("ok"):
            raise HaoscarError.of("test.ask", f"{name} refused {question}: {answer.get('error')}")
        return answer

    @property
    def active(self) -> str:
        """The head that serves."""
        roles = {name: self.ask(name, AGENT, command="role")["role"] for name in HEADS}
        serving = [name for name, role in roles.items() if role == "active"]
        assert len(serving) == 1, roles
        return serving[0]

    @property
    def standby(self) -> str:
        """The other one."""
        return other(self.active)

    def service(self, name: str, at: str = "") -> dict[str, Any]:
        """Return what is known of a service; nothing while the process does not check."""
        try:
            status = self.ask(at or self.active, WATCH, command="status")
        except (HaoscarError, AssertionError):  # the role moves
            return {}
        found: dict[str, Any] = next(one for one in status["services"] if one["service"] == name)
        return found if status["active"] else {}

    def state(self, name: str) -> str:
        """Return a service's state."""
        return str(self.service(name).get("state", ""))

    def serves(self, name: str) -> bool:
        """Whether a head serves and its watch process checks."""
        try:
            return self.active == name and bool(self.service("unit", name))
        except (HaoscarError, AssertionError):
            return False

    def has_address(self, name: str) -> bool:
        """Whether the virtual IP is on a head."""
        return f" {VIRTUAL}/" in self.run(name, "ip -4 -o address")

    def takeovers(self) -> int:
        """Return how often the role was taken, on both heads."""
        status = [self.ask(name, AGENT, command="status") for name in HEADS]
        return sum(int(one["counters"]["takeovers"]) for one in status)

    def term(self) -> int:
        """Return the number of the present turn of serving."""
        return int(self.ask(self.active, AGENT, command="role")["term"])

    def history(self, name: str) -> list[str]:
        """Return what has happened to a service."""
        answer = self.ask(self.active, WATCH, command="history", service=f"heads:{name}", most=200)
        return [str(one["sentence"]) for one in answer["history"]]

    def alerts(self, name: str) -> list[str]:
        """Return the alerts that a head has sent."""
        return self.run(name, f"cat {ALERTS} 2>/dev/null", check=False).splitlines()

    def shown(self, name: str, unit: str) -> dict[str, str]:
        """Return what systemd says of a unit of the tests."""
        names = "ActiveState,MainPID,ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic"
        said = self.run(name, f"systemctl show --property={names} lab{unit}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def running(self, name: str, unit: str) -> bool:
        """Whether a unit runs."""
        return self.shown(name, unit)["ActiveState"] == "active"

    def since(self, name: str, unit: str, what: str = "Active") -> float:
        """Return when a unit became active or inactive, on this machine's own clock."""
        return int(self.shown(name, unit)[f"{what}EnterTimestampMonotonic"]) / 1e6

    def base(self, name: str, what: str) -> float:
        """Return when the resource "base" has started or stopped on a head, last; wall time."""
        lines = [one.split() for one in self.run(name, f"cat {BASE}").splitlines()]
        return next(float(at) for word, at in reversed(lines) if word == what)

    def load(self) -> float:
        """Return the load of the last minute; the machines of the lab share one kernel."""
        return float(self.run(self.active, "cat /proc/loadavg").split()[0])

    def until_started(self, name: str, unit: str, after: float) -> None:
        """Wait until a unit runs that was started after a moment."""
        until(
            lambda: self.running(name, unit) and self.since(name, unit) > after,
            f"a start of {unit} on {name}",
        )

    # deeds

    def kill(self, name: str, unit: str) -> float:
        """Kill a unit's process; returns when, a little early."""
        at = time.monotonic()
        self.run(name, f"systemctl kill --signal=KILL lab{unit}")
        return at

    def enable(self, name: str) -> None:
        """Look after a service as an operator does."""
        self.ask(self.active, WATCH, command="enable", service=f"heads:{name}")

    def unwell(self) -> list[str]:
        """Return the services that are not well or are being healed, with why."""
        try:
            status = self.ask(self.active, WATCH, command="status")
        except (HaoscarError, AssertionError) as problem:
            return [str(problem)]
        bad = [
            f"{one['service']} {one['state']}: {one['summary']} {one['recovery']}"
            for one in status["services"]
            if one["state"] != "ok" or one["recovery"]
        ]
        return bad if status["connected"] else [*bad, "the watch processes are not connected"]

    def until_serves(self, name: str) -> float:
        """Wait until a head has taken over."""
        return until(lambda: self.serves(name), f"the takeover by {name}", instead=self.story)

    def story(self) -> str:
        """Return what is not well, what the agents say of the role, and the ends of the logs."""
        roles = [str(self.ask(name, AGENT, command="role")) for name in HEADS]
        return "\n".join((*self.unwell(), *roles, self.log()))

    def until_well(self, limit: float = 40.0) -> None:
        """Wait until every service is well and nothing is being healed."""
        end = time.monotonic() + limit
        while unwell := self.unwell():
            assert time.monotonic() < end, "\n".join([*unwell, self.log()])
            time.sleep(0.05)

    def log(self) -> str:
        """Return the ends of what the agents and the watch processes have written."""
        words = "journalctl -q -n 60 -o short-precise -u haoscar-watch -u haoscar-agent"
        return "\n--\n".join(self.run(name, words) for name in HEADS)

    def settle(self) -> None:
        """Mend everything, forget every healing, and wait until all is well."""
        until(lambda: self.service("unit") != {}, "a head that checks")
        active = self.active
        for name in HEADS:
            own = (*UNITS, "app") if name == active else UNITS
            units = " ".join(f"lab{one}" for one in own)
            self.mend(name)
            self.run(name, f"systemctl reset-failed; systemctl start {units}; {OCF} start")
            self.run(name, f"rm -f {ALERTS}")
        for _ in range(2):  # what is held begins anew; what is just being verified cannot yet
            for service in SERVICES:
                self.enable(service)
            self.until_well()

    def fit(self) -> bool:
        """Whether both heads are: one that gave the role away is not, for 20 s at most."""
        return all(self.ask(name, AGENT, command="role")["fit"] is True for name in HEADS)


def other(name: str) -> str:
    """Return the other head."""
    return HEADS[1 - HEADS.index(name)]


def until(
    done: Callable[[], bool],
    what: str,
    limit: float = 20.0,
    pause: float = 0.02,
    instead: Callable[[], str] = str,
) -> float:
    """Wait for a condition; returns when it was there, and says ``instead`` when it was not."""
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, f"{what} did not come within {limit:g} s\n{instead()}"
        time.sleep(pause)
    return time.monotonic()


@contextmanager
def installed() -> Iterator[Pair]:
    """Start the heads and their witness, install the agents, and wait until all is well."""
    with VirtualCluster.start(Paths(), topology=Topology(NODES)) as lab:
        site = Site(lab)
        site.write("/etc/haoscar/site.toml", site_file())
        pair = Pair(site)
        pair.prepare()
        done = site.haoscar("install-agent", "--yes", "--json", *site.host_keys)
        assert done.exit_code == 0, done.stderr
        pair.until_well()
        yield pair
