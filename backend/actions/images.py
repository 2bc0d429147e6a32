"""The catalogue of images: what is there, whether it is as it was fetched, and deleting it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.actions.action import Group, Outcome, Person, Prepared
from backend.amounts import size
from backend.change.preview import Change, ChangeKind
from backend.errors import HaoscarError, InvalidInput
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.facts import ImageFacts
from backend.imaging.verify import Verification
from backend.model.names import ImageName
from backend.reports import Report, error, info, warning
from backend.tasks import TaskContext
from backend.wiring import Wiring

SHOWN = 40  # differences that a person is shown


@dataclass(frozen=True, slots=True)
class Entry:
    """One complete version in the catalogue; without ``facts`` its description is damaged."""

    version: ImageVersion
    facts: ImageFacts | None
    reports: tuple[Report, ...] = ()  # why there are no facts


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that lies in the directory of the images."""

    entries: tuple[Entry, ...]
    unfinished: tuple[ImageName, ...]  # images of which a fetch was cut short


def look(wiring: Wiring) -> Catalogue:
    """Read the catalogue, every version by name and number."""
    catalog = Catalog(wiring.paths)
    return Catalogue(tuple(_entry(one) for one in catalog.list()), catalog.unfinished())


def _entry(version: ImageVersion) -> Entry:
    try:
        return Entry(version, version.facts())
    except InvalidInput as problem:
        return Entry(version, None, problem.reports)


@dataclass(frozen=True, slots=True)
class VerifyImage:
    """Compare a version with its manifest; changes nothing. A Task, and an Action without changes.

    Without ``content`` only what needs no reading of the files is compared.
    """

    wiring: Wiring
    version: ImageVersion
    content: bool = True

    @property
    def title(self) -> str:
        """See Task.title."""
        return f"Verifying image {self.version}"

    def run(self, context: TaskContext) -> Verification:
        """See Task.run; raises InvalidInput, Cancelled, Refused, OSError."""
        context.step(self.title)
        return Catalog(self.wiring.paths).verify(self.version, context, self.content)

    def prepare(self, context: TaskContext, person: Person) -> Prepared[Verification]:
        """See Action.prepare; carrying it out fails when anything differs."""
        del context, person
        sentence = "Every file is read and compared with the manifest. Nothing is changed."
        return Prepared(self.title, sentence, (), self._insist, self._tell, idle=True)

    def _insist(self, context: TaskContext) -> Verification:
        """Verify, say what differs, and raise HaoscarError then."""
        found = self.run(context)
        for one in found.differences[:SHOWN]:
            context.say(warning("image.difference", f"{one}."))
        if not found.ok:
            raise HaoscarError(self._verdict(found))
        return found

    def _tell(self, found: Verification) -> Outcome:
        return Outcome(self._verdict(found).text)

    def _verdict(self, found: Verification) -> Report:
        return verdict_on(self.version, found, content=self.content)


def verdict_on(version: ImageVersion, found: Verification, *, content: bool = True) -> Report:
    """Return the result of a verification, an error when anything differs. Pure."""
    if not found.ok:
        return error(
            "image.differs", f"Image {version} has {found.count} differences.",
            "Do not install from it: delete this version and fetch it again.",
        )  # fmt: skip
    what = f"entries, {size(found.bytes_read)}" if content else "entries"
    return info("image.verified", f"Image {version} is as it was fetched: {found.entries} {what}.")


@dataclass(frozen=True, slots=True)
class DeleteVersions:
    """Delete versions of one image. Cannot be taken back: they are not in the journal. An Action."""

    wiring: Wiring
    versions: tuple[ImageVersion, ...]  # at least one, all of the same image

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Delete image {_named(self.versions)}"

    def freed(self) -> int:
        """Return the bytes that are free afterwards at least; looks at every file."""
        catalog = Catalog(self.wiring.paths)
        return sum(catalog.usage(one).own for one in self.versions)

    def prepare(self, context: TaskContext, person: Person) -> Prepared[tuple[ImageVersion, ...]]:
        """See Action.prepare."""
        del person
        context.step(f"Adding up the files of {_named(self.versions)}")
        changes = tuple(
            Change(ChangeKind.REMOVED, f"Delete {one} in {one.directory}.", str(one.directory))
            for one in self.versions
        )
        return Prepared(
            title=self.title,
            sentence=f"This frees at least {size(self.freed())} and cannot be undone.",
            groups=(Group("This head", changes),),
            run=self.run,
            tell=lambda gone: Outcome(f"Deleted {_named(gone)}."),
            reports=self._doubts(),
        )

    def run(self, context: TaskContext) -> tuple[ImageVersion, ...]:
        """Delete, and return what is gone; raises Refused for a version that is in use, OSError."""
        catalog = Catalog(self.wiring.paths)
        for version in self.versions:
            context.step(f"Deleting {version}")
            catalog.delete(version)
        return self.versions

    def _doubts(self) -> tuple[Report, ...]:
        """Return a warning when a standby would be left without its image."""
        name = self.versions[0].name
        if set(self.versions) < set(Catalog(self.wiring.paths).versions(name)):
            return ()
        users = _standbys_of(self.wiring, name)
        if not users:
            return ()
        return (
            warning(
                "image.wanted",
                f"No version of {name} is left then, and {', '.join(users)} is to be installed from it.",
                "Fetch it again before that.",
            ),
        )


@dataclass(frozen=True, slots=True)
class DeleteUnfinished:
    """Delete what a fetch of an image has left that was cut short. An Action."""

    wiring: Wiring
    name: ImageName

    @property
    def title(self) -> str:
        """See Action.title."""
        return f"Delete the unfinished fetch of {self.name}"

    def prepare(self, context: TaskContext, person: Person) -> Prepared[int]:
        """See Action.prepare."""
        del context, person
        left = Catalog(self.wiring.paths).partials(self.name)
        changes = tuple(
            Change(ChangeKind.REMOVED, f"Delete {one}.", str(one), "a fetch that was cut short")
            for one in left
        )
        return Prepared(
            title=self.title,
            sentence="The next fetch of this image begins anew instead of going on there.",
            groups=(Group("This head", changes),) if changes else (),
            run=self.run,
            tell=self._tell,
            idle=not left,
        )

    def run(self, context: TaskContext) -> int:
        """Delete, and return how many there were; raises Refused while a fetch is running, OSError."""
        context.step(self.title)
        return Catalog(self.wiring.paths).delete_partials(self.name)

    def _tell(self, count: int) -> Outcome:
        if not count:
            return Outcome(f"No fetch of {self.name} was cut short.")
        return Outcome(f"Deleted the unfinished fetch of {self.name}.")


def _named(versions: Sequence[ImageVersion]) -> str:
    return f"{versions[0].name}, " + ", ".join(f"v{one.number}" for one in versions)


def _standbys_of(wiring: Wiring, name: ImageName) -> tuple[str, ...]:
    """Return the standbys that the site defines on an image; none when the site cannot be read."""
    store = wiring.store()
    try:
        site = store.load() if store.exists() else None
    except InvalidInput:
        return ()
    return tuple(str(one.name) for one in site.standbys if one.image == name) if site else ()
