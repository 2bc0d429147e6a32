"""The agent of a witness: it votes, and does nothing else. Kept tiny."""

from __future__ import annotations

import gc
import os
import select
import signal

from backend.agent.core.messages import Answer, Message, Poll, Request, Resign, Status
from backend.agent.core.timing import SECOND
from backend.agent.core.voter import Voter
from backend.agent.keys import new_sessions
from backend.agent.post import Post
from backend.agent.settings import Settings
from backend.system.agent.process import become_realtime, boottime_us, notify, oom_protect
from backend.system.agent.store import Damaged, Store

BREATH = SECOND // 2  # how often the service manager hears of a witness that nobody asks


def run(settings: Settings) -> int:
    """Vote until SIGTERM or SIGINT; returns the exit code. Raises AgentError, OSError."""
    witness = Witness(settings)
    witness.run()
    return 0


class Witness:
    """One voter; everything happens in one thread."""

    def __init__(self, settings: Settings) -> None:
        self._heads = settings.as_members().heads
        self._lease = settings.timing.lease
        self._realtime = settings.realtime
        self._store = Store(f"{settings.state_directory}/witness.json")
        self._post = Post(settings, new_sessions(settings))
        term, holder = self._recall()
        self.voter = Voter.started(boottime_us(), self._lease, term, holder)
        self._stored = (term, holder)

    def run(self) -> None:
        """Vote until a signal comes."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        oom_protect()
        gc.collect()
        gc.freeze()
        gc.disable()
        if self._realtime:
            try:
                become_realtime(on_fault=True)
            except OSError as problem:
                os.write(2, f"alarm: {problem}\n".encode())
        self._post.greet()
        notify("READY=1")
        ends = self._post.filenos()
        readers = [reader, *ends]
        while True:
            ready, _, _ = select.select(readers, (), (), BREATH / SECOND)
            if reader in ready:
                break
            for end in ready:
                for arrived in self._post.receive(ends[end], boottime_us()):
                    self._answer(arrived.source, arrived.network, arrived.message)
            notify("WATCHDOG=1")
            if not ready:
                self._post.follow()  # an interface may have been made anew
        notify("STOPPING=1")
        self._post.close()

    def _recall(self) -> tuple[int, int]:
        """Return the last term and its holder; without them terms may repeat, leases never do."""
        try:
            known = self._store.read() or {}
        except (Damaged, OSError) as problem:
            os.write(2, f"{problem}\n".encode())
            known = {}
        term, holder = known.get("term"), known.get("holder")
        if isinstance(term, int) and isinstance(holder, int) and 0 <= term < 1 << 62:
            return term, holder
        return 0, 0

    def _answer(self, source: int, network: int, message: Message) -> None:
        if source not in self._heads:
            return
        now = boottime_us()
        voter = self.voter
        if isinstance(message, Request):
            granted = voter.grant(source, message, now)
            voter = granted or voter
            self.voter = voter
            remaining = max(0, voter.remaining(now))
            self._post.reply(
                source, network,
                Answer(granted is not None, voter.holder, voter.term, remaining, message.sent),
            )  # fmt: skip
            if (voter.term, voter.holder) != self._stored:
                self._remember()
        elif isinstance(message, Poll):
            remaining = max(0, voter.remaining(now))
            self._post.reply(
                source, network, Status(voter.holder, voter.term, remaining, message.sent)
            )
        elif isinstance(message, Resign):
            self.voter = voter.resign(source, message)

    def _remember(self) -> None:
        """Store term and holder after the answer has gone; a full disk must not stop the votes."""
        self._stored = (self.voter.term, self.voter.holder)
        try:
            self._store.write({"term": self._stored[0], "holder": self._stored[1]})
        except OSError as problem:
            os.write(2, f"the term could not be stored: {problem}\n".encode())
