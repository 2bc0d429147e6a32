"""The cluster that the window of tests/gui/test_complete.py believes to be on: pretended members.

Runs in the window's process. The members are those of the unit tests: files below a directory,
units, agents that answer. Only what leaves this machine is replaced; actions and panel are real.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from backend.actions import complete, install_agent, reaching, virtual_ip
from backend.actions.action import Group, Person, Prepared
from backend.actions.virtual_ip import Moved, VirtualIpAction
from backend.addressing import pending, places
from backend.addressing.apply import Applied
from backend.addressing.pending import Pending
from backend.addressing.rollback import RollBack
from backend.addressing.transfer import Transfer, changed_site
from backend.change.plan import Plan
from backend.change.preview import preview
from backend.clone.image_facts import NetworkSystem
from backend.drill import remote, task
from backend.errors import Cancelled, HaoscarError, Refused
from backend.model.names import UserName
from backend.paths import Paths
from backend.reports import Report, info
from backend.rollout.member import Member
from backend.rollout.services import ASK
from backend.site.store import SiteStore
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.runner import Command, Result, Runner
from backend.system.ssh import Credentials
from backend.tasks import TaskContext
from tests.fakes.agent_member import GOOD, FakeCluster, FakeMember
from tests.fakes.drill_world import DrillWorld, Machine

NAMES = ("head1", "head2", "node1", "node2", "node3", "node4")
ADDRESSES = {name: f"10.0.0.{n}" for name, n in zip(NAMES, (2, 3, 101, 102, 103, 104), strict=True)}
KEYS = {
    address: HostKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519" + address.encode())
    for address in ADDRESSES.values()
}
LIMIT = 60.0
CALM = 0.005  # seconds, where a drill waits for what cannot come here
VOTERS = ("head1", "head2", "node1", "node3", "node4")
DRILLS = {remote.KILL, remote.THAW, remote.MAY_RESET, remote.RESET}


@dataclass
class Both:
    """A member that is installed on as in the installer's tests, and drilled as in the drill's."""

    member: FakeMember
    drilled: Machine

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        world, cluster = self.drilled.world, self.member.cluster
        asks = ASK in command.argv and cluster.running(self.member.name)
        if not asks and not DRILLS & set(command.argv):
            return self.member.run(command, check=check)
        world.active = cluster.active or world.active
        return self.drilled.run(command, check=check)

    def stream(self, command: Command, on_line: Callable[[str], None], **more: Any) -> Result:
        """See Runner.stream."""
        return self.drilled.stream(command, on_line, **more)


class Cluster:
    """All machines; what a test wants otherwise lies in the file ``wishes.json`` below the root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cluster, self.world = FakeCluster(), DrillWorld()
        self.world.on_fault = self.moved
        began = (root / "members").exists()  # by an earlier window
        for name in NAMES:
            self.cluster.add(root / ("members-of-another-window" if began else "members"), name)
        voters = [{"name": one, "head": one in NAMES[:2], "state": "granting"} for one in VOTERS]
        self.world.spoilt = {name: {"voters": voters} for name in NAMES[:2]}

    def moved(self) -> None:
        """Let the installer's members know what a drill has done, and the probers how long it took."""
        self.world.gap_ms = float(self.wish("gap_ms") or self.world.gap_ms)
        self.cluster.active = self.world.active

    def wish(self, name: str) -> Any:
        """Return what a test wishes; None when it wishes nothing of that kind."""
        file = self.root / "wishes.json"
        return json.loads(file.read_text()).get(name) if file.exists() else None

    def reach(self, login: Any, is_here: Callable[[Member], bool], _here: Runner) -> Any:
        """See backend.rollout.fleet.reach."""

        @contextmanager
        def opened(member: Member) -> Iterator[Runner]:
            if not is_here(member):
                self.check(member.address, login.known, login.decide)
            yield Both(self.cluster.members[member.name], self.world.machine(member.name))

        return opened

    def check(self, host: str, known: KnownHosts, decide: Callable[[str, HostKey], bool]) -> None:
        """Do what a connection does with a host key."""
        if KEYS[host] in known.keys(host, 22):
            return
        if not decide(host, KEYS[host]):
            raise Refused.of("ssh.host-key-declined", f"The host key of {host} was declined.")
        known.add(host, 22, KEYS[host])

    def connect(
        self, host: str, _port: int, _login: Credentials, known: KnownHosts,
        decide: Callable[[str, HostKey], bool],
    ) -> None:  # fmt: skip
        """Show a host key, and let nobody in without a password."""
        self.check(host, known, decide)
        raise HaoscarError.of("ssh.not-admitted", "No.")

    def log_in(
        self, host: str, _port: int, user: UserName, known: KnownHosts, person: Person
    ) -> Credentials:
        """Let root's keys in; where a test wishes so, a password is wanted."""
        self.check(host, known, person.trust_host_key)
        if self.wish("password") != host:
            return Credentials(user)
        answer = person.secret(f"Password of {user} on {host}")
        if answer is None:
            raise Cancelled(info("ssh.no-answer", "No password was given. Nothing was changed."))
        return Credentials(user, answer)

    def answering(self, addresses: Iterable[str], *_more: object) -> set[str]:
        """Return who is on; node2 is not."""
        return set(addresses) - {ADDRESSES["node2"]}

    def snapshot(self) -> "Here":
        """Return what this machine has for addresses: its own."""
        return Here(frozenset({SiteStore(Paths(self.root)).load().primary.private_address}))

    def prepare(self, action: VirtualIpAction) -> Prepared[Moved]:
        """Change the site file and leave the rest to be confirmed; no address is touched."""
        wiring, store = action.wiring, action.wiring.store()
        site = store.load()
        old = site.primary.private_address
        transfer = Transfer(
            "private", site.private.interface, site.private.network, old, old + 1,
            NetworkSystem.IFUPDOWN,
        )  # fmt: skip
        changed = store.write_step(changed_site(site, "private", old, old + 1))
        plan = Plan(transfer.title, f"{old} will belong to the active head.", (changed,))

        def run(context: TaskContext) -> Moved:
            places.last_file(wiring.paths).unlink(missing_ok=True)
            records = wiring.journal().records()
            seconds = float(self.wish("seconds") or LIMIT)
            deadline, boot = pending.boot_clock() + seconds, pending.this_boot(wiring.paths)
            waiting = Pending(transfer, deadline, boot, records[-1].id if records else "")
            pending.write(wiring.paths, places.pending_file(wiring.paths), waiting)
            record = wiring.journal().apply(plan, context)
            late = virtual_ip.go_back(wiring, "it was not confirmed in time")
            timer = threading.Timer(seconds, lambda: late.run(TaskContext()))
            timer.daemon = True
            timer.start()
            return Moved(transfer, "it is free", Applied(record, deadline))

        groups = (Group("This head", tuple(preview(plan, wiring.paths))),)
        return Prepared(plan.title, plan.sentence, groups, run, virtual_ip._tell)


@dataclass(frozen=True)
class Here:
    """What is read of a NetworkSnapshot."""

    addresses: frozenset[IPv4Address]


def roll_back(task: RollBack, context: TaskContext) -> tuple[Report, ...]:
    """Take back the files only: there are no addresses here."""
    context.step("Restoring the files")
    found = pending.claim(task.paths, task.why)
    if found is not None:
        task._files(found)
        pending.finish(task.paths, {"when": "now", "what": "x", "why": task.why, "reports": []})
    return ()


def setup(root: Path) -> dict[str, Any]:
    """Replace what leaves this machine; see tests/gui/window.py."""
    world = Cluster(root)
    reaching.snapshot = complete.snapshot = world.snapshot
    reaching.reach, reaching.log_in = world.reach, world.log_in
    complete.connect, complete.answering = world.connect, world.answering
    install_agent.build = lambda: GOOD
    install_agent.PATIENCE = world.cluster.patience
    VirtualIpAction.prepare = lambda action, _context, _person: world.prepare(action)
    RollBack.run = roll_back
    wait = task._wait
    task._wait = lambda context, seconds: wait(context, min(seconds, CALM))
    return {}
