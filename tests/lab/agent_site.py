"""Two heads, a witness and another node in the virtual cluster, and the haoscar command on the first."""

import json
import time
from pathlib import Path

from backend.lab.cluster import VirtualCluster
from backend.lab.overlay import LAUNCHER, source_directory
from backend.lab.topology import NodeKind, node
from backend.rollout.places import HEAD_UNIT, WITNESS_UNIT
from backend.system.namespaces import Inside, NamespaceRunner
from backend.system.runner import Command, Result

NODES = (
    node("head1", NodeKind.HEAD, private="10.77.0.1/24", public="192.0.2.1/24"),
    node("head2", NodeKind.HEAD, private="10.77.0.2/24", public="192.0.2.2/24"),
    node("node1", NodeKind.COMPUTE, private="10.77.0.11/24"),
    node("node2", NodeKind.COMPUTE, private="10.77.0.12/24"),
)
MEMBERS = ("head1", "head2", "node1")
SITE = """\
version = 1
[cluster]
name = "lab"
domain = "lab.example"
[networks.private]
interface = "eth0"
network = "10.77.0.0/24"
virtual_ip = "10.77.0.10"
[networks.public]
interface = "eth1"
network = "192.0.2.0/24"
virtual_ip = "192.0.2.10"
[primary]
name = "head1"
private_address = "10.77.0.1"
public_address = "192.0.2.1"
[[image]]
name = "head"
client = "head1"
[[standby]]
name = "head2"
image = "head"
address = "10.77.0.2"
public_address = "192.0.2.2"
[[node]]
name = "node1"
address = "10.77.0.11"
[[node]]
name = "node2"
address = "10.77.0.12"
[agent]
witnesses = ["node1"]
"""
# A build of the agent that is not the one in this checkout: a line is added to a module.
OTHER_BUILD = """
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from backend.agentfile import build
real, module, line = build.sources, sys.argv[2], sys.argv[3].encode()
build.sources = lambda: {**real(), module: real()[module] + b"\\n" + line + b"\\n"}
from backend.cli.main import main
sys.exit(main(sys.argv[4:]))
"""
# What the machines themselves write while they run, and what stays on the head that installs.
OTHERS = (
    "var/log", "var/lib/systemd", "var/lib/dhcp", "var/lib/haoscar", "var/tmp", "tmp", "run", "root",
)  # fmt: skip


class Site:
    """The lab, and the haoscar command on its first head."""

    def __init__(self, lab: VirtualCluster) -> None:
        self.lab = lab
        self.host_keys: list[str] = []
        for name in ("head2", "node1", "node2"):
            said = self.on(name, "ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
            self.host_keys += ["--host-key", said.split()[1]]
        self.write("/etc/haoscar/site.toml", SITE)

    def on(self, name: str, *words: str, check: bool = True) -> Result:
        return self.lab.node(name).runner.run(Command.of(*words).within(60), check=check)

    def write(self, path: str, text: str) -> None:
        runner = self.lab.node("head1").runner
        runner.run(Command.of("mkdir", "-p", Path(path).parent))
        runner.run(Command.of("tee", path).given(text.encode()))

    def haoscar(self, *words: str) -> Result:
        return self.on("head1", str(LAUNCHER), *words, check=False)

    def other_build(self, module: str, line: str, *words: str) -> Result:
        first = self.on("head1", "head", "-n1", str(LAUNCHER)).stdout
        python = first.removeprefix("#!").split()[0]
        return self.on(
            "head1", python, "-I", "-c", OTHER_BUILD, str(source_directory()), module, line,
            *words, check=False,
        )  # fmt: skip

    def files(self, name: str) -> set[str]:
        """Return what is on a machine's disk, without what it writes by itself."""
        found = self.on(name, "find", "/", "-xdev", "-printf", "%P %m %s\\n").stdout.splitlines()
        return {line for line in found if not line.startswith(OTHERS)}

    def pid(self, name: str) -> int:
        unit = HEAD_UNIT if name.startswith("head") else WITNESS_UNIT
        return int(self.on(name, "systemctl", "show", "--property=MainPID", "--value", unit).stdout)

    def pids(self) -> dict[str, int]:
        return {name: self.pid(name) for name in MEMBERS}

    def tables(self, name: str) -> str:
        """Return the nftables tables of a machine, listed with this machine's nft."""
        leader = self.lab.node(name).inside().pid
        inside = Inside(leader, own_network=True, files=False)
        return NamespaceRunner(lambda: inside).run(Command.of("nft", "list", "tables")).stdout

    def role(self, name: str) -> str:
        said = self.on(name, str(LAUNCHER), "status", "--json", check=False)
        return str(json.loads(said.stdout)["role"]) if said.stdout else ""


def wait_until(done: object, what: str, limit: float = 10.0) -> None:
    """Wait for a condition; fails with its name."""
    assert callable(done)
    deadline = time.monotonic() + limit
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.05)
