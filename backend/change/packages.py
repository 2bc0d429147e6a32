"""What the journal needs of a package tool; the packages area knows how apt and dnf do it."""

from collections.abc import Sequence
from typing import Protocol

from backend.tasks import TaskContext


class PackageInstaller(Protocol):
    """Installs packages and takes exactly those away again that it installed."""

    def install(self, names: Sequence[str], context: TaskContext) -> tuple[str, ...]:
        """Install and return those that were not there before; raises HaoscarError."""

    def remove(self, names: Sequence[str]) -> None:
        """Remove packages that ``install`` returned; raises HaoscarError."""
