"""Carries out what was decided, in the order it was decided."""

from __future__ import annotations

from collections.abc import Callable

from backend.agent.announcer import Announcer
from backend.agent.chronicle import Chronicle
from backend.agent.core.actions import (
    Action,
    AddAddresses,
    Announce,
    CloseGate,
    OpenGate,
    Persist,
    RemoveAddresses,
    Retire,
    Send,
    Serve,
)
from backend.agent.core.messages import Answer, Promise, Status
from backend.agent.post import Post
from backend.system.agent.addresses import Addresses
from backend.system.agent.arp import Arp
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.netlink import KernelError

REPLIES = (Answer, Status, Promise)  # go back the way the question came


class GateStuck(Exception):
    """The kernel did not close the gate; only the end of the lease closes it now."""


class Hands:
    """What an agent on a head acts with; used from its one thread."""

    def __init__(
        self,
        *,
        gate: DeadlineGate,
        addresses: Addresses,
        arp: Arp,
        post: Post,
        chronicle: Chronicle,
        persist: Callable[[int, int], None],
        serve: Callable[[int], None],
        retire: Callable[[], None],
        clock: Callable[[], int],
    ) -> None:
        self.announcer = Announcer()
        self.serving = False
        self._gate = gate
        self._addresses = addresses
        self._arp = arp
        self._post = post
        self._chronicle = chronicle
        self._persist = persist
        self._serve = serve
        self._retire = retire
        self._clock = clock

    def carry_out(self, actions: tuple[Action, ...], network: int | None = None) -> None:
        """Do everything in order; ``network`` is where the question came from.

        Raises GateStuck when the gate cannot be closed: what follows must not happen then.
        """
        for action in actions:
            if isinstance(action, Send):
                self._send(action, network)
            elif isinstance(action, OpenGate):
                self._open(action.until)
            elif isinstance(action, CloseGate):
                self._close()
            else:
                self._other(action)

    def resume(self) -> None:
        """Go on serving after a restart within the lease: what is there stays there."""
        self._other(AddAddresses())
        self._other(Announce())

    def put_back(self) -> None:
        """Configure the virtual IPs again and say so."""
        self._other(AddAddresses())
        self.announce()

    def announce(self) -> None:
        """Send gratuitous ARP for every virtual IP."""
        self._arp.announce()

    def _send(self, action: Send, network: int | None) -> None:
        if network is not None and isinstance(action.message, REPLIES):
            for to in action.to:
                self._post.reply(to, network, action.message)
            return
        for to in action.to:
            self._post.send(to, action.message)

    def _open(self, until: int) -> None:
        try:
            self._gate.open(until)
        except (KernelError, OSError) as problem:
            self._chronicle.alarm(f"the kernel does not open the gate: {problem}")

    def _close(self) -> None:
        self.serving = False
        self.announcer.stop()
        try:
            self._gate.close()
        except (KernelError, OSError) as problem:
            raise GateStuck(f"the kernel does not close the gate: {problem}") from problem

    def _other(self, action: Action) -> None:
        try:
            if isinstance(action, AddAddresses):
                self._addresses.add()
            elif isinstance(action, RemoveAddresses):
                self._addresses.remove()
        except (KernelError, OSError) as problem:
            self._chronicle.alarm(f"virtual IPs: {problem}")
        if isinstance(action, Announce):
            self.serving = True
            self.announcer.begin(self._clock())
            self.announce()
        elif isinstance(action, Persist):
            self._persist(action.term, action.promise)
        elif isinstance(action, Serve):
            self._serve(action.term)
        elif isinstance(action, Retire):
            self._retire()
