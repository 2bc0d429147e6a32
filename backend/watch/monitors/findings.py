"""What a monitor found at each host, and the one result that it makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY, Outcome, Result, harmless

CODES = {Outcome.OK: 0, Outcome.FAILED: 1, Outcome.UNKNOWN: 2}


class Finding(NamedTuple):
    """What was found at one host."""

    host: str
    outcome: Outcome
    text: str  # a sentence, or several lines


def ok(host: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(host, Outcome.OK, text)


def failed(host: str, text: str) -> Finding:
    """Return a finding that the service fails there."""
    return Finding(host, Outcome.FAILED, text)


def unknown(host: str, text: str) -> Finding:
    """Return a finding that nobody could look."""
    return Finding(host, Outcome.UNKNOWN, text)


def together(findings: Iterable[Finding]) -> Result:
    """Return the result: failed when one fails, else unknown when one is unknown.

    As mon does it the summary names the hosts that fail; the detail says why.
    """
    found = list(findings)
    bad = [one for one in found if one.outcome is Outcome.FAILED]
    lost = [one for one in found if one.outcome is Outcome.UNKNOWN]
    well = [one for one in found if one.outcome is Outcome.OK]
    hosts = tuple(dict.fromkeys(one.host for one in bad))
    detail = "\n".join(f"{one.host}: {one.text}" for one in (*bad, *lost, *well))
    if bad:
        return _result(Outcome.FAILED, " ".join(hosts), detail, hosts)
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        return _result(Outcome.UNKNOWN, f"{lost[0].host}: {lost[0].text}{more}", detail, ())
    return _result(Outcome.OK, "", detail, ())


def cannot(text: str, detail: str = "") -> Result:
    """Return the result of a monitor that could not look."""
    return _result(Outcome.UNKNOWN, text, detail, ())


def _result(outcome: Outcome, summary: str, detail: str, hosts: tuple[str, ...]) -> Result:
    return Result(
        outcome,
        CODES[outcome],
        harmless(summary, LONGEST_SUMMARY),
        harmless(detail, LONGEST_DETAIL, lines=True),
        hosts,
    )
