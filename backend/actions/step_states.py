"""What state each of the five steps is in, decided from facts alone. Pure."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from backend.actions.install_progress import title_of
from backend.clone.constants import Stage
from backend.clone.ticket import TicketState
from backend.reports import Report


class StepState(enum.StrEnum):
    """The word that stands beside a step."""

    NOT_STARTED = "not started"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OUT_OF_DATE = "out of date"


@dataclass(frozen=True, slots=True)
class StepStatus:
    """A step's state, a sentence why, and what it does when it runs, in a word.

    ``share``: how much of that is done (0.0 to 1.0), where it is known.
    """

    state: StepState
    why: str
    share: float | None = None
    doing: str = ""


@dataclass(frozen=True, slots=True)
class ImageSeen:
    """The newest version of an image."""

    number: int
    created: float  # seconds since 1970
    own: bool = True  # fetched from this very head


@dataclass(frozen=True, slots=True)
class StandbySeen:
    """A standby of the site, with what is known of its installation."""

    name: str
    image: str
    mac: str | None = None
    ticket: TicketState | None = None
    version: int = 0  # of the image, as the ticket says
    installed: float = 0.0  # when its clone reported, seconds since 1970
    stage: Stage | None = None  # that its installation has reached
    share: float | None = None  # of the copy
    failure: str = ""
    agent: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found on this machine."""

    missing_packages: tuple[str, ...] | None = None  # None: not known on this distribution
    packages_changed: float = 0.0  # when the package manager last changed something
    images: Mapping[str, ImageSeen] | None = None
    site: bool = False
    site_problem: Report | None = None
    primary: str = ""
    standbys: tuple[StandbySeen, ...] = ()
    dhcp_included: bool = False
    boot_server: bool | None = None  # None: there is no service manager to ask
    primary_agent: bool = False
    agents_installed: float = 0.0  # when the record of agents was last written
    drill: str | None = None  # how the last drill ended, in a sentence; None: there was none
    drill_passed: bool = False
    unwell: str = ""  # why the pair is not healthy; asked only where there was no drill


def step_states(facts: Facts) -> tuple[StepStatus, ...]:
    """Return the states of the five steps, in their order."""
    packages = _packages(facts)
    image = _image(facts, packages)
    standby = _standby(facts, image)
    network = _network(facts, standby)
    return packages, image, standby, network, _complete(facts, network)


def next_step(states: tuple[StepStatus, ...]) -> int:
    """Return the number, 1 to 5, of the step to do now; 0 when all are done."""
    for number, status in enumerate(states, 1):
        if status.state is not StepState.DONE:
            return number
    return 0


def _packages(facts: Facts) -> StepStatus:
    if facts.missing_packages is None:
        return StepStatus(StepState.READY, "It is not known which packages this head needs.")
    if facts.missing_packages:
        return StepStatus(StepState.READY, _listed(facts.missing_packages, "missing"))
    return StepStatus(StepState.DONE, "All packages are installed.")


def _image(facts: Facts, packages: StepStatus) -> StepStatus:
    images = facts.images or {}
    if not images:
        return _after(packages, 1, "No image has been fetched yet.")
    name, newest = max(images.items(), key=lambda pair: pair[1].created)
    what = f"{name} v{newest.number}"
    if newest.own and facts.packages_changed > newest.created:
        why = (
            f"The package database of this head is newer than {what}: packages may have been installed"
            " or updated since. This is only a hint; a nightly update gives it, too."
        )
        return StepStatus(StepState.OUT_OF_DATE, why)
    return StepStatus(StepState.DONE, f"{what} is the newest image.")


def _standby(facts: Facts, image: StepStatus) -> StepStatus:
    if facts.site_problem is not None:
        return StepStatus(StepState.FAILED, str(facts.site_problem))
    if not facts.standbys:
        return _after(image, 2, "No standby has been defined yet.")
    for one in facts.standbys:
        if one.image not in (facts.images or {}):
            why = f"The image {one.image} of {one.name} is not there any more."
            return StepStatus(StepState.OUT_OF_DATE, why)
    names = ", ".join(one.name for one in facts.standbys)
    return StepStatus(StepState.DONE, f"Defined: {names}.")


def _network(facts: Facts, standby: StepStatus) -> StepStatus:
    if not facts.standbys or facts.site_problem is not None:
        return _after(standby, 3, "No standby has been defined yet.")
    for judge in (_installing, _unassigned, _unprepared, _not_cloned, _older_clone):
        found = judge(facts)
        if found is not None:
            return found
    names = ", ".join(one.name for one in facts.standbys)
    return StepStatus(StepState.DONE, f"Cloned, and booted from the own disk: {names}.")


