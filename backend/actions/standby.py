"""Step 3: what a standby is defined upon, what is proposed for it, and defining and removing one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.survey import CarefulAsker
from backend.change.plan import Plan
from backend.change.preview import ChangeKind, preview
from backend.change.records import ChangeRecord
from backend.clone.installs import Installs
from backend.discovery.proposal import propose_site
from backend.discovery.survey import LookAround, Survey
from backend.errors import InvalidInput, Refused
from backend.imaging.catalog import Catalog
from backend.model.names import HostName, ImageName, InterfaceName
from backend.model.requests import AddStandbyRequest
from backend.model.site import Site, Standby
from backend.netboot.admission import assignment_plan
from backend.netboot.dhcp import INCLUDE
from backend.netboot.dhcp_facts import read_dhcp_facts
from backend.reports import Place, Report, error
from backend.rollout.record import Record
from backend.standby.checks import check, require_ok
from backend.standby.proposal import Proposal, image_names, propose, values_of
from backend.standby.request import forget_step, image_source, plan, read_hosts
from backend.tasks import TaskContext
from backend.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Ground:
    """What a standby's definition is judged by: this head, its wires, its site and its images."""

    wiring: Wiring
    survey: Survey
    site: Site  # the stored one, or the one that is written with the first standby
    images: tuple[ImageName, ...]  # of the catalogue
    asker: CarefulAsker

    @classmethod
    def of(cls, wiring: Wiring, survey: Survey, *, ask_wire: bool = True) -> Self:
        """Read the rest; raises InvalidInput for a damaged site file, Refused without any site."""
        store = wiring.store()
        site = store.load() if store.exists() else propose_site(survey)
        asker = CarefulAsker(survey, enabled=ask_wire)
        return cls(wiring, survey, site, Catalog(wiring.paths).names(), asker)

    @classmethod
    def look(cls, wiring: Wiring, context: TaskContext, private: str = "") -> Self:
        """Look at everything anew; raises HaoscarError, Cancelled.

        ``private`` is the interface that counts as the private one while no site file says it.
        """
        survey = LookAround(wiring.paths, wiring.runner, ask_wire=False).run(context)
        found = survey.sides.private
        if private and not wiring.store().exists() and private != (found and found.interface):
            chosen = InterfaceName.parse(private)
            survey = LookAround(wiring.paths, wiring.runner, chosen, ask_wire=False).run(context)
        return cls.of(wiring, survey)

    def propose(self) -> Proposal:
        """Return a value for every field, and why."""
        return propose(self.site, self.survey, self.images, self.asker)

    def doubts(self, request: AddStandbyRequest) -> tuple[Report, ...]:
        """Return what only warns about a request; raises InvalidInput with every wrong field."""
        hosts = read_hosts(self.wiring.paths)
        found = check(request, self.site, self.survey, self.images, self.asker, hosts)
        return require_ok(found)

    def plan(self, request: AddStandbyRequest, before: str = "") -> Plan:
        """Return the plan that adds or changes the standby; ``before``: see standby.request.plan."""
        paths, site = self.wiring.paths, self.site
        known = site.image(request.image) is not None
        source = None if known else image_source(Catalog(paths), request.image)
        return plan(paths, site, request, self.wiring.store().write_step, source, before)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the panel shows before anybody has typed anything."""

    proposal: Proposal
    images: tuple[str, ...]
    interfaces: tuple[str, ...]
    sides: tuple[str, ...]  # which network is the private one and which the public, and why
    standbys: Mapping[str, Mapping[str, str]]  # those that are defined: the form's strings
    reports: tuple[Report, ...]


def offer(wiring: Wiring, private: str, context: TaskContext) -> Offer:
    """Look around and propose a further standby; raises HaoscarError, Cancelled."""
    ground = Ground.look(wiring, context, private)
    context.step("Looking for free addresses")
    proposal = ground.propose()
    sides = ground.survey.sides
    return Offer(
        proposal,
        image_names(ground.site, ground.images),
        tuple(str(link.name) for link in ground.survey.snapshot.links),
        tuple(side.why for side in (sides.private, sides.public) if side is not None),
        {str(one.name): values_of(one) for one in ground.site.standbys},
        (*sides.reports, *ground.asker.reports, *proposal.reports),
    )


@dataclass(frozen=True, slots=True)
class AddStandby:
    """Defines a standby, or changes the one called ``before``; nothing happens to the machine."""

    wiring: Wiring
    request: AddStandbyRequest
    before: str = ""
    private: str = ""  # see Ground.look

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Add the standby {self.request.name}"

    def judge(self, context: TaskContext) -> tuple[Report, ...]:
        """Return what is wrong or doubtful about the fields; raises HaoscarError for the rest."""
        try:
            return self._ground(context)[1]
        except InvalidInput as problem:
            return problem.reports

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        del person
        ground, doubts = self._ground(context)
        made = ground.plan(self.request, self.before if self._renames else "")
        before = f" instead of {self.before}" if self._renames else ""
        return _prepared(
            self.wiring, made, doubts,
            f"{self.request.name} is defined{before}, as a clone of {self.request.image}.",
            "Collect the MAC address of the machine that becomes the standby.",
        )  # fmt: skip

    def _ground(self, context: TaskContext) -> tuple[Ground, tuple[Report, ...]]:
        """Return what the definition stands on, and the doubts about it."""
        ground = Ground.look(self.wiring, context, self.private)
        ground = replace(ground, site=self._under_its_new_name(ground.site))
        doubts = ground.doubts(self.request)
        return ground, (*ground.asker.reports, *doubts)

    @property
    def _renames(self) -> bool:
        return self.before not in ("", self.request.name)

    def _under_its_new_name(self, site: Site) -> Site:
        """Return the site as if the standby had always had its new name; raises InvalidInput."""
        name = self.request.name
        if name != self.before and site.standby(name) is not None:
            raise InvalidInput.of(
                "standby.name-taken", f"A standby {name} is defined already.",
                "Give another name, or change that one: select it and press Edit.", Place(field="name"),
            )  # fmt: skip
        if not self._renames:
            return site
        _refuse_bound(self.wiring, _defined(site, self.before), "renamed")
        standbys = (
            replace(one, name=name) if one.name == self.before else one for one in site.standbys
        )
        return replace(site, standbys=tuple(standbys))


@dataclass(frozen=True, slots=True)
class RemoveStandby:
    """Forgets the definition of a standby; nothing happens to the machine."""

    wiring: Wiring
    name: str

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Remove the standby {self.name}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare."""
        del person
        context.step("Reading the site")
        paths, store = self.wiring.paths, self.wiring.store()
        site = store.load()
        standby = _defined(site, self.name)
        _refuse_bound(self.wiring, standby, "removed")
        after = site.without_standby(self.name)
        facts = None
        if standby.mac is not None and paths.at(INCLUDE).exists():
            facts = read_dhcp_facts(paths)
        made = assignment_plan(self.title, after, store.write_step(after), facts)
        hosts = forget_step(paths, self.name)
        made = replace(
            made,
            sentence=f"{self.name} is no longer a standby. The machine itself is not touched.",
            steps=made.steps if hosts is None else (hosts, *made.steps),
        )
        return _prepared(self.wiring, made, (), f"{self.name} is no longer defined.", "")


