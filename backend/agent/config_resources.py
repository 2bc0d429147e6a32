"""What must be right between the resources of a configuration, and about fencing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from backend.agent.config_checks import myself, unique
from backend.agent.config_draft import Draft, Findings, Table
from backend.agent.config_schema import OPTIONS, RESOURCE, VIRTUAL_IP, Option

SECRETS = ("passw", "passphrase", "secret", "token")  # parts of the names of such options


def check_resources(draft: Draft, findings: Findings) -> None:
    """Add every contradiction between resources, and secrets that stand in the open."""
    tables = draft.all(RESOURCE)
    unique(tables, "name", findings)
    _check_nothing_to_do(draft, findings)
    _check_order(tables, findings)
    for table in tables:
        _check_exclusive(table, draft, findings)
        if {"kind", "options"} <= table.values.keys() or not table.has("options"):
            given = table.values.get("options", ())
            for text, remedy in wrong_options(table.values.get("kind", ""), given):
                findings.error(table.line("options"), text, remedy)
    if draft.fencing is not None:
        for name, _ in draft.fencing.values.get("options", ()):
            if any(part in name.lower() for part in SECRETS):
                text = f"options: {name} is a secret, and this file is none."
                remedy = f"Put the line {name}=... into credentials_file."
                findings.error(draft.fencing.line("options"), text, remedy)


def wrong_options(
    kind: str, given: Iterable[tuple[str, str]], kinds: Mapping[str, tuple[Option, ...]] = OPTIONS
) -> list[tuple[str, str]]:
    """Return what is wrong with the options of a kind of resource, each with its remedy."""
    known = {one.name: one for one in kinds.get(kind, ())}
    values = dict(given)
    wrong: list[tuple[str, str]] = []
    for name, one in known.items():
        text = f"options: {name} is missing: {one.meaning}."
        if name in values and not re.fullmatch(one.form, values[name]):
            text = f"options: {name} is not of the right form: {ascii(values[name])[:60]}."
        elif name in values or not one.required:
            continue
        wrong.append((text, f'Write it as "{name}": "{one.example}".'))
    if known and kind != "ocf":
        wrong += [
            (f"options: a {kind} has no {name}.", f"Known here: {', '.join(known)}.")
            for name in values
            if name not in known
        ]
    return wrong


def _check_nothing_to_do(draft: Draft, findings: Findings) -> None:
    me = myself(draft)
    if me is None or me.values.get("role") != "head":
        return
    if not draft.top.has(VIRTUAL_IP.name) and not draft.top.has(RESOURCE.name):
        text = "There is no virtual IP and no resource: a takeover would do nothing."
        findings.error(draft.top.line(), text, "Add virtual_ips.")


def _check_exclusive(table: Table, draft: Draft, findings: Findings) -> None:
    if not table.values.get("exclusive"):
        return
    if draft.fencing is None and not draft.top.values.get("watchdog"):
        text = f"The resource {table.values.get('name')} is exclusive, and nothing can make sure that the other head is off."  # fmt: skip
        remedy = 'Add fencing or a watchdog, or take "exclusive" out if it may run twice.'
        findings.error(table.line("exclusive"), text, remedy)


def _check_order(tables: list[Table], findings: Findings) -> None:
    after = {
        str(one.values["name"]): tuple(one.values.get("after", ()))
        for one in tables
        if "name" in one.values
    }
    for table in tables:
        for name in table.values.get("after", ()):
            if name not in after:
                text = f"after: there is no resource {name}."
                findings.error(table.line("after"), text, "Add it, or correct the name.")
    ring = cycle(after)
    if ring:
        first = next(one for one in tables if one.values.get("name") == ring[0])
        text = f"The resources {' -> '.join((*ring, ring[0]))} each wait for the next one."
        findings.error(first.line("after"), text, "Take one of these names out of after.")


def cycle(after: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return resources that wait for each other in a ring, each for the next; empty when none do."""
    left = dict(after)
    while left:
        free = [one for one, before in left.items() if not any(name in left for name in before)]
        if not free:
            return _ring(left)
        for one in free:
            del left[one]
    return ()


def _ring(left: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return one ring among resources that all wait for one of themselves."""
    way = [next(iter(left))]
    while True:
        following = next(name for name in left[way[-1]] if name in left)
        if following in way:
            return tuple(way[way.index(following) :])
        way.append(following)
