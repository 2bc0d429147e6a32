"""The pages of the window, in their order; a page's code is loaded when it is opened first."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from panels.base import Panel
from panels.context import PanelContext


@dataclass(frozen=True, slots=True)
class Page:
    """A page; ``step`` is its number in the wizard, 0 when it is none of the five.

    ``button`` is its text in the rail ("" for a page that is opened from another one), with
    ``{interface}`` where the original names the private interface; ``note`` stands below it.
    """

    name: str
    module: str
    panel: str
    step: int = 0
    button: str = ""
    note: str = ""
    help: str = ""
    belongs_to: str = ""  # the page whose step it is part of

    def load(self) -> Callable[[PanelContext], Panel]:
        """Return the panel's class; takes a moment the first time. Raises ImportError."""
        found: Callable[[PanelContext], Panel] = getattr(import_module(self.module), self.panel)
        return found


BEFORE = "Before beginning: the cluster is installed, the interfaces work, alias IPs are off."
BEFORE_HELP = (
    "This program gives a running Linux cluster a second head node.\n\n"
    "The head node must be installed and working. The standby has the same kind of hardware, hangs on "
    "the same switch, and can boot from the network, from a floppy or from a USB stick.\n\n"
    "Any alias IP address of this head must be disabled first: HA-OSCAR sets up and moves the virtual "
    "addresses itself.\n\n"
    "Go through the steps in their order. Nothing is changed before it has been shown and you have "
    "confirmed it, and every change can be undone."
)
PAGES = (
    Page(
        "packages", "panels.packages", "PackagesPanel", 1, "HA-OSCAR Packages Installation...",
        help="Installs what a head node needs: the DHCP and TFTP servers, boot loaders, rsync, and what "
        "the installer is made of. No service is started by it.",
    ),
    Page(
        "fetch-image", "panels.fetch_image", "FetchImagePanel", 2,
        "Building Image for Standby server [Be patient!]",
        "In the next step deal only with head nodes!",
        help="Copies the running primary, the golden client, into an image: its files, and the layout of "
        "its disks. The primary goes on working meanwhile. It takes some minutes.",
    ),
    Page(
        "add-standby", "panels.add_standby", "AddStandbyPanel", 3,
        "Configuration for Standby server on [{interface}]...",
        "ATTENTION: take the MAC of the STANDBY, not of a client!",
        help="Defines the standby: its name, its image and its addresses, all of them proposed.",
    ),
    Page(
        "collect-macs", "panels.collect_macs", "CollectMacsPanel", 4,
        "Network Setup & Make boot server on [{interface}]...",
        "Network-boot ONLY the standby!",
        help="Finds the standby's network card, answers it alone when it boots from the network, and "
        "watches how it is installed. Afterwards it boots from its own disk.",
    ),
    Page(
        "complete", "panels.complete", "CompletePanel", 5, "Complete installation",
        help="Installs the failover agent on both heads, makes the head's address virtual, and measures a "
        "takeover on purpose.",
    ),
    Page(
        "watch-list", "panels.watch_list", "WatchListPanel", button="Edit Watch List",
        help="Which services are watched, how often, and what happens when one fails.",
    ),
    Page(
        "status", "panels.status", "StatusPanel", button="Cluster status",
        help="Both heads as they are now: who serves, the lease, the networks between them, the services, "
        "the last drill.",
    ),
    Page(
        "changes", "panels.changes", "ChangesPanel", button="Changes and undo",
        help="Everything that was changed on this head, the newest first. Each change can be taken back.",
    ),
    Page("network-boot", "panels.network_boot", "NetworkBootPanel", belongs_to="collect-macs"),
)  # fmt: skip
