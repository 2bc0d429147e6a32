"""Every fault by the name it has in the published baseline, and what is promised for it."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.errors import InvalidInput
from backend.lab.failover import faults
from backend.lab.failover.places import WITNESSES
from backend.lab.failover.scene import Scene
from backend.lab.topology import Net

BOTH = tuple(str(net) for net in Net)
CLIENTS_ARP = 2000.0  # ms until a client asks again for an address that did not answer it
AROUND = 2.0  # seconds until everything is whole again after a fault
SHORT = 4.0  # seconds that a shortened fault takes, about
CALM = 10.5  # the agent hands over for health every 10 s at most


@dataclass(frozen=True, slots=True)
class Promise:
    """What must hold in every repetition; times are milliseconds. Two heads never serve."""

    median: float | None = None  # of the outages
    worst: float | None = None  # outage
    apart: float | None = None  # the networks' virtual IPs
    takeovers: int | None = None  # exactly
    after: float | None = 100.0  # the longest outage after the heal


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which things go wrong."""

    name: str
    title: str
    run: Callable[[Scene], None]
    promise: Promise
    seconds: float  # that it takes, about
    prepare: Callable[[Scene], None] | None = None  # not measured
    nets: tuple[str, ...] = BOTH  # on which outages count
    long: bool = False  # is repeated less often
    ours_only: bool = False
    calm: bool = False  # needs a head that has not just handed over
    processors: int = 1  # that the machine must have

    def takes(self, short: bool) -> float:
        """Return the seconds that it takes, about, with what is around it."""
        return AROUND + (min(self.seconds, SHORT) if short else self.seconds)


ONE = Promise(worst=1000, takeovers=1)
NONE = Promise(worst=100, takeovers=0)
BLIND = Promise(after=CLIENTS_ARP)
FAULTS = (
    Fault("F0", "nothing happens", faults.nothing, Promise(worst=100, takeovers=0, after=None), 22, long=True),
    Fault("F1", "power loss of the active head", faults.power_loss,
          Promise(median=300, worst=400, takeovers=1), 3.5),
    Fault("F2", "private cable of the active head cut", faults.cable(Net.PRIVATE), ONE, 6, calm=True),
    Fault("F3", "public cable of the active head cut", faults.cable(Net.PUBLIC), ONE, 6, calm=True),
    Fault("F2s", "private path dead, carrier up", faults.dead_path(Net.PRIVATE), ONE, 7, calm=True),
    # The heads are alone on the public network: neither can know which of them it is.
    Fault("F3s", "public path dead, carrier up", faults.dead_path(Net.PUBLIC), BLIND, 7, calm=True),
    Fault("F4", "both cables of the active head cut", faults.both_cables, ONE, 5),
    Fault("F4i", "both paths dead, carriers up", faults.isolated, ONE, 5),
    Fault("F4s", "the heads do not hear each other", faults.apart, NONE, 9),
    Fault("F5", "kill -9 of the engine", faults.killed, Promise(worst=400), 8),
    Fault("F5r", "kill -9, restarted after 0.2 s", faults.restarted, Promise(worst=400), 5),
    Fault("F6", "SIGSTOP for 10 s", faults.frozen, Promise(worst=400), 14, long=True),
    Fault("F6s", "random stops of the active head", faults.stutter, Promise(worst=1000), 45, long=True),
    Fault("F6v", "all stand still for 0.2 to 1 s", faults.all_frozen, Promise(worst=1500, takeovers=0), 4),
    Fault("F7a", "20 % loss", faults.lossy(20), Promise(worst=250, takeovers=0), 65, long=True),
    Fault("F7b", "40 % loss", faults.lossy(40), Promise(worst=250, takeovers=0), 65, long=True),
    Fault("F8", "the active head's processor starved", faults.starving,
          Promise(worst=250, takeovers=0), 35, long=True, processors=2),
    Fault("F9", "the standby does not hear the active head", faults.deaf, NONE, 9),
    Fault("F10", "planned switchover", faults.switchover, Promise(median=10, apart=10, takeovers=1), 3),
    Fault("F11", "the old active head returns", faults.returns, NONE, 7, prepare=faults.without_active),
    Fault("W0", "all witnesses off", faults.witnesses_off(*WITNESSES), NONE, 8, ours_only=True),
    Fault("W1", "all witnesses but one off", faults.witnesses_off(*WITNESSES[1:]), NONE, 8, ours_only=True),
    Fault("W0S", "all witnesses off, then the standby", faults.alone, NONE, 10, ours_only=True),
    Fault("S0", "the standby off", faults.standby_off, NONE, 7),
    Fault("P0", "the private switch dead", faults.private_switch_dead,
          Promise(worst=100, takeovers=0, after=CLIENTS_ARP), 8, nets=("public",)),
    Fault("C0", "both heads start cold", faults.cold_boot, Promise(takeovers=0), 7, prepare=faults.both_off),
)  # fmt: skip


def chosen(words: str) -> tuple[Fault, ...]:
    """Return the faults of a list such as "F1,F7": all of them for none, and F7 is F7a and F7b.

    Raises InvalidInput for a name that there is not.
    """
    names = [word.strip() for word in words.split(",") if word.strip()]
    found = []
    for name in names:
        alike = [
            one
            for one in FAULTS
            if name in (one.name, one.name[:-1] if one.name[-1] in "ab" else "")
        ]
        if not alike:
            known = ", ".join(one.name for one in FAULTS)
            raise InvalidInput.of(
                "bench.fault", f"There is no fault {name[:20]!a}.", f"There are {known}."
            )
        found += [one for one in alike if one not in found]
    return tuple(found) if names else FAULTS
