"""The words of the MAC panel: what is seen of a machine, and why a button is switched off. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from backend.actions.macs import Client, Shown, Situation
from backend.discovery.machine_kind import Kind
from backend.discovery.macs import Machine
from panels.widgets.mac_list import Entry

TITLE = "Standby Server MAC Address Collection"
INTRO = (
    "When a new MAC address is received on the network, it appears in the left column. To assign it "
    "to a machine, highlight the address and the machine and click 'Assign MAC to Node'. "
    "Disable Alias IP of NIC first."
)
BOOT = (
    "Below are commands to create a boot environment. You can either boot from floppy or network."
)
COLLECT, STOP, START = "Collect MAC Addresses", "Stop Collecting MACs", "Start Collecting MACs"
ROOT = "All Clients"
CANCEL = "Cancel"
FORMATS: Mapping[str, str | None] = {
    "OSCAR 5": None,  # or CSV, when the file is called so
    "OSCAR 4 (2005)": "oscar-2005",
    "OSCAR 2, 3 (2003)": "oscar-2003",
    "MAC.info (OSCAR 1.1)": "mac-info",
    "CSV": "csv",
}
HELP = """\
On the left: every machine that was heard asking for an address, in the order of arrival, with the maker \
of its card, its firmware, what was asking (PXE, HTTP boot, an operating system), its host name, and how often and when it \
was heard. Switch the standby on, with network boot: it appears here.

On the right: the standbys and the cluster's own nodes, each with its card and its address. Only a standby is \
given a card. A machine on the left that is marked with ! is a compute node of this cluster: to take it, you \
have to say so by its name.

Assign MAC to Node, or drag an address onto a standby: the machine becomes this standby. Assign all MACs gives the \
oldest addresses to the standbys that have none, and leaves compute nodes out. Delete MAC from Node returns \
an address to the list. Remove forgets an address until it is heard again.

Dynamic DHCP update: the DHCP server learns of an assignment at once, network boot is set up if it is not, and the \
machine may be installed: quick enough for the boot in which it was heard. Without it press Configure DHCP Server and \
Setup Network Boot yourself.

The files of OSCAR 1.1 to 5 and CSV are read without being told which; what a line binds to a machine is restored."""

FORMS = frozenset({
    "ag", "bv", "b.v", "co", "company", "computer", "computers", "corp", "corporate", "corporation", "electronics",
    "gmbh", "inc", "incorporated", "international", "kg", "limited", "llc", "ltd", "ltda", "plc", "pte", "pty", "s.a", "sa",
    "se", "technologies", "technology",
})  # fmt: skip
_KINDS = {
    Kind.ROM: "PXE", Kind.IPXE: "iPXE", Kind.HTTP_BOOT: "HTTP boot",
    Kind.INSTALLER: "HA-OSCAR installer", Kind.FIRMWARE: "firmware",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Doing:
    """What goes on: listening was asked for, something can be heard, it was listened before."""

    wanted: bool = False
    hears: bool = False
    before: bool = False


def toggle_label(doing: Doing) -> str:
    """Return what the toggling button says: what it does next."""
    return STOP if doing.wanted else START if doing.before else COLLECT


def status_text(interface: str, doing: Doing) -> str:
    """Return the original's status line."""
    where = f" on {interface}" if interface else ""
    if doing.hears:
        return f"Currently Scanning Network{where}... Click 'Stop Collecting' to stop."
    if doing.wanted:
        return f"Not Listening to Network{where} yet."
    return f"Not Listening to Network{where}. Click '{toggle_label(doing)}' to start."


def entry_of(shown: Shown, now: float) -> Entry:
    """Return the two lines of a machine."""
    machine = shown.machine
    mark = " !" if machine.node else ""
    heard = f"{machine.times_heard}\N{MULTIPLICATION SIGN}, {ago(now - machine.last_heard)}"
    return Entry(
        f"{machine.mac}{mark}",
        heard if machine.times_heard else "not heard",
        describe(shown, maker(shown.vendor)),
        "warning" if machine.node else "",
    )


def maker(vendor: str) -> str:
    """Return the name of a maker without its legal form: the list is narrow."""
    words = vendor.replace(",", " ").split()
    while len(words) > 1 and words[-1].strip(".()").lower() in FORMS:
        words.pop()
    return " ".join(words)


def describe(shown: Shown, vendor: str = "") -> str:
    """Return everything else that is known of a machine, what matters most first.

    ``vendor``: how the maker of its card is called, in place of the whole name.
    """
    machine = shown.machine
    parts = [
        f"is {machine.node}" if machine.node else "",
        asking(machine),
        machine.firmware.upper() if machine.firmware else "",
        machine.host_name if machine.host_name and machine.host_name != machine.node else "",
        vendor or shown.vendor,
    ]
    return ", ".join(part for part in parts if part)


