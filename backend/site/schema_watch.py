"""The keys of the site file that are about the watch list."""

from backend.agent import config_values as agent
from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.watchlist import RunWhen
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_monitors import parse_alert, parse_monitor
from backend.model.watchlist_values import (
    MOST_TIMES,
    AlertAfter,
    AlertEvery,
    Duration,
    ExitCodes,
    parse_line,
    parse_parameters,
)
from backend.site.keys import Key, Section
from backend.site.schema_recovery import RECOVERY
from backend.site.values import by_agent, hosts, one_of, text, truth, variables

NAME = "letters, digits, underscores, dots and hyphens, 64 at most"
PERIOD_NAME = "letters, digits and underscores, 64 at most"
TIME = "a span of time from 1s to 366d, such as 3s, 20m, 1.5h"
WHEN = "a period as Perl's Time::Period reads it"
LINE = "one line, 1000 characters at most"
HOSTS = "a list of host names or addresses"
NEEDS = "an expression of group:service with and, or, not and brackets"


def _time(name: str, meaning: str, example: str, default: str = "") -> Key:
    return Key(name, text(Duration.parse), TIME, meaning, f'"{example}"', default_text=default)


def _needs(name: str, meaning: str) -> Key:
    return Key(name, text(Dependency.parse), NEEDS, meaning, '"SELF:ping"')


HOST_GROUP = Section(
    ("host_group",),
    "One table for each group of hosts that are checked alike.",
    (
        Key(
            "name", text(WatchName.parse), NAME, "its name", '"ServiceMonitor"', required=True,
        ),
        Key(
            "hosts", hosts, HOSTS, "its hosts", '["head1", "head2"]', default=(),
            default_text="both heads",
        ),
        Key("disabled", truth, "true or false", "nothing in it is checked", "false", default=False),
        Key(
            "disabled_hosts", hosts, HOSTS, "hosts that are left out", '["head2"]', default=(),
            default_text="none",
        ),
    ),
    repeated=True,
)  # fmt: skip

PERIOD = Section(
    ("period",),
    "One table for each period that services use by its name.",
    (
        Key(
            "name", text(PeriodName.parse), PERIOD_NAME, "its name", '"working_hours"',
            required=True,
        ),
        Key(
            "when", text(Period.parse), WHEN, "when it is", '"wd {Mon-Fri} hr {9am-5pm}"',
            required=True,
        ),
    ),
    repeated=True,
)  # fmt: skip

ALERT = Section(
    ("watch", "period", "alert"),
    "Below a [[watch.period]], one table for each thing that is sent or run.",
    (
        Key(
            "program", text(parse_alert), "a built-in alert, an alert of mon, or a path",
            "what is sent or run", '"mail"', required=True,
        ),
        Key(
            "run", one_of(RunWhen), ", ".join(RunWhen),
            "when: the service goes down, comes up, or monitoring starts", '"down"',
            default=RunWhen.DOWN,
        ),
        Key(
            "parameters", text(parse_parameters), LINE + ", quoted as for a shell",
            "what the program is told", '"root@localhost"', default="", default_text="none",
        ),
        Key(
            "exit", text(ExitCodes.parse), "a code or a range, 0 to 255",
            "only when the monitor ended with one of these codes", '"10-20"',
            default_text="any but 0",
        ),
    ),
    repeated=True,
    identity=(),
)  # fmt: skip

WATCH_PERIOD = Section(
    ("watch", "period"),
    "Below a [[watch]], one table for each period in which alerts are sent.",
    (
        Key(
            "when", text(Period.parse), WHEN, "when it is", '"wd {Sun-Sat}"',
            default_text="always",
        ),
        Key(
            "defined", text(PeriodName.parse), "the name of a [[period]]",
            "when it is, instead of when", '"working_hours"',
        ),
        Key(
            "label", text(PeriodName.parse), PERIOD_NAME,
            "tells it from another one at the same time", '"pager"',
        ),
        Key(
            "alert_every", text(AlertEvery.parse),
            "a span of time, and strict, observe_detail, ignore_summary or nothing",
            "how often an alert is repeated while the service stays down", '"1h"',
            default_text="each time it fails",
        ),
        Key(
            "alert_after", text(AlertAfter.parse),
            "a number of failures, a span of time, or both",
            "how often or how long it must fail before an alert", '"3 30m"',
            default_text="at once",
        ),
        Key(
            "max_alerts", by_agent(agent.whole(1, MOST_TIMES)), f"a whole number, 1 to {MOST_TIMES}",
            "how many alerts are sent about one failure", "10", default_text="unlimited",
        ),
        _time(
            "up_alert_after", "up again is told only when it was down for as long", "5m",
            "however short it was",
        ),
        Key(
            "no_comp_alerts", truth, "true or false",
            "up again is told also when down was not", "false", default=False,
        ),
    ),
    repeated=True,
    identity=(),
    children=(ALERT,),
)  # fmt: skip

WATCH = Section(
    ("watch",),
    "One table for each service that is watched.",
    (
        Key(
            "group", text(WatchName.parse), "the name of a [[host_group]]", "whose service it is",
            '"ServiceMonitor"', required=True,
        ),
        Key(
            "name", text(WatchName.parse), NAME, "its name", '"process_server"', required=True,
        ),
        Key(
            "monitor", text(parse_monitor),
            "a built-in monitor, a mon monitor, a Nagios plugin, ocf:provider:type, or a path",
            "what checks it", '"netsnmp-proc.monitor"', default="",
            default_text="none: it reports by itself",
        ),
        Key(
            "parameters", text(parse_parameters), LINE + ", quoted as for a shell",
            "what the monitor is told, before the hosts", '"-t 10"', default="",
            default_text="none",
        ),
        _time("interval", "how often it is checked", "3s", "required with a monitor"),
        _time("failure_interval", "how often it is checked while it fails", "1s", "the interval"),
        Key(
            "description", text(parse_line), LINE, "what it is, for people",
            '"The processes of a head"', default="", default_text="none",
        ),
        Key("disabled", truth, "true or false", "it is not checked", "false", default=False),
        _time("random_skew", "how much earlier or later a check may come", "1s", "not at all"),
        _needs("alert_depend", "no alerts unless these are well"),
        _needs("monitor_depend", "no checks unless these are well"),
        _needs("host_depend", "hosts that fail there are left out"),
        _time("depend_memory", "how long a failure there counts after its end", "5m", "not at all"),
        Key(
            "exclude_hosts", hosts, HOSTS, "hosts of the group that are left out", '["head2"]',
            default=(), default_text="none",
        ),
        Key(
            "exclude_period", text(Period.parse), WHEN, "when it is not checked",
            '"wd {Sun} hr {3am-4am}"',
        ),
        _time("trap_timeout", "it has failed when it reports nothing for as long", "10m"),
        _time("trap_duration", "how long what it reported counts", "1h", "until the next report"),
        Key(
            "redistribute", text(parse_parameters), "an alert with its parameters",
            "an alert that is told of every result", '"trap.alert -H 10.0.0.9"', default="",
            default_text="none",
        ),
        Key(
            "unack_summary", truth, "true or false", "another summary ends an acknowledgement",
            "false", default=False,
        ),
        Key(
            "environment", variables, "an inline table of texts and whole numbers",
            "variables for its monitor and alerts", '{ SNMPVERS = "2c" }', default=(),
            default_text="none",
        ),
        _time("limit", "how long a check may take", "30s", "1m"),
    ),
    repeated=True,
    identity=("group", "name"),
    children=(RECOVERY, WATCH_PERIOD),
)  # fmt: skip
