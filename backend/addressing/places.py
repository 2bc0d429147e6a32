"""Where this step keeps things, and what its units are called."""

from pathlib import Path

from backend.paths import Paths

# The agent's configuration on a head: where it is, the agent alone holds the virtual IPs.
AGENT_CONFIG = Path("/etc/haoscar/agent.json")
UNIT_DIRECTORY = Path("/etc/systemd/system")
WATCH_UNIT = "haoscar-virtual-ip-watch.service"  # transient: the dead-man's switch
COMMAND = "virtual-ip"


def settings_file(side: str) -> Path:
    """Return where the data of a finished change is, as the plan names it."""
    return Path(f"/etc/haoscar/virtual-ip-{side}.json")


def hold_script(side: str) -> Path:
    """Return the script that holds the virtual IP until the agent does."""
    return Path(f"/etc/haoscar/hold-virtual-ip-{side}.sh")


def hold_unit(side: str) -> str:
    """Return the unit that runs it."""
    return f"haoscar-virtual-ip-{side}.service"


def boot_unit(side: str) -> str:
    """Return the unit that rolls an unconfirmed change back when the machine starts."""
    return f"haoscar-virtual-ip-{side}-boot.service"


def state_directory(paths: Paths) -> Path:
    """Return the directory of a change that is not confirmed yet."""
    return paths.state / "virtual-ip"


def pending_file(paths: Paths) -> Path:
    """Return the file that is there while a change waits for its confirmation."""
    return state_directory(paths) / "pending.json"


def back_file(paths: Paths) -> Path:
    """Return the file that is there while a change is rolled back."""
    return state_directory(paths) / "rolling-back.json"


def last_file(paths: Paths) -> Path:
    """Return the file that says how the last roll-back ended."""
    return state_directory(paths) / "last.json"


def watcher_file(paths: Paths) -> Path:
    """Return the file in which the watcher says that it watches."""
    return state_directory(paths) / "watcher"
