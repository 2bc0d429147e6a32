"""Step 2 as an action: everything is said and asked before the copy, and the site file follows it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.actions import fetch_image
from backend.actions.action import Prepared
from backend.actions.fetch_image import Fetched, FetchGoldenClient, Ground, look
from backend.change.preview import Change, ChangeKind
from backend.errors import CommandFailed, HaoscarError, InvalidInput
from backend.model.names import ImageName, UserName
from backend.model.requests_image import FetchImageRequest
from backend.model.site import ImageSource, PostInstall
from backend.paths import Paths
from backend.system.runner import Command, Result
from backend.tasks import CancelToken, TaskContext
from backend.wiring import Wiring
from tests import recorded_machines as recorded
from tests.clone_site import site
from tests.fakes.persons import NOBODY, FakePerson
from tests.unit.test_imaging_fetch import FakePrograms

FIELDS = {"name": "serverimage", "client": "head", "user": "", "post_install": "beep"}


@dataclass
class HeadPrograms(FakePrograms):
    """The programs of a fetch, and those that read a recorded machine's disks."""

    machine: recorded.RecordedRunner = field(
        default_factory=lambda: recorded.RecordedRunner(recorded.load("lab-lvm-uefi")["outputs"])
    )

    def run(self, command: Command, *, check: bool = True) -> Result:
        try:
            return super().run(command, check=check)
        except KeyError:
            return self.machine.run(command, check=check)


@dataclass
class Head:
    """A head below a temporary directory, with a site file unless it is taken away."""

    wiring: Wiring
    programs: HeadPrograms

    def prepare(self, **fields: str) -> Prepared[Fetched]:
        request = FetchImageRequest.parse({**FIELDS, **fields}, "head")
        return FetchGoldenClient(self.wiring, request).prepare(TaskContext(), NOBODY)

    @property
    def site_file(self) -> Path:
        return self.wiring.paths.site_file

    def copied(self) -> bool:
        return any("--dry-run" in one.argv or "-aHAXS" in one.argv for one in self.programs.seen)


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    monkeypatch.setattr("backend.imaging.fetch.check_store", lambda _directory: None)
    monkeypatch.setattr(os, "sync", lambda: None)
    programs = HeadPrograms()
    made = Head(Wiring(Paths(tmp_path), programs), programs)
    made.site_file.parent.mkdir(parents=True)
    made.site_file.write_bytes(made.wiring.store().render(site()))
    return made


def of_kind(prepared: Prepared[Fetched], kind: ChangeKind) -> list[Change]:
    return [one for group in prepared.groups for one in group.changes if one.kind is kind]


def test_what_will_change_is_said_before_anything_is_written(head: Head) -> None:
    prepared = head.prepare()
    [directory] = of_kind(prepared, ChangeKind.DIRECTORY)
    assert directory.path == str(head.wiring.paths.images / "serverimage" / "v1")
    assert directory.sentence.startswith("Image serverimage v1 in /")
    assert "about 300 B" in prepared.sentence
    assert "free here" in prepared.sentence
    [changed] = of_kind(prepared, ChangeKind.CHANGED)
    assert changed.path == "/etc/haoscar/site.toml"
    assert any(line.startswith("+") and "beep" in line for line in changed.diff)
    here, there = prepared.groups
    assert here.title == "This head"
    assert there.title == "head"
    assert {one.kind for one in there.changes} == {ChangeKind.UNCHANGED}
    assert any("/data is left out: a network" in one.sentence for one in there.changes)
    assert prepared.sentence.startswith("/, /home of this head itself: ")
    assert prepared.reports == ()
    assert not head.wiring.paths.images.exists()
    assert not head.copied()


