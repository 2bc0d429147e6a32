"""An action is prepared, shown as what will change, confirmed, and only then carried out.

The window and the command line do the showing and the asking; the action itself knows neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from backend.change.preview import Change
from backend.model.secrets import Secret
from backend.reports import Report, Severity
from backend.system.known_hosts import HostKey
from backend.tasks import TaskContext

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said when an action has been carried out."""

    sentence: str
    details: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    undo: str = ""  # the journal's record that takes it back; "" when there is none
    next: str = ""  # what to do now, as a sentence
    severity: Severity = Severity.INFO  # of the sentence: an error when it was done in vain

    @property
    def worst(self) -> Severity:
        """How grave the gravest thing is that it says."""
        found = {self.severity, *(one.severity for one in self.reports)}
        return next(one for one in Severity if one in found)


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that belong together, such as those of one machine."""

    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Prepared(Generic[T]):
    """What will change, and how to do it; nothing has been changed yet.

    ``run`` works in the task's thread and raises Cancelled or HaoscarError, with nothing left half
    done; ``tell`` is pure. ``idle``: there is nothing to do, so nobody is asked.
    """

    title: str
    sentence: str
    groups: tuple[Group, ...]
    run: Callable[[TaskContext], T]
    tell: Callable[[T], Outcome]
    reports: tuple[Report, ...] = ()  # doubts that are read before one confirms
    idle: bool = False


class Person(Protocol):
    """Whoever sits there; asked from the task's thread, which waits for the answer."""

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        """Show an unknown SSH host key; returns whether it may be trusted."""

    def secret(self, prompt: str) -> Secret | None:
        """Ask for a password or passphrase; None when the person declines."""


class Action(Protocol[T]):
    """Something a person asked for, with everything it needs to know already parsed."""

    @property
    def title(self) -> str:
        """What it does, as a heading."""

    def prepare(self, context: TaskContext, person: Person) -> Prepared[T]:
        """Look, check and plan, changing nothing; raises HaoscarError, Cancelled."""