INSTALLING = (TicketState.ADMITTED, TicketState.RUNNING, TicketState.DONE)
DOING = {  # short: it stands in the rail
    Stage.PARTITION: "disk", Stage.FORMAT: "disk", Stage.COPY: "copy", Stage.VERIFY: "check",
    Stage.IDENTITY: "identity", Stage.BOOTLOADER: "boot loader", Stage.DONE: "restart",
}  # fmt: skip


def _installing(facts: Facts) -> StepStatus | None:
    for one in facts.standbys:
        if one.ticket in INSTALLING:
            return _at_stage(one)
        if one.ticket is TicketState.ARMED:
            why = f"Waiting for {one.name} to boot from the network. Switch it on."
            return StepStatus(StepState.RUNNING, why)
        if one.ticket is TicketState.FAILED:
            return StepStatus(StepState.FAILED, f"{one.name}: {one.failure or 'it failed.'}")
        if one.ticket is TicketState.EXPIRED:
            why = f"{one.name} did not boot from the network in time."
            return StepStatus(StepState.FAILED, why)
    return None


def _at_stage(standby: StandbySeen) -> StepStatus:
    """Return how far an installation is; only of the copy it is known how much is done."""
    stage = standby.stage or Stage.START
    why = f"{standby.name} is being installed. Now: {title_of(stage)}."
    share = standby.share if stage is Stage.COPY else None
    return StepStatus(StepState.RUNNING, why, share, DOING.get(stage, "start"))


def _unassigned(facts: Facts) -> StepStatus | None:
    lacking = tuple(one.name for one in facts.standbys if one.mac is None)
    if not lacking:
        return None
    return StepStatus(StepState.READY, f"No MAC address is assigned to {', '.join(lacking)}.")


def _unprepared(facts: Facts) -> StepStatus | None:
    if not facts.dhcp_included:
        return StepStatus(StepState.READY, "The DHCP server does not know the standby yet.")
    if facts.boot_server is False:
        cloned = all(one.ticket is TicketState.BOOTED for one in facts.standbys)
        if not cloned:  # it is needed for an installation, not afterwards
            return StepStatus(StepState.READY, "The boot server does not run.")
    return None


def _not_cloned(facts: Facts) -> StepStatus | None:
    for one in facts.standbys:
        if one.ticket is not TicketState.BOOTED:
            return StepStatus(StepState.READY, f"{one.name} has not been installed yet.")
    return None


def _older_clone(facts: Facts) -> StepStatus | None:
    for one in facts.standbys:
        newest = (facts.images or {}).get(one.image)
        if newest is not None and one.version and newest.number > one.version:
            why = f"{one.name} is a clone of {one.image} v{one.version}; v{newest.number} is newer."
            return StepStatus(StepState.OUT_OF_DATE, why)
    return None


def _complete(facts: Facts, network: StepStatus) -> StepStatus:
    lacking = [one.name for one in facts.standbys if not one.agent]
    if not facts.primary_agent:
        lacking.insert(0, facts.primary or "this head")
    if not facts.standbys or facts.site_problem is not None:
        return _after(network, 4, "No standby has been defined yet.")
    if lacking:
        return _after(network, 4, f"No agent is installed on {', '.join(lacking)}.")
    for one in facts.standbys:
        if one.installed > facts.agents_installed:
            why = f"{one.name} has been cloned anew since its agent was installed."
            return StepStatus(StepState.OUT_OF_DATE, why)
    return _proved(facts)


def _proved(facts: Facts) -> StepStatus:
    """Return what is known of agents that are installed: a drill says more than their own words."""
    installed = "The agents are installed on both heads"
    if facts.drill is not None and not facts.drill_passed:
        return StepStatus(StepState.FAILED, f"The last drill did not pass. {facts.drill}")
    if facts.drill is not None:
        return StepStatus(StepState.DONE, f"{installed}, and the last drill passed.")
    if facts.unwell:
        return StepStatus(StepState.READY, f"{installed}, but not healthy: {facts.unwell}")
    return StepStatus(StepState.DONE, f"{installed} and healthy; no drill has been measured yet.")


def _after(before: StepStatus, number: int, why: str) -> StepStatus:
    """Return "ready" when the step before is done, else "not started", saying what comes first."""
    if before.state in (StepState.DONE, StepState.OUT_OF_DATE):
        return StepStatus(StepState.READY, why)
    first = f"Step {number} comes first"
    if before.state is StepState.NOT_STARTED:  # which has a reason of its own, and so on
        return StepStatus(StepState.NOT_STARTED, f"{why} {first}.")
    return StepStatus(StepState.NOT_STARTED, f"{why} {first}: {before.why}")


def _listed(names: tuple[str, ...], what: str) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{len(names)} package{'' if len(names) == 1 else 's'} {what}: {shown}."
