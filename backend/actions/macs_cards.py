"""Assign MAC to Node, Assign all MACs, Delete MAC from Node: what the window's buttons ask for."""

from dataclasses import dataclass

from backend.actions.action import Person, Prepared
from backend.actions.letting_in import LetIn
from backend.actions.macs_assign import give, give_all, take
from backend.actions.macs_install import Desk, admission, in_the_windows_words
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.tasks import TaskContext


@dataclass(frozen=True, slots=True)
class AssignMac:
    """Gives a card to a standby and lets the machine be installed. An Action.

    Preparing raises Refused with assignment.NEEDS_CONFIRMATION for a compute node's card, unless
    ``node_is_mine``.
    """

    desk: Desk
    mac: Mac
    standby: str
    node_is_mine: bool = False

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Assign {self.mac} to {self.standby}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[LetIn | None]:
        """See Action.prepare."""
        del person
        site = _site(self.desk, context)
        try:
            given = give(site, self.mac, self.standby, node_is_mine=self.node_is_mine)
        except Refused as problem:
            raise Refused(*in_the_windows_words(problem.reports)) from problem
        return admission(self.desk, site, given, self.title, context).prepared()


@dataclass(frozen=True, slots=True)
class AssignAll:
    """Gives the oldest free cards to the standbys without one. An Action.

    Cards of compute nodes are left out, and named.
    """

    desk: Desk
    title: str = "Assign all MACs"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[LetIn | None]:
        """See Action.prepare."""
        del person
        site = _site(self.desk, context)
        taken = {one.mac for one in site.standbys}
        free = [one.mac for one in self.desk.live.machines() if one.mac not in taken]
        given = give_all(site, free, nodes_are_mine=False)
        return admission(self.desk, site, given, self.title, context).prepared()


@dataclass(frozen=True, slots=True)
class DeleteMac:
    """Takes the card from a standby and returns it to the list. An Action."""

    desk: Desk
    standby: str

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Delete the MAC address from {self.standby}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[LetIn | None]:
        """See Action.prepare."""
        del person
        site = _site(self.desk, context)
        return admission(self.desk, site, take(site, self.standby), self.title, context).prepared()


def _site(desk: Desk, context: TaskContext) -> Site:
    context.step("Reading the site")
    return desk.wiring.store().load()
