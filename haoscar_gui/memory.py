"""Remembers the page and what was typed, so that a window that was killed goes on where it was."""

from typing import TYPE_CHECKING

from backend.actions.session import Session, save
from backend.errors import HaoscarError

if TYPE_CHECKING:
    from haoscar_gui.shell import Shell

EVERY = 2000  # milliseconds between two looks for what was typed


class Memory:
    """Writes in the background, and only what has changed; used in the window's thread."""

    def __init__(self, shell: "Shell", session: Session) -> None:
        self._shell = shell
        self._kept = {page: dict(values) for page, values in session.fields.items()}
        self._written = Session(session.page, self._kept)
        self._writing = False
        self._told = False
        shell.root.after(EVERY, self._tick)

    def fields(self, page: str) -> dict[str, str]:
        """Return what had been typed into a page."""
        return dict(self._kept.get(page, {}))

    def later(self) -> None:
        """Write within a moment: another page has been opened."""
        self._shell.root.after_idle(self._write)

    def save_now(self) -> None:
        """Write before the window closes."""
        session = self._session()
        if session != self._written:
            try:
                save(self._shell.wiring.paths, session)
            except OSError:
                return  # there is nobody left to tell

    def _tick(self) -> None:
        self._write()
        self._shell.root.after(EVERY, self._tick)

    def _session(self) -> Session:
        fields = dict(self._kept)
        for slot in self._shell.slots:
            if slot.panel is not None:
                fields[slot.page.name] = slot.typed()
        return Session(self._shell.page, {page: one for page, one in fields.items() if one})

    def _write(self) -> None:
        session = self._session()
        if self._writing or session == self._written:
            return
        self._writing = True

        def done(_nothing: None) -> None:
            self._writing, self._written = False, session

        def failed(problem: HaoscarError) -> None:
            self._writing, self._written = False, session
            if not self._told:  # once: the disk may be full for long
                self._told = True
                self._shell.say(problem.reports[0])

        paths = self._shell.wiring.paths
        self._shell.worker.start(lambda _context, _job: save(paths, session), done, failed)
