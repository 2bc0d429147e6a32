"""Tickets of cards that an undone change had given to standbys: they must not admit anybody any more."""

from backend.actions.macs_assign import disarm, refuse_running
from backend.change.records import ChangeRecord
from backend.clone.installs import Installs
from backend.clone.ticket import Ticket
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.site.store import SITE_FILE, parse_site
from backend.tasks import TaskContext
from backend.wiring import Wiring


def take_back(
    wiring: Wiring, record: ChangeRecord, context: TaskContext, *, force: bool = False
) -> ChangeRecord:
    """Undo a change, and take the tickets back that depend on it; raises as Journal.undo does, and
    Refused while one of these machines is being installed."""
    cards = [one.mac for one in _tickets(wiring, record)]
    refuse_running(wiring.paths, cards)
    undone = wiring.journal().undo(record.id, context, force=force)
    disarm(wiring.paths, cards)
    return undone


def ticket_sentences(wiring: Wiring, record: ChangeRecord) -> tuple[str, ...]:
    """Return what happens to tickets when a change is undone, for the preview."""
    return tuple(
        f"take back the ticket of {one.standby}: it is not installed any more"
        for one in _tickets(wiring, record)
    )


def cards_given(wiring: Wiring, record: ChangeRecord) -> tuple[Mac, ...]:
    """Return the cards of today's standbys that no standby has after the undo. A site file that
    cannot be read, before or now, gives none: the undo itself says what is wrong with it."""
    content = wiring.journal().content_before(record, SITE_FILE)
    store = wiring.store()
    if content is None or not store.exists():
        return ()
    try:
        before, now = parse_site(content.decode(), store.file), store.load()
    except (InvalidInput, UnicodeDecodeError):
        return ()
    had = {one.mac for one in before.standbys}
    cards = (one.mac for one in now.standbys if one.mac not in had)
    return tuple(mac for mac in cards if mac is not None)


def _tickets(wiring: Wiring, record: ChangeRecord) -> list[Ticket]:
    """Return the tickets that are to go; a damaged one admits nobody, and hinders no undo."""
    cards = cards_given(wiring, record)
    return [one for one in Installs(wiring.paths).tickets() if one.mac in cards and one.pending]
