"""The composition root: which paths, which runner; the window, the commands and the tests share it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backend.paths import Paths
from backend.system.runner import LocalRunner, Runner

if TYPE_CHECKING:
    from backend.change.journal import Journal
    from backend.site.store import SiteStore


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the parts of one process are wired to."""

    paths: Paths = field(default_factory=Paths)
    runner: Runner = field(default_factory=LocalRunner)

    @classmethod
    def live(cls) -> "Wiring":
        """Return the wiring of a real head."""
        return cls()

    @classmethod
    def rooted_at(cls, root: Path) -> "Wiring":
        """Return a wiring whose files all lie below ``root``."""
        return cls(paths=Paths(root))

    def store(self) -> "SiteStore":
        """Return the site file."""
        from backend.site.store import SiteStore

        return SiteStore(self.paths)

    def journal(self) -> "Journal":
        """Return the journal through which every change goes."""
        from backend.change.journal import Journal
        from backend.packages.installer import DistributionTool

        tool = DistributionTool(self.paths, self.runner)
        return Journal(self.paths, self.runner, tool)
