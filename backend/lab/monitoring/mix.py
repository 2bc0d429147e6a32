"""Which services the bench lets the watch list check, as its configuration says them. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from backend.lab.failover.places import HEADS, WITNESSES, Places
from backend.lab.topology import Net
from backend.model.watchlist import default_watch_list

Object = dict[str, Any]

TCP = (7001, 7002, 7003, 7004, 7005)  # ports of the bench's responders on the other head
HTTP, DNS, NTP = 7080, 7053, 7123
PROCESSES = ("sshd", "slurmctld", "slurmdbd", "crond", "rpc.mountd")  # that snmpd counts
FILE = "/run/disk/watched-file"
MORE = 20  # services beside the three default rows
MANY = 500
PERIOD = "wd {Sun-Sat}"
LIMIT = 10.0  # seconds that a check may take
# What the SNMP agents list whose answers are measured; names as long as real ones.
LISTED = (
    "sshd", "slurmctld", "slurmdbd", "crond", "rpc.mountd", "rpc.statd", "rpcbind", "nfsdcld",
    "chronyd", "dhcpd", "named", "munged", "ntpd", "nscd", "sssd", "ypserv", "slapd", "postfix",
    "master", "rsyslogd", "systemd-logind", "dbus-daemon", "httpd", "nginx", "mysqld", "mariadbd",
    "postgres", "redis-server", "memcached", "snmptrapd", "smartd", "irqbalance", "atd", "cupsd",
    "tftpd", "xinetd", "gmond", "gmetad", "telegraf", "prometheus", "node_exporter", "collectd",
    "puppet", "salt-minion", "ansible", "opensm", "ibacm", "lustre", "mmfsd", "beegfs-mgmtd",
)  # fmt: skip


def default_rows() -> list[Object]:
    """Return the three rows that every site begins with, on both heads."""
    return [
        _service(str(one.group), str(one.name), HEADS, one.monitor, (), one.interval.seconds)
        for one in default_watch_list().services
        if one.interval is not None
    ]


def more(other: str, interval: float, count: int = MORE) -> list[Object]:
    """Return more services: the same mix again and again. ``other``: the head that is asked."""
    kinds = _mix(other)
    return [
        _service("bench", f"{number:03d}-{kinds[number % MORE][1].split('.')[0]}",
                 *kinds[number % MORE], interval)
        for number in range(count)
    ]  # fmt: skip


def polling(targets: dict[float, str]) -> list[Object]:
    """Return what polls the processes of a machine at each interval (seconds: address)."""
    return [
        _service("bench", f"every-{seconds:g}s", (address,), "netsnmp-proc.monitor", (), seconds)
        for seconds, address in targets.items()
    ]


def told(services: Sequence[Object]) -> str:
    """Return for people how many there are of each kind."""
    counts = Counter(one["monitor"] for one in services)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _mix(other: str) -> list[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """Return hosts, monitor and parameters of the services of one round."""
    there = (other,)
    nodes = [str(Places.standard().spec(name).port(Net.PRIVATE).address.ip) for name in WITNESSES]
    found: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = [
        *((there, "tcp", (str(port),)) for port in TCP),
        *((there, "http", (f"port={HTTP}", path)) for path in ("/", "/status", "/login")),
        *(((host,), "icmp", ()) for host in (other, *nodes[:2])),
        *((HEADS, "netsnmp-proc.monitor", (name,)) for name in PROCESSES[:4]),
        *((HEADS, "file-age", ("older=1d", FILE)) for _ in range(2)),
        *((there, "dns", (f"port={DNS}", f"name={name}.example.org")) for name in ("www", "mail")),
        (there, "ntp", (f"port={NTP}",)),
    ]
    # Spread, so that no two of one kind come one after another.
    return [found[(7 * place) % MORE] for place in range(MORE)]


def _service(
    group: str, name: str, hosts: tuple[str, ...], monitor: str, words: tuple[str, ...],
    interval: float,
) -> Object:  # fmt: skip
    return {
        "group": group, "name": name, "hosts": list(hosts), "monitor": monitor,
        "words": list(words), "interval": interval, "limit": LIMIT,
        "periods": [{"when": PERIOD, "name": PERIOD}],
    }  # fmt: skip
