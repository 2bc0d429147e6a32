"""What makes one machine out of the common root: its own files, and what a head is given to run."""

import sys
from dataclasses import dataclass
from pathlib import Path

from backend.errors import Refused
from backend.lab.roots import PYTHON
from backend.lab.topology import Net, NodeKind, NodeSpec, Topology
from backend.rendering import render

LAUNCHER = Path("/usr/local/bin/haoscar")
DISPLAY_SOCKET = Path("/run/haoscar-display/socket")  # in memory: no image ever holds it


@dataclass(frozen=True, slots=True)
class OverlayFile:
    """A file that a machine has on top of the common root."""

    path: str  # below the root
    content: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class LabKey:
    """The SSH key of the lab's own root; it opens nothing outside."""

    private: str
    public: str


def overlay_files(node: NodeSpec, topology: Topology, key: LabKey) -> list[OverlayFile]:
    """Return a machine's own files."""
    hosts = render("lab/hosts.j2", hosts=topology.hosts)
    files = [
        OverlayFile("etc/hostname", f"{node.name}\n"),
        OverlayFile("etc/hosts", hosts),
        OverlayFile("root/.ssh/authorized_keys", key.public, 0o600),
    ]
    for port in node.ports:
        text = render("lab/network.j2", interface=port.interface, address=port.address)
        files.append(OverlayFile(f"etc/systemd/network/10-{port.net}.network", text))
    if node.kind is NodeKind.HEAD:
        files += [
            OverlayFile("root/.ssh/id_ed25519", key.private, 0o600),
            OverlayFile("root/.ssh/id_ed25519.pub", key.public),
            *_dhcp_server(node, topology),
        ]
    return files


def _dhcp_server(head: NodeSpec, topology: Topology) -> list[OverlayFile]:
    """Return the DHCP configuration that the cluster had before HA-OSCAR came."""
    port = head.port(Net.PRIVATE)
    machines = [
        (node.name, other)
        for node in topology.nodes
        for other in node.ports
        if node.kind is NodeKind.COMPUTE and other.net is Net.PRIVATE
    ]
    text = render(
        "lab/dhcpd.conf.j2", network=port.address.network, head=port.address.ip, machines=machines
    )
    return [
        OverlayFile("etc/dhcp/dhcpd.conf", text),
        OverlayFile(
            "etc/default/isc-dhcp-server", f'INTERFACESv4="{port.interface}"\nINTERFACESv6=""\n'
        ),
    ]


def write_overlay(upper: Path, files: list[OverlayFile]) -> None:
    """Write a machine's files into the upper directory of its overlay; raises OSError."""
    for file in files:
        target = upper / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content)
        target.chmod(file.mode)
    if (upper / "root").is_dir():  # an upper directory hides the mode of the lower one
        (upper / "root").chmod(0o700)
        (upper / "root/.ssh").chmod(0o700)


def check_python() -> None:
    """Refuse when the heads of the lab could not run our code with their own Python."""
    here = ".".join(map(str, sys.version_info[:2]))
    there = ".".join(map(str, PYTHON))
    base = Path(sys.executable).resolve()
    if sys.version_info[:2] != PYTHON or base.parent != Path("/usr/bin"):
        raise Refused.of(
            "lab.python",
            f"The heads of the lab run HA-OSCAR with Debian's Python {there}, but this is "
            f"Python {here} in {base.parent}.",
            f"Run it with /usr/bin/python{there} of Debian 12.",
        )


def product_mounts() -> list[Path]:
    """Return the directories with our code and its libraries; a head sees them at the same place."""
    source = source_directory()
    if sys.prefix != sys.base_prefix:
        libraries = [Path(sys.prefix)]
    else:
        libraries = [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    wanted = [source, *(path for path in libraries if path.is_dir())]
    return [
        path
        for path in wanted
        if not any(other != path and path.is_relative_to(other) for other in wanted)
    ]


def source_directory() -> Path:
    """Return the directory that the package ``backend`` is in."""
    return Path(__file__).resolve().parents[2]


def launcher() -> str:
    """Return the text of the ``haoscar`` command of a head."""
    return render(
        "lab/launcher.py.j2", python=sys.executable, source=ascii(str(source_directory()))
    )
