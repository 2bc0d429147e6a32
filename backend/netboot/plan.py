"""Plans of step 4: the DHCP server's configuration, and everything that network boot needs. Pure.

Paths in steps are the machine's own; the journal puts them below its root.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.change.plan import Check, CopyFile, MakeDirectory, Plan, SetUnit, Step, WriteFile
from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE, BootMode
from backend.clone.keys import PublicKey
from backend.errors import Refused
from backend.model.distribution import Family
from backend.model.site import Site
from backend.netboot import dhcp, tftp
from backend.netboot.entries import (
    boot_machine,
    entry_name,
    ipxe_autoexec,
    pxelinux_default,
    pxelinux_entry,
)
from backend.netboot.loaders import FoundLoader
from backend.paths import Paths
from backend.rendering import render
from backend.system.runner import Command

_UNIT_PATH = re.compile(r"[A-Za-z0-9/._+-]+")

BOOT_UNIT = "haoscar-boot.service"
BOOT_UNIT_FILE = Path("/etc/systemd/system") / BOOT_UNIT


@dataclass(frozen=True, slots=True)
class NetworkBoot:
    """What network boot is made of, besides the site."""

    key: PublicKey  # of the installations' sshd
    loaders: tuple[FoundLoader, ...]
    unit: str  # content of haoscar-boot.service
    modes: Mapping[str, BootMode] = field(default_factory=dict)  # by standby; LOCAL without


def boot_unit() -> str:
    """Return haoscar-boot.service, which runs this very program; raises Refused.

    It is started without the launcher, so that a start of the machine never waits for pip.
    """
    source = Path(__file__).resolve().parents[2]
    python = Path(sys.executable)
    for path in (source, python):
        if not _UNIT_PATH.fullmatch(str(path)):
            raise Refused.of(
                "netboot.program-path",
                f"The path {str(path)!a} cannot stand in a systemd unit.",
                "Move HA-OSCAR to a directory whose name has letters, digits and ._+- only.",
            )
    return render("units/haoscar-boot.service.j2", source=source, python=python)


def configure_dhcp_plan(site: Site, facts: dhcp.DhcpFacts) -> Plan:
    """Return the plan that makes the DHCP server answer the standby heads.

    Small and quick, so that a machine assigned while its ROM still asks is answered in the same
    boot. Raises Refused when the existing configuration contradicts the site.
    """
    dhcp.refuse_conflicts(site, facts)
    declared = facts.subnet_of(site.private.network) is not None
    include = dhcp.render_include(site, declare_subnet=not declared)
    steps: list[Step] = [
        MakeDirectory(Path(dhcp.INCLUDE).parent, "HA-OSCAR's part of the DHCP configuration"),
        WriteFile(
            Path(dhcp.INCLUDE), include.encode(), "answers the standby heads, by MAC address"
        ),
        WriteFile(
            Path(dhcp.CONFIG),
            dhcp.with_include(facts.config or b""),
            "one line at its end includes that file; the rest stays as it is",
        ),
        *_interface_steps(site, facts),
        Check(
            Command.of("dhcpd", "-t", "-4", "-q", "-cf", dhcp.CONFIG),
            "dhcpd accepts the configuration",
            f"The file {dhcp.CONFIG} or one it includes is at fault; everything was put back.",
        ),
        SetUnit(facts.unit, "it reads the new configuration", enabled=True, action="restart"),
    ]
    names = ", ".join(str(one.name) for one in dhcp.host_entries(site)) or "nobody yet"
    return Plan(
        "Configure the DHCP server",
        f"It will answer {names} on {site.private.interface}, and no other machine because of us.",
        tuple(steps),
    )


def _interface_steps(site: Site, facts: dhcp.DhcpFacts) -> list[Step]:
    interface = site.private.interface
    beside = facts.serves_beside(site.private.network)
    if facts.family is not Family.RHEL:
        content = dhcp.with_interface(facts.defaults or b"", interface, beside)
        why = "the server listens on the private network"
        return [WriteFile(Path(dhcp.DEFAULTS), content, why)]
    if beside:
        return []  # it serves other networks already, by the subnets it declares
    return [
        WriteFile(
            Path(dhcp.DROP_IN),
            dhcp.drop_in(interface).encode(),
            "it listens on the private network",
        ),
    ]


def network_boot_plan(site: Site, facts: tftp.TftpFacts, boot: NetworkBoot) -> Plan:
    """Return the plan for TFTP files, boot entries and the boot server."""
    ours = Path(facts.directory)
    installer = Paths().installer
    # Servers first: they are restarted only when their own configuration changed, so that running
    # installations are not disturbed by a new entry.
    steps: list[Step] = [
        *_tftp_steps(site, facts),
        WriteFile(
            BOOT_UNIT_FILE, boot.unit.encode(), "the boot server, on the private address only"
        ),
        SetUnit(BOOT_UNIT, "it admits machines that have a ticket", enabled=True, action="restart"),
        MakeDirectory(ours / "pxelinux.cfg", "files that machines fetch when they boot"),
        *(CopyFile(one.path, ours / one.loader.name, one.loader.purpose) for one in boot.loaders),
        CopyFile(installer / KERNEL_FILE, ours / KERNEL_FILE, "the installer's kernel"),
        CopyFile(installer / INSTALLER_FILE, ours / INSTALLER_FILE, "the installer"),
        WriteFile(
            ours / "pxelinux.cfg" / "default",
            pxelinux_default().encode(),
            "machines that are no standby go on to their next boot device",
        ),
        WriteFile(
            ours / "autoexec.ipxe",
            ipxe_autoexec().encode(),
            "newer iPXE reads it first and need not wait for an IPv6 router",
        ),
        *_entry_steps(site, ours, boot),
    ]
    return Plan(
        "Set up network boot",
        f"Standby heads can boot the installer from {site.primary.private_address}.",
        tuple(steps),
    )


def _entry_steps(site: Site, ours: Path, boot: NetworkBoot) -> list[Step]:
    steps: list[Step] = []
    for standby in site.standbys:
        if standby.mac is None:
            continue
        machine = boot_machine(site, standby, boot.key)
        mode = boot.modes.get(standby.name, BootMode.LOCAL)
        what = "is installed at its next network boot"
        steps.append(
            WriteFile(
                ours / "pxelinux.cfg" / entry_name(standby.mac),
                pxelinux_entry(machine, mode).encode(),
                f"{standby.name} {what if mode is BootMode.INSTALL else 'boots from its disk'}",
                ours_to_change=True,
            )
        )
    return steps


def _tftp_steps(site: Site, facts: tftp.TftpFacts) -> list[Step]:
    steps: list[Step] = []
    if facts.defaults is not None and not facts.in_use:
        content = tftp.restricted(facts.defaults, site.primary.private_address)
        steps.append(
            WriteFile(Path(tftp.HPA_DEFAULTS), content, "TFTP answers on the private address only")
        )
    return [*steps, SetUnit(facts.unit, "it serves those files", enabled=True, action="restart")]
