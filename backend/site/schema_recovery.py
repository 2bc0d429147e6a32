"""The keys of the site file about healing and about the watch processes; read by their own rules."""

from backend.agent import config_values as agent
from backend.model.recovery import (
    MOST_CHECKS,
    MOST_RESTARTS,
    Escalation,
    Failures,
    Monitoring,
    Recovery,
    RecoveryKind,
)
from backend.model.watchlist_values import Duration
from backend.site.keys import Key, Section
from backend.site.values import by_agent, one_of, text, truth
from backend.watch import config_values as watch

TIME = "a span of time from 1s to 366d, such as 3s, 20m, 1.5h"
USUAL = Recovery(RecoveryKind.NONE)
PLAIN = Monitoring()


def _time(name: str, meaning: str) -> Key:
    usual: Duration = getattr(USUAL, name)
    shown = f'"{usual}"'
    return Key(
        name, text(Duration.parse), TIME, meaning, shown, default=usual, default_text=f"`{shown}`"
    )


RECOVERY = Section(
    ("watch", "recovery"),
    "Below a [[watch]], one table: how the service is healed. Without it nothing is ever restarted.",
    (
        Key(
            "kind", one_of(RecoveryKind), ", ".join(RecoveryKind),
            "what restarts it: nothing, systemd, an OCF resource agent, a program, or the agent "
            "as one of its resources",
            '"unit"', required=True,
        ),
        Key(
            "options", by_agent(agent.options), "an inline table of texts and whole numbers",
            "what its kind needs to know", '{ unit = "nfs-server.service" }', default=(),
            default_text="none",
        ),
        Key(
            "failures", text(Failures.parse), f"a number of checks up to {MOST_CHECKS}, or how many of how many",
            "how many checks must fail before it is restarted", '"2 of 3"',
            default=USUAL.failures, default_text='`"1"`',
        ),
        Key(
            "restarts", by_agent(agent.whole(0, MOST_RESTARTS)),
            f"a whole number, 0 to {MOST_RESTARTS}", "how often it is restarted at most", "3",
            default=USUAL.restarts,
        ),
        _time("within", "the time for which restarts are counted"),
        _time("verify", "how soon it is checked after a restart"),
        _time("limit", "how long a restart may take"),
        Key(
            "escalate", one_of(Escalation), ", ".join(Escalation),
            "what follows when it cannot be healed where it runs: an alert only, or a takeover "
            "when the other head is fit for the service",
            '"takeover"', default=USUAL.escalate,
        ),
        Key(
            "critical", truth, "true or false",
            "a head on which it is broken gives its role away when the other one is fit for it",
            "true", default=False,
        ),
    ),
    identity=(),
)  # fmt: skip

MONITORING = Section(
    ("monitoring",),
    "How the watch processes of the heads work; without it everything has its default.",
    (
        Key(
            "port", by_agent(agent.whole(1, 65535)), "a whole number, 1 to 65535",
            "the TCP port between the watch processes of the heads", "4748", default=PLAIN.port,
        ),
        Key(
            "snmp_file", by_agent(watch.optional(agent.path)), "a path from the root, or empty",
            "a file on the heads, mode 0600, that says how SNMP agents are asked",
            '"/etc/haoscar/snmp"', default="", default_text="none: the usual community",
        ),
        Key(
            "mail_from", by_agent(watch.sender), "a mail address, or empty", "whom mails come from",
            '"haoscar@example.org"', default="", default_text="root at the head",
        ),
        Key(
            "smtp", by_agent(watch.server), "a host and a port, or empty",
            "the mail server that takes mails", '"mail.example.org:25"', default="",
            default_text="none: the local sendmail",
        ),
    ),
)  # fmt: skip
