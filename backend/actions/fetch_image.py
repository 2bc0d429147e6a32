"""Step 2: the golden client's file systems become a new version of an image."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.actions.ssh_login import log_in
from backend.amounts import duration, size
from backend.change.plan import Plan
from backend.change.preview import Change, ChangeKind, preview
from backend.clone.capture import capture
from backend.discovery.host import free_space
from backend.errors import HaoscarError, InvalidInput
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.client import known_hosts, opener
from backend.imaging.facts import ImageFacts
from backend.imaging.fetch import FetchImage
from backend.imaging.survey import Survey, survey
from backend.model.layout import Layout
from backend.model.names import ImageName
from backend.model.requests_image import FetchImageRequest
from backend.model.site import ImageSource
from backend.reports import Place, Report, info, warning
from backend.system.ssh import Credentials
from backend.tasks import TaskContext
from backend.wiring import Wiring

# Which field of the request an error of the connection belongs to.
FIELDS = {
    "ssh.not-reached": "client", "ssh.host-key-changed": "client", "ssh.host-key-declined": "client",
    "ssh.not-admitted": "user", "ssh.no-sudo": "user", "image.busy": "name",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fetch starts from: this head's name, its images, and what the site says of them."""

    own_name: str
    versions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()  # images of which a fetch was cut short
    sources: Mapping[str, ImageSource] = field(default_factory=dict)

    def hint(self, name: str) -> str:
        """Return what a fetch of that image would make. Pure."""
        have = self.versions.get(name, ())
        if name in self.cut:
            text = f"A fetch of {name} was cut short; this goes on where it stopped"
            return f"{text} and makes v{have[-1] + 1}." if have else f"{text}."
        if not have:
            return ""
        count = f"{len(have)} version" + ("" if len(have) == 1 else "s")
        return f"{name} has {count}; this makes v{have[-1] + 1}."


def look(wiring: Wiring) -> Ground:
    """Read what a fetch starts from; a damaged site file is left to the fetch itself to refuse."""
    catalog, store = Catalog(wiring.paths), wiring.store()
    names = catalog.names()
    try:
        site = store.load() if store.exists() else None
    except InvalidInput:
        site = None
    return Ground(
        os.uname().nodename,
        {str(name): tuple(one.number for one in catalog.versions(name)) for name in names},
        frozenset(str(name) for name in catalog.unfinished()),
        {str(one.name): one for one in site.images} if site else {},
    )


def fetch_task(
    wiring: Wiring, request: FetchImageRequest, login: Credentials | None
) -> FetchImage:  # fmt: skip
    """Return the task that fetches; ``login`` is None for this head itself.

    A host key that has not been confirmed before is refused.
    """
    client = opener(request, wiring.paths, wiring.runner, login)
    return FetchImage(request, wiring.paths, wiring.runner, client, capture)


def site_plan(wiring: Wiring, request: FetchImageRequest) -> Plan | None:
    """Return what lets the site file name the image, its golden client and what its clones do.

    None when there is no site file yet, or it says so already; raises InvalidInput when it has
    errors.
    """
    store = wiring.store()
    if not store.exists():
        return None
    site, source = store.load(), request.as_source()
    if site.image(source.name) == source:
        return None
    step = store.write_step(site.with_image(source))
    return Plan(f"Name the image {source.name} in the site file", "", (step,))


def summary(version: ImageVersion, facts: ImageFacts) -> str:
    """Return one sentence about what was fetched. Pure."""
    return (
        f"Image {version}: {facts.system}, {facts.files} files, {size(facts.size)}, of which"
        f" {size(facts.transferred)} were copied, in {duration(facts.seconds)}."
    )


@dataclass(frozen=True, slots=True)
class Fetched:
    """The new version, and how the site file took it."""

    version: ImageVersion
    facts: ImageFacts
    record: str = ""  # of the site file's change in the journal
    reports: tuple[Report, ...] = ()  # why the site file does not name it


@dataclass(frozen=True, slots=True)
class FetchGoldenClient:
    """Fetch an image as somebody at the window asks for it. An Action.

    The log in, with whatever has to be asked for it, and everything that would be refused come
    before the confirmation; then nothing is asked any more, however long the copy takes.
    """

    wiring: Wiring
    request: FetchImageRequest

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Fetch the image {self.request.name} from {self.request.client}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Fetched]:
        """See Action.prepare; errors of the connection name the field they belong to."""
        request, wiring = self.request, self.wiring
        with _at_their_fields():
            site = site_plan(wiring, request)
            context.step(f"Connecting to {request.client}")
            login = self._log_in(person)
            task = fetch_task(wiring, request, login)
            with task.open_client() as client:
                context.step("Looking at the golden client")
                found = survey(client, wiring.runner, request, wiring.paths.images)
                layout = capture(client.runner)
        place = _Destination.of(wiring, request)
        here = (*place.changes(), *(preview(site, wiring.paths) if site else ()))
        return Prepared(
            title=self.title,
            sentence=place.sentence(request, found),
            groups=(Group("This head", here), Group(request.client, _read(found))),
            run=lambda running: self._run(task, running),
            tell=_told,
            reports=(*_layout_note(layout), *found.notes, *place.doubts(found)),
        )

    def _log_in(self, person: Person) -> Credentials | None:
        request = self.request
        if request.user is None:
            return None
        known = known_hosts(self.wiring.paths)
        return log_in(request.client, request.port, request.user, known, person)

    def _run(self, task: FetchImage, context: TaskContext) -> Fetched:
        """Fetch, then write the site file as it is by then; that cannot be cancelled any more."""
        version = task.run(context)
        facts = version.facts()
        try:
            plan = site_plan(self.wiring, self.request)
            if plan is None:
                return Fetched(version, facts)
            record = self.wiring.journal().apply(plan, TaskContext(context.listener))
        except HaoscarError as problem:
            return Fetched(version, facts, reports=problem.reports)
        return Fetched(version, facts, record.id)


