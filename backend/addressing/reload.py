"""What makes a network configuration system read its files again, without a new start of it."""

from collections.abc import Iterable

from backend.addressing.transfer import Transfer
from backend.clone.image_facts import NetworkSystem
from backend.errors import HaoscarError
from backend.reports import Report, warning
from backend.system.runner import Command, Runner

SECONDS = 30.0


def commands(transfer: Transfer) -> tuple[Command, ...]:
    """Return the commands; ifupdown needs none: it keeps nothing of its files in memory. Pure."""
    networkd = (Command.of("networkctl", "reload"),)
    manager = (
        Command.of("nmcli", "connection", "reload"),
        Command.of("nmcli", "device", "reapply", transfer.interface),
    )
    match transfer.system:
        case NetworkSystem.NETWORKD:
            found: tuple[Command, ...] = networkd
        case NetworkSystem.NETWORK_MANAGER:
            found = manager
        case NetworkSystem.NETPLAN:
            behind = manager if transfer.renderer == "NetworkManager" else networkd
            found = (Command.of("netplan", "generate"), *behind)
        case _:
            found = ()
    return tuple(one.within(SECONDS) for one in found)


def at_boot(transfer: Transfer) -> tuple[Command, ...]:
    """Return what is to be run when the files change before the network starts. Pure."""
    # netplan has made the real configuration already, before any service.
    return commands(transfer)[:1] if transfer.system is NetworkSystem.NETPLAN else ()


def run(every: Iterable[Command], runner: Runner) -> list[Report]:
    """Run all of them; returns what went wrong, as warnings: the addresses are seen to in any case."""
    reports: list[Report] = []
    for command in every:
        try:
            runner.run(command)
        except HaoscarError as problem:
            reports += [
                warning("addressing.reload", one.text, f"Run it by hand: {command}")
                for one in problem.reports
            ]
    return reports
