"""What the three views show in the pictures: a change of the DHCP server, as an example."""

from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Prepared
from backend.change.preview import Change, ChangeKind
from backend.netboot.dhcp import CONFIG, INCLUDE, INCLUDE_LINE
from backend.reports import warning


@dataclass(frozen=True, slots=True)
class Scene:
    """What the three views show in the pictures."""

    prepared: Prepared[None]
    outcome: Outcome


def scene() -> Scene:
    """Return a change of the DHCP server, as an example."""
    diff = (
        f"--- {CONFIG} (now)", f"+++ {CONFIG} (then)", "@@ -9,3 +9,4 @@",
        " subnet 10.0.0.0 netmask 255.255.255.0 {", "   option routers 10.0.0.1;", " }",
        f"+{INCLUDE_LINE}",
    )  # fmt: skip
    changes = (
        Change(ChangeKind.NEW_FILE, f"New file {INCLUDE} (mode 0644, 412 bytes).",
               INCLUDE, "answers the standby heads, by MAC address"),
        Change(ChangeKind.CHANGED, f"Change {CONFIG}.", CONFIG,
               "one line at its end includes that file; the rest stays as it is", diff),
        Change(ChangeKind.CHECK, "Check: dhcpd accepts the configuration.",
               why=f"dhcpd -t -4 -q -cf {CONFIG}"),
        Change(ChangeKind.UNIT, "Service isc-dhcp-server: start it at boot and restart it now.",
               why="it reads the new configuration"),
    )  # fmt: skip
    prepared = Prepared(
        title="Configure the DHCP server",
        sentence="It will answer oscarserver1 on eth0, and no other machine because of us.",
        groups=(Group("This head", changes),),
        run=lambda _context: None,
        tell=lambda _nothing: Outcome(""),
        reports=(
            warning(
                "dhcp.other-server",
                "Another DHCP server answers on eth0: 10.0.0.254 (00:1b:21:3c:9d:01).",
                "Switch it off first, or let it ignore the standby.",
            ),
        ),
    )
    outcome = Outcome(
        "The DHCP server answers oscarserver1.",
        (f"new file {INCLUDE}", f"changed {CONFIG}",
         "service isc-dhcp-server: enabled and restarted"),
        undo="20261122-104501-1",
        next="Switch the standby on and let it boot from the network.",
    )  # fmt: skip
    return Scene(prepared, outcome)