def test_the_image_is_fetched_and_the_site_names_it_until_that_is_undone(head: Head) -> None:
    before = head.site_file.read_bytes()
    prepared = head.prepare()
    fetched = prepared.run(TaskContext())
    assert fetched.version.tree.is_dir()
    source = head.wiring.store().load().image("serverimage")
    assert source == ImageSource(ImageName("serverimage"), "head", post_install=PostInstall.BEEP)
    outcome = prepared.tell(fetched)
    assert outcome.sentence.startswith("Image serverimage v1: ")
    assert outcome.reports == ()
    assert "Step 3" in outcome.next
    head.wiring.journal().undo(outcome.undo, TaskContext())
    assert head.site_file.read_bytes() == before


def test_a_further_fetch_makes_a_new_version_and_leaves_the_site_alone(head: Head) -> None:
    head.prepare().run(TaskContext())
    prepared = head.prepare(keep="1")
    [directory] = of_kind(prepared, ChangeKind.DIRECTORY)
    assert directory.path.endswith("/v2")
    assert "at most 300 B" in prepared.sentence
    assert "since v1 is stored once" in directory.why
    [removed] = of_kind(prepared, ChangeKind.REMOVED)
    assert removed.sentence == "Delete serverimage v1."
    assert of_kind(prepared, ChangeKind.CHANGED) == []
    fetched = prepared.run(TaskContext())
    assert fetched.record == ""
    assert look(head.wiring).versions == {"serverimage": (2,)}
    assert of_kind(head.prepare(keep="2"), ChangeKind.REMOVED) == []


def test_what_was_written_to_the_site_meanwhile_is_not_lost(head: Head) -> None:
    prepared = head.prepare()
    head.site_file.write_text(head.site_file.read_text() + "# a remark\n")
    prepared.run(TaskContext())
    assert "# a remark" in head.site_file.read_text()
    assert head.wiring.store().load().image("serverimage") is not None


def test_a_site_file_broken_meanwhile_costs_no_image(head: Head) -> None:
    prepared = head.prepare()
    head.programs.before_copy = lambda: _replace(head.site_file, "rubbish = [")
    fetched = prepared.run(TaskContext())
    assert fetched.version.directory.is_dir()
    assert fetched.reports
    assert prepared.tell(fetched).reports == fetched.reports
    assert head.site_file.read_text() == "rubbish = ["


def _replace(path: Path, text: str) -> None:
    path.write_text(text)