def asking(machine: Machine) -> str:
    """Return which program of the machine asked last, and whether it has booted from the network."""
    if machine.kind is None:
        return ""
    words = _KINDS.get(machine.kind, "")
    if words:
        return words
    words = machine.description.partition(",")[0].partition(":")[0]
    running = f"running {'OS' if words == 'operating system' else words}"
    return f"{running}, PXE before" if machine.boots_from_network else running


def ago(seconds: float) -> str:
    """Return how long ago something was."""
    if seconds < 1:
        return "now"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


class NodeQuestion(NamedTuple):
    """What is asked before a compute node is made a standby, and the answer that does it."""

    text: str
    detail: str
    overwrite: str


def node_question(mac: str, client: str, node: str) -> NodeQuestion:
    """Return the question; it and its answer name the node."""
    return NodeQuestion(
        f"{mac} is the card of the compute node {node}. Make {node} the standby {client}?",
        f"The disk of {node} is overwritten at its next network boot, and {node} is no compute node "
        "of this cluster any more.",
        f"Overwrite {node}",
    )


def tree_rows(
    clients: tuple[Client, ...],
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], dict[str, str]]:
    """Return rows, tags and parents of the tree; a machine's key is its name."""
    rows: dict[str, tuple[str, ...]] = {ROOT: (ROOT,)}
    tags, parents = {ROOT: "bold"}, {}
    for one in clients:
        name = str(one.name)
        rows[name] = (name if one.standby else f"{name} (compute node)",)
        parents[name] = ROOT
        if not one.standby:
            tags[name] = "muted"
        for leaf, value in (("mac", one.mac), ("ip", one.address)):
            key = f"{name} {leaf}"
            rows[key] = (f"eth0 {leaf} = {value or ''}",)
            parents[key] = name
            if not one.standby:
                tags[key] = "muted"
    return rows, tags, parents


def client_of(key: str | None) -> str:
    """Return the machine that a row of the tree belongs to, "" for none: any leaf counts."""
    return "" if key in (None, ROOT) else str(key).partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen, and what there is to choose from."""

    situation: Situation | None
    mac: Shown | None = None
    client: Client | None = None
    heard: int = 0  # in the left column
    collecting: bool = False


def reasons(choice: Choice) -> dict[str, str]:
    """Return for each button why it is switched off, "" when it is not."""
    standbys = [one for one in choice.situation.clients if one.standby] if choice.situation else []
    none_heard = "" if choice.heard else "No MAC address is in the left column."
    waiting = any(one.mac is None for one in standbys)
    all_have = "" if waiting else "Every standby has a MAC address."
    still = f"The list is still growing: press {STOP} first." if choice.collecting else ""
    return {
        "remove": "" if choice.mac else "Choose a MAC address in the left column.",
        "remove-all": none_heard,
        "assign": why_not_assign(choice),
        "assign-all": "" if not standbys else none_heard or all_have,
        "delete": _why_not_delete(choice.client),
        "configure-dhcp": _no_site(choice.situation),
        "import": still,
        "export": still,
    } | ({} if standbys else {"assign-all": NO_STANDBY, "assign": NO_STANDBY})


NO_STANDBY = "No standby is defined yet: do 'Add Standby server to a SIS Image' first."


def hint(choice: Choice) -> str:
    """Return what is known of the chosen card, and what is missing to assign it."""
    why = reasons(choice)["assign"]
    if choice.mac is None:
        return why
    known = f"{choice.mac.machine.mac}: {describe(choice.mac)}".rstrip(": .")
    return f"{known}. {why}".rstrip()


def why_not_assign(choice: Choice) -> str:
    """Return why the chosen card cannot be given to the chosen machine, "" when it can."""
    if choice.mac is None and choice.client is None:
        return "Choose a MAC address on the left and a standby on the right."
    if choice.mac is None:
        return "Choose a MAC address in the left column."
    if choice.client is None:
        return "Choose a standby on the right."
    return why_not_give(choice.client)


def why_not_give(client: Client) -> str:
    """Return why a machine is given no card, "" for a standby."""
    return "" if client.standby else f"{client.name} is a compute node: it keeps its own card."


def _why_not_delete(client: Client | None) -> str:
    if client is None:
        return "Choose a standby on the right."
    return why_not_give(client) or ("" if client.mac else f"{client.name} has no MAC address.")


def _no_site(situation: Situation | None) -> str:
    return "" if situation is not None and situation.site is not None else NO_STANDBY
