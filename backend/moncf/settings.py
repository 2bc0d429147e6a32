"""mon's global settings: which are used here, and why the others are not carried over. Pure."""

from collections.abc import Mapping, Sequence

from backend.moncf.blocks import Item
from backend.moncf.values import is_malformed, timeval, truth

BASE = "/usr/lib/mon"
_SERVER = "mon's server for its clients: here 'haoscar watch' and the window ask the agent."
_TRAPS = "mon's port for traps: the agent takes none from there."
_LOG = "the agent keeps its own history and log."
_LOGIN = "who may use mon's server: here it is root."
USED = ("alertdir", "mondir", "basedir", "dep_behavior", "dep_memory", "unack_summary", "exclude_period")  # fmt: skip
LEFT: Mapping[str, str] = {
    "statedir": "the agent keeps its own memory, which survives a failover.",
    "logdir": _LOG,
    "cfbasedir": "where mon's other files are: there are none here.",
    "authfile": _LOGIN,
    "authtype": _LOGIN,
    "userfile": _LOGIN,
    "pamservice": _LOGIN,
    "serverbind": _SERVER,
    "serverport": _SERVER,
    "clientallow": _SERVER,
    "cltimeout": _SERVER,
    "trapbind": _TRAPS,
    "trapport": _TRAPS,
    "dtlogfile": _LOG,
    "dtlogging": _LOG,
    "monerrfile": _LOG,
    "histlength": _LOG,
    "historicfile": _LOG,
    "historictime": _LOG,
    "syslog_facility": _LOG,
    "pidfile": "the agent is a service of systemd.",
    "maxprocs": "the agent decides how many checks run at once.",
    "randstart": "the agent spreads the first checks itself.",
    "dep_recur_limit": "dependencies in a ring are refused, so there is no limit.",
    "startupalerts_on_reset": "alerts of the start are sent when monitoring starts.",
    "monremote": "the two heads share what they know by themselves.",
}
TIMES = ("randstart", "historictime", "cltimeout", "dep_memory")


def is_wrong(item: Item) -> str:
    """Return what mon finds wrong with a setting's value, or nothing."""
    if item.key in TIMES and timeval(item.value) is None:
        return "Write a number with s, m, h or d: 30s."
    if item.key == "dep_behavior" and item.value not in ("a", "m", "hm"):
        return "Use a (alerts), m (monitors) or hm (hosts)."
    if item.key == "unack_summary" and (not item.value or truth(item.value) is None):
        return "Write yes or no."
    if item.key == "exclude_period" and is_malformed(item.value):
        return "Write it as for Perl's Time::Period: wd {Sun} hr {3am-4am}."
    return ""


def directories(settings: Sequence[Item], key: str) -> tuple[str, ...]:
    """Return where mon looks for monitors (key ``mondir``) or alerts (``alertdir``)."""
    said = {one.key: one.value for one in settings}
    base = said.get("basedir", BASE).rstrip("/")
    default = {"mondir": "/usr/local/lib/mon/mon.d:mon.d", "alertdir": "/usr/local/lib/mon/alert.d:alert.d"}[key]  # fmt: skip
    parts = (one.strip().rstrip("/") for one in said.get(key, default).split(":"))
    return tuple(one if one.startswith("/") else f"{base}/{one}" for one in parts if one)
