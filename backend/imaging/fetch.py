"""Fetch Image: the golden client's file systems become a new version of an image.

Everything is looked at first; then one rsync copies into ``vN.partial``, which becomes ``vN`` when
its manifest is written. A fetch that was cut, killed or cancelled leaves ``vN.partial``, and the
next one goes on there. Earlier versions are never written to, although they share files with it.
"""

import contextlib
import datetime
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import Cancelled, HaoscarError
from backend.imaging.catalog import Catalog, ImageVersion
from backend.imaging.client import GoldenClient, OpenClient
from backend.imaging.facts import ImageFacts, distribution_of, kernels_of
from backend.imaging.manifest_write import ManifestSummary, write_manifest
from backend.imaging.rsync import (
    Copy,
    Totals,
    copy_command,
    count_command,
    exit_report,
    is_complaint,
    parse_step,
    parse_totals,
    vanished_path,
)
from backend.imaging.survey import Survey, check_space, check_store, survey
from backend.imaging.tree import walk
from backend.model.layout import Layout
from backend.model.requests_image import FetchImageRequest
from backend.paths import Paths
from backend.reports import info, warning
from backend.system.files import write_atomically
from backend.system.runner import Runner
from backend.tasks import TaskContext

Capture = Callable[[Runner], Layout]
# Programs whose files are only consistent while they do not run.
BUSY = ("var/lib/docker", "var/lib/containers/storage", "var/lib/mysql", "var/lib/postgresql")


@dataclass(slots=True)
class FetchImage:
    """The task: ``open_client`` connects, ``capture`` reads the disk layout.

    ``root`` is the directory of the golden client that is copied, normally its root.
    """

    request: FetchImageRequest
    paths: Paths
    runner: Runner  # of this head: runs rsync
    open_client: OpenClient
    capture: Capture
    root: str = "/"

    @property
    def title(self) -> str:
        """What the task does, as a heading."""
        return f"Fetching image {self.request.name} from {self.request.client}"

    def run(self, context: TaskContext) -> ImageVersion:
        """Fetch; returns the new version. Raises HaoscarError; what was copied is kept then."""
        catalog = Catalog(self.paths)
        began = time.monotonic()
        context.step(f"Connecting to {self.request.client}")
        with catalog.lock(self.request.name), self.open_client() as client:
            context.step("Looking at the golden client")
            found = survey(client, self.runner, self.request, self.paths.images, self.root)
            layout = self.capture(client.runner)
            number, directory, resumed = catalog.begin(self.request.name)
            previous = next(reversed(catalog.versions(self.request.name)), None)
            work = _Fetch(self, context, client, found, directory, previous)
            with _explained(directory, catalog, resumed):
                if resumed:
                    context.say("Going on with a fetch that was cut short.")
                totals = work.count()
                work.copy(totals)
                summary = work.describe()
                facts = work.facts(number, totals, summary, time.monotonic() - began)
                write_atomically(directory / "image.json", facts.to_json(), 0o600)
                write_atomically(directory / "layout.json", layout.to_json().encode(), 0o600)
                context.step("Completing the image")
                version = catalog.complete(self.request.name, number)
        if self.request.keep is not None:
            for old in catalog.prune(self.request.name, self.request.keep):
                context.say(f"Deleted the old version {old}.")
        return version


@contextlib.contextmanager
def _explained(directory: Path, catalog: Catalog, resumed: bool) -> Iterator[None]:
    """Say what a fetch that does not end well leaves behind; an empty start is taken away."""
    try:
        yield
    except BaseException as problem:
        started = (directory / "tree").is_dir()
        if not started and not resumed:
            catalog.abandon(directory)
        elif isinstance(problem, Cancelled):
            name = directory.parent.name
            raise Cancelled(
                info(
                    "fetch.cancelled",
                    f"Cancelled. What was copied is kept in {directory}.",
                    "The same command goes on there; 'haoscar image delete --partial"
                    f" {name}' removes it.",
                )
            ) from problem
        raise


