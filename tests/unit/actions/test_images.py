"""The catalogue as the panel sees it: what is listed, verified, deleted, and what is warned about."""

from pathlib import Path

import pytest

from backend.actions import images
from backend.actions.images import DeleteUnfinished, DeleteVersions, VerifyImage
from backend.change.preview import ChangeKind
from backend.errors import HaoscarError, Refused
from backend.imaging.catalog import Catalog
from backend.model.names import ImageName
from backend.model.site import ImageSource
from backend.reports import Report, Severity
from backend.tasks import Event, TaskContext
from backend.wiring import Wiring
from panels.image_catalogue import rows_of
from tests.clone_site import site, standby
from tests.fakes.persons import NOBODY
from tests.unit.test_imaging_cli import add_version

NAME = ImageName("serverimage")


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    made = Wiring.rooted_at(tmp_path)
    add_version(made.paths, 1)
    add_version(made.paths, 2)
    return made


def define_standby(wiring: Wiring) -> None:
    """Write a site file whose standby is to be installed from the image."""
    wiring.paths.site_file.parent.mkdir(parents=True)
    described = site().with_image(ImageSource(NAME, "head")).with_standby(standby(image=NAME))
    wiring.paths.site_file.write_bytes(wiring.store().render(described))


def test_everything_is_listed_the_damaged_and_the_unfinished_too(wiring: Wiring) -> None:
    (wiring.paths.images / NAME / "v1" / "image.json").write_text("{")
    (wiring.paths.images / NAME / "v3.partial").mkdir()
    (wiring.paths.images / "other" / "v1.partial").mkdir(parents=True)
    found = images.look(wiring)
    assert [(str(one.version), one.facts is not None) for one in found.entries] == [
        ("serverimage v1", False), ("serverimage v2", True),
    ]  # fmt: skip
    assert found.entries[0].reports[0].remedy
    assert found.unfinished == ("other", "serverimage")
    rows, tags = rows_of(found)
    assert list(rows) == [
        "serverimage v2", "serverimage v1", "other cut short", "serverimage cut short",
    ]  # fmt: skip
    assert rows["serverimage v2"][4] == "head"
    assert rows["serverimage v2"][3].startswith("2026-11-22 ")
    assert tags["serverimage v1"] == "error"
    assert "damaged" in rows["serverimage v1"][3]


def test_verifying_what_is_sound_ends_with_its_size(wiring: Wiring) -> None:
    version = Catalog(wiring.paths).get(NAME, 2)
    prepared = VerifyImage(wiring, version).prepare(TaskContext(), NOBODY)
    assert prepared.idle  # nothing changes, so nobody is asked
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence.startswith("Image serverimage v2 is as it was fetched: ")
    assert outcome.reports == ()


def test_verifying_what_differs_fails_after_saying_what(wiring: Wiring) -> None:
    version = Catalog(wiring.paths).get(NAME, 2)
    for number in range(images.SHOWN + 5):
        (version.tree / f"extra{number}").write_text("")
    said: list[Event] = []
    prepared = VerifyImage(wiring, version).prepare(TaskContext(), NOBODY)
    with pytest.raises(HaoscarError) as caught:
        prepared.run(TaskContext(said.append))
    [report] = caught.value.reports
    assert report.severity is Severity.ERROR
    assert "differences" in report.text
    assert "Do not install from it" in report.remedy
    differences = [str(one) for one in said if isinstance(one, Report)]
    assert len(differences) == images.SHOWN
    assert any("extra1: not in the manifest" in one for one in differences)


def test_deleting_one_of_two_frees_and_warns_of_nothing(wiring: Wiring) -> None:
    define_standby(wiring)
    catalog = Catalog(wiring.paths)
    action = DeleteVersions(wiring, (catalog.get(NAME, 1),))
    prepared = action.prepare(TaskContext(), NOBODY)
    assert [one.kind for one in prepared.groups[0].changes] == [ChangeKind.REMOVED]
    assert "frees at least" in prepared.sentence
    assert "cannot be undone" in prepared.sentence
    assert prepared.reports == ()
    assert [one.number for one in catalog.versions(NAME)] == [1, 2]  # nothing yet
    outcome = prepared.tell(prepared.run(TaskContext()))
    assert outcome.sentence == "Deleted serverimage, v1."
    assert outcome.undo == ""
    assert [one.number for one in catalog.versions(NAME)] == [2]


def test_deleting_the_last_version_names_the_standby_that_needs_it(wiring: Wiring) -> None:
    versions = Catalog(wiring.paths).versions(NAME)
    assert DeleteVersions(wiring, versions).prepare(TaskContext(), NOBODY).reports == ()
    define_standby(wiring)
    [doubt] = DeleteVersions(wiring, versions).prepare(TaskContext(), NOBODY).reports
    assert "standby1" in doubt.text
    wiring.paths.site_file.write_text("rubbish")
    assert DeleteVersions(wiring, versions).prepare(TaskContext(), NOBODY).reports == ()


def test_a_version_in_use_is_not_deleted(wiring: Wiring) -> None:
    version = Catalog(wiring.paths).get(NAME, 2)
    prepared = DeleteVersions(wiring, (version,)).prepare(TaskContext(), NOBODY)
    with Catalog(wiring.paths).using(version), pytest.raises(Refused, match="in use"):
        prepared.run(TaskContext())
    assert version.directory.is_dir()


def test_what_a_cut_fetch_left_can_be_deleted(wiring: Wiring) -> None:
    partial = wiring.paths.images / NAME / "v3.partial"
    partial.mkdir()
    prepared = DeleteUnfinished(wiring, NAME).prepare(TaskContext(), NOBODY)
    assert prepared.groups[0].changes[0].path == str(partial)
    assert prepared.run(TaskContext()) == 1
    assert not partial.exists()
    prepared = DeleteUnfinished(wiring, NAME).prepare(TaskContext(), NOBODY)
    assert prepared.idle
    assert "No fetch" in prepared.tell(prepared.run(TaskContext())).sentence
