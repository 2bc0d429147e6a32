"""The words of the watch list's panel: labels are Webmin's, as the original showed them."""

from collections.abc import Mapping
from datetime import datetime

from backend.errors import InvalidInput
from backend.model.periods import Period
from backend.periods import next_change

HELP = (
    "The watch list says which services of which hosts are checked, how often, and who hears of it. It is part of "
    "the site file.\n\n"
    "Choose the host group above the table. Enter or a double click on a service opens it. What you change is "
    "collected here; Save shows what will be written into the site file, and writes it. Ctrl-R puts back what is "
    "stored.\n\n"
    "The watch process of the active head checks the services by the list that Step 5, Complete installation, has "
    "given it. State shows what it finds, and since when, anew every two seconds; the line below the table says "
    "everything about the selected service. Test now checks it at once. Acknowledge.. says that a failure is known: "
    "no more alerts about it until it is well. Disable and Enable work at once and are not written into the site "
    "file. History.. shows what happened, and for how long the service was well.\n\n"
    "The three services that are proposed at first are those of the original HA-OSCAR."
)
PROPOSED = "Nothing is stored yet: these are the original's three services. Save writes them."
UNSAVED = "▲ There are changes that are not saved yet."
REFUSED = "✖ Nothing was saved, because of this:"
STORED = "As it is stored in the site file."
LOOKING = "Reading the site file..."
UNREADABLE = "✖ The watch list is part of the site file, which cannot be used:"
LEAVING = "The watch list has changes that are not saved."
LEAVING_DETAIL = "Kept, they stay in the panel until the window is closed."
DISCARDING = "Discard what was changed here and put back what is stored?"
LOST = "The changes are lost."
SAVE, DISCARD, KEEP = "Save", "Discard", "Keep"
BOTH_HEADS = "both heads"
NO_GROUP = "There is no host group yet. Add one, then its services."

SERVICE_HELP: Mapping[str, str] = {
    "name": "What the service is called: letters, digits, underscores, dots and hyphens.",
    "interval": "How often it is checked. The original checks the processes of a head every 3 seconds.",
    "description": "What it is, for people. It is told with every alert.",
    "monitor": "What checks it. Standard monitors are built in, or belong to mon or Nagios and were found on this "
    "head. Any other one: the name of a monitor of mon, of a Nagios plugin (check_load), an OCF agent "
    "(ocf:heartbeat:nfsserver), or a path. Empty: the service reports by itself.",
    "parameters": "What the monitor is told, before the names of the hosts. Quoted as for a shell; no shell sees it.",
    "more": "What is rarely needed: other intervals, dependencies, exclusions, traps.",
}
MORE_HELP: Mapping[str, str] = {
    "failure_interval": "How often it is checked while it fails, such as 1s. Empty: as always.",
    "disabled": "It stays in the list, and nothing is checked.",
    "exclude_hosts": "Hosts of the group that are not checked for this service, with blanks between them.",
    "exclude_period": "When it is not checked, such as wd {Sun} hr {3am-4am}.",
    "alert_depend": "Other services that must be well, or no alert is sent: group:service, joined by && or ||, with ! "
    "and brackets. SELF is this group: SELF:ping && routers:ping.",
    "monitor_depend": "Other services that must be well, or this one is not checked. Written as above.",
    "host_depend": "Hosts that fail in one of these services are left out here. Written as above.",
    "depend_memory": "How long a failure of those services counts after its end, such as 5m.",
    "random_skew": "Each check comes earlier or later by so much at most, so that not all come at once.",
    "trap_timeout": "For a service that reports by itself: it has failed when it says nothing for as long.",
    "trap_duration": "How long what it reported counts.",
    "redistribute": "An alert program with parameters that is told of every result, good ones too.",
    "unack_summary": "An acknowledged failure is told again as soon as its summary changes.",
    "environment": "Variables for its monitor and alerts: NAME=value, with blanks between them.",
    "limit": "How long a check may take, such as 30s, before it counts as unknown. Empty: 60 seconds.",
}
HEALING_HELP: Mapping[str, str] = {
    "fold": "What the heads do by themselves when the service fails: restart it, and then let the other head take over.",
    "recovery_kind": "What restarts the service. It is restarted on the head on which it fails; where another machine or "
    "everything fails, on the active head. Nothing: it is not restarted, and what is said below follows at once.",
    "recovery_options": "What is restarted. Of a systemd unit: unit=NAME.service. Of an OCF resource agent: "
    "agent=ocf:heartbeat:NAME and its parameters. Of a program: 'start=/path/to/program and its words'. Of the failover agent: "
    "resource=NAME, one of the resources of the site file.",
    "recovery_failures": "After how many failed checks it is restarted: 1, or 2 of 3 for two of the last three checks.",
    "recovery_restarts": "How often it is restarted at most; then follows what is said below.",
    "recovery_within": "The time for which restarts are counted. A service that fails again later is restarted again.",
    "recovery_verify": "How soon after a restart it is checked whether that has helped.",
    "recovery_limit": "How long the restart itself may take before it counts as failed.",
    "recovery_escalate": "What follows when restarts do not help. The other head takes over only when it is fit for this "
    "service, and once: when it fails there, too, an alert is sent and a person has to look.",
    "recovery_critical": "A head on which this service stays broken gives its role away when the other one is fit for it, "
    "as if it were not well itself.",
}
HEALING_HINTS: Mapping[str, str] = {
    "unit": "Such as unit=nfs-server.service",
    "ocf": "Such as agent=ocf:heartbeat:nfsserver nfs_shared_infodir=/home/nfs",
    "command": "Such as 'start=/opt/app/bin/restart now'",
    "resource": "Such as resource=exports",
}
PERIOD_HELP: Mapping[str, str] = {
    "when": "When alerts of this period are sent. Days and hours: from one to the other, both included; hours are "
    "written like 9am or 5pm. A defined period is one that has a name (button Defined periods..). Anything else is "
    "written as for Perl's Time::Period: wd {Mon-Fri} hr {9am-5pm}, md {1-15}. Empty: always.",
    "alerts": "What is sent or run, and when. An alert is built in (mail, webhook, syslog, snmp-trap), an alert "
    "program of mon, or a path. Additional parameters of mail are the addresses. The last row is for a further one; "
    "an emptied row goes.",
    "alert_every": "How often an alert is repeated while the service stays down.",
    "alert_after": "An alert is sent only after so many failures, or so many within a time, or after it was down for "
    "as long.",
    "max_alerts": "How many alerts are sent about one failure.",
    "up_alert_after": "An alert that the service is up again follows one that it was down. It can be left out after "
    "short failures, or be sent without a down alert, too.",
    "label": "A name for this period, needed only when two periods are at the same time.",
}
GROUP_HELP: Mapping[str, str] = {
    "name": "What the group is called; the original's is ServiceMonitor.",
    "hosts": "Names or addresses, with blanks between them. Empty: both heads.",
    "disabled": "Nothing in the group is checked.",
    "disabled_hosts": "Hosts of the group that are left out of every check.",
}


def now_says(text: str, now: datetime) -> str:
    """Return whether a period is in force, and until when; "" for what is no period."""
    try:
        period = Period.parse(text)
    except InvalidInput:
        return ""
    word = "In force now" if period.contains(now) else "Not in force now"
    change = next_change(period, now)
    return f"{word}, until {change:%a %Y-%m-%d %H:%M:%S}." if change is not None else f"{word}, for ever."  # fmt: skip
