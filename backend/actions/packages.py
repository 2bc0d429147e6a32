"""Step 1: what a head needs, what of it is missing, and installing that."""

from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.change.preview import Change, ChangeKind
from backend.change.records import ChangeRecord
from backend.packages.catalog import PackageState, install_plan, states, unsupported
from backend.packages.installer import distribution_of, package_tool
from backend.tasks import TaskContext
from backend.wiring import Wiring


def look(wiring: Wiring) -> tuple[PackageState, ...]:
    """Return the state of every needed package; raises Refused on an unknown distribution."""
    distribution = distribution_of(wiring.paths)
    installed = package_tool(wiring.paths, wiring.runner).installed()
    found = states(distribution.family, installed)
    if not found:
        raise unsupported(distribution)
    return found


def missing(found: tuple[PackageState, ...]) -> tuple[PackageState, ...]:
    """Return those that are not installed. Pure."""
    return tuple(one for one in found if not one.installed)


@dataclass(frozen=True, slots=True)
class InstallMissing:
    """Install what is missing, through the journal; starts no service. An Action."""

    wiring: Wiring
    title: str = "Install the packages a head needs"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[ChangeRecord]:
        """See Action.prepare; each package is shown with its purpose."""
        del person
        context.step("Looking which packages are missing")
        lacking = missing(look(self.wiring))
        plan = install_plan(tuple(one.name for one in lacking))
        changes = tuple(
            Change(ChangeKind.PACKAGES, f"Install {one.name}.", why=one.purpose) for one in lacking
        )
        count = f"{len(lacking)} package" + ("" if len(lacking) == 1 else "s")
        return Prepared(
            title=self.title,
            sentence=f"{count} and what they need. {plan.sentence}"
            if lacking
            else "Nothing is missing.",
            groups=(Group("This head", changes),) if changes else (),
            run=lambda task: self.wiring.journal().apply(plan, task),
            tell=_told,
            idle=not lacking,
        )


def _told(record: ChangeRecord) -> Outcome:
    names = tuple(sorted({name for step in record.steps for name in step.packages}))
    return Outcome(
        sentence=f"Installed: {len(names)} packages." if names else "Nothing was missing.",
        details=names,
        undo=record.id,
        next="Step 2: build the image for the standby.",
    )
