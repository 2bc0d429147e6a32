"""What a panel or a command line asks for: strings parsed into types, all problems at once. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar, Self, TypeVar

from backend.errors import InvalidInput
from backend.model.addresses import parse_address, parse_netmask
from backend.model.names import HostName, ImageName, InterfaceName
from backend.model.site import Standby
from backend.reports import Place, Report, error

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AddStandbyRequest:
    """The seven fields of the panel "Add Standby server to a SIS Image", and the standby's name."""

    name: HostName
    image: ImageName
    local_ip: IPv4Address
    prefix: int
    gateway: IPv4Address | None = None
    primary_public_interface: InterfaceName | None = None
    standby_public_interface: InterfaceName | None = None
    public_alias: IPv4Address | None = None

    # The form: field -> label, in the panel's order. The keys are the command line's, too.
    LABELS: ClassVar[Mapping[str, str]] = {
        "name": "Standby server's Name",
        "image": "Image Name",
        "primary_public_interface": "Primary server's Public Network Interface",
        "standby_public_interface": "Standby server's Public Network Interface",
        "public_alias": "Standby server's Public Alias IP",
        "local_ip": "Standby server's local IP",
        "netmask": "Subnet Mask",
        "gateway": "Default Gateway",
    }

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> Self:
        """Return the request; raises InvalidInput with one report for each wrong field.

        The public fields and the gateway may be empty; a field that is not of the form is refused.
        """
        form = _Form(fields, cls.LABELS)
        name = form.needed("name", HostName.parse)
        image = form.needed("image", ImageName.parse)
        local_ip = form.needed("local_ip", parse_address)
        prefix = form.needed("netmask", parse_netmask)
        gateway = form.optional("gateway", parse_address)
        primary = form.optional("primary_public_interface", InterfaceName.parse)
        standby = form.optional("standby_public_interface", InterfaceName.parse)
        alias = form.optional("public_alias", parse_address)
        if alias is not None and standby is None and form.empty("standby_public_interface"):
            form.wrong(
                "standby_public_interface", "standby.interface-missing",
                "The alias address needs the interface that carries it on the standby.",
                "Name it, or leave the alias empty.",
            )  # fmt: skip
        if prefix is not None and local_ip is not None:
            _check_inside(form, local_ip, prefix, gateway)
        form.finish()
        assert name is not None
        assert image is not None
        assert local_ip is not None
        assert prefix is not None
        return cls(name, image, local_ip, prefix, gateway, primary, standby, alias)

    @property
    def network(self) -> IPv4Network:
        """The private network the request says."""
        return IPv4Network((self.local_ip, self.prefix), strict=False)

    def standby(self) -> Standby:
        """Return the standby as the site knows it."""
        return Standby(
            name=self.name,
            image=self.image,
            address=self.local_ip,
            prefix=self.prefix,
            gateway=self.gateway,
            primary_public_interface=self.primary_public_interface,
            public_interface=self.standby_public_interface,
            public_alias=self.public_alias,
        )


def _check_inside(
    form: "_Form", address: IPv4Address, prefix: int, gateway: IPv4Address | None
) -> None:
    """Report what is wrong with addresses and mask taken together."""
    network = IPv4Network((address, prefix), strict=False)
    if prefix > 30:
        form.wrong(
            "netmask", "standby.mask", f"/{prefix} leaves no room for two heads.",
            "Use the mask of the private network, for example 255.255.255.0.",
        )  # fmt: skip
        return
    for key, one in (("local_ip", address), ("gateway", gateway)):
        if one in (network.network_address, network.broadcast_address):
            kind = "network's own" if one == network.network_address else "broadcast"
            form.wrong(
                key, "standby.not-a-host", f"{one} is the {kind} address of {network}.",
                "Choose an address between them.",
            )  # fmt: skip
    if gateway is not None and gateway not in network:
        form.wrong(
            "gateway", "standby.gateway-outside", f"{gateway} is not in {network}.",
            "A gateway must be in the standby's own network, or empty.",
        )  # fmt: skip
    if gateway is not None and gateway == address:
        form.wrong(
            "gateway", "standby.gateway-self", f"{gateway} is the standby itself.",
            "Usually it is the primary's private address.",
        )  # fmt: skip


class _Form:
    """Reads fields and collects what is wrong."""

    def __init__(self, fields: Mapping[str, str], labels: Mapping[str, str]) -> None:
        self._fields = {key: str(value).strip() for key, value in fields.items()}
        self._labels = labels
        self._reports: list[Report] = [
            error("form.unknown", f"There is no field {key!a}.", place=Place(field=key))
            for key in fields
            if key not in labels
        ]

    def empty(self, key: str) -> bool:
        """Return whether nothing was filled in."""
        return not self._fields.get(key)

    def needed(self, key: str, parse: Callable[[str, Place], T]) -> T | None:
        """Return the value; None after its problem was noted."""
        if self.empty(key):
            self.wrong(key, "form.empty", f'"{self._labels[key]}" is empty.', "Fill it in.")
            return None
        return self.optional(key, parse)

    def optional(self, key: str, parse: Callable[[str, Place], T]) -> T | None:
        """Return the value, None when empty or after its problem was noted."""
        if self.empty(key):
            return None
        try:
            return parse(self._fields[key], Place(field=key))
        except InvalidInput as problem:
            self._reports.extend(problem.reports)
            return None

    def wrong(self, key: str, code: str, text: str, remedy: str) -> None:
        """Note a problem of a field."""
        self._reports.append(error(code, text, remedy, Place(field=key)))

    def finish(self) -> None:
        """Raise InvalidInput when anything was wrong."""
        if self._reports:
            raise InvalidInput(*self._reports)
