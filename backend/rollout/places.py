"""Where the agent lies on a member, and nowhere else: what removal has to find again."""

import posixpath

PROGRAM = "/usr/local/lib/haoscar/haoscar-agent.pyz"
CONFIG = "/etc/haoscar/agent.json"
KEY = "/etc/haoscar/agent.key"
STATE = "/var/lib/haoscar-agent"
RUN = "/run/haoscar-agent"
HEAD_UNIT = "haoscar-agent.service"
WITNESS_UNIT = "haoscar-witness.service"
AGENT_UNITS = (HEAD_UNIT, WITNESS_UNIT)
# The second process of a head, from the same file: it carries out the watch list.
WATCH_CONFIG = "/etc/haoscar/watch.json"
WATCH_STATE = "/var/lib/haoscar-watch"
WATCH_RUN = "/run/haoscar-watch"  # of its own: systemd removes it when that service stops
WATCH_SOCKET = f"{WATCH_RUN}/watch"
WATCH_UNIT = "haoscar-watch.service"
UNITS = (*AGENT_UNITS, WATCH_UNIT)
# What snmpd on a head is given so that the watch list can ask it.
SNMPD_UNIT = "snmpd.service"
SNMPD_DIRECTORY = "/etc/snmp/snmpd.conf.d"
SNMPD_LINES = f"{SNMPD_DIRECTORY}/haoscar.conf"  # where snmpd.conf includes that directory
SNMPD_LINES_ALONE = "/etc/snmp/haoscar.conf"  # where it does not; included by one line
SNMPD_ACCESS = "/etc/snmp/haoscar-access.conf"
SNMPD_RECORD = "/etc/haoscar/snmpd.json"  # what was there before: packages, the service
SNMPD_INCLUDE = f"includeFile {SNMPD_LINES_ALONE}"
SNMPD_DROP_IN = f"/etc/systemd/system/{SNMPD_UNIT}.d/haoscar.conf"
CREDENTIALS = "/etc/haoscar/snmp"
PREVIOUS = ".previous"  # what a file was before, kept until the new agent is well


def unit_file(unit: str) -> str:
    """Return where a unit's file lies."""
    return f"/etc/systemd/system/{unit}"


AGENT_FILES = (PROGRAM, CONFIG, KEY, *(unit_file(unit) for unit in AGENT_UNITS))
WATCH_FILES = (WATCH_CONFIG, unit_file(WATCH_UNIT))
SNMPD_FILES = (
    SNMPD_LINES, SNMPD_LINES_ALONE, SNMPD_ACCESS, SNMPD_RECORD, SNMPD_DROP_IN, CREDENTIALS,
)  # fmt: skip
FILES = (*AGENT_FILES, *WATCH_FILES, *SNMPD_FILES)
SECRET = frozenset({KEY, SNMPD_ACCESS, CREDENTIALS})  # never read back, never shown
STATES = (STATE, RUN, WATCH_STATE, WATCH_RUN)
# Removed when they are empty.
DIRECTORIES = (
    posixpath.dirname(PROGRAM), posixpath.dirname(CONFIG), posixpath.dirname(SNMPD_DROP_IN),
)  # fmt: skip


class Mode:
    """Who may do what with a file of the agent; all are root's."""

    program = 0o755
    config = 0o644
    key = 0o600
    access = 0o640  # of the group that snmpd runs as
    unit = 0o644
    directory = 0o755
