"""Where the agent lies on a member, and nowhere else: what removal has to find again."""

import posixpath

PROGRAM = "/usr/local/lib/haoscar/haoscar-agent.pyz"
CONFIG = "/etc/haoscar/agent.json"
KEY = "/etc/haoscar/agent.key"
STATE = "/var/lib/haoscar-agent"
RUN = "/run/haoscar-agent"
HEAD_UNIT = "haoscar-agent.service"
WITNESS_UNIT = "haoscar-witness.service"
UNITS = (HEAD_UNIT, WITNESS_UNIT)
PREVIOUS = ".previous"  # what a file was before, kept until the new agent is well


def unit_file(unit: str) -> str:
    """Return where a unit's file lies."""
    return f"/etc/systemd/system/{unit}"


FILES = (PROGRAM, CONFIG, KEY, *(unit_file(unit) for unit in UNITS))
SECRET = frozenset({KEY})  # never read back, never shown
DIRECTORIES = (posixpath.dirname(PROGRAM), posixpath.dirname(CONFIG))  # removed when empty


class Mode:
    """Who may do what with a file of the agent; all are root's."""

    program = 0o755
    config = 0o644
    key = 0o600
    unit = 0o644
    directory = 0o755
