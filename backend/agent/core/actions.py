"""What a head wants done, as data, in this order. A failed CloseGate must end the process."""

from __future__ import annotations

from typing import NamedTuple, Union

from backend.agent.core.messages import Message


class Send(NamedTuple):
    """Send one message to each of ``to``, over every network that both ends have."""

    to: tuple[int, ...]
    message: Message


class OpenGate(NamedTuple):
    """Let the kernel pass the virtual IPs until this moment, and no longer."""

    until: int


class CloseGate(NamedTuple):
    """Let nothing of the virtual IPs pass, now."""


class AddAddresses(NamedTuple):
    """Configure the virtual IPs on all interfaces at once."""


class RemoveAddresses(NamedTuple):
    """Take the virtual IPs away."""


class Announce(NamedTuple):
    """Tell the networks by gratuitous ARP where the virtual IPs are, and go on doing so."""


class Persist(NamedTuple):
    """Store the term; ``promise`` is a promise's version (0: none) and needs a Persisted event."""

    term: int
    promise: int


class Serve(NamedTuple):
    """This head became active: start the resources."""

    term: int


class Retire(NamedTuple):
    """This head is no longer active: stop the resources."""


Action = Union[
    Send, OpenGate, CloseGate, AddAddresses, RemoveAddresses, Announce, Persist, Serve, Retire
]
