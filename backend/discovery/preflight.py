"""Everything that would go wrong later, said before it does, each with its remedy. Pure."""

from collections.abc import Iterable, Sequence

from backend.discovery.host import HostFacts
from backend.discovery.survey import Survey
from backend.model.distribution import Family
from backend.reports import Report, Severity, error, info, warning

GIB = 1 << 30
# Who may hold the boot ports: the servers that HA-OSCAR itself configures.
DHCP_PROGRAMS = frozenset({"dhcpd"})
TFTP_PROGRAMS = frozenset({"in.tftpd", "tftpd", "systemd", "xinetd"})
OWN_PROGRAMS = frozenset({"haoscar", "python3", "sshd"})


def check(
    survey: Survey, own_ports: Sequence[int], missing_packages: Sequence[str] = ()
) -> tuple[Report, ...]:
    """Return the reports, errors first; ``own_ports`` are the boot server's TCP ports."""
    reports = [
        *_host(survey.host),
        *_packages(missing_packages),
        *_space(survey.host),
        *_networks(survey),
        *_dhcp(survey),
        *_ports(survey, own_ports),
        *_firewall(survey, own_ports),
        *survey.sides.reports,
        *survey.cluster.reports,
        *survey.reports,
    ]
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    return tuple(sorted(reports, key=lambda one: order.index(one.severity)))


def _host(host: HostFacts) -> Iterable[Report]:
    if not host.root:
        yield error("host.not-root", "HA-OSCAR does not run as root here.", "Use sudo.")
    if host.name is None or host.name.lower() == "localhost":
        yield error(
            "host.name",
            f"This head's name is {host.raw_name!a}, which no other machine can use.",
            "Set one: hostnamectl set-hostname NAME",
        )
    distribution = host.distribution
    if distribution.family is Family.OTHER:
        yield error(
            "host.distribution", f"{distribution.title} is not supported.",
            "Supported are Debian 12, Ubuntu 24.04 and the RHEL 9 family.",
        )  # fmt: skip
    elif not distribution.verified:
        yield warning(
            "host.release", f"HA-OSCAR was not checked on {distribution.title}.",
            "Rehearse first: haoscar demo. Checked are Debian 12, Ubuntu 24.04 and RHEL 9.",
        )  # fmt: skip
    if host.architecture not in ("x86_64", "amd64"):
        yield error(
            "host.architecture", f"The {host.architecture} architecture is not supported.",
            "Heads must be x86_64 machines.",
        )  # fmt: skip
    if host.selinux == "enforcing":
        yield warning(
            "host.selinux", "SELinux enforces: boot files with a wrong label are not served.",
            "After the network boot was set up: restorecon -R /var/lib/tftpboot /etc/dhcp",
        )  # fmt: skip
    if host.clock_synchronized is False:
        yield warning(
            "host.clock", "No time service runs, so the heads' clocks will drift apart.",
            "Install chrony, or: timedatectl set-ntp true",
        )  # fmt: skip
    if host.network_configuration == "unknown":
        yield warning(
            "host.network-configuration",
            "It is not known how this head configures its network (ifupdown, NetworkManager, netplan "
            "and systemd-networkd were looked for).",
            "Choose the IP assignment method replicant, or check the clone's network by hand.",
        )


def _packages(missing: Sequence[str]) -> Iterable[Report]:
    if missing:
        yield warning(
            "packages.missing",
            f"Packages that a head needs are not installed: {', '.join(missing)}.",
            "Install them: haoscar packages install",
        )


def _space(host: HostFacts) -> Iterable[Report]:
    if host.free_bytes is None:
        return
    free = f"{host.free_bytes / GIB:.1f} GiB"
    if host.free_bytes < GIB:
        yield error(
            "space.none", f"Only {free} are free for images in /var/lib/haoscar.",
            "Free some space, or mount a larger disk there.",
        )  # fmt: skip
    elif host.used_bytes is not None and host.free_bytes < host.used_bytes:
        yield warning(
            "space.little",
            f"{free} are free for images in /var/lib/haoscar, but this head's root file system holds "
            f"{host.used_bytes / GIB:.1f} GiB.",
            "Exclude large directories from the image, or mount a larger disk there.",
        )


