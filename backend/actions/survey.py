"""Asking the wire on behalf of a person: carefully, and never so that its silence stops the work."""

from collections.abc import Iterable
from ipaddress import IPv4Address

from backend.discovery.survey import InUse, Survey, wire_asker
from backend.errors import HaoscarError
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.reports import Report, warning


class CarefulAsker:
    """An InUse that goes on without the wire, saying so once, where it cannot be asked."""

    def __init__(self, survey: Survey, *, enabled: bool) -> None:
        self._ask: InUse | None = wire_asker(survey.snapshot) if enabled else None
        self.reports: list[Report] = []

    def __call__(
        self, interface: InterfaceName, addresses: Iterable[IPv4Address]
    ) -> dict[IPv4Address, Mac]:
        """Return what answers; nothing where the wire cannot be asked."""
        if self._ask is None:
            return {}
        try:
            return self._ask(interface, addresses)
        except HaoscarError as problem:
            self._ask = None
            self.reports.append(
                warning(
                    "standby.wire-not-asked",
                    "It was not checked whether addresses are in use on the wire: "
                    f"{problem.reports[0].text}",
                    problem.reports[0].remedy,
                )
            )
            return {}
