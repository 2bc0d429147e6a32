"""keepalived as in the published baseline: VRRPv3, 0.1 s, both networks in one sync group."""

from backend.lab.failover.engines import Engine
from backend.lab.failover.places import HEADS, VIRTUAL
from backend.lab.topology import Net
from backend.rendering import render
from backend.system.runner import Command

CONFIGURATION = "/run/disk/keepalived.conf"
ADVERTISE = 0.1  # seconds
PRIORITY = {HEADS[0]: 150, HEADS[1]: 100}


class Keepalived(Engine):
    """Debian's package, which has no witnesses."""

    name = "keepalived"
    settle = 1.5
    members = HEADS

    def configure(self) -> None:
        """See Engine.configure."""
        for head in HEADS:
            text = render(
                "lab/keepalived.conf.j2",
                name=head, priority=PRIORITY[head], advertise=ADVERTISE,
                private=VIRTUAL[Net.PRIVATE], public=VIRTUAL[Net.PUBLIC],
            )  # fmt: skip
            (self.world.machines[head].disk / "keepalived.conf").write_text(text)

    def command(self, name: str) -> Command:  # noqa: ARG002 - the same on every head
        """See Engine.command."""
        return Command.of(
            "keepalived", "--dont-fork", "--vrrp", "--log-console", f"--use-file={CONFIGURATION}",
            "--pid=/run/keepalived.pid", "--vrrp_pid=/run/keepalived-vrrp.pid",
        ).within(None)  # fmt: skip

    def switch_over(self, active: str) -> None:
        """Stop it on the active head: it says good-bye, the quickest that VRRP has."""
        self.stop(active)
