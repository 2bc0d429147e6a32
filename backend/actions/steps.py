"""The state of the five steps, looked up anew each time: what the machine shows, not what was done."""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from backend.actions.agent_client import ask_agent
from backend.actions.status import Status
from backend.actions.status_drill import last_drill
from backend.actions.status_recovery import Recovery, standing
from backend.actions.step_states import (
    Facts,
    ImageSeen,
    StandbySeen,
    StepState,
    StepStatus,
    next_step,
    step_states,
)
from backend.clone.installs import Installs, InstallState
from backend.discovery.survey import LookAround
from backend.errors import HaoscarError
from backend.imaging.catalog import Catalog
from backend.model.addresses import Mac
from backend.model.names import InterfaceName
from backend.model.site import Site, Standby
from backend.netboot import dhcp
from backend.netboot.plan import BOOT_UNIT
from backend.packages.catalog import missing
from backend.packages.installer import distribution_of, package_tool
from backend.paths import Paths
from backend.reports import Report
from backend.rollout.record import Record
from backend.system.files import read_if_there
from backend.system.services import services
from backend.tasks import TaskContext
from backend.wiring import Wiring

__all__ = ["StepLooker", "StepState", "StepStatus", "next_step", "private_interface"]

PACKAGE_DATABASES = (
    "/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
)  # fmt: skip
PATIENCE = 1.0  # seconds for the agent's answer; it comes within milliseconds


class StepLooker:
    """Looks at the machine, one look at a time; cheap enough for every few seconds."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._packages: tuple[float, tuple[str, ...] | None] | None = None
        self._installs: dict[Mac, tuple[object, InstallState | None]] = {}

    def look(self, _context: TaskContext | None = None) -> tuple[StepStatus, ...]:
        """Return the states of the steps; what cannot be read counts as not there."""
        return step_states(self.facts())

    def facts(self) -> Facts:
        """Return what there is to see."""
        paths = self._wiring.paths
        site, problem = _site(self._wiring)
        changed = _changed(paths)
        agents = Record(paths).members()
        drill = last_drill(paths)
        standbys = () if site is None else site.standbys
        return Facts(
            missing_packages=self._missing(changed),
            packages_changed=changed,
            images=_images(paths),
            site=site is not None,
            site_problem=problem,
            primary="" if site is None else site.primary.name,
            standbys=tuple(self._standby(one, one.name in agents) for one in standbys),
            dhcp_included=_dhcp_included(paths),
            boot_server=self._boot_server(),
            primary_agent=site is not None and site.primary.name in agents,
            agents_installed=_mtime(paths.state / "agents.json"),
            drill=drill.verdict if drill is not None else None,
            drill_passed=drill is not None and drill.passed,
            unwell=_unwell(paths) if agents and drill is None else "",
        )

    def _missing(self, changed: float) -> tuple[str, ...] | None:
        """Return the missing packages; asked anew only when the package database has changed."""
        if self._packages is None or self._packages[0] != changed or not changed:
            try:
                wiring = self._wiring
                family = distribution_of(wiring.paths).family
                found = missing(family, package_tool(wiring.paths, wiring.runner).installed())
            except HaoscarError:
                return None
            self._packages = (changed, found)
        return self._packages[1]

    def _boot_server(self) -> bool | None:
        asked = services(self._wiring.paths, self._wiring.runner)
        return asked.units([BOOT_UNIT])[BOOT_UNIT].active if asked.available else None

    def _standby(self, standby: Standby, agent: bool) -> StandbySeen:
        mac = standby.mac
        if mac is None:
            return StandbySeen(str(standby.name), str(standby.image), agent=agent)
        installs = Installs(self._wiring.paths)
        mark = installs.mark(mac)
        if mac not in self._installs or self._installs[mac][0] != mark:
            try:
                self._installs[mac] = (mark, installs.state(mac) if mark else None)
            except HaoscarError:
                self._installs[mac] = (mark, None)
        state = self._installs[mac][1]
        seen = StandbySeen(str(standby.name), str(standby.image), str(mac), agent=agent)
        if state is None:
            return seen
        return replace(
            seen,
            ticket=state.ticket.at(time.time()).state,  # a window closes without anybody's doing
            version=state.ticket.version,
            installed=_installed(installs, state),
            stage=state.stage,
            share=state.done / state.total if state.done is not None and state.total else None,
            failure=state.failure or state.ticket.reason,
        )


def private_interface(wiring: Wiring, context: TaskContext) -> str:
    """Return the interface of the private network: the site's, else what discovery takes it for."""
    site, _problem = _site(wiring)
    if site is not None:
        return str(site.private.interface)
    found = LookAround(wiring.paths, wiring.runner, ask_wire=False).run(context)
    side = found.sides.private
    return str(side.interface) if side is not None else ""


def checked_interface(wiring: Wiring, name: str, context: TaskContext) -> str:
    """Return an interface that a person named; raises InvalidInput when it is not there."""
    wanted = InterfaceName.parse(name)
    LookAround(wiring.paths, wiring.runner, wanted, ask_wire=False).run(context)
    return str(wanted)


def _site(wiring: Wiring) -> tuple[Site | None, Report | None]:
    store = wiring.store()
    if not store.exists():
        return None, None
    try:
        return store.load(), None
    except HaoscarError as problem:
        return None, problem.reports[0]


def _images(paths: Paths) -> dict[str, ImageSeen]:
    found: dict[str, ImageSeen] = {}
    catalog = Catalog(paths)
    for name in catalog.names():
        try:
            newest = catalog.latest(name)
            facts = newest.facts()
            created = datetime.fromisoformat(facts.created).timestamp()
        except (HaoscarError, ValueError):
            continue
        found[str(name)] = ImageSeen(newest.number, created, facts.user is None)
    return found


def _installed(installs: Installs, state: InstallState) -> float:
    """Return when the clone reported: nobody writes its ticket afterwards."""
    if not state.succeeded:
        return 0.0
    return _mtime(installs.directory(state.ticket.mac) / "ticket.json")


def _dhcp_included(paths: Paths) -> bool:
    try:
        content = read_if_there(paths.at(dhcp.CONFIG)) or b""
    except OSError:
        return False
    return dhcp.with_include(content) == content and paths.at(dhcp.INCLUDE).exists()


def _changed(paths: Paths) -> float:
    return max((_mtime(paths.at(Path(one))) for one in PACKAGE_DATABASES), default=0.0)


def _unwell(paths: Paths) -> str:
    """Return why the pair is not healthy, as the agent of this head sees it; "" when it is."""
    try:
        status = Status.of(ask_agent(paths, "status", limit=PATIENCE))
    except HaoscarError as problem:
        return problem.reports[0].text
    found = standing(status, ())
    return "" if found.state is Recovery.HEALTHY else found.why


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
