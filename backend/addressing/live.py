"""The addresses and routes that an interface has now, and how they become others without a gap.

While addresses change places, each that stays is kept as a /32 of its own and the network as a
second route, so that nothing stops: connections, other routes and their source addresses go on.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from backend.errors import HaoscarError, InvalidInput
from backend.model.names import InterfaceName
from backend.system.runner import Command, Runner

FOREVER = 0xFFFFFFFF  # seconds: the kernel's word for it
BRIDGE_METRIC = 4294967000  # of the route that stands in while addresses change places
HOST = 32
PAUSE = 0.05  # seconds between two looks
_VOLATILE = ("flags", "dev")  # of a route: what the kernel says of its state
_WORDS = {"gateway": "via", "protocol": "proto", "scope": "scope", "prefsrc": "src", "metric": "metric",
          "table": "table", "mtu": "mtu"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """One IPv4 address of the interface."""

    address: IPv4Address
    prefix: int
    broadcast: IPv4Address | None = None
    label: str = ""  # "" where it is the interface's name
    scope: str = "global"
    metric: int | None = None  # of the network's route
    noprefixroute: bool = False  # somebody else makes the network's route
    dynamic: bool = False  # with a limited life

    @property
    def network(self) -> IPv4Network:
        """The network it is in."""
        return IPv4Network((self.address, self.prefix), strict=False)

    def words(self) -> str:
        """Return it as ``ip address add`` takes it, without its interface."""
        found = [f"{self.address}/{self.prefix}"]
        if self.broadcast is not None:
            found.append(f"brd {self.broadcast}")
        if self.scope != "global":
            found.append(f"scope {self.scope}")
        if self.label:
            found.append(f"label {self.label}")
        if self.metric is not None:
            found.append(f"metric {self.metric}")
        if self.noprefixroute:
            found.append("noprefixroute")
        return " ".join(found)


Route = tuple[tuple[str, str], ...]
"""A route as pairs of the names and values that ``ip -json route`` prints, sorted."""


@dataclass(frozen=True, slots=True)
class Live:
    """An interface at one moment."""

    addresses: tuple[LiveAddress, ...] = ()
    routes: frozenset[Route] = frozenset()  # those that the kernel did not make by itself
    bridged: bool = False  # the stand-in route of a change is there


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the addresses of one network shall be on an interface."""

    interface: InterfaceName
    network: IPv4Network
    group: tuple[LiveAddress, ...]  # of the network, the first is the primary one
    singles: frozenset[IPv4Address] = frozenset()  # those that are there as /32
    known: frozenset[IPv4Address] = frozenset()  # a /32 of these that is not wanted is taken away
    routes: frozenset[Route] = frozenset()  # put back when they are gone


def look(runner: Runner, interface: InterfaceName) -> Live:
    """Ask the kernel; raises CommandFailed, InvalidInput."""
    addresses = runner.run(Command.of("ip", "-json", "-4", "address", "show", "dev", interface))
    routes = runner.run(
        Command.of("ip", "-json", "-4", "route", "show", "table", "all", "dev", interface)
    )
    return parse(interface, addresses.stdout, routes.stdout)


