"""Every file location in one place, re-rootable so that tests and previews never touch the machine."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """File locations below ``root`` ("/" on a real head)."""

    root: Path = Path("/")

    def at(self, absolute: str | Path) -> Path:
        """Return an absolute path of the machine below this root."""
        return self.root / str(absolute).lstrip("/")

    @property
    def site_file(self) -> Path:
        """The one truth about the site."""
        return self.at("/etc/haoscar/site.toml")

    @property
    def state(self) -> Path:
        """What must survive a reboot; root's alone (0700)."""
        return self.at("/var/lib/haoscar")

    @property
    def journal(self) -> Path:
        """The journal of changes with its backups."""
        return self.state / "journal"

    @property
    def images(self) -> Path:
        """The image catalogue; root's alone, it holds password hashes."""
        return self.state / "images"

    @property
    def installs(self) -> Path:
        """Boot tickets and the records of installations."""
        return self.state / "installs"

    @property
    def installer(self) -> Path:
        """The installer image: kernel, initramfs and what describes them."""
        return self.state / "installer"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.at("/var/cache/haoscar")

    @property
    def run(self) -> Path:
        """Sockets, pid files and other things of this boot."""
        return self.at("/run/haoscar")