def _networks(survey: Survey) -> Iterable[Report]:
    side = survey.sides.private
    if side is None:
        yield error(
            "network.no-private", "No private network was found.",
            "Give the cluster's interface its address, for example 10.0.0.1/24, or name it with "
            "--private.",
        )  # fmt: skip
        return
    link = survey.snapshot.link(side.interface)
    if link is not None and not link.carrier:
        yield error(
            "network.no-carrier", f"{side.interface} has no link: the cable or the switch is off.",
            "Connect it before the standby is switched on.",
        )  # fmt: skip
    addresses = link.addresses if link else ()
    if any(one.address == side.address and one.dynamic for one in addresses):
        yield warning(
            "network.dynamic", f"{side.interface} got its address {side.address} by DHCP.",
            "Give this head a fixed private address: the standby is told to boot from it.",
        )  # fmt: skip
    for one in filter(None, (side, survey.sides.public)):
        for alias in one.aliases:
            yield warning(
                "network.alias",
                f"{one.interface} carries the additional (alias) address {alias}.",
                "It is proposed as the virtual address. Take it out of the boot-time configuration, so "
                "that later only the failover agent brings it up.",
            )
    if survey.sides.public is None:
        yield info(
            "network.no-public", "This head has no public network of its own.",
            "The public fields of the standby stay empty.",
        )  # fmt: skip


def _dhcp(survey: Survey) -> Iterable[Report]:
    side = survey.sides.private
    for server in survey.foreign_dhcp_servers:
        where = side.interface if side else "the private network"
        yield error(
            "dhcp.foreign",
            f"Another DHCP server, {server.identifier} (card {server.mac}), answers on {where} and "
            f"offered {server.offered}.",
            "Switch it off there, or let it ignore the standby's MAC address: two servers would race.",
        )
    if survey.dhcp_servers is None and side is not None and survey.host.root:
        yield info(
            "dhcp.not-asked", "The private wire was not searched for other DHCP servers.",
            "Run: haoscar preflight",
        )  # fmt: skip


def _ports(survey: Survey, own_ports: Sequence[int]) -> Iterable[Report]:
    allowed = {("udp", 67): DHCP_PROGRAMS, ("udp", 69): TFTP_PROGRAMS}
    allowed |= {("tcp", port): OWN_PROGRAMS for port in own_ports}
    seen = set()
    for one in survey.listeners:
        programs = allowed.get((one.protocol, one.port))
        loopback = one.address.startswith(("127.", "[::1]"))
        if programs is None or loopback or one.program in programs:
            continue
        if (one.protocol, one.port, one.program) in seen:
            continue
        seen.add((one.protocol, one.port, one.program))
        port = f"{one.protocol.upper()} port {one.port}"
        if not one.program:
            yield warning(
                "port.unknown", f"Something unknown listens on {port}.",
                f"As root, look which program it is: ss -lnp 'sport = :{one.port}'",
            )  # fmt: skip
        else:
            yield error(
                "port.taken", f"{port}, which network boot needs, is taken by {one.program}.",
                f"Stop {one.program}, or keep it off the private network.",
            )  # fmt: skip


def _firewall(survey: Survey, own_ports: Sequence[int]) -> Iterable[Report]:
    firewall = survey.host.firewall
    side = survey.sides.private
    name = side.interface if side else "the private interface"
    if firewall.firewalld and not firewall.accepts:
        closed = [
            option
            for option, port, service in (
                ("--add-service=dhcp", "67/udp", "dhcp"),
                ("--add-service=tftp", "69/udp", "tftp"),
                *((f"--add-port={port}/tcp", f"{port}/tcp", "") for port in own_ports),
            )
            if port not in firewall.ports and (not service or service not in firewall.services)
        ]
        if closed:
            yield error(
                "firewall.closed", f"firewalld keeps network boot out of {name}.",
                f"Open it there: firewall-cmd --permanent {' '.join(closed)} && firewall-cmd --reload",
            )  # fmt: skip
    elif firewall.drops:
        ports = ", ".join(str(port) for port in own_ports)
        yield warning(
            "firewall.drops", "A packet filter on this head drops what no rule allows.",
            f"On {name} allow UDP 67 and 69 and TCP {ports}.",
        )  # fmt: skip
