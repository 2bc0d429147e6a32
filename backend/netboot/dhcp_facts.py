"""Reads what the DHCP server of this machine is configured to do, with its includes."""

from pathlib import Path

from backend.discovery.dhcpd_conf import DhcpHost, parse_dhcpd_conf
from backend.netboot.dhcp import CONFIG, DEFAULTS, INCLUDE, DeclaredHost, DeclaredSubnet, DhcpFacts
from backend.netboot.tftp import read_family
from backend.paths import Paths
from backend.system.files import read_if_there


def read_dhcp_facts(paths: Paths) -> DhcpFacts:
    """Return the facts; raises OSError only when an existing file cannot be read."""

    def text(path: Path) -> str | None:
        if str(path) == INCLUDE:
            return ""  # our own part is what is being planned
        try:
            content = read_if_there(paths.at(path))
        except OSError:
            return None
        return None if content is None else content.decode("utf-8", "replace")

    config = read_if_there(paths.at(CONFIG))
    parsed = parse_dhcpd_conf(Path(CONFIG), text)
    return DhcpFacts(
        family=read_family(paths),
        config=config,
        defaults=read_if_there(paths.at(DEFAULTS)),
        subnets=tuple(
            DeclaredSubnet(one.network, bool(one.ranges), one.place) for one in parsed.subnets
        ),
        hosts=tuple(_host(one) for one in parsed.hosts),
    )


def _host(host: DhcpHost) -> DeclaredHost:
    return DeclaredHost(
        host.name or "a host without a usable name", host.mac, host.addresses, host.place
    )
