"""What a mon.cf consists of, with the line of everything. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Defaults = Mapping[str, "Item"]


@dataclass(frozen=True, slots=True)
class Item:
    """A keyword with what follows it: a global setting, a line of a service or period, a variable."""

    line: int
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key} {self.value}".rstrip()


@dataclass(slots=True)
class HostgroupBlock:
    """``hostgroup``: hosts with their lines; a ``*`` before a host means that it is disabled."""

    line: int
    name: str
    hosts: list[tuple[int, str]] = field(default_factory=list)
    notes: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class PeriodBlock:
    """``period`` and the lines after it."""

    line: int
    label: str
    when: str
    items: list[Item] = field(default_factory=list)
    notes: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class ServiceBlock:
    """``service`` and the lines after it."""

    line: int
    name: str
    defaults: Defaults = field(default_factory=dict)  # global settings of the lines before it
    items: list[Item] = field(default_factory=list)
    variables: list[Item] = field(default_factory=list)
    periods: list[PeriodBlock] = field(default_factory=list)
    notes: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class WatchBlock:
    """``watch`` and its services."""

    line: int
    group: str
    services: list[ServiceBlock] = field(default_factory=list)


@dataclass(slots=True)
class MonFile:
    """A whole mon.cf."""

    settings: list[Item] = field(default_factory=list)
    groups: list[HostgroupBlock] = field(default_factory=list)
    watches: list[WatchBlock] = field(default_factory=list)
    notes: list[Item] = field(default_factory=list)
