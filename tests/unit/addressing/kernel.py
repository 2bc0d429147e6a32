"""A kernel and a systemd of the tests: as much of them as this step talks to, over the Runner."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from backend.errors import CommandFailed
from backend.reports import error
from backend.system.runner import Command, Result

FOREVER = 0xFFFFFFFF


@dataclass
class FakeMachine:
    """One interface, eth1; ``root`` is where its files lie."""

    root: Path
    addresses: list[dict[str, Any]] = field(default_factory=list)
    routes: list[dict[str, Any]] = field(default_factory=list)
    promote: bool = True  # net.ipv4.conf.*.promote_secondaries
    units: dict[str, list[str]] = field(default_factory=dict)
    alive: tuple[str, ...] = ()  # who answers pings
    deaf: tuple[str, ...] = ()  # source addresses that nobody answers
    said: list[str] = field(default_factory=list)
    before_each: Callable[[], None] = lambda: None
    history: list[set[str]] = field(default_factory=list)  # the addresses after each change
    connected: list[bool] = field(default_factory=list)  # a route to the network, after each change

    def run(self, command: Command, *, check: bool = True) -> Result:
        self.before_each()
        self.said.append(str(command))
        code, out = self._do(command)
        result = Result(command, code, out, "", 0.0)
        if check and code:
            raise CommandFailed(error("command.failed", f"{command} failed: {out}"))
        return result

    def stream(self, command, on_line, *, cancelled=lambda: False, check=True) -> Result:
        raise AssertionError(command)

    def _do(self, command: Command) -> tuple[int, str]:
        match command.argv:
            case ("ip", "-json", "-4", "address", *_):
                return 0, json.dumps([{}, {"ifname": "eth1", "addr_info": self.addresses}])
            case ("ip", "-json", "-4", "route", *_):
                return 0, json.dumps(self.routes + self._kernel_routes())
            case ("ip", "-4", "-batch", "-"):
                assert isinstance(command.stdin, bytes)
                for line in command.stdin.decode().splitlines():
                    problem = self.ip(line)
                    if problem:
                        return 1, f"{line}: {problem}"
                return 0, ""
            case ("networkctl", "reload"):
                self.reload_networkd()
                return 0, ""
            case ("ping", *words):
                source, target = words[-2:]
                return (0 if target in self.alive and source not in self.deaf else 1), ""
            case ("systemctl", *words):
                return self.systemctl(words)
        raise AssertionError(command)

    def _kernel_routes(self) -> list[dict[str, Any]]:
        found, networks = [], set()
        for one in self.addresses:
            card = IPv4Interface(f"{one['local']}/{one['prefixlen']}")
            found.append(
                {"type": "local", "dst": one["local"], "table": "local", "protocol": "kernel"}
            )
            if card.network.prefixlen < 32 and card.network not in networks:
                networks.add(card.network)
                found.append({"dst": str(card.network), "protocol": "kernel", "scope": "link",
                              "prefsrc": one["local"], "flags": []})  # fmt: skip
        return found

    def ip(self, line: str) -> str:
        """Do one line of ip -batch; returns what is wrong with it."""
        words = line.split()
        if words[:2] == ["address", "add"] or words[:2] == ["address", "replace"]:
            problem = self.add(words[2], words[1] == "replace", words[3:])
        elif words[:2] == ["address", "del"]:
            problem = self.delete(words[2])
        elif words[0] == "route":
            problem = self.route(words[1], words[2:])
        else:
            raise AssertionError(line)
        self.history.append({one["local"] for one in self.addresses})
        self.connected.append(any(one["dst"] == "10.0.0.0/24" for one in (*self.routes, *self._kernel_routes())))  # fmt: skip
        return problem

    def add(self, text: str, replace: bool = False, words: list[str] | None = None) -> str:
        card = IPv4Interface(text)
        options = dict(zip(words[::2], words[1::2], strict=False)) if words else {}
        if any((one["local"], one["prefixlen"]) == (str(card.ip), card.network.prefixlen) for one in self.addresses):  # fmt: skip
            return "" if replace else "File exists"
        new: dict[str, Any] = {
            "family": "inet", "local": str(card.ip), "prefixlen": card.network.prefixlen,
            "scope": "global", "label": options.get("label", "eth1"),
            "valid_life_time": FOREVER, "preferred_life_time": FOREVER,
        }  # fmt: skip
        if "brd" in options:
            new["broadcast"] = options["brd"]
        if self._group(new):
            new["secondary"] = True
            self.addresses.append(new)
        else:
            first = next((n for n, one in enumerate(self.addresses) if one.get("secondary")), None)
            self.addresses.insert(len(self.addresses) if first is None else first, new)
        return ""

    def _group(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        network = IPv4Interface(f"{one['local']}/{one['prefixlen']}").network
        return [
            other for other in self.addresses
            if other is not one and IPv4Interface(f"{other['local']}/{other['prefixlen']}").network == network
        ]  # fmt: skip

    def delete(self, text: str) -> str:
        card = IPv4Interface(text)
        found = [one for one in self.addresses
                 if (one["local"], one["prefixlen"]) == (str(card.ip), card.network.prefixlen)]  # fmt: skip
        if not found:
            return "Cannot assign requested address"
        gone = found[0]
        self.addresses.remove(gone)
        if not gone.get("secondary"):
            others = self._group(gone)
            if others and self.promote:
                others[0].pop("secondary")
            else:
                self.addresses = [one for one in self.addresses if one not in others]
        if not self.addresses:
            self.routes.clear()
        return ""

    def route(self, verb: str, words: list[str]) -> str:
        options = dict(zip(words[1::2], words[2::2], strict=False))
        new: dict[str, Any] = {"dst": words[0], "flags": []}
        names = {"via": "gateway", "proto": "protocol", "src": "prefsrc", "scope": "scope"}
        new.update({names[key]: value for key, value in options.items() if key in names})
        if "metric" in options:
            new["metric"] = int(options["metric"])
        same = [one for one in self.routes if (one["dst"], one.get("metric")) == (new["dst"], new.get("metric"))]  # fmt: skip
        if verb == "del":
            if not same:
                return "No such process"
            self.routes.remove(same[0])
        elif verb == "add" and same:
            return "File exists"
        else:
            self.routes = [one for one in self.routes if one not in same] + [new]
        return ""

    def reload_networkd(self) -> None:
        """Forget everything of the interface and configure it anew, as networkd does for a changed file."""
        self.addresses.clear()
        self.routes.clear()
        file = self.root / "etc/systemd/network/10-private.network"
        for line in file.read_text().splitlines():
            if line.startswith("Address="):
                text = line.removeprefix("Address=")
                self.add(text, words=["brd", str(IPv4Interface(text).network.broadcast_address)])
            elif line.startswith("Gateway="):
                self.routes.append({"dst": "default", "gateway": line.removeprefix("Gateway="),
                                    "protocol": "static", "flags": []})  # fmt: skip

    def systemctl(self, words: list[str]) -> tuple[int, str]:
        verb, unit = words[0], words[-1]
        enabled, active = self.units.setdefault(unit, ["disabled", "inactive"])
        match verb:
            case "is-enabled":
                return 0, enabled
            case "is-active":
                return 0, active
            case "enable" | "disable":
                self.units[unit][0] = f"{verb}d"
            case "start" | "restart":
                self.units[unit][1] = "active"
            case "stop":
                self.units[unit][1] = "inactive"
        return 0, ""
