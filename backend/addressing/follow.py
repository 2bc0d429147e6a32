"""When ``haoscar undo`` or ``uninstall`` takes the files back, the live addresses follow.

The journal stops the unit that holds the virtual IP before it restores files; that unit calls this.
The rest is done by the watcher, which waits until the journal has restored everything.
"""

from dataclasses import dataclass

from backend.addressing import pending, places, watcher
from backend.addressing.pending import Pending
from backend.addressing.transfer import TITLE, Transfer, from_json
from backend.change.journal import Journal
from backend.change.records import RecordState
from backend.paths import Paths
from backend.system.files import read_if_there
from backend.system.runner import Runner
from backend.tasks import TaskContext

WHY = "the change was undone in the journal"


@dataclass(frozen=True, slots=True)
class Follow:
    """The task; does nothing when the unit is stopped for any other reason."""

    paths: Paths
    runner: Runner
    journal: Journal
    title: str = "Looking whether the addresses must follow"

    def run(self, context: TaskContext) -> bool:
        """Return whether they will; raises HaoscarError."""
        context.step(self.title)
        if places.back_file(self.paths).exists():  # whoever made it does everything
            return False
        undoing = [
            one.title
            for one in self.journal.records()
            if one.state is RecordState.UNDOING and one.title.startswith(TITLE)
        ]
        for file in self.paths.at("/etc/haoscar").glob("virtual-ip-*.json"):
            content = read_if_there(file)
            transfer = None if content is None else from_json(content)
            if transfer is not None and transfer.title in undoing:
                self._begin(transfer)
                return True
        return False

    def _begin(self, transfer: Transfer) -> None:
        watched = places.pending_file(self.paths).exists()
        back = Pending(transfer, 0.0, pending.this_boot(self.paths), why=WHY)
        pending.write(self.paths, places.back_file(self.paths), back)
        places.pending_file(self.paths).unlink(missing_ok=True)
        if not watched:
            watcher.start(self.paths, self.runner, systemd=True)
