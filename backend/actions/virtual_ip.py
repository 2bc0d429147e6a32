"""The address that everybody knows becomes a virtual IP, and goes back unless that is confirmed."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.survey import CarefulAsker
from backend.addressing import pending, places
from backend.addressing.apply import LEAST, LIMIT, MOST, Applied, Apply, refuse_open
from backend.addressing.prepare import Prepared as Readied
from backend.addressing.prepare import Situation, prepare
from backend.addressing.rollback import RollBack
from backend.addressing.transfer import Transfer, from_json
from backend.amounts import duration
from backend.change.preview import Change, ChangeKind, preview
from backend.discovery.survey import LookAround
from backend.errors import InvalidInput, Refused
from backend.model.names import InterfaceName
from backend.reports import Report, info
from backend.system.files import read_if_there
from backend.tasks import Progress, TaskContext
from backend.wiring import Wiring

BY_HAND = "it was rolled back by hand"


@dataclass(frozen=True, slots=True)
class Found:
    """The plan, and what the administrator should read first."""

    readied: Readied
    reports: tuple[Report, ...]

    @property
    def transfer(self) -> Transfer:
        """What becomes what."""
        return self.readied.transfer

    @property
    def sentence(self) -> str:
        """Return it for people."""
        transfer = self.transfer
        return (
            f"{transfer.interface}: {transfer.virtual} becomes the virtual IP; this head's own address will be "
            f"{transfer.own} ({self.readied.why}). Configured by: {transfer.system}."
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done, and goes back unless it is confirmed."""

    transfer: Transfer
    why: str  # this own address
    applied: Applied

    @property
    def seconds_left(self) -> float:
        """How long it can still be confirmed."""
        return max(0.0, self.applied.deadline - pending.boot_clock())


@dataclass(frozen=True, slots=True)
class VirtualIpAction:
    """Makes this head's address on one network virtual; a watcher of its own may take it back."""

    wiring: Wiring
    side: str = "private"
    own: IPv4Address | None = None  # this head's new own address; None: one is proposed
    limit: float = LIMIT  # seconds to confirm in
    private: InterfaceName | None = None  # the user's own choice of the private network
    ask_wire: bool = True
    title: str = "Make the head's address virtual"

    def look(self, context: TaskContext) -> Found:
        """Look around and plan; raises HaoscarError with all that speaks against it, Cancelled."""
        paths, runner = self.wiring.paths, self.wiring.runner
        survey = LookAround(paths, runner, self.private, ask_wire=False).run(context)
        asker = CarefulAsker(survey, enabled=self.ask_wire)
        store = self.wiring.store()
        here = Situation(paths, runner, store, store.load(), survey, asker)
        readied = prepare(here, self.side, self.own)
        return Found(readied, (*asker.reports, *readied.reports))

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Moved]:
        """See Action.prepare."""
        del person
        if not LEAST <= self.limit <= MOST:
            text = f"--limit is from {LEAST:g} to {MOST:g} seconds."
            raise InvalidInput.of("addressing.limit", text)
        refuse_open(self.wiring.paths)
        found = self.look(context)
        plan = found.readied.plan

        def run(context: TaskContext) -> Moved:
            task = Apply(
                self.wiring.paths, self.wiring.runner, self.wiring.journal(), plan, found.transfer,
                self.limit, found.readied.machine.systemd,
            )  # fmt: skip
            return Moved(found.transfer, found.readied.why, task.run(context))

        groups = (Group("This head", tuple(preview(plan, self.wiring.paths))),)
        reports = (*found.reports, info("addressing.what", found.sentence))
        return Prepared(plan.title, plan.sentence, groups, run, _tell, reports)


def _tell(moved: Moved) -> Outcome:
    return Outcome(
        f"{moved.transfer.virtual} is virtual now; this head's own address is {moved.transfer.own}.",
        (f"It goes back in {duration(moved.seconds_left)} unless you keep it.",),
        moved.applied.reports,
        next="See that you can still work, then keep it.",
    )


def keep(wiring: Wiring) -> str:
    """Confirm the change that waits; returns what is next. Raises Refused when none waits."""
    if not pending.confirm(wiring.paths):
        before = pending.last(wiring.paths)
        text = "There is no change that waits to be confirmed."
        if before is not None:
            text += f" The last one went back at {before.get('when')}: {before.get('why')}."
        raise Refused.of("addressing.nothing-pending", text, "See: haoscar virtual-ip status")
    return "Confirmed. Next: haoscar install-agent; until then this head holds the virtual IP."


