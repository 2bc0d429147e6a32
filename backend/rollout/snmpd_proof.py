"""Asks a head's snmpd, on the head itself, for what the watch list will ask it."""

from dataclasses import dataclass

from backend.errors import HaoscarError
from backend.model.secrets import Secret
from backend.rollout import snmpd_look
from backend.rollout.snmpd_look import SnmpdFacts
from backend.rollout.waiting import Patience
from backend.snmpd.files import community_of
from backend.snmpd.needs import Wish
from backend.snmpd.wanted import Wanted
from backend.system.runner import Runner

UCD = "1.3.6.1.4.1.2021"
PROC_NAMES, LOADS, DISK_PATHS = f"{UCD}.2.1.2", f"{UCD}.10.1.3", f"{UCD}.9.1.2"


def prove(
    runner: Runner, wish: Wish, lines: Wanted, found: SnmpdFacts, key: Secret, patience: Patience
) -> tuple[str, ...]:
    """Wait until snmpd answers with the lines that it was given; raises HaoscarError.

    Returns the mounted file systems that it leaves out, because it does not know their kind.
    """
    heard = bool(lines.listen) or found.existing.reaches(wish.address)
    asked = _Asked(runner, wish.address if heard else "127.0.0.1", community_of(key))
    deadline = patience.clock() + patience.well
    while True:
        missing = asked.missing(lines)
        if not missing:
            break
        if patience.clock() >= deadline:
            raise HaoscarError.of(
                "rollout.snmpd-silent",
                f"snmpd does not answer at {asked.address} as it should: {missing}.",
            )
        patience.sleep(patience.between)
    mounted = [one for one in lines.disks if one == "/" or one in found.head.mounts]
    known = asked.values(DISK_PATHS) if mounted else frozenset()
    return tuple(one for one in mounted if one not in known)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The snmpd of a head, asked on that head."""

    runner: Runner
    address: str
    community: Secret

    def values(self, oid: str) -> frozenset[str]:
        """Return the values of a column; raises HaoscarError."""
        return frozenset(snmpd_look.walk(self.runner, self.address, self.community, oid).values())

    def missing(self, lines: Wanted) -> str:
        """Return what is not answered yet; nothing when all is."""
        try:
            left = frozenset(lines.procs) - (self.values(PROC_NAMES) if lines.procs else set())
            if left:
                return f"nothing about proc {', '.join(sorted(left))}"
            # The load is always told, so this also shows that it answers at all.
            return "" if self.values(LOADS) else "nothing about the load"
        except HaoscarError as problem:
            return problem.reports[0].text.rstrip(".")
