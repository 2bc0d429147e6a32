"""What must be right between the tables of the watch list and the rest of a site file."""

from dataclasses import replace

from backend.agent.config_resources import wrong_options
from backend.model.recovery_form import HEALING
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_problems import Path
from backend.site import locate
from backend.site.build_watch import build_watch
from backend.site.draft import Draft, Findings, Table
from backend.site.schema import PRIMARY
from backend.site.schema_watch import WATCH
from backend.site.watch_words import word_problems
from backend.watch.config_schema import RECOVERY_OPTIONS


def check_watch(draft: Draft, findings: Findings) -> None:
    """Add every contradiction in the watch list; what could not be read is not judged again."""
    machines = _machines(draft)
    watch = build_watch(draft)
    for problem in (*problems(watch, machines), *word_problems(watch)):
        table, rest = _table(draft, problem.path)
        if rest and str(rest[0]) in table.wrong:
            continue
        path: locate.Path = (*table.path, *rest)
        report = problem.report(findings.place(path))
        key = f"{rest[0]}: " if rest else ""
        findings.add(replace(report, text=f"{key}{report.text}"))
    for service in draft.repeated[WATCH.path[0]]:
        for recovery in service.children["recovery"]:
            _check_options(recovery, findings)


def _check_options(recovery: Table, findings: Findings) -> None:
    kind, options = recovery.values.get("kind", ""), recovery.values.get("options", ())
    if "options" in recovery.wrong:
        return
    for text, remedy in wrong_options(kind, options, RECOVERY_OPTIONS):
        remedy = remedy.replace('": "', '" = "')
        findings.error(recovery.at("options"), "site.options", text, remedy)


def _table(draft: Draft, path: Path) -> tuple[Table, Path]:
    """Return the table that a path leads to, and what is left of the path."""
    table = draft.repeated[str(path[0])][int(path[1])]
    path = path[2:]
    if path and str(path[0]).startswith(HEALING):
        return table.children["recovery"][0], (str(path[0]).removeprefix(HEALING),)
    while len(path) > 1:
        table = table.children[str(path[0])][int(path[1])]
        path = path[2:]
    return table, path


def _machines(draft: Draft) -> Machines:
    primary = draft.single.get(PRIMARY.path)
    heads = ([] if primary is None else [primary]) + draft.repeated["standby"]
    nodes = draft.repeated["node"]
    return Machines(_names(heads), _names(nodes), _names(draft.repeated["resource"]))


def _names(tables: list[Table]) -> tuple[str, ...]:
    return tuple(str(one.values["name"]) for one in tables if "name" in one.values)
