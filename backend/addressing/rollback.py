"""Takes a change back: the files through the journal, then the live addresses, whoever began it.

It may be killed at any moment and is simply run again: each part looks what is left to do.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.addressing import live, pending, places, reload
from backend.addressing.transfer import Transfer
from backend.change.journal import Journal
from backend.change.records import ChangeRecord, order
from backend.errors import HaoscarError, Refused
from backend.paths import Paths
from backend.reports import Report, Severity, warning
from backend.system.runner import Runner
from backend.tasks import TaskContext

LOCK_LIMIT = 600.0  # seconds for which another change may keep the journal
PAUSE = 0.1
MEANWHILE = ("change.locked", "change.not-in-force")  # another process was quicker


@dataclass(frozen=True, slots=True)
class RollBack:
    """The task; ``why`` is kept for ``haoscar virtual-ip status``."""

    paths: Paths
    runner: Runner
    journal: Journal
    why: str
    network_is_up: bool = True  # False when the machine is just starting: files are enough
    title: str = "Rolling the change of addresses back"

    def run(self, context: TaskContext) -> tuple[Report, ...]:
        """Take back what is not confirmed; returns what is doubtful, nothing when nothing was there.

        Raises HaoscarError when something could not be restored; then it can be run again.
        """
        found = pending.claim(self.paths, self.why)
        if found is None:
            return ()
        transfer = found.transfer
        context.step("Restoring the files")
        reports = self._files(found)
        if self.network_is_up:
            context.step(f"Restoring the addresses of {transfer.interface}")
            reports += reload.run(reload.commands(transfer), self.runner)
            now = live.settle(self.runner, transfer.back)
            reports += [_route_lost(one) for one in live.lost(now, transfer.back())]
        else:
            reports += reload.run(reload.at_boot(transfer), self.runner)
        pending.finish(
            self.paths,
            {
                "when": datetime.now(UTC).isoformat(timespec="seconds"),
                "what": transfer.title,
                "why": found.why,
                "reports": [one.as_dict() for one in reports],
            },
        )
        return tuple(reports)

    def _files(self, found: pending.Pending) -> list[Report]:
        """Undo the change in the journal if it is in force; raises HaoscarError."""
        end = time.monotonic() + LOCK_LIMIT
        reports: list[Report] = []
        while True:
            try:
                reports += self.journal.recover()  # nothing while another process is at it
                record = record_of(self.journal, found.transfer, found.after)
                if record is None or not (record.undoable or record.interrupted):
                    return reports
                if record.undoable:
                    reports += self._undo(record, found)
            except Refused as problem:
                if problem.reports[0].code not in MEANWHILE or time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                raise Refused.of(
                    "change.locked", "Another change holds the journal.", "Wait, then try again."
                )
            time.sleep(PAUSE)

    def _undo(self, record: ChangeRecord, found: pending.Pending) -> list[Report]:
        """Undo the change, or else a newer one that builds on it; raises HaoscarError.

        What somebody changed since is kept in the journal; the way back counts.
        """
        try:
            self.journal.undo(record.id, TaskContext(), force=True)
        except Refused as problem:
            if problem.reports[0].code != "change.newer-builds-on-it":
                raise
            if found.confirmed:  # nothing is cut off: the administrator decides
                places.back_file(self.paths).unlink(missing_ok=True)
                raise
            newest = self.journal.undo(None, TaskContext(), force=True)
            text = f"The change {newest.id} ({newest.title}) was undone, too: it built on this one."
            return [warning("addressing.newer-undone", text, "Make it again.")]
        return []


def record_of(journal: Journal, transfer: Transfer, after: str) -> ChangeRecord | None:
    """Return the newest record of this change that is younger than the record ``after``."""
    first = order(after) if after else ("", 0)
    return next(
        (
            one
            for one in reversed(journal.records())
            if one.title == transfer.title and order(one.id) > first
        ),
        None,
    )


def _route_lost(words: str) -> Report:
    return warning(
        "addressing.route-lost",
        f"This route is gone and could not be put back: {words}.",
        "Add it again, or start the network anew.",
    )


def first_error(problem: HaoscarError) -> str:
    """Return the first error of an exception as one short line without its full stop."""
    errors = [one.text for one in problem.reports if one.severity is Severity.ERROR]
    said = (errors or [one.text for one in problem.reports] or [type(problem).__name__])[0]
    return " ".join(said.split())[:300].removesuffix(".")