def go_back(wiring: Wiring, why: str = BY_HAND) -> RollBack:
    """Return the task that takes an unconfirmed change back, or goes on doing so."""
    return RollBack(wiring.paths, wiring.runner, wiring.journal(), why)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The task that follows a change until it was kept, or has gone back."""

    wiring: Wiring
    title: str = "Waiting until the new address is confirmed"
    every: float = 0.2  # seconds between two looks

    def run(self, context: TaskContext) -> bool:
        """Return whether it was kept; its progress is the seconds left, and 0 while it goes back.

        Raises Cancelled, HaoscarError.
        """
        paths = self.wiring.paths
        boot = pending.this_boot(paths)
        while True:
            context.check_cancelled()
            waiting = pending.read(places.pending_file(paths))
            if waiting is None and not places.back_file(paths).exists():
                return pending.last(paths) is None  # a roll-back leaves word of itself
            left = 0.0 if waiting is None else waiting.left(boot, pending.boot_clock())
            context.listener(Progress(self.title, left, detail=waiting_words(left)))
            context.cancel.wait(self.every)


def waiting_words(left: float) -> str:
    """Return what happens to a change that nobody has confirmed yet; ``left`` in seconds."""
    return f"It goes back in {duration(left)}." if left else "It is being taken back."


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What there is to say of it."""

    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class RollBackAction:
    """Gives a virtual IP back to this head: files and addresses as they were before."""

    wiring: Wiring
    side: str = "private"
    title: str = "Go back to the address from before"

    @property
    def undecided(self) -> bool:
        """Whether a change waits to be confirmed, or is going back already."""
        paths = self.wiring.paths
        return any(one.exists() for one in (places.pending_file(paths), places.back_file(paths)))

    def prepare(self, context: TaskContext, person: Person) -> Prepared[RolledBack]:
        """See Action.prepare; raises Refused when there is nothing to go back to."""
        del person
        context.step("Reading what was changed")
        paths = self.wiring.paths
        confirmed = None if self.undecided else self._confirmed()
        if confirmed is None:
            found = pending.read(places.pending_file(paths)) or pending.read(
                places.back_file(paths)
            )
            transfer = None if found is None else found.transfer
        else:
            transfer = confirmed

        def run(context: TaskContext) -> RolledBack:
            if confirmed is not None:
                boot = pending.this_boot(paths)
                pending.write(
                    paths, places.back_file(paths),
                    pending.Pending(confirmed, 0.0, boot, why=BY_HAND, confirmed=True),
                )  # fmt: skip
            return RolledBack(go_back(self.wiring).run(context))

        return Prepared(self.title, _given_back(transfer), _back_groups(transfer), run, _tell_back)

    def _confirmed(self) -> Transfer:
        """Return a confirmed change that may go back; raises Refused."""
        paths = self.wiring.paths
        content = read_if_there(paths.at(places.settings_file(self.side)))
        if content is None:
            raise Refused.of(
                "addressing.nothing",
                f"There is no change of the {self.side} address that could go back.",
                "See: haoscar virtual-ip status",
            )
        if paths.at(places.AGENT_CONFIG).exists():
            raise Refused.of(
                "addressing.agent", "The failover agent holds the virtual IP.",
                "Remove the agent from both heads first, or take everything back: haoscar uninstall",
            )  # fmt: skip
        return from_json(content)


def _given_back(transfer: Transfer | None) -> str:
    if transfer is None:  # it has gone back meanwhile
        return "There is nothing left to take back."
    return f"Give {transfer.virtual} back to {transfer.interface}, and drop {transfer.own}."


def _back_groups(transfer: Transfer | None) -> tuple[Group, ...]:
    if transfer is None:
        return ()
    text = f"{transfer.interface}: {transfer.virtual} is this head's own address again."
    files = "The files that were changed for it are as they were before."
    changes = (Change(ChangeKind.UNIT, text), Change(ChangeKind.CHANGED, files))
    return (Group("This head", changes),)


def _tell_back(back: RolledBack) -> Outcome:
    return Outcome("Files and addresses are as they were before.", reports=back.reports)