def _prepared(
    wiring: Wiring, made: Plan, doubts: Iterable[Report], done: str, further: str
) -> Prepared[ChangeRecord]:
    """Return a plan of this head as what is shown and carried out."""
    changes = tuple(preview(made, wiring.paths))

    def run(context: TaskContext) -> ChangeRecord:
        return wiring.journal().apply(made, context)

    def tell(record: ChangeRecord) -> Outcome:
        return Outcome(done, undo=record.id, next=further)

    idle = all(one.kind is ChangeKind.UNCHANGED for one in changes)
    groups = (Group("This head", changes),)
    return Prepared(made.title, made.sentence, groups, run, tell, tuple(doubts), idle)


def _defined(site: Site, name: str) -> Standby:
    standby = site.standby(HostName.parse(name))
    if standby is None:
        raise Refused.of(
            "standby.unknown", f"There is no standby {name}.", "It may have been removed meanwhile."
        )
    return standby


def _refuse_bound(wiring: Wiring, standby: Standby, verb: str) -> None:
    """Refuse while an installation or the failover agents know the standby by its name."""
    problems = []
    ticket = None if standby.mac is None else Installs(wiring.paths).ticket(standby.mac)
    if ticket is not None and ticket.pending:
        problems.append(error(
            "standby.being-installed",
            f"{standby.name} cannot be {verb} while its installation is expected or running.",
            f"Wait for its end, or give it up: haoscar installs disarm {standby.name}",
        ))  # fmt: skip
    if standby.name in Record(wiring.paths).members():
        problems.append(error(
            "standby.has-agent", f"{standby.name} cannot be {verb} while it has the failover agent.",
            f"Take the agent from it first: haoscar remove-agent {standby.name}",
        ))  # fmt: skip
    if problems:
        raise Refused(*problems)
