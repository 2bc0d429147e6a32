"""The site file: loaded whole or not at all, and written without losing what people wrote there."""

from pathlib import Path

from backend.change.plan import WriteFile
from backend.errors import HaoscarError, InvalidInput
from backend.model.site import Site
from backend.paths import Paths
from backend.reports import Report, Severity
from backend.site.build import build_site
from backend.site.checks import check
from backend.site.draft import Draft, Findings, read_draft
from backend.site.render import edited, fresh
from backend.site.source import read_text, read_toml

SITE_FILE = Path("/etc/haoscar/site.toml")  # as a plan names it


def parse_site(text: str, file: Path) -> Site:
    """Return the site that a text describes; raises InvalidInput with all problems and lines."""
    return _parsed(_unix(text), file)[0]


def examine(text: str, file: Path) -> tuple[Report, ...]:
    """Return everything there is to say about a text: errors and warnings, in its order."""
    try:
        _, findings = _judged(_unix(text), file)
    except InvalidInput as problem:
        return problem.reports
    return tuple(findings.sorted())


class SiteStore:
    """The site file of one machine; may be used from any thread."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    @property
    def file(self) -> Path:
        """Where it is."""
        return self._paths.site_file

    def exists(self) -> bool:
        """Whether there is one, good or bad."""
        return self.file.is_symlink() or self.file.exists()

    def load(self) -> Site:
        """Return the site; raises InvalidInput with all problems, each with file and line."""
        return parse_site(read_text(self.file), self.file)

    def examine(self) -> tuple[Report, ...]:
        """Return errors and warnings about the file; raises InvalidInput when it cannot be read."""
        return examine(read_text(self.file), self.file)

    def render(self, site: Site) -> bytes:
        """Return the file's new content: what did not change keeps its comments, order and form.

        Raises InvalidInput when the file that is there has errors (it is not overwritten), or when
        the site contradicts itself.
        """
        if not self.exists():
            return self._checked(site, fresh(site)).encode()
        text = read_text(self.file)
        plain = _unix(text)
        before, draft = _parsed(plain, self.file)
        if before == site:
            return text.encode()
        new = edited(site, plain, draft)
        if new is None or not self._says(site, new):
            new = fresh(site)
        new = self._checked(site, new)
        return (new.replace("\n", "\r\n") if "\r\n" in text else new).encode()

    def write_step(self, site: Site) -> WriteFile:
        """Return the step that writes the site; raises as ``render`` does."""
        mode = self.file.stat().st_mode & 0o777 if self.exists() else 0o644
        return WriteFile(SITE_FILE, self.render(site), "the description of the site", mode)

    def _says(self, site: Site, text: str) -> bool:
        try:
            return parse_site(text, self.file) == site
        except InvalidInput:
            return False

    def _checked(self, site: Site, text: str) -> str:
        """Return a text that reads back as the site; raises InvalidInput, HaoscarError."""
        if parse_site(text, self.file) != site:
            raise HaoscarError.of(
                "site.not-written",
                "The site cannot be written so that it reads back the same.",
                f"Edit {self.file} by hand and check it with: haoscar site check",
            )
        return text


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def _judged(text: str, file: Path) -> tuple[Draft, Findings]:
    document, where = read_toml(text, file)
    findings = Findings(file, where)
    draft = read_draft(document, findings)
    if not any(one.code == "site.newer" for one in findings.reports):
        check(draft, findings)
    return draft, findings


def _parsed(text: str, file: Path) -> tuple[Site, Draft]:
    draft, findings = _judged(text, file)
    if findings.failed:
        errors = (one for one in findings.sorted() if one.severity is Severity.ERROR)
        raise InvalidInput(*errors)
    return build_site(draft), draft
