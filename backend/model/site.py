"""The site as typed values: what /etc/haoscar/site.toml says once it has been validated."""

import enum
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol, TypeVar

from backend.model.addresses import Mac
from backend.model.agent import AgentPolicy, ClusterResource, FencingDevice
from backend.model.names import DomainName, HostName, ImageName, InterfaceName, UserName
from backend.model.recovery import Monitoring
from backend.model.watchlist import WatchList


class IpAssignment(enum.StrEnum):
    """How the installed machine gets its address (the panel's IP Assignment Method)."""

    STATIC = "static"
    STATIC_DHCP = "static_dhcp"
    DYNAMIC_DHCP = "dynamic_dhcp"
    REPLICANT = "replicant"


class PostInstall(enum.StrEnum):
    """What the machine does when the installation has ended (the panel's Post Install Action)."""

    BEEP = "beep"
    REBOOT = "reboot"
    SHUTDOWN = "shutdown"
    POWEROFF = "poweroff"
    KEXEC = "kexec"
    SHELL = "shell"
    NONE = "none"


class OnFailure(enum.StrEnum):
    """What a machine does when its installation failed; it never asks."""

    POWEROFF = "poweroff"
    WAIT = "wait"


class Firmware(enum.StrEnum):
    """How a machine starts its boot loader."""

    BIOS = "bios"
    UEFI = "uefi"


@dataclass(frozen=True, slots=True)
class Network:
    """One network that both heads are on."""

    interface: InterfaceName  # on the primary
    network: IPv4Network
    gateway: IPv4Address | None = None
    virtual_ip: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Primary:
    """The head that serves now and is cloned."""

    name: HostName
    private_address: IPv4Address
    public_address: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where an image comes from and what its clones do."""

    name: ImageName
    client: str  # a host name or address
    user: UserName | None = None  # None: this head itself, without SSH
    ip_assignment: IpAssignment = IpAssignment.STATIC
    post_install: PostInstall = PostInstall.REBOOT


@dataclass(frozen=True, slots=True)
class Standby:
    """A standby head: the seven values of the panel, its card, and how it is installed."""

    name: HostName
    image: ImageName
    address: IPv4Address  # "Standby server's local IP", on the private network
    prefix: int  # "Subnet Mask"
    gateway: IPv4Address | None = None  # "Default Gateway"
    primary_public_interface: InterfaceName | None = None
    public_interface: InterfaceName | None = None
    public_alias: IPv4Address | None = None  # "Standby server's Public Alias IP"
    public_address: IPv4Address | None = None  # its own, not the alias; None: none
    mac: Mac | None = None  # of the card it boots from
    disk: str = "auto"  # or the serial number or path of the disk to use
    wipe: bool = False  # may a disk that carries data be overwritten?
    on_failure: OnFailure = OnFailure.POWEROFF


@dataclass(frozen=True, slots=True)
class Node:
    """A compute node: never installed, and a candidate for a witness."""

    name: HostName
    address: IPv4Address | None = None
    mac: Mac | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """The whole site."""

    cluster: HostName
    domain: DomainName
    private: Network
    primary: Primary
    public: Network | None = None
    images: tuple[ImageSource, ...] = ()
    standbys: tuple[Standby, ...] = ()
    nodes: tuple[Node, ...] = ()
    agent: AgentPolicy | None = None
    resources: tuple[ClusterResource, ...] = ()
    fencing: tuple[FencingDevice, ...] = ()
    watch: WatchList = field(default_factory=WatchList)
    monitoring: Monitoring | None = None

    def standby(self, name: str) -> Standby | None:
        """Return the standby of that name, or None."""
        return next((one for one in self.standbys if one.name == name), None)

    def image(self, name: str) -> ImageSource | None:
        """Return the image source of that name, or None."""
        return next((one for one in self.images if one.name == name), None)

    def with_standby(self, standby: Standby) -> "Site":
        """Return the site with this standby added at the end, or replaced where it stands."""
        return replace(self, standbys=_put(self.standbys, standby, standby.name))

    def without_standby(self, name: str) -> "Site":
        """Return the site without the standby of that name."""
        return replace(self, standbys=tuple(one for one in self.standbys if one.name != name))

    def with_image(self, image: ImageSource) -> "Site":
        """Return the site with this image added at the end, or replaced where it stands."""
        return replace(self, images=_put(self.images, image, image.name))


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _put(all_of_them: tuple[N, ...], new: N, name: str) -> tuple[N, ...]:
    if any(one.name == name for one in all_of_them):
        return tuple(new if one.name == name else one for one in all_of_them)
    return (*all_of_them, new)