def test_a_cancel_that_comes_after_the_copy_leaves_nothing_half_done(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = CancelToken()
    real = fetch_image.site_plan

    def late(wiring: Wiring, request: FetchImageRequest) -> object:
        token.cancel()
        return real(wiring, request)

    prepared = head.prepare()
    monkeypatch.setattr(fetch_image, "site_plan", late)
    prepared.run(TaskContext(cancel=token))
    assert head.wiring.store().load().image("serverimage") is not None


def test_without_a_site_file_none_is_written(head: Head) -> None:
    head.site_file.unlink()
    prepared = head.prepare()
    assert of_kind(prepared, ChangeKind.CHANGED) == []
    prepared.run(TaskContext())
    assert not head.site_file.exists()


def test_a_damaged_site_file_is_refused_before_the_client_is_asked(head: Head) -> None:
    head.site_file.write_text("rubbish = [")
    with pytest.raises(InvalidInput) as caught:
        head.prepare()
    assert caught.value.reports[0].place is not None
    assert head.programs.seen == []
    assert look(head.wiring).sources == {}


def test_a_disk_layout_that_cannot_be_cloned_is_refused_before_the_copy(head: Head) -> None:
    head.programs.machine.outputs.pop("lsblk")
    with pytest.raises(CommandFailed):
        head.prepare()
    assert not head.copied()


def test_a_client_without_a_disk_of_its_own_is_named_before_the_copy(head: Head) -> None:
    machine = recorded.load(recorded.names("standard")[0])
    head.programs.machine.outputs = machine["outputs"]
    [note] = head.prepare().reports
    assert machine["expect"]["reason"] in note.text
    assert "standard layout" in note.text


def test_too_little_room_is_a_doubt_for_a_first_version_only(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_image, "free_space", lambda _path: 200)
    [doubt] = head.prepare().reports
    assert doubt.code == "fetch.space"
    assert "300 B" in doubt.text
    head.prepare().run(TaskContext())
    assert head.prepare().reports == ()


@pytest.mark.parametrize(
    ("code", "name"),
    [("ssh.not-reached", "client"), ("ssh.not-admitted", "user"), ("ssh.host-key-declined", "client"),
     ("ssh.no-sudo", "user"), ("other", None)],
)  # fmt: skip
def test_errors_of_the_connection_point_at_their_field(
    head: Head, monkeypatch: pytest.MonkeyPatch, code: str, name: str | None
) -> None:
    def refuse(*_what: object) -> None:
        raise HaoscarError.of(code, "No.")

    monkeypatch.setattr(fetch_image, "log_in", refuse)
    request = FetchImageRequest.parse({**FIELDS, "client": "far", "user": "root"}, "head")
    with pytest.raises(HaoscarError) as caught:
        FetchGoldenClient(head.wiring, request).prepare(TaskContext(), FakePerson())
    [report] = caught.value.reports
    assert (report.place.field if report.place else None) == name


def test_the_log_in_goes_where_the_request_says(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(*what: object) -> None:
        asked.extend(what[:3])
        raise HaoscarError.of("other", "No.")

    monkeypatch.setattr(fetch_image, "log_in", refuse)
    request = FetchImageRequest.parse({**FIELDS, "client": "far", "port": "2222"}, "head")
    with pytest.raises(HaoscarError):
        FetchGoldenClient(head.wiring, request).prepare(TaskContext(), FakePerson())
    assert asked == ["far", 2222, UserName("root")]


def test_the_ground_knows_versions_cut_fetches_and_what_the_site_remembers(head: Head) -> None:
    head.prepare().run(TaskContext())
    for name in ("serverimage/v2.partial", "new/v1.partial"):
        (head.wiring.paths.images / name).mkdir(parents=True)
    found = look(head.wiring)
    assert found.own_name == os.uname().nodename
    assert found.versions == {"serverimage": (1,)}
    assert found.cut == {"serverimage", "new"}
    assert found.sources["serverimage"].post_install is PostInstall.BEEP


HINTS: list[tuple[str, str]] = [
    ("serverimage", "serverimage has 2 versions; this makes v3."),
    ("one", "one has 1 version; this makes v8."),
    ("new", ""),
    ("cut", "A fetch of cut was cut short; this goes on where it stopped."),
    ("both", "A fetch of both was cut short; this goes on where it stopped and makes v2."),
]


@pytest.mark.parametrize(("name", "text"), HINTS)
def test_the_hint_says_what_a_fetch_makes(name: str, text: str) -> None:
    ground = Ground(
        "head", {"serverimage": (1, 2), "one": (7,), "both": (1,)}, frozenset(("cut", "both"))
    )
    assert ground.hint(name) == text


WRONG: list[tuple[str, str]] = [
    ("name", "two words"), ("name", '"quoted"'), ("name", "größe"), ("name", "-x"), ("name", "$(id)"),
    ("name", "a;b"), ("name", "../up"), ("name", "x" * 65), ("name", ".hidden"), ("name", "a/b"),
    ("client", "two words"), ("client", "-oProxyCommand=id"), ("client", "größe"), ("client", "a`id`"),
    ("client", "x" * 300), ("client", "fe80::1%eth0"), ("client", "'"), ("client", "host:22"),
    ("user", "Root"), ("user", "-l"), ("user", "two words"), ("user", "jürgen"), ("user", "a$b"),
    ("user", "x" * 33), ("ip_assignment", "dhcp"), ("post_install", "beep; reboot"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text"), WRONG)
def test_what_is_wrong_with_a_field_is_said_at_that_field_alone(key: str, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        FetchImageRequest.parse({**FIELDS, key: text}, "head")
    [report] = caught.value.reports
    assert report.place is not None
    assert report.place.field == key
    assert report.remedy
    assert len(report.text) < 120