def parse(interface: str, addresses: str, routes: str) -> Live:
    """Read what ``ip -json`` printed; raises InvalidInput. Pure."""
    try:
        found = [one for link in _list(addresses) for one in link.get("addr_info", ())]
        every = [_route(one) for one in _list(routes)]
        bridge = ("metric", json.dumps(BRIDGE_METRIC))
        return Live(
            tuple(_address(interface, one) for one in found if one.get("family") == "inet"),
            frozenset(one for one in every if not _automatic(one) and bridge not in one),
            bridged=any(bridge in one for one in every),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput.of(
            "addressing.ip-output",
            f"What ip said about {interface} cannot be read ({type(problem).__name__}: {problem}).",
            "Install iproute2 5.0 or later.",
        ) from problem


def _list(text: str) -> list[Any]:
    return list(json.loads(text or "[]"))


def _address(interface: str, found: dict[str, Any]) -> LiveAddress:
    label = str(found.get("label", ""))
    broadcast = found.get("broadcast")
    return LiveAddress(
        IPv4Address(found["local"]),
        int(found["prefixlen"]),
        IPv4Address(broadcast) if broadcast else None,
        "" if label == interface else label,
        str(found.get("scope", "global")),
        int(found["metric"]) if "metric" in found else None,
        bool(found.get("noprefixroute")),
        int(found.get("valid_life_time", FOREVER)) != FOREVER,
    )


def _route(found: dict[str, Any]) -> Route:
    return tuple(
        sorted((key, json.dumps(value)) for key, value in found.items() if key not in _VOLATILE)
    )


def _automatic(route: Route) -> bool:
    """Whether the kernel makes and removes this route together with an address."""
    return ("protocol", '"kernel"') in route or ("table", '"local"') in route


def changes(now: Live, wanted: Wanted) -> list[str]:
    """Return the lines for ``ip -batch`` that lead to what is wanted; none when it is there. Pure."""
    group = [one for one in now.addresses if _in_group(one, wanted)]
    singles = {
        one.address
        for one in now.addresses
        if one.prefix == HOST and one.address in wanted.known and wanted.network.prefixlen != HOST
    }
    device = f"dev {wanted.interface}"
    batch: list[str] = []
    if tuple(group) != wanted.group:
        batch += _exchange(group, wanted, singles, device)
    else:
        batch += [f"address add {one}/{HOST} {device}" for one in sorted(wanted.singles - singles)]
        batch += [f"address del {one}/{HOST} {device}" for one in sorted(singles - wanted.singles)]
    batch += [
        f"route add {words}"
        for words in map(_words, sorted(wanted.routes - now.routes))
        if words is not None
    ]  # fmt: skip
    if now.bridged or any(one.startswith("route replace") for one in batch):
        batch.append(f"route del {wanted.network} {device} metric {BRIDGE_METRIC}")
    return [f"{line} {device}" if line.startswith("route add") else line for line in batch]


def _in_group(one: LiveAddress, wanted: Wanted) -> bool:
    return one.network == wanted.network


def _exchange(
    group: Sequence[LiveAddress], wanted: Wanted, singles: set[IPv4Address], device: str
) -> list[str]:
    """Return the lines that replace all addresses of the network, in their order."""
    after = {one.address for one in wanted.group} | wanted.singles
    kept = sorted(after & ({one.address for one in group} | singles))
    batch = [f"route replace {wanted.network} {device} scope link metric {BRIDGE_METRIC}"]
    batch += [f"address replace {one}/{HOST} {device}" for one in kept]
    # The primary one last: with it the kernel would remove or promote the others.
    batch += [f"address del {one.address}/{one.prefix} {device}" for one in reversed(group)]
    batch += [f"address add {one.words()} {device}" for one in wanted.group]
    batch += [f"address add {one}/{HOST} {device}" for one in sorted(wanted.singles - set(kept))]
    gone = ({*kept} | singles) - wanted.singles
    return [*batch, *(f"address del {one}/{HOST} {device}" for one in sorted(gone))]


def _words(route: Route) -> str | None:
    """Return a route as ``ip route add`` takes it; None for one that has more to it."""
    values = {key: json.loads(value) for key, value in route}
    kind, target = values.pop("type", ""), values.pop("dst", "")
    if not target or any(key not in _WORDS for key in values):
        return None
    found = [str(kind), str(target)] if kind else [str(target)]
    for key, value in values.items():
        found += [_WORDS[key], str(value)]
    return " ".join(found)


def lost(now: Live, wanted: Wanted) -> list[str]:
    """Return the routes that are gone and that nobody here can put back. Pure."""
    return [_shown(one) for one in sorted(wanted.routes - now.routes) if _words(one) is None]


def _shown(route: Route) -> str:
    return " ".join(f"{key} {json.loads(value)}" for key, value in route)


def settle(
    runner: Runner,
    wanted: Callable[[], Wanted],
    *,
    calm: float = 0.5,
    limit: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Live:
    """Bring the interface to what is wanted and watch over it until nothing changed for ``calm`` s.

    Whoever else configures the interface (systemd-networkd that reads its files again) may still be
    at work. Returns the last look; raises HaoscarError when it is not calm within ``limit`` s.
    """
    end, quiet_since = clock() + limit, clock()
    problem: HaoscarError | None = None
    while True:
        goal = wanted()
        now = look(runner, goal.interface)
        batch = changes(now, goal)
        if not batch and clock() - quiet_since >= calm:
            return now
        if batch:
            problem = _run(runner, batch)
            quiet_since = clock()
        if clock() > end:
            raise problem or _restless(goal)
        sleep(PAUSE)


def _run(runner: Runner, batch: Iterable[str]) -> HaoscarError | None:
    """Run one batch; the error is only said when looking again and again does not help."""
    text = "".join(f"{line}\n" for line in batch)
    try:
        runner.run(Command.of("ip", "-4", "-batch", "-").given(text.encode()))
    except HaoscarError as problem:
        return problem
    return None


def _restless(goal: Wanted) -> HaoscarError:
    return HaoscarError.of(
        "addressing.restless",
        f"The addresses of {goal.interface} are changed again and again by something else.",
        "Find what configures the interface, then try again.",
    )
