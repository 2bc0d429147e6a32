"""Step 4: a standby's boot ticket is armed, followed and taken back."""

import time
from dataclasses import dataclass
from typing import Any

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.amounts import duration, size
from backend.change.preview import Change, ChangeKind
from backend.clone.answer import bootable
from backend.clone.engine import SENTENCES
from backend.clone.installs import Installs, InstallState
from backend.clone.ticket import WINDOW, Ticket
from backend.errors import HaoscarError, InvalidInput, Refused
from backend.imaging.catalog import Catalog, ImageVersion
from backend.model.addresses import Mac
from backend.model.site import PostInstall, Site, Standby
from backend.netboot.server import tell_boot_server
from backend.paths import Paths
from backend.reports import Report
from backend.tasks import TaskContext
from backend.wiring import Wiring

LONGEST_MINUTES = 7 * 24 * 60


def standby_of(site: Site, name: str) -> Standby:
    """Return a standby of the site; raises Refused that names those there are."""
    standby = site.standby(name)
    if standby is None:
        have = ", ".join(one.name for one in site.standbys) or "none"
        raise Refused.of(
            "standby.unknown", f"There is no standby {ascii(name)[:60]}.", f"There are: {have}."
        )
    return standby


def card_of(standby: Standby) -> Mac:
    """Return the card that a standby boots from; raises Refused while it has none."""
    if standby.mac is None:
        raise Refused.of(
            "install.no-mac", f"{standby.name} has no MAC address yet.",
            f"Collect and assign it: haoscar macs collect; haoscar macs assign MAC {standby.name}.",
        )  # fmt: skip
    return standby.mac


@dataclass(frozen=True, slots=True)
class Armable:
    """A standby that may be armed: everything was looked at, nothing changed."""

    site: Site
    standby: Standby
    version: ImageVersion
    reports: tuple[Report, ...]  # on which firmware its clone would not start


@dataclass(frozen=True, slots=True)
class ArmInstall:
    """Lets a standby install at its next network boot; raises what Installs.arm does."""

    wiring: Wiring
    standby: str
    version: int | None = None  # None: the newest
    minutes: float = WINDOW / 60
    wipe: bool = False  # this once a disk that carries data may be overwritten

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Install {self.standby}"

    def check(self) -> Armable:
        """Return what is armed; raises InvalidInput, Refused."""
        if not 0 < self.minutes <= LONGEST_MINUTES:
            raise InvalidInput.of("install.window", "The window must be 1 minute to 7 days.")
        site = self.wiring.store().load()
        standby = standby_of(site, self.standby)
        version = Catalog(self.wiring.paths).get(standby.image, self.version)
        reports = bootable(version)
        _check_post_install(self.wiring.paths, site, standby)
        return Armable(site, standby, version, reports)

    def arm(self, armable: Armable) -> Ticket:
        """Arm it; raises Refused, above all when no boot server runs that could let it in."""
        paths = self.wiring.paths
        tell_boot_server(paths)  # without one a ticket would only wait for its end
        installs = Installs(paths)
        ticket = installs.arm(
            armable.site, armable.standby, armable.version.number, self.minutes * 60, wipe=self.wipe
        )
        try:
            tell_boot_server(paths)
        except HaoscarError:
            installs.disarm(ticket.mac)  # it has gone meanwhile
            raise
        return ticket

    def change(self, armable: Armable) -> Change:
        """Return what arming means, as it is shown before one confirms."""
        mac = card_of(armable.standby)
        disk = (
            "whatever its disk carries is overwritten"
            if self.wipe or armable.standby.wipe
            else "only a blank disk is taken"
        )
        sentence = (
            f"{armable.standby.name} ({mac}) is installed with {armable.version} at its next "
            f"network boot, within {duration(self.minutes * 60)}: {disk}."
        )
        ticket = Installs(self.wiring.paths).directory(mac) / "ticket.json"
        why = "a ticket lets this one machine in, once"
        return Change(ChangeKind.NEW_FILE, sentence, str(ticket), why)

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Ticket]:
        """See Action.prepare."""
        del person
        context.step(f"Looking at {self.standby} and its image")
        armable = self.check()
        change = self.change(armable)
        sentence = f"{self.standby} is installed at its next network boot."
        groups = (Group(self.standby, (change,)),)

        def run(_context: TaskContext) -> Ticket:
            return self.arm(armable)

        return Prepared(self.title, sentence, groups, run, self._tell, armable.reports)

    def _tell(self, ticket: Ticket) -> Outcome:
        return Outcome(
            f"{ticket.standby} ({ticket.mac}) may install {ticket.image} v{ticket.version}.",
            next=f"Switch {ticket.standby} on now, and let it boot from the network.",
        )


