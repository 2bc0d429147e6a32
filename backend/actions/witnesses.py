"""Who may vote besides the heads: which nodes are proposed, and what a choice does to the site."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.agentfile.members import ENOUGH, participants
from backend.errors import HaoscarError
from backend.model.agent import AgentPolicy, WithoutWitness
from backend.model.names import HostName
from backend.model.site import Site


@dataclass(frozen=True, slots=True)
class WitnessChoice:
    """Which nodes vote, and what a standby does where none does."""

    names: tuple[HostName, ...]
    without: WithoutWitness = WithoutWitness.HOLD  # counts only where nobody votes

    def applied(self, site: Site) -> Site:
        """Return the site with this choice; the same one where it says so already."""
        if self.names and voting(site) == set(self.names):
            return site
        policy = site.agent or AgentPolicy()
        policy = replace(policy, witnesses=self.names)
        if not self.names:
            policy = replace(policy, takeover_without_witness=self.without)
        return replace(site, agent=policy)


def voting(site: Site) -> set[str]:
    """Return the names of the nodes that vote as the site stands; none where it cannot be told."""
    try:
        return {one.name for one in participants(site) if not one.head}
    except HaoscarError:
        return set()


def proposed(site: Site, reachable: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes to be proposed as witnesses: as the site file says where it does.

    Else the first three nodes that can be reached, or one: an even number of voters survives no
    more losses than one voter less.
    """
    if site.agent is not None and site.agent.witnesses is not None:
        return tuple(str(one) for one in site.agent.witnesses)
    return tuple(reachable[: ENOUGH if len(reachable) >= ENOUGH else 1])
