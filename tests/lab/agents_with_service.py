"""Agents of a failover world that have a service to start and to stop."""

from backend.lab.failover.agents import Agents
from backend.lab.failover.places import HEADS

START = """\
#!/bin/sh
test ! -e /run/disk/broken || exit 1
sleep 1
exec touch /run/disk/home
"""


class WithService(Agents):
    """Agents with a service that takes a second to start."""

    def configure(self) -> None:
        super().configure()
        for name in HEADS:
            script = self.world.machines[name].disk / "start-home"
            script.write_text(START)
            script.chmod(0o755)

    def document(self, name: str) -> dict[str, object]:
        found = super().document(name)
        options = {
            "start": "/run/disk/start-home", "stop": "/bin/rm -f /run/disk/home",
            "check": "/usr/bin/test -e /run/disk/home",
        }  # fmt: skip
        home = {"name": "home", "kind": "command", "options": options, "check_every": 0.5}
        return {**found, "resources": [home]} if name in HEADS else found