@dataclass(slots=True)
class _Fetch:
    """One run of the task, step by step."""

    task: FetchImage
    context: TaskContext
    client: GoldenClient
    survey: Survey
    directory: Path
    previous: ImageVersion | None

    @property
    def tree(self) -> Path:
        return self.directory / "tree"

    @property
    def _copy(self) -> Copy:
        return Copy(
            root=self.task.root,
            targets=self.survey.targets,
            destination=self.tree,
            exclusions=self.survey.exclusions,
            link_dest=self.previous.tree if self.previous else None,
            compare_content=self.task.request.compare_content,
        )

    def count(self) -> Totals:
        """Count what has to be copied, and check that there is room for it."""
        for note in self.survey.notes:
            self.context.say(note)
        check_store(self.directory)
        self.context.step("Counting what has to be copied")
        if self.tree.is_dir() and self.previous is not None:
            unshare(self.tree, self.previous.tree)
        result = self.task.runner.stream(
            count_command(self._copy, self.client.transport),
            lambda _line: self.context.check_cancelled(),
            cancelled=lambda: self.context.cancel.cancelled,
            check=False,
        )
        report = exit_report(result.exit_code, result.stdout.splitlines())
        if report is not None:
            raise HaoscarError(report)
        totals = parse_totals(result.stdout)
        check_space(self.survey, totals.transferred, totals.entries, self.directory)
        return totals

    def copy(self, totals: Totals) -> None:
        """Copy, showing bytes, rate and remaining time."""
        self.context.step(f"Copying {totals.entries} files and directories")
        watch = _Watch(self.context, totals)
        self.tree.mkdir(mode=0o700, exist_ok=True)
        result = self.task.runner.stream(
            copy_command(self._copy, self.client.transport),
            watch.line,
            cancelled=lambda: self.context.cancel.cancelled,
            check=False,
        )
        report = exit_report(result.exit_code, watch.complaints)
        if report is not None:
            raise HaoscarError(report)
        if watch.vanished:
            self.context.say(
                info(
                    "fetch.vanished",
                    f"{watch.vanished} files vanished on the golden client while it was copied,"
                    f" such as {watch.example}: that is normal on a running system.",
                )
            )

    def describe(self) -> ManifestSummary:
        """Write the manifest."""
        self.context.step("Computing the checksums")
        before = (self.previous.tree, self.previous.manifest) if self.previous else None
        summary = write_manifest(self.tree, self.directory / "manifest.jsonl", self.context, before)
        busy = [one for one in BUSY if _has_content(self.tree / one)]
        if busy:
            self.context.say(
                warning(
                    "fetch.busy-data",
                    "Copied as they were on the disk: "
                    + ", ".join("/" + one for one in busy)
                    + ".",
                    "If their programs ran meanwhile, stop them and fetch again: the second fetch"
                    " copies only what changed.",
                )
            )
        return summary

    def facts(
        self, number: int, totals: Totals, summary: ManifestSummary, seconds: float
    ) -> ImageFacts:
        """Return what image.json will say."""
        request, found = self.task.request, self.survey
        return ImageFacts(
            name=request.name,
            number=number,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            client=request.client,
            user=request.user,
            distribution=distribution_of(self.tree),
            architecture=found.architecture,
            kernels=kernels_of(self.tree),
            entries=summary.entries,
            files=summary.files,
            size=summary.size,
            transferred=totals.transferred,
            seconds=round(seconds, 1),
            ip_assignment=request.ip_assignment,
            post_install=request.post_install,
            file_systems=tuple((one.target, one.fstype) for one in found.mounts.included),
            skipped=found.skipped,
            excluded=found.exclusions,
            swap_files=found.swap_files,
            manifest_digest=summary.digest,
        )


class _Watch:
    """Reads rsync's output line by line."""

    def __init__(self, context: TaskContext, totals: Totals) -> None:
        self._context = context
        self._totals = totals
        self.complaints: list[str] = []
        self.vanished = 0
        self.example = ""

    def line(self, line: str) -> None:
        step = parse_step(line)
        if step is not None:
            whole = max(self._totals.transferred, step.done)
            detail = "" if step.checked is None else f"{step.checked} of {step.entries} files"
            self._context.progress(step.done, whole, "bytes", detail)
            return
        path = vanished_path(line)
        if path is not None:
            self.vanished += 1
            self.example = path
        elif is_complaint(line):
            self.complaints = [*self.complaints[-20:], line]


def unshare(tree: Path, previous: Path) -> int:
    """Unlink what a cut fetch shares with the previous version; returns how many files.

    rsync changes owner and mode of an existing file in place, and in a shared one that would change
    the previous version too. What is unlinked here is linked again in no time. Raises OSError.
    """
    old, count = os.fsencode(previous), 0
    for path, status in walk(tree):
        if status.st_nlink < 2 or stat.S_ISDIR(status.st_mode):
            continue
        with contextlib.suppress(OSError):
            if os.lstat(old + b"/" + path).st_ino == status.st_ino:
                Path(os.fsdecode(os.fsencode(tree) + b"/" + path)).unlink()
                count += 1
    return count


def _has_content(directory: Path) -> bool:
    return directory.is_dir() and not directory.is_symlink() and any(directory.iterdir())
