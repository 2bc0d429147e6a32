"""Carries the plan out with a dead-man's switch: whatever goes wrong, everything goes back."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from backend.addressing import live, pending, places, reload, watcher
from backend.addressing.pending import Pending
from backend.addressing.rollback import RollBack, first_error
from backend.addressing.transfer import Transfer
from backend.change.journal import Journal
from backend.change.plan import Plan
from backend.change.records import ChangeRecord
from backend.errors import CommandFailed, HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Report, error, info, warning
from backend.system.runner import Command, Runner
from backend.tasks import TaskContext

LIMIT = 60.0  # seconds to confirm in
LEAST, MOST = 3.0, 3600.0


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and until when it must be confirmed."""

    record: ChangeRecord
    deadline: float  # of pending.boot_clock()
    reports: tuple[Report, ...] = ()  # what the self-check is not sure of


@dataclass(frozen=True, slots=True)
class Apply:
    """The task: from here on a watcher of its own takes everything back unless it is confirmed."""

    paths: Paths
    runner: Runner
    journal: Journal
    plan: Plan
    transfer: Transfer
    limit: float = LIMIT
    systemd: bool = True

    @property
    def title(self) -> str:
        """See Task.title."""
        return self.plan.title

    def run(self, context: TaskContext) -> Applied:
        """Change files and live addresses; raises HaoscarError, Cancelled: then all is as before."""
        refuse_open(self.paths)
        places.last_file(self.paths).unlink(missing_ok=True)
        context.step("Starting what takes the change back if it is not confirmed")
        records = self.journal.records()
        waiting = Pending(
            self.transfer,
            pending.boot_clock() + watcher.START_LIMIT + self.limit,
            pending.this_boot(self.paths),
            records[-1].id if records else "",
        )
        pending.write(self.paths, places.pending_file(self.paths), waiting)
        try:
            watcher.start(self.paths, self.runner, systemd=self.systemd)
            deadline = pending.boot_clock() + self.limit
            waiting = Pending(self.transfer, deadline, waiting.boot, waiting.after)
            pending.write(self.paths, places.pending_file(self.paths), waiting)
            record = self.journal.apply(self.plan, context)
            reports = self._go_live(context)
        except BaseException as problem:
            self._back(waiting, problem)
            raise
        return Applied(record, deadline, reports)

    def _go_live(self, context: TaskContext) -> tuple[Report, ...]:
        """Change the live addresses and check the result; raises HaoscarError."""
        context.step(f"Changing the addresses of {self.transfer.interface}")
        self._still_ours()
        reports = reload.run(reload.commands(self.transfer), self.runner)
        now = live.settle(self.runner, self.transfer.forward)
        gone = live.lost(now, self.transfer.forward())
        if gone:
            raise HaoscarError.of(
                "addressing.route-lost",
                f"These routes were lost: {'; '.join(gone)}.",
                "Write them into the network's configuration, then try again.",
            )
        context.step("Checking that the new address works")
        reports += self_check(self.runner, self.transfer)
        self._still_ours()
        return tuple(reports)

    def _still_ours(self) -> None:
        if not places.pending_file(self.paths).exists():
            raise HaoscarError.of(
                "addressing.too-slow",
                f"The change took longer than {self.limit:g} s and was taken back.",
                "Give it more time with --limit.",
            )

    def _back(self, waiting: Pending, problem: BaseException) -> None:
        """Take everything back at once, and say so in the error."""
        if not places.pending_file(self.paths).exists():  # the watcher was first; look again
            pending.write(self.paths, places.back_file(self.paths), waiting)
        why = first_error(problem) if isinstance(problem, HaoscarError) else type(problem).__name__
        note = info("addressing.back", "Files and addresses are as they were before.")
        try:
            reports = RollBack(self.paths, self.runner, self.journal, why).run(TaskContext())
        except HaoscarError as worse:
            reports = worse.reports
            note = error(
                "addressing.not-back",
                "Not everything could be taken back yet; it is tried again and again.",
                "Remove the cause, then look at: haoscar virtual-ip status",
            )
        if isinstance(problem, HaoscarError):
            problem.reports = (*problem.reports, *reports, note)


def refuse_open(paths: Paths) -> None:
    """Raise Refused while another change waits for its confirmation or is being rolled back."""
    for file, what, remedy in (
        (places.pending_file(paths), "waits to be confirmed", "haoscar virtual-ip confirm"),
        (places.back_file(paths), "is being rolled back", "haoscar virtual-ip rollback"),
    ):
        found = pending.read(file)
        if found is not None:
            raise Refused.of(
                "addressing.open",
                f"The change '{found.transfer.title}' {what}.",
                f"First: {remedy}",
            )


def self_check(runner: Runner, transfer: Transfer) -> list[Report]:
    """Ask from the new address somebody who answered before; raises HaoscarError when nobody does.

    Returns a warning when there was nobody to ask.
    """
    if not transfer.neighbours:
        return [
            warning(
                "addressing.nobody",
                f"Nobody on {transfer.interface} answers pings, so it was not checked whether {transfer.own} works.",
                f"Try it from another machine: ssh {transfer.own}",
            )
        ]
    if answering(runner, transfer.own, transfer.neighbours, most=1):
        return []
    raise HaoscarError.of(
        "addressing.no-answer",
        f"{', '.join(map(str, transfer.neighbours))} answered {transfer.virtual} before, but nobody answers "
        f"{transfer.own}.",
        f"Look for a filter, in switches too, that does not let {transfer.own} through.",
    )


def answering(
    runner: Runner, source: IPv4Address, targets: Iterable[IPv4Address], *, most: int
) -> tuple[IPv4Address, ...]:
    """Return the first ``most`` machines that answer a ping from an address of this head."""
    found: list[IPv4Address] = []
    for target in targets:
        if len(found) == most:
            break
        ping = Command.of("ping", "-n", "-c", "1", "-W", "1", "-I", str(source), str(target))
        try:
            if runner.run(ping.within(5.0), check=False).ok:
                found.append(target)
        except CommandFailed:  # there is no ping here
            break
    return tuple(found)
