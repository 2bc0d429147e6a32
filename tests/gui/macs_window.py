"""The MAC panel in a window at the end of a real wire, and what a test does in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.actions.session import Session, save
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.paths import Paths
from backend.site.store import SiteStore
from tests.fakes.mac_head import SITE, write_site
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.macs_head import NAMESPACE, Wire, private_network

PANEL = "collect-macs"
LIST, CLIENTS, HINT, STATUS = (f"{PANEL}.{one}" for one in ("list", "clients", "hint", "status"))
OPTIONS = ("--setup", "tests.gui.macs_head:setup", "--interface", "wire0")
OpenPanel = Callable[..., Window]
MANY = 10_000
LATENCY = 100  # milliseconds for which the window may be deaf
ATTEMPTS = 5  # where other programs keep the processors busy


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The private network; windows that are opened live at its head's end."""
    with private_network() as made:
        monkeypatch.setenv(NAMESPACE, made.here)
        yield made


@pytest.fixture
def open_panel(open_window: OpenWindow, root: Path, wire: Wire) -> OpenPanel:
    """A function that opens the window where it was left: at this panel, listening."""

    def start(*options: str, site: Site = SITE) -> Window:
        paths = Paths(root)
        if not paths.site_file.exists():
            write_site(paths, site)
        save(paths, Session(PANEL))
        window = open_window(*OPTIONS, *options)
        window.wait_text(STATUS, "Currently Scanning Network on wire0...")
        window.wait_until(lambda: "standby1" in window.widget(CLIENTS)["rows"])
        return window

    return start


def heard(window: Window, *macs: Mac) -> None:
    """Wait until the list holds these addresses, in this order."""
    window.wait_until(
        lambda: list(window.widget(LIST)["rows"]) == list(macs), what=f"the list holds {macs}"
    )


def site_of(root: Path) -> Site:
    return SiteStore(Paths(root)).load()


def cards(root: Path) -> list[Mac | None]:
    return [one.mac for one in site_of(root).standbys]


def centre(window: Window, table: str, key: str) -> tuple[int, int]:
    """Return the middle of a visible row."""
    window.wait_until(lambda: key in window.widget(table)["boxes"], what=f"{key} is visible")
    box = window.widget(table)["boxes"][key]
    return box["x"] + box["width"] // 3, box["y"] + box["height"] // 2


def offered(window: Window, mac: Mac, address: str) -> None:
    """Wait for the view that offers to give a card to the standby of this address."""
    window.wait_for("view.confirm")
    difference = window.text("view.diff")
    assert f'+mac = "{mac}"' in difference
    assert f'address = "{address}"' in difference


def declined(window: Window) -> None:
    """Leave the view of what will change with Esc."""
    window.wait_for("view.confirm")
    window.key("Escape")
    window.wait_for(f"{PANEL}.close")
