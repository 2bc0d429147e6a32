"""What must be right about the healing of a service. Pure."""

from collections.abc import Collection, Iterator

from backend.model.recovery import Escalation, Recovery, RecoveryKind
from backend.model.watchlist import WatchedService
from backend.model.watchlist_problems import Path, Problem, doubt, meant, mistake

ONLY_HEADS = "Only what runs on a head can follow its role: check the heads, or leave it out."


def recovery_problems(
    service: WatchedService,
    hosts: Collection[str],
    heads: Collection[str],
    resources: Collection[str],
    path: Path,
) -> Iterator[Problem]:
    """Yield what is wrong or doubtful; ``hosts`` are those that are checked, ``path`` the service's."""
    recovery = service.recovery
    if recovery is None:
        return
    yield from _resource(recovery, resources, path)
    if recovery.kind is RecoveryKind.NONE and recovery.options:
        text = "Nothing is restarted, so there is nothing to say about it."
        yield mistake(
            (*path, "recovery_options"), "site.watch-recovery", text, "Take the options out."
        )
    known = {one.lower() for one in heads}
    strangers = [one for one in hosts if one.lower() not in known]
    if not strangers:
        return
    text = f"{strangers[0]} is no head, and no takeover brings its service back."
    if recovery.escalate is Escalation.TAKEOVER:
        yield doubt((*path, "recovery_escalate"), "site.watch-recovery", text, ONLY_HEADS)
    if recovery.critical:
        yield doubt((*path, "recovery_critical"), "site.watch-recovery", text, ONLY_HEADS)


def _resource(recovery: Recovery, resources: Collection[str], path: Path) -> Iterator[Problem]:
    name = dict(recovery.options).get("resource", "")
    if recovery.kind is RecoveryKind.RESOURCE and name and name not in resources:
        text = f"There is no resource {name[:60]}."
        remedy = meant(name, resources) or "Add it as [[resource]]."
        yield mistake((*path, "recovery_options"), "site.watch-recovery", text, remedy)
