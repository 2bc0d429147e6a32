"""Every key of the watch process's configuration: how it is read, its meaning, range, default, example."""

from __future__ import annotations

from backend.agent import config_values as read
from backend.agent.config_schema import COMMAND, NAME, OPTIONS, PATH, Key, Option, Section
from backend.watch import config_values as own

VERSION = 1
KIND = "watch"  # what tells this file from the agent's
YEAR = 366 * 86_400.0  # seconds
MOST_SERVICES, MOST_PERIODS, MOST_ALERTS = 5_000, 100, 100
TAG = "letters, digits, underscores, dots and hyphens, 64 at most"
PERIOD = "a period as Perl's Time::Period reads it"
WORDS = "a list of texts"
NEEDS = "an expression of group:service with &&, \\|\\|, ! and brackets"
SECONDS = "seconds, 0.1 to 31622400"
NONE = "none"


def _seconds(name: str, meaning: str, example: str, default: str) -> Key:
    """Return the key of a span of time; 0 stands for its absence."""
    reader = read.seconds(0.1, YEAR, never=True)
    return Key(name, reader, f"{SECONDS}, or 0", meaning, example, default=default)


def _span(name: str, meaning: str, default: str) -> Key:
    """Return the key of a span of time that there always is."""
    return Key(name, read.seconds(0.1, YEAR), SECONDS, meaning, default, default=default)


def _needs(name: str, meaning: str) -> Key:
    return Key(name, own.optional(own.expression), NEEDS, meaning, '"nfs:export"', default=NONE)


TOP = Section("", "the file", (
    Key("version", read.whole(1, VERSION), "1", "which form of the file this is", "1", True),
    Key("kind", read.choice(KIND), KIND, "that this is the watch list, and not the agent's file",
        f'"{KIND}"', True),
    Key("cluster", read.label, NAME, "the name of the cluster, the same at both heads",
        '"beowulf"', True),
    Key("key_file", read.path, PATH,
        "the agent's key, which both heads share: what they tell each other is signed with one made from it",
        '"/etc/haoscar/agent.key"', True),
    Key("state_directory", read.path, PATH,
        "what must survive a reboot: below it, in watch, are results, history and availability",
        '"/var/lib/haoscar-agent"', True),
    Key("run_directory", read.path, PATH, "what belongs to this boot: the control socket watch",
        '"/run/haoscar-agent"', True),
    Key("agent_socket", read.path, PATH, "the control socket of the agent on this head",
        '"/run/haoscar-agent/control"', True),
    Key("port", read.whole(1, 65535), "a whole number, 1 to 65535",
        "the TCP port between the watch processes of the heads", "4748", default="4748"),
    Key("snmp_file", own.optional(read.path), f"{PATH}, or empty",
        "how SNMP agents are asked: a community, or a user and keys; readable by its owner only",
        '"/etc/haoscar/snmp"', default="the usual community"),
    Key("mail_from", own.sender, "a mail address, or empty", "whom mails come from",
        '"haoscar@example.org"', default="root at this head"),
    Key("smtp", own.server, "a host and a port, or empty",
        "the mail server that takes mails; without it the local sendmail does",
        '"mail.example.org:25"', default="the local sendmail"),
))  # fmt: skip

HEAD_KEYS = (
    Key("name", read.label, NAME, "its host name", '"head1"', True),
    Key("addresses", own.addresses, "a list of IPv4 addresses",
        "its own addresses, the private one first", '["10.0.0.2", "192.0.2.11"]', True),
)  # fmt: skip
ME = Section("me", "this head", HEAD_KEYS)
OTHER = Section("other", "the other head", HEAD_KEYS)

SERVICE = Section("services", "service", (
    Key("group", own.tag, TAG, "its host group", '"ServiceMonitor"', True),
    Key("name", own.tag, TAG, "its name", '"process_server"', True),
    Key("hosts", own.hosts, "a list of host names or addresses",
        "the hosts that are checked; heads are given by their names", '["head1", "head2"]', True),
    Key("monitor", own.optional(own.program), "a built-in monitor, a mon monitor, a Nagios plugin, "
        "ocf:provider:type, or a path", "what checks it", '"netsnmp-proc.monitor"',
        default="none: it reports by itself"),
    Key("words", own.words, WORDS, "what the monitor is told, before the hosts", '["-t", "10"]',
        default=NONE),
    _seconds("interval", "how often it is checked", "3", "required with a monitor"),
    _seconds("failure_interval", "how often it is checked while it fails", "1", "the interval"),
    _seconds("skew", "how much earlier or later a check may come", "1", "not at all"),
    _span("limit", "how long a check may take", "60"),
    Key("description", read.text, "text", "what it is, for people", '"The processes of a head"',
        default=NONE),
    Key("disabled", read.truth, "true or false", "it is not checked", "false", default="false"),
    _needs("alert_depend", "no alerts unless these are well"),
    _needs("monitor_depend", "no checks unless these are well"),
    _needs("host_depend", "hosts that fail there are left out"),
    _seconds("depend_memory", "how long a failure there counts after its end", "300", "not at all"),
    Key("exclude", own.period, PERIOD, "when it is not checked", '"wd {Sun} hr {3am-4am}"',
        default=NONE),
    _seconds("trap_timeout", "it has failed when it reports nothing for as long", "600", NONE),
    _seconds("trap_duration", "how long what it reported counts", "3600", "until the next report"),
    Key("unack_summary", read.truth, "true or false", "another summary ends an acknowledgement",
        "false", default="false"),
    Key("environment", own.environment, "an object: names to text or whole numbers",
        "variables for its monitor and alerts", '{"SNMPVERS": "2c"}', default=NONE),
), MOST_SERVICES)  # fmt: skip

