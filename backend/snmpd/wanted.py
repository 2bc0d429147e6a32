"""The lines that a head's snmpd needs for the watch list, without those that are there. Pure."""

from typing import NamedTuple

from backend.model.addresses import parse_address
from backend.snmpd.head import COMM, PATH, Existing, Head
from backend.snmpd.needs import DISK, LOAD, PROC, Wish

# Daemons that every head with them needs, by their units; watched where they are enabled and run.
DAEMONS = (
    "ssh.service", "sshd.service", "cron.service", "crond.service", "slurmctld.service",
    "nfs-mountd.service", "isc-dhcp-server.service", "dhcpd.service",
)  # fmt: skip
NFS_SERVER, NFS_THREAD = "nfs-server.service", "nfsd"  # its processes are the kernel's own
SNMPD = "snmpd"  # whoever cannot answer cannot say that he does not run
PLACES = ("/", "/home", "/var", "/tmp")  # noqa: S108
LEAST_FREE = 10  # percent


class Wanted(NamedTuple):
    """The lines, as values."""

    procs: tuple[str, ...] = ()
    load: tuple[int, int, int] | None = None  # over 1, 5 and 15 minutes
    disks: tuple[str, ...] = ()
    listen: str = ""  # an address of this head; "": nothing is said about it
    listen_loopback: bool = False  # nobody says that yet
    fresh: bool = False  # the table of processes is read anew each second
    unheard: bool = False  # the other head cannot ask it, and that is the administrator's choice


def wanted(wish: Wish, head: Head, there: Existing, *, new: bool) -> Wanted:
    """Return what is to be added to what is there.

    ``new``: nobody has configured this snmpd yet, so that where it listens is ours to say.
    """
    listen = ""
    if there.only_loopback or (there.addresses is None and new):
        listen = str(parse_address(wish.address))
    fresh = PROC in wish.tables and not there.internal_user
    return Wanted(
        procs=_procs(wish, head, there) if PROC in wish.tables else (),
        load=_load(head) if LOAD in wish.tables and not there.load else None,
        disks=_disks(wish, head, there) if DISK in wish.tables and not there.all_disks else (),
        listen=listen,
        listen_loopback=bool(listen) and there.addresses is None,
        fresh=fresh,
        unheard=not listen and not there.reaches(wish.address),
    )


def units_asked(wish: Wish) -> tuple[str, ...]:
    """Return the units whose main process a head is asked for."""
    named = (one if "." in one else f"{one}.service" for one in wish.healed)
    return tuple(dict.fromkeys((*DAEMONS, NFS_SERVER, *named)))


def _procs(wish: Wish, head: Head, there: Existing) -> tuple[str, ...]:
    """Return the processes that must run on this head whether it is active or not.

    What moves with the role runs on one head only: there it is the agent that looks after it, and
    a line here would call the standby ill for ever.
    """
    moving = {one if "." in one else f"{one}.service" for one in wish.moving}
    healed = {one if "." in one else f"{one}.service" for one in wish.healed}
    found = [
        one.comm
        for one in head.running
        if one.unit not in moving
        and (one.enabled or one.unit in healed)
        and COMM.fullmatch(one.comm)
    ]
    if NFS_SERVER not in moving:
        found += [one for one in head.kernel_threads if COMM.fullmatch(one)]
    return tuple(one for one in dict.fromkeys(found) if one not in there.procs and one != SNMPD)


def _load(head: Head) -> tuple[int, int, int]:
    return 4 * head.cpus, 2 * head.cpus, 2 * head.cpus


def _disks(wish: Wish, head: Head, there: Existing) -> tuple[str, ...]:
    """Return the file systems: snmpd leaves out of its table what is not mounted at the moment."""
    mounted = [one for one in PLACES if one == "/" or one in head.mounts]
    places = (one.rstrip("/") or "/" for one in (*mounted, *wish.mounts))
    return tuple(
        one for one in dict.fromkeys(places) if one not in there.disks and PATH.fullmatch(one)
    )
