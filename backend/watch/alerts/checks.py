"""Judges an alert before anything is sent. Pure."""

from __future__ import annotations

from backend.watch.alerts import mail, program, syslog, trap, webhook
from backend.watch.settings import Alert

_BUILT_IN = {
    "mail": mail.problems,
    "webhook": webhook.problems,
    "syslog": syslog.problems,
    "snmp-trap": trap.problems,
}


def problems(alert: Alert) -> list[str]:
    """Say what is wrong with an alert's name and parameters, a sentence each; [] when nothing is."""
    judge = _BUILT_IN.get(alert.program)
    return judge(alert.words) if judge else program.problems(alert.program, alert.words)
