"""Step 1 as an action: what is missing is named with its purpose, installed, and can be undone."""

from pathlib import Path

import pytest

from backend.actions import preflight
from backend.actions.packages import InstallMissing, look, missing
from backend.change.preview import ChangeKind
from backend.discovery.host import HostFacts
from backend.discovery.survey import Survey
from backend.errors import CommandFailed, Refused
from backend.model.distribution import Family, parse_os_release
from backend.packages.catalog import wanted
from backend.paths import Paths
from backend.system.runner import Command, Result, failure
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.fakes.persons import NOBODY
from tests.unit.test_packages_tools import Machine

DEBIAN = 'ID=debian\nVERSION_ID="12"\n'
NAMES = tuple(wanted(Family.DEBIAN))


def listed(*names: str) -> str:
    """Return what dpkg-query says when these packages are installed."""
    return "".join(f"installed {name}\n" for name in names)


def head(root: Path, machine: Machine, release: str = DEBIAN) -> Wiring:
    """Return a head below a directory whose programs are the machine's."""
    (root / "etc").mkdir()
    (root / "etc" / "os-release").write_text(release)
    return Wiring(Paths(root), machine)


def test_what_is_missing_is_shown_with_its_purpose(tmp_path: Path) -> None:
    wiring = head(tmp_path, Machine(listed(*NAMES[2:]), ""))
    assert [one.name for one in missing(look(wiring))] == list(NAMES[:2])
    prepared = InstallMissing(wiring).prepare(TaskContext(), NOBODY)
    [group] = prepared.groups
    assert [one.kind for one in group.changes] == [ChangeKind.PACKAGES] * 2
    assert [one.why for one in group.changes] == [wanted(Family.DEBIAN)[one] for one in NAMES[:2]]
    assert NAMES[0] in group.changes[0].sentence
    assert "2 packages" in prepared.sentence
    assert "neither started nor enabled" in prepared.sentence
    assert not prepared.idle


def test_installing_goes_through_the_journal_and_is_taken_back(tmp_path: Path) -> None:
    after = listed(*NAMES, "libextra")
    machine = Machine(listed(*NAMES[1:]), after, simulated=f"Inst {NAMES[0]}\nInst libextra\n")
    wiring = head(tmp_path, machine)
    action = InstallMissing(wiring)
    prepared = action.prepare(TaskContext(), NOBODY)
    assert "1 package and" in prepared.sentence
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.details == tuple(sorted((NAMES[0], "libextra")))
    assert outcome.sentence == "Installed: 2 packages."
    again = action.prepare(TaskContext(), NOBODY)
    assert again.idle
    assert again.sentence == "Nothing is missing."

    machine.installed.append(listed(*NAMES[1:]))
    machine.simulated = f"Purg {NAMES[0]}\nPurg libextra\n"
    wiring.journal().undo(outcome.undo, TaskContext())
    assert any("--assume-yes purge" in one for one in machine.ran)


def test_a_distribution_that_is_not_known_is_refused(tmp_path: Path) -> None:
    wiring = head(tmp_path, Machine("", ""), "ID=plan9\n")
    with pytest.raises(Refused, match="not known"):
        InstallMissing(wiring).prepare(TaskContext(), NOBODY)


class Broken(Machine):
    """A machine whose package tool does not answer."""

    def run(self, command: Command, *, check: bool = True) -> Result:
        raise failure(Result(command, 2, "", "dpkg-query: database is locked", 0.0))


def test_preflight_names_missing_packages_and_lives_without_a_package_tool(tmp_path: Path) -> None:
    debian = parse_os_release(DEBIAN)
    survey = Survey(HostFacts(name=None, root=True, distribution=debian))
    wiring = head(tmp_path, Machine(listed(*NAMES[1:]), ""))
    found = {one.code: one for one in preflight.findings(wiring, survey)}
    assert NAMES[0] in found["packages.missing"].text
    broken = Wiring(wiring.paths, Broken("", ""))
    with pytest.raises(CommandFailed):
        look(broken)
    codes = [one.code for one in preflight.findings(broken, survey)]
    assert "packages.missing" not in codes
    assert "host.name" in codes
