"""The looker: facts from a made-up machine below a directory."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from backend.actions.network_boot import is_set_up
from backend.actions.status_drill import keep
from backend.actions.step_states import StepState
from backend.actions.steps import StepLooker, private_interface
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.errors import CommandFailed
from backend.model.distribution import Family
from backend.netboot import dhcp
from backend.packages.catalog import missing
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import TaskContext
from backend.wiring import Wiring
from haoscar_gui.sample import CARD, DRILL, Story, make_sample

ALL = missing(Family.DEBIAN, frozenset())


class Dpkg:
    """A runner that knows only dpkg-query, and counts how often it is asked."""

    def __init__(self) -> None:
        self.installed = ALL
        self.asked = 0

    def run(self, command: Command, **_options: object) -> Result:
        if command.argv[0] != "dpkg-query":
            raise CommandFailed.of("test.unknown", f"nobody knows {command}")
        self.asked += 1
        lines = "".join(f"installed {name}\n" for name in self.installed)
        return Result(command, 0, lines, "", 0.0)


@pytest.fixture
def dpkg() -> Dpkg:
    return Dpkg()


@pytest.fixture
def wiring(tmp_path: Path, dpkg: Dpkg) -> Wiring:
    make_sample(tmp_path)
    database = tmp_path / "var/lib/dpkg/status"
    database.parent.mkdir(parents=True)
    database.write_text("")
    os.utime(database, (1000, 1000))
    return Wiring(Paths(tmp_path), dpkg)  # type: ignore[arg-type]


def test_the_sample_is_in_the_middle_of_an_installation(wiring: Wiring) -> None:
    states = StepLooker(wiring).look()
    assert [one.state for one in states] == [
        StepState.DONE, StepState.DONE, StepState.DONE, StepState.RUNNING, StepState.NOT_STARTED,
    ]  # fmt: skip
    assert states[1].why == "serverimage v2 is the newest image."
    assert states[3].share == pytest.approx(0.42, abs=0.01)
    assert is_set_up(wiring.paths)


def test_the_samples_story_goes_on_to_a_pair(tmp_path: Path) -> None:
    wiring = make_sample(tmp_path)
    story, looker = Story(wiring), StepLooker(wiring)
    story.until(1)
    assert [one.state for one in looker.look()[3:]] == [StepState.DONE, StepState.READY]
    story.until(2)
    story.until(1)  # there is no way back
    assert {one.state for one in looker.look()} == {StepState.DONE}


def test_a_drill_that_failed_or_is_lacking_is_seen(tmp_path: Path) -> None:
    wiring = make_sample(tmp_path)
    Story(wiring).until(2)
    failed = replace(DRILL, passed=False, verdict="Failed: 31 ms, 25 were promised.")
    keep(wiring.paths, failed)
    (*_, fifth) = StepLooker(wiring).look()
    assert (fifth.state, fifth.why) == (
        StepState.FAILED, "The last drill did not pass. Failed: 31 ms, 25 were promised.",
    )  # fmt: skip
    (wiring.paths.state / "last-drill.json").unlink()
    (*_, fifth) = StepLooker(wiring).look()
    assert fifth.state is StepState.READY  # there is no agent here to say that all is well
    assert "but not healthy: No agent runs here" in fifth.why


def test_the_newest_facts_are_seen(wiring: Wiring) -> None:
    looker = StepLooker(wiring)
    assert looker.facts().standbys[0].ticket is TicketState.RUNNING
    Installs(wiring.paths).disarm(wiring.store().load().standbys[0].mac)  # type: ignore[arg-type]
    facts = looker.facts()
    assert facts.standbys[0].ticket is TicketState.DISARMED
    assert facts.standbys[0].mac == CARD.lower()
    assert facts.dhcp_included
    config, included = (wiring.paths.at(one) for one in (dhcp.CONFIG, dhcp.INCLUDE))
    content = included.read_bytes()
    included.unlink()
    assert not looker.facts().dhcp_included
    included.write_bytes(content)
    config.write_bytes(b"")
    assert not looker.facts().dhcp_included  # nothing leads to it


def test_packages_are_asked_for_only_when_their_database_has_changed(
    wiring: Wiring, dpkg: Dpkg
) -> None:
    looker = StepLooker(wiring)
    for _ in range(3):
        assert looker.facts().missing_packages == ()
    assert dpkg.asked == 1
    dpkg.installed = ALL[1:]
    os.utime(wiring.paths.at("/var/lib/dpkg/status"), (2000, 2000))
    assert looker.facts().missing_packages == ALL[:1]
    assert looker.facts().packages_changed == 2000


def test_packages_newer_than_the_image_make_it_out_of_date(wiring: Wiring) -> None:
    os.utime(wiring.paths.at("/var/lib/dpkg/status"))
    assert StepLooker(wiring).look()[1].state is StepState.OUT_OF_DATE


def test_a_damaged_site_file_is_told(wiring: Wiring) -> None:
    wiring.paths.site_file.write_text("version = 1\n[cluster\n")
    states = StepLooker(wiring).look()
    assert states[2].state is StepState.FAILED
    assert "site.toml" in states[2].why


def test_a_damaged_image_counts_as_none(wiring: Wiring) -> None:
    for number in (1, 2):
        (wiring.paths.images / f"serverimage/v{number}/image.json").write_text("{")
    assert StepLooker(wiring).facts().images == {}


def test_an_empty_machine_has_everything_before_it(tmp_path: Path) -> None:
    states = StepLooker(Wiring.rooted_at(tmp_path)).look()
    assert states[0].state is StepState.READY
    assert {one.state for one in states[1:]} == {StepState.NOT_STARTED}


def test_the_private_interface_is_the_sites(wiring: Wiring) -> None:
    assert private_interface(wiring, TaskContext()) == "eth0"
