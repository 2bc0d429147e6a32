"""Collecting MAC addresses as a task, and the list that is kept from one run to the next."""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.discovery.machine_kind import Kind
from backend.discovery.macs import Collection, Machine
from backend.errors import Cancelled, InvalidInput
from backend.model.addresses import Mac
from backend.model.names import HostName, InterfaceName
from backend.model.site import Firmware
from backend.paths import Paths
from backend.system.files import make_private, read_if_there, write_atomically
from backend.system.packets import Batch, listen
from backend.tasks import TaskContext

FILE = "macs.json"  # below the state directory, which is root's alone

Listen = Callable[
    [InterfaceName, Callable[[Batch], None], Callable[[], bool]], None
]  # as packets.listen


def _nobody(_machines: list[Machine]) -> None:
    """Throw news away: the listener of nobody."""


@dataclass
class CollectMacs:
    """Listens until cancelled, for some time, or until enough machines were heard.

    Cancelling ends it well: the user has seen what was wanted.
    """

    interface: InterfaceName
    collection: Collection
    seconds: float | None = None
    until_count: int | None = None  # machines heard in this run
    on_news: Callable[[list[Machine]], None] = _nobody  # called in the task's thread
    on_listening: Callable[[], None] = lambda: None  # from then on nothing is missed
    listen: Listen = listen
    clock: Callable[[], float] = time.monotonic

    @property
    def title(self) -> str:
        """What the task does, as a heading."""
        return f"Collecting MAC addresses on {self.interface}"

    def run(self, context: TaskContext) -> Collection:
        """Listen in the calling thread; raises HaoscarError when listening is impossible."""
        context.step(self.title)
        began = self.clock()
        heard: set[Mac] = set()
        listening = False

        def take(batch: Batch) -> None:
            nonlocal listening
            if not listening:
                listening = True
                self.on_listening()
            news = self.collection.take(batch.frames, batch.lost)
            heard.update(news)
            if news:
                known = (self.collection.get(mac) for mac in news)
                self.on_news([machine for machine in known if machine is not None])
            with contextlib.suppress(Cancelled):  # ``ended`` is asked next
                context.progress(len(heard), None, "machines")  # nobody can say how long it takes

        def ended() -> bool:
            late = self.seconds is not None and self.clock() - began >= self.seconds
            enough = self.until_count is not None and len(heard) >= self.until_count
            return late or enough or context.cancel.cancelled

        self.listen(self.interface, take, ended)
        for report in self.collection.reports():
            context.say(report)
        return self.collection


def load_collection(paths: Paths, into: Collection) -> None:
    """Put the machines of the last run into a collection; raises InvalidInput for a damaged file."""
    path = paths.state / FILE
    content = read_if_there(path)
    if content is None:
        return
    try:
        for fields in json.loads(content)["machines"]:
            into.put(from_json(fields))
    except (ValueError, LookupError, TypeError) as problem:
        raise InvalidInput.of(
            "macs.list-damaged",
            f"The list of collected MAC addresses {path} is damaged: {problem}.",
            "Remove the file and collect again; assigned addresses are in site.toml.",
        ) from problem


def save_collection(paths: Paths, collection: Collection) -> None:
    """Keep the list for the next run, readable by root only; raises OSError."""
    make_private(paths.state)
    lines = ",\n".join(json.dumps(to_json(machine)) for machine in collection)
    write_atomically(paths.state / FILE, f'{{"machines": [\n{lines}\n]}}\n'.encode(), 0o600)


def to_json(machine: Machine) -> dict[str, Any]:
    """Return a machine for JSON; times are seconds since the epoch."""
    return {
        "mac": machine.mac,
        "first_heard": machine.first_heard,
        "last_heard": machine.last_heard,
        "times_heard": machine.times_heard,
        "attempts": machine.attempts,
        "kind": machine.kind,
        "heard_as": list(machine.heard_as),
        "firmware": machine.firmware,
        "architecture": machine.architecture,
        "description": machine.description,
        "boots_from_network": machine.boots_from_network,
        "vendor_class": machine.vendor_class,
        "host_name": machine.host_name,
        "uuid": None if machine.uuid is None else str(machine.uuid),
        "vlan": machine.vlan,
        "node": machine.node,
    }


def from_json(fields: Mapping[str, Any]) -> Machine:
    """Read what to_json wrote; raises ValueError (InvalidInput is one), LookupError or TypeError."""
    kind, firmware, number, node = (
        fields["kind"], fields["firmware"], fields["uuid"], fields["node"],
    )  # fmt: skip
    return Machine(
        mac=Mac.parse(fields["mac"]),
        first_heard=float(fields["first_heard"]),
        last_heard=float(fields["last_heard"]),
        times_heard=int(fields["times_heard"]),
        attempts=int(fields["attempts"]),
        kind=None if kind is None else Kind(kind),
        heard_as=tuple(Kind(one) for one in fields["heard_as"]),
        firmware=None if firmware is None else Firmware(firmware),
        architecture=_text(fields["architecture"]),
        description=_text(fields["description"]) or "",
        vendor_class=_text(fields["vendor_class"]),
        host_name=_text(fields["host_name"]),
        uuid=None if number is None else UUID(number),
        vlan=None if fields["vlan"] is None else int(fields["vlan"]),
        node=None if node is None else HostName.parse(node),
    )


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.isprintable()):
        return value
    raise ValueError(f"{value!r} is no printable text")
