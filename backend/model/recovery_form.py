"""The healing of a service as fields of its form. Pure."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from backend.model import watchlist_fields as read
from backend.model.recovery import (
    Escalation,
    Failures,
    Recovery,
    RecoveryKind,
    parse_options,
    parse_restarts,
)
from backend.model.watchlist_values import Duration

Say = Callable[[str, str, str, str], None]  # field, code, text, remedy
HEALING = "recovery_"  # what these keys begin with
RECOVERY = (
    read.Entry("recovery_kind", "Restarted by", read.one_of(RecoveryKind, "recovery", "restarts nothing")),
    read.Entry("recovery_options", "What is restarted", parse_options),
    read.Entry("recovery_failures", "Failed checks before that", Failures.parse),
    read.Entry("recovery_restarts", "Restarts at most", parse_restarts),
    read.Entry("recovery_within", "These restarts within", Duration.parse),
    read.Entry("recovery_verify", "Checked after a restart in", Duration.parse),
    read.Entry("recovery_limit", "A restart may take", Duration.parse),
    read.Entry("recovery_escalate", "When that does not help", read.one_of(Escalation, "escalate", "is no choice")),
    read.Entry("recovery_critical", "A head without it gives its role away", read.truth),
)  # fmt: skip


def take_recovery(values: dict[str, Any], say: Say) -> Recovery | None:
    """Take what is about healing out of the values of a service; ``say`` hears what is wrong."""
    found = {key: values.pop(key) for key in [one.key for one in RECOVERY] if key in values}
    if not found:
        return None
    if "recovery_kind" not in found:
        text, rule = "Nothing says what restarts the service.", f"Use {', '.join(RecoveryKind)}."
        say("recovery_kind", "watch.recovery", text, rule)
        return None
    return Recovery(**{key.removeprefix(HEALING): value for key, value in found.items()})


def texts_of_recovery(recovery: Recovery | None) -> dict[str, str]:
    """Return its texts, empty where it says what it would say anyhow."""
    if recovery is None:
        return {one.key: "" for one in RECOVERY}
    usual = Recovery(recovery.kind)
    return {
        HEALING + one.name: read.text_of(value)
        if (value := getattr(recovery, one.name)) != getattr(usual, one.name) or one.name == "kind"
        else ""
        for one in fields(recovery)
    }