@contextmanager
def _at_their_fields() -> Iterator[None]:
    """Let reports of the connection point at the field that can mend them."""
    try:
        yield
    except HaoscarError as problem:
        problem.reports = tuple(
            replace(one, place=Place(field=FIELDS[one.code]))
            if one.place is None and one.code in FIELDS
            else one
            for one in problem.reports
        )
        raise


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where the new version will lie, and what is there."""

    directory: Path
    name: ImageName
    number: int
    before: tuple[ImageVersion, ...]
    cut: bool
    free: int | None  # bytes
    keep: int | None

    @classmethod
    def of(cls, wiring: Wiring, request: FetchImageRequest) -> "_Destination":
        catalog = Catalog(wiring.paths)
        before = catalog.versions(request.name)
        number = before[-1].number + 1 if before else 1
        return cls(
            wiring.paths.images / request.name / f"v{number}",
            request.name,
            number,
            before,
            bool(catalog.partials(request.name)),
            free_space(wiring.paths.images),
            request.keep,
        )

    def changes(self) -> Iterator[Change]:
        """Yield what happens below the directory of the images."""
        path, why = str(self.directory), ""
        if self.before:
            why = f"What did not change since v{self.before[-1].number} is stored once."
        text = f"Image {self.name} v{self.number} in {path}."
        yield Change(ChangeKind.DIRECTORY, text, path, why)
        if self.cut:
            text = "A fetch that was cut short lies there: this one goes on where it stopped."
            yield Change(ChangeKind.UNCHANGED, text, path)
        surplus = 0 if self.keep is None else max(0, len(self.before) + 1 - self.keep)
        for old in self.before[:surplus]:
            why = f"only the newest {self.keep} are to be kept"
            yield Change(ChangeKind.REMOVED, f"Delete {old}.", str(old.directory), why)

    def sentence(self, request: FetchImageRequest, found: Survey) -> str:
        """Return in a few words what is copied, how much it is, and what is not."""
        what = ", ".join(found.targets)
        who = "this head itself" if request.user is None else f"{request.client} ({request.user})"
        amounts = []
        if found.used is not None:
            amounts.append(f"{'at most' if self.before else 'about'} {size(found.used)} to copy")
        if self.free is not None:
            amounts.append(f"{size(self.free)} free here")
        scope = ": ".join(filter(None, (f"{what} of {who}", ", ".join(amounts))))
        return (
            f"{scope}. Copied while in use; host keys, machine ids and the like are left out: every"
            " clone gets its own."
        )

    def doubts(self, found: Survey) -> Iterator[Report]:
        """Yield what may go wrong; how much is really copied is counted by the fetch itself."""
        if self.free is None or found.used is None or self.before or self.free >= found.used:
            return
        yield warning(
            "fetch.space",
            f"{size(found.used)} are in use on the golden client, and only {size(self.free)} are free"
            " for images here.",
            "The fetch counts first and copies nothing when it does not fit. Give the images a bigger"
            " file system, or leave large directories out (haoscar fetch-image --leave-out).",
        )


def _layout_note(layout: Layout) -> tuple[Report, ...]:
    """Return why the clone's disk will not be laid out like the golden client's, if it will not."""
    return (info("fetch.standard-layout", layout.reason),) if layout.reason else ()


def _read(found: Survey) -> tuple[Change, ...]:
    """Return what is read there, and what is mounted there but not copied."""
    copied = [
        Change(ChangeKind.UNCHANGED, f"{where} is read and copied.", where)
        for where in found.targets
    ]
    left = [
        Change(ChangeKind.UNCHANGED, f"{where} is left out: {reason}.", where)
        for where, reason in found.skipped
    ]
    return (*copied, *left)


def _told(fetched: Fetched) -> Outcome:
    return Outcome(
        sentence=summary(fetched.version, fetched.facts),
        details=(f"It lies in {fetched.version.directory}.",),
        reports=fetched.reports,
        undo=fetched.record,
        next="Step 3: define the standby.",
    )