@dataclass(frozen=True, slots=True)
class DisarmInstall:
    """Takes a ticket back; ends an installation that is running."""

    wiring: Wiring
    standby: str

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Cancel the installation of {self.standby}"

    def disarm(self) -> Ticket:
        """Do it; raises Refused without a card, a ticket or a boot server."""
        standby = standby_of(self.wiring.store().load(), self.standby)
        ticket = Installs(self.wiring.paths).disarm(card_of(standby))
        tell_boot_server(self.wiring.paths)
        return ticket

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Ticket]:
        """See Action.prepare."""
        del person
        context.step(f"Looking at the ticket of {self.standby}")
        standby = standby_of(self.wiring.store().load(), self.standby)
        state = Installs(self.wiring.paths).state(card_of(standby))
        if state is None or state.ended:
            raise Refused.of(
                "install.none", f"{self.standby} is not being installed, nor expected.",
                "There is nothing to cancel.",
            )  # fmt: skip
        begun = bool(state.stages)
        sentence = (
            f"The installation of {self.standby} ends now; its disk stays incomplete."
            if begun
            else f"{self.standby} is not installed; nothing has been written to its disk."
        )
        change = Change(ChangeKind.CHANGED, "Its ticket is taken back; its key is let in no more.")

        def tell(_ticket: Ticket) -> Outcome:
            return Outcome(f"The ticket of {self.standby} was taken back.")

        def run(_context: TaskContext) -> Ticket:
            return self.disarm()

        return Prepared(self.title, sentence, (Group(self.standby, (change,)),), run, tell)


@dataclass(frozen=True, slots=True)
class FollowInstall:
    """The task that watches one installation until it has ended."""

    wiring: Wiring
    standby: Standby
    limit: float | None = None  # seconds

    @property
    def title(self) -> str:
        """What it does."""
        return f"Installing {self.standby.name}"

    def run(self, context: TaskContext) -> InstallState | None:
        """Watch until it has ended; raises Refused, Cancelled."""
        stage = None
        state = None
        context.step(f"Waiting for {self.standby.name} to boot from the network")
        follow = Installs(self.wiring.paths).follow
        for state in follow(card_of(self.standby), context.cancel.wait, self.limit):
            if state.stage is not None and state.stage != stage:
                stage = state.stage
                context.step(SENTENCES[stage])
            if state.done and state.total:
                context.progress(min(state.done, state.total), state.total, "bytes")
        context.check_cancelled()
        return state


def sentence_of(name: str, state: InstallState | None) -> str:
    """Return how far a standby's installation is, in one line."""
    if state is None:
        return f"{name} has never had a ticket."
    ticket = state.ticket
    if state.succeeded:
        return f"{name} runs from its own disk (image {ticket.image} v{ticket.version})."
    if state.failure or ticket.reason:
        return f"{name} failed: {state.failure or ticket.reason}"
    at = "" if state.stage is None else f" Last stage: {SENTENCES[state.stage]}"
    copied = f" {size(state.done)} of {size(state.total)}." if state.done and state.total else ""
    return f"{name}: ticket {ticket.state}.{at}{copied}"


def as_dict(state: InstallState | None) -> dict[str, Any]:
    """Return an installation for ``--json``."""
    if state is None:
        return {"state": None}
    return {
        "state": state.ticket.state.value,
        "image": f"{state.ticket.image} v{state.ticket.version}",
        "stage": state.stage,
        "stages": [{"name": stage, "time": when} for stage, when in state.stages],
        "bytes": state.done,
        "total": state.total,
        "failure": state.failure or state.ticket.reason,
        "facts": state.facts,
        "now": time.time(),
    }


def _check_post_install(paths: Paths, site: Site, standby: Standby) -> None:
    image = site.image(standby.image)
    kexec = any(paths.at(f"{one}/kexec").exists() for one in ("/usr/sbin", "/sbin"))
    if image is not None and image.post_install is PostInstall.KEXEC and not kexec:
        raise Refused.of(
            "install.no-kexec", "The installer image has no kexec, which this image asks for.",
            "Install kexec-tools on this head, then: haoscar installer build.",
        )  # fmt: skip
