"""What a head is, as far as snmpd is to watch it; and what its snmpd.conf says already. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

COMM = re.compile(r"[A-Za-z0-9_.+-]{1,15}")  # a process name as the kernel keeps it
PATH = re.compile(r"/[A-Za-z0-9_.,:+/-]{0,200}")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1", "ip6-localhost")


class Running(NamedTuple):
    """A unit that runs on a head now."""

    unit: str
    comm: str  # the name of its main process
    enabled: bool = True


class Head(NamedTuple):
    """A head as it was found."""

    cpus: int = 1
    mounts: tuple[str, ...] = ()  # places of file systems of their own
    running: tuple[Running, ...] = ()
    kernel_threads: tuple[str, ...] = ()  # of those that are asked for: "nfsd"


class Existing(NamedTuple):
    """The lines of the administrator's own configuration that matter here."""

    procs: frozenset[str] = frozenset()
    disks: frozenset[str] = frozenset()
    all_disks: bool = False
    load: bool = False
    addresses: tuple[str, ...] | None = None  # where it listens; None: nothing is said
    internal_user: bool = False  # it names the user of snmpd's own questions

    def reaches(self, address: str) -> bool:
        """Whether somebody on the private network is heard with these addresses."""
        if self.addresses is None:
            return True
        return any(_host(one) in ("", "0.0.0.0", address) for one in self.addresses)  # noqa: S104

    @property
    def only_loopback(self) -> bool:
        """Whether it listens to this machine alone, as distributions deliver it."""
        return bool(self.addresses) and all(_host(one) in LOOPBACK for one in self.addresses or ())


def existing(lines: Iterable[str]) -> Existing:
    """Read the lines of snmpd.conf that far_snmpd found; what is not understood is left alone."""
    procs, disks, addresses = set[str](), set[str](), list[str]()
    all_disks = load = said = user = False
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        values = rest.replace("\t", " ").split()
        key = word.split("\t")[0].casefold()
        values = [*word.split("\t")[1:], *values]
        if key == "proc" and values:
            procs.add(values[0])
        elif key == "disk" and values:
            disks.add(values[0].rstrip("/") or "/")
        elif key == "includealldisks":
            all_disks = True
        elif key == "load":
            load = True
        elif key == "agentaddress":
            said = True
            addresses += [one for value in values for one in value.split(",") if one]
        elif key in ("iquerysecname", "agentsecname"):
            user = True
    listens = tuple(addresses) if said else None
    return Existing(frozenset(procs), frozenset(disks), all_disks, load, listens, user)


def _host(listening: str) -> str:
    """Return the host of a listening address such as udp:10.0.0.1:161; "" for every one."""
    text = listening.strip().casefold()
    kind, colon, rest = text.partition(":")
    if colon and kind in ("udp", "tcp", "udp6", "tcp6", "udpv6", "udpipv6", "tcpv6", "unix"):
        if kind == "unix":
            return "unix"
        text = rest
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    if text in LOOPBACK:
        return text
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit():
        return host
    return "" if text.isdigit() else text
