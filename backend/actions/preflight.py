"""Everything that would go wrong later, found before anything is set up."""

from backend.clone.constants import BOOT_PORT, SSH_PORT
from backend.discovery.preflight import check
from backend.discovery.survey import LookAround, Survey
from backend.errors import HaoscarError
from backend.model.distribution import Family
from backend.model.names import InterfaceName
from backend.packages import catalog
from backend.packages.installer import package_tool
from backend.reports import Report
from backend.tasks import TaskContext
from backend.wiring import Wiring


def findings(wiring: Wiring, survey: Survey) -> tuple[Report, ...]:
    """Return what a look around says about this head, errors first."""
    missing = _missing(wiring, survey.host.distribution.family)
    return check(survey, (BOOT_PORT, SSH_PORT), missing)


def look(wiring: Wiring, context: TaskContext, private: str = "") -> tuple[Report, ...]:
    """Look around, asking the wire too, which takes some seconds, and return the findings.

    ``private`` is the interface of the private network, "" when nobody has chosen it. Raises
    InvalidInput when it is none, Cancelled, HaoscarError.
    """
    chosen = InterfaceName.parse(private) if private else None
    return findings(wiring, LookAround(wiring.paths, wiring.runner, chosen).run(context))


def _missing(wiring: Wiring, family: Family) -> tuple[str, ...]:
    """Return the packages that are missing; none where they cannot be known."""
    try:
        installed = package_tool(wiring.paths, wiring.runner).installed()
    except HaoscarError:
        return ()  # the distribution is reported by itself
    return catalog.missing(family, installed)
