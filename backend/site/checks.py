"""What must be right between the values of a site file: names, addresses, networks, images."""

import difflib
from ipaddress import IPv4Address, IPv4Network

from backend.site import locate
from backend.site.checks_agent import check_agent
from backend.site.checks_watch import check_watch
from backend.site.draft import Draft, Findings, Table
from backend.site.schema import PRIMARY, PRIVATE, PUBLIC

APART = "Give each machine its own; a virtual IP moves between the heads and belongs to neither."


def check(draft: Draft, findings: Findings) -> None:
    """Add to ``findings`` every contradiction between values that are right on their own."""
    _Checks(draft, findings).run()
    check_agent(draft, findings)
    check_watch(draft, findings)


class _Checks:
    """One run over one draft."""

    def __init__(self, draft: Draft, findings: Findings) -> None:
        self._findings = findings
        self._private = draft.single.get(PRIVATE.path)
        self._public = draft.single.get(PUBLIC.path)
        self._primary = draft.single.get(PRIMARY.path)
        self._images = draft.repeated["image"]
        self._standbys = draft.repeated["standby"]
        self._nodes = draft.repeated["node"]
        self._resources = draft.repeated["resource"]
        self._fencing = draft.repeated["fencing"]
        self._networks = {
            "private": _network(self._private),
            "public": _network(self._public),
        }

    def run(self) -> None:
        self._check_names()
        self._check_networks()
        self._check_duplicates()
        self._check_heads()
        for standby in self._standbys:
            self._check_standby(standby)
        for node in self._nodes:
            self._check_node(node)

    def _machines(self) -> list[Table]:
        primary = [] if self._primary is None else [self._primary]
        return [*primary, *self._standbys, *self._nodes]

    def _check_names(self) -> None:
        self._unique(self._machines(), "name", "The name", "Two machines cannot share a name.")
        self._unique(self._images, "name", "The image name", "Give each image its own name.")
        self._unique(self._resources, "name", "The resource", "Give each resource its own name.")
        self._unique(self._fencing, "name", "Fencing of", "One [[fencing]] table for each head.")
        self._unique(self._machines(), "mac", "The MAC address", "A card is in one machine only.")

    def _unique(self, tables: list[Table], key: str, what: str, remedy: str) -> None:
        seen: dict[str, locate.Path] = {}
        for table in tables:
            value = table.values.get(key)
            if not isinstance(value, str):
                continue
            # Host names are one whatever their case; image names are directories.
            same = value if table.section.path == ("image",) else value.casefold()
            path = table.at(key)
            if same in seen:
                line = self._findings.line(seen[same])
                text = f"{what} {value} is given twice, first in line {line}."
                self._findings.error(path, "site.duplicate", text, remedy)
            seen.setdefault(same, path)

    def _check_networks(self) -> None:
        private, public = self._networks["private"], self._networks["public"]
        if self._private is None or self._public is None:
            return
        if private is not None and public is not None and private.overlaps(public):
            self._findings.error(
                self._public.at("network"),
                "site.overlap",
                f"The public network {public} overlaps the private network {private}.",
                "They must be two networks.",
            )
        interface = self._public.values.get("interface")
        if interface is not None and interface == self._private.values.get("interface"):
            self._findings.warning(
                self._public.at("interface"),
                "site.one-interface",
                f"Both networks are on the interface {interface}.",
                "One broken card or cable then cuts off both.",
            )

    def _check_duplicates(self) -> None:
        seen: dict[IPv4Address, tuple[str, locate.Path]] = {}
        for address, what, path in self._own_addresses():
            if address in seen:
                before, first = seen[address]
                line = self._findings.line(first)
                text = f"{address} is {what}, but it is already {before} (line {line})."
                self._findings.error(path, "site.duplicate-address", text, APART)
            seen.setdefault(address, (what, path))
        virtual = None if self._public is None else self._public.values.get("virtual_ip")
        for table in self._standbys:
            alias = table.values.get("public_alias")
            if isinstance(alias, IPv4Address) and alias in seen and alias != virtual:
                before, first = seen[alias]
                text = f"The public alias {alias} is already {before} (line {self._findings.line(first)})."  # fmt: skip
                self._findings.error(
                    table.at("public_alias"), "site.duplicate-address", text, APART
                )

    def _own_addresses(self) -> list[tuple[IPv4Address, str, locate.Path]]:
        """Return every address that exactly one thing may have, and what that is."""
        wanted: list[tuple[Table, str, str]] = []
        for table, name in ((self._private, "private"), (self._public, "public")):
            if table is not None:
                wanted.append((table, "virtual_ip", f"the virtual IP of the {name} network"))
        if self._primary is not None:
            wanted.append((self._primary, "private_address", f"the private address of {_called(self._primary)}"))  # fmt: skip
            wanted.append((self._primary, "public_address", f"the public address of {_called(self._primary)}"))  # fmt: skip
        for standby in self._standbys:
            wanted.append((standby, "address", f"the address of {_called(standby)}"))
            wanted.append((standby, "public_address", f"the public address of {_called(standby)}"))
        wanted += [(node, "address", f"the address of {_called(node)}") for node in self._nodes]
        return [
            (address, what, table.at(key))
            for table, key, what in wanted
            if isinstance(address := table.values.get(key), IPv4Address)
        ]

    def _check_heads(self) -> None:
        for table, name in ((self._private, "private"), (self._public, "public")):
            if table is not None:
                self._inside(table, "virtual_ip", name)
                self._inside(table, "gateway", name)
        if self._primary is not None:
            self._inside(self._primary, "private_address", "private")
            self._inside(self._primary, "public_address", "public")

    def _inside(self, table: Table, key: str, name: str) -> None:
        """Report an address that is not one of the hosts of a network."""
        address, network = table.values.get(key), self._networks[name]
        if not isinstance(address, IPv4Address):
            return
        if name == "public" and self._public is None:
            text = f"{key}: there is no public network that {address} could be on."
            remedy = "Add the table [networks.public], or leave the key out."
            self._findings.error(table.at(key), "site.no-public", text, remedy)
        elif network is not None and address not in network:
            text = f"{key}: {address} is not in the {name} network {network}."
            remedy = "Correct the address, or the network's mask."
            self._findings.error(table.at(key), "site.outside", text, remedy)
        elif network is not None:
            self._a_host(table, key, address, network)

    def _a_host(self, table: Table, key: str, address: IPv4Address, network: IPv4Network) -> None:
        if address in (network.network_address, network.broadcast_address):
            which = "network" if address == network.network_address else "broadcast"
            text = f"{key}: {address} is the {which} address of {network}."
            remedy = f"Use an address from {network[1]} to {network[-2]}."
            self._findings.error(table.at(key), "site.not-a-host", text, remedy)

    def _check_standby(self, standby: Table) -> None:
        for key, name in (
            ("address", "private"),
            ("public_address", "public"),
            ("public_alias", "public"),
        ):
            self._inside(standby, key, name)
        self._check_image(standby)
        self._check_gateway(standby)
        private, prefix = self._networks["private"], standby.values.get("prefix")
        if private is not None and prefix is not None and prefix != private.prefixlen:
            text = f"prefix: {prefix} is not the mask of the private network {private}."
            remedy = f"Write {private.prefixlen}, or leave the key out."
            self._findings.error(standby.at("prefix"), "site.prefix", text, remedy)
        if self._public is not None:
            self._compare(standby, "public_alias", "virtual_ip")
            self._compare(standby, "primary_public_interface", "interface")

    def _check_image(self, standby: Table) -> None:
        image = standby.values.get("image")
        known = [str(one.values["name"]) for one in self._images if "name" in one.values]
        if not isinstance(image, str) or image in known:
            return
        near = [] if self._findings.full else difflib.get_close_matches(image, known, 1)
        remedy = f"Did you mean {near[0]}?" if near else "Add it as [[image]]."
        text = f"image: there is no image {image}."
        self._findings.error(standby.at("image"), "site.no-image", text, remedy)

    def _check_gateway(self, standby: Table) -> None:
        gateway = standby.values.get("gateway")
        if not isinstance(gateway, IPv4Address):
            return
        path = standby.at("gateway")
        if gateway in (standby.values.get("address"), standby.values.get("public_address")):
            text = f"gateway: {gateway} is the standby's own address."
            self._findings.error(path, "site.gateway", text, "Give the address of the router.")
            return
        networks = [one for one in self._networks.values() if one is not None]
        around = [one for one in networks if gateway in one]
        if networks and self._private is not None and not around:
            text = f"gateway: {gateway} is in none of the networks {', '.join(map(str, networks))}."
            self._findings.error(path, "site.outside", text, "Give the address of a router there.")
        for network in around:
            self._a_host(standby, "gateway", gateway, network)

    def _compare(self, standby: Table, key: str, public_key: str) -> None:
        assert self._public is not None
        mine, theirs = standby.values.get(key), self._public.values.get(public_key)
        if mine is not None and theirs is not None and mine != theirs:
            self._findings.warning(
                standby.at(key),
                "site.differs",
                f"{key} is {mine}, but {public_key} of [networks.public] is {theirs}.",
                "Make both the same unless this is what you want.",
            )

    def _check_node(self, node: Table) -> None:
        address = node.values.get("address")
        networks = [one for one in self._networks.values() if one is not None]
        if not isinstance(address, IPv4Address) or not networks:
            return
        around = [one for one in networks if address in one]
        for network in around:
            self._a_host(node, "address", address, network)
        if not around:
            self._findings.warning(
                node.at("address"),
                "site.far-node",
                f"address: {address} is in none of the heads' networks.",
                "Correct it unless the node is behind a router.",
            )


def _network(table: Table | None) -> IPv4Network | None:
    found = None if table is None else table.values.get("network")
    return found if isinstance(found, IPv4Network) else None


def _called(table: Table) -> str:
    """Return how a machine is named in a message."""
    what = {"primary": "the primary", "standby": "the standby", "node": "the node"}
    kind = what[table.section.path[0]]
    name = table.values.get("name")
    return kind if name is None else f"{kind} {name}"