PERIODS = Section("periods", "period", (
    Key("when", own.period, PERIOD, "when it is; empty: always", '"wd {Sun-Sat}"', True),
    Key("name", read.text, "text", "its name, unique within the service; alerts are counted by it",
        '"wd {Sun-Sat}"', True),
    _seconds("every", "how long after an alert about a failure the next one comes", "3600",
             "each time it fails"),
    Key("repeat", own.optional(read.choice("observe_detail", "strict", "ignore_summary")),
        "observe_detail, strict, ignore_summary or empty", "what breaks that pause", '"strict"',
        default="another summary"),
    Key("failures", read.whole(0, 10_000), "a whole number, 0 to 10000",
        "an alert only after so many failures, one after another or in the time within", "3",
        default="at once"),
    _seconds("within", "the time for these failures; without failures: how long it must fail",
             "1800", NONE),
    Key("most", read.whole(0, 10_000), "a whole number, 0 to 10000",
        "how many alerts are sent about one failure; 0: unlimited", "10", default="unlimited"),
    _seconds("up_after", "up again is told only when it was down for as long", "300",
             "however short it was"),
    Key("no_comp", read.truth, "true or false", "up again is told also when down was not", "false",
        default="false"),
), MOST_PERIODS)  # fmt: skip

ALERT_KEYS = (
    Key("program", own.program, "a built-in alert, an alert of mon, or a path",
        "what is sent or run", '"mail"', True),
    Key("run", read.choice("down", "up", "startup"), "down, up or startup",
        "when: the service goes down, comes up, or monitoring starts", '"down"',
        default="down"),
    Key("words", own.words, WORDS, "what the program is told", '["root@localhost"]', default=NONE),
    Key("exit", own.codes, "a list of two whole numbers, 0 to 255",
        "only with exit codes of the monitor from the first to the second", "[10, 20]",
        default="any but 0"),
)  # fmt: skip
ALERTS = Section("alerts", "alert", ALERT_KEYS, MOST_ALERTS)
REDISTRIBUTE = Section("redistribute", "alert that is told of every result", ALERT_KEYS)

RECOVERY = Section("recovery", "recovery", (
    Key("kind", own.optional(read.choice("unit", "ocf", "command", "resource")),
        "unit, ocf, command, resource or empty",
        "what is restarted: a systemd unit, by an OCF resource agent, by a program, a resource of "
        "the agent; empty: nothing", '"unit"', True),
    Key("options", read.options, "an object: names to text or whole numbers",
        "what its kind needs to know", '{"unit": "nfs-server.service"}', default=NONE),
    Key("failures", read.whole(1, 100), "a whole number, 1 to 100",
        "it is healed when so many checks have failed ...", "2", default="1"),
    Key("of", read.whole(1, 100), "a whole number, 1 to 100", "... of the last so many", "3",
        default="1"),
    Key("restarts", read.whole(0, 100), "a whole number, 0 to 100", "so many restarts at most ...",
        "3", default="3"),
    _span("within", "... in this time", "3600"),
    _span("verify", "when it is checked after a restart", "3"),
    _span("limit", "how long a restart may take", "60"),
    Key("escalate", read.choice("alert", "takeover"), "alert or takeover",
        "what follows when it cannot be healed here", '"takeover"', default="alert"),
    Key("critical", read.truth, "true or false",
        "a head on which it is broken gives the role away when the other one is fit for it",
        "true", default="false"),
))  # fmt: skip

# What is not listed is refused, except for ocf: there it is a parameter of the resource agent.
RECOVERY_OPTIONS: dict[str, tuple[Option, ...]] = {
    "unit": OPTIONS["unit"],
    "ocf": OPTIONS["ocf"],
    "command": (
        Option("start", COMMAND, "restarts it, and ends with 0 when it runs",
            "/opt/app/bin/app restart"),
    ),
    "resource": (
        Option("resource", read.WORD.pattern, "a resource of the agent, by its name", "exports"),
    ),
}  # fmt: skip

SECTIONS = (TOP, ME, OTHER, SERVICE, PERIODS, ALERTS, REDISTRIBUTE, RECOVERY)
