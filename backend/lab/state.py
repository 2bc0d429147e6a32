"""What is known about a lab on the disk, so that another process can use it, or clear it away."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from backend.errors import InvalidInput
from backend.paths import Paths
from backend.system.files import write_atomically
from backend.system.processes import ProcessId

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class LabState:
    """One lab: its reaper, its machines. Processes are known by pid and start time."""

    name: str
    directory: Path
    root: Path
    boot: str
    created: float  # seconds since the epoch
    reaper: ProcessId
    group: str  # the control group of the lab, "" when there is none
    nodes: dict[str, ProcessId] = field(default_factory=dict)  # first process of each container
    machines: dict[str, ProcessId] = field(default_factory=dict)  # QEMU

    @property
    def alive(self) -> bool:
        """Whether the lab still runs."""
        return self.boot == boot_id() and self.reaper.alive

    def save(self) -> None:
        """Write it into the lab's directory."""
        content = json.dumps(asdict(self), default=str, indent=1)
        write_atomically(self.directory / "state.json", content.encode(), 0o600)


def boot_id() -> str:
    """Return what tells this boot of the machine from every other."""
    return BOOT_ID.read_text().strip()


def labs_directory(paths: Paths) -> Path:
    """Return where the labs have their directories."""
    return paths.cache / "lab" / "labs"


def load(directory: Path) -> LabState:
    """Read the state of a lab; raises InvalidInput, OSError."""
    try:
        data = json.loads((directory / "state.json").read_bytes())
        return LabState(
            name=str(data["name"]),
            directory=directory,
            root=Path(data["root"]),
            boot=str(data["boot"]),
            created=float(data["created"]),
            reaper=ProcessId(**data["reaper"]),
            group=str(data["group"]),
            nodes={name: ProcessId(**process) for name, process in data["nodes"].items()},
            machines={name: ProcessId(**process) for name, process in data["machines"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput.of(
            "lab.state",
            f"{directory}/state.json is not readable: {problem}.",
            "haoscar lab down --all",
        ) from problem


def all_labs(paths: Paths) -> list[LabState]:
    """Return every lab whose state can be read, oldest first, running or not."""
    found = []
    for directory in sorted(labs_directory(paths).glob("*")):
        try:
            found.append(load(directory))
        except (InvalidInput, OSError):
            continue
    return sorted(found, key=lambda lab: lab.created)
