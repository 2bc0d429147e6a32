"""What a result, a report or an administrator means for one service, by mon's rules. Pure."""

from __future__ import annotations

from backend.watch.core import alerts
from backend.watch.core.actions import Tell
from backend.watch.core.alerts import Due, Failure, Told
from backend.watch.core.depend import named_hosts
from backend.watch.core.events import Reported
from backend.watch.core.state import Acknowledged, Known, State, Turn, seen_since
from backend.watch.core.telling import ask_periods, redistributed, tell_unknown
from backend.watch.results import (
    LONGEST_DETAIL,
    LONGEST_SUMMARY,
    REPORT,
    SILENCE,
    Moment,
    Outcome,
    Result,
    harmless,
)
from backend.watch.settings import DOWN, STARTUP, UP, AlertPeriod, Service

UNKNOWN_TOLD = 3  # so many in a row are no passing trouble


def report(event: Reported) -> Result:
    """Return what a service has reported by itself."""
    return Result(
        event.outcome, 0 if event.outcome is Outcome.OK else 1, harmless(event.summary, LONGEST_SUMMARY),
        harmless(event.detail, LONGEST_DETAIL, lines=True), source=REPORT,
    )  # fmt: skip


def silence(seconds: float) -> Result:
    """Return what it means that a service has not reported for as long."""
    detail = f"nothing was reported for {seconds:g} s"
    return Result(Outcome.FAILED, 1, "trap timeout", detail, source=SILENCE)


def concluded(service: Service, state: State, result: Result, now: Moment, well: bool) -> Turn:
    """Return what a result means; ``well`` says whether what its alerts depend on is well."""
    if result.outcome is Outcome.UNKNOWN:
        turn = _unknown(service, state, result, now, well)
    elif result.outcome is Outcome.FAILED:
        turn = _failed(service, state, result, now, well)
    else:
        turn = _well(service, state, result, now)
    return turn._replace(state=seen_since(state, turn.state, now.mono))


def escalated(service: Service, state: State, sentence: str, now: Moment, well: bool) -> Turn:
    """Return who is told that a service could not be healed; no pause holds that back."""
    if state.disabled or state.acknowledged or not well:
        return Turn(state, (), (f"{sentence}; nobody is told: {_why_silent(state)}",))
    found = state.last or Result(Outcome.FAILED, 1)
    text = f"{found.summary}\n{found.detail}".strip()
    result = found._replace(
        outcome=Outcome.FAILED, summary=harmless(sentence, LONGEST_SUMMARY), detail=text
    )

    def rule(period: AlertPeriod, told: Told) -> Due:
        return alerts.now_down(period, told, found.code, now.mono)

    return Turn(*ask_periods(service, state, rule, DOWN, result, now))


def started(service: Service, state: State, now: Moment) -> Turn:
    """Return the alerts that monitoring has begun; each counts as one of a failure, as in mon."""
    if state.disabled:
        return Turn(state)

    def rule(period: AlertPeriod, told: Told) -> Due:
        return alerts.startup(period, told, now.mono)

    nothing = Result(Outcome.OK)
    tells = redistributed(service, state, STARTUP, nothing, now)
    after, more = ask_periods(service, state, rule, STARTUP, nothing, now)
    return Turn(after, tells + more)


def acknowledge(state: State, text: str, who: str, now: float) -> Turn:
    """Return a service whose failure somebody knows of."""
    if state.known is not Known.FAILED and not state.unknowns:
        return Turn(state, (), (f"was not acknowledged: it is {state.shown}",))
    known = Acknowledged(harmless(who, 100), harmless(text, LONGEST_SUMMARY), now)
    said = f": {known.text}" if known.text else ""
    return Turn(state._replace(acknowledged=known), (), (f"was acknowledged by {known.who}{said}",))


def unacknowledge(state: State) -> Turn:
    """Return a service whose alerts are wanted again."""
    if state.acknowledged is None:
        return Turn(state, (), ("is not acknowledged",))
    return Turn(state._replace(acknowledged=None), (), ("is no longer acknowledged",))


def disable(state: State, now: float) -> Turn:
    """Return a service that is not checked."""
    if state.disabled:
        return Turn(state, (), ("is disabled already",))
    after = state._replace(
        disabled=True, running=False, again=False, due=None, report_due=None, report_ends=None,
        held="",
    )  # fmt: skip
    return Turn(seen_since(state, after, now), (), ("was disabled: it is not checked",))


def enable(state: State, now: float) -> Turn:
    """Return a service that is checked again; the caller gives it its times."""
    if not state.disabled:
        return Turn(state, (), ("is not disabled",))
    after = state._replace(disabled=False)
    return Turn(seen_since(state, after, now), (), ("was enabled: it is checked again",))


def expired(state: State, now: float) -> Turn:
    """Return a service whose report has lasted as long as it counts: it is well, silently."""
    after = state._replace(report_ends=None)
    if state.known is Known.FAILED or state.unknowns:
        after = after._replace(
            known=Known.OK, acknowledged=None, unknowns=0, unknown_since=None,
            unknown_told=False, ended=now, fell=_hosts(state.last),
        )  # fmt: skip
        said = ("counts as well again: it has reported nothing new",)
        return Turn(seen_since(state, after, now), (), said)
    return Turn(after)


def _failed(service: Service, state: State, result: Result, now: Moment, well: bool) -> Turn:
    fails, other = state.known is Known.FAILED, alerts.changed(result, state.previous)
    before = state._replace(
        failures=state.failures + 1, last_failed=now.mono,
        first_failed=state.first_failed if fails else now.mono,
    )  # fmt: skip
    tells = redistributed(service, before, DOWN, result, now)
    said: tuple[str, ...] = ()
    if not fails:
        said = (f"has failed: {alerts.one_line(result)}",)
    elif other:
        said = (f"still fails, now with: {alerts.one_line(result)}",)
    if not state.disabled and well:
        if state.acknowledged and service.unack_summary and other:
            before = before._replace(
                acknowledged=None, failures=1,
                told=tuple(alerts.after_end_of_acknowledgement(one) for one in before.told),
            )  # fmt: skip
            said = (*said, "is no longer acknowledged: its summary has changed")
        if not before.acknowledged:
            before, more = _tell_failed(service, before, result, now)
            tells += more
    elif not fails and not state.disabled:
        said = (f"{said[0]}; nobody is told: what it depends on is not well",)
    after = before._replace(
        known=Known.FAILED, result=result, last=result, unknowns=0, unknown_since=None,
        unknown_told=False,
    )  # fmt: skip
    return Turn(after, tells, said)


def _tell_failed(
    service: Service, before: State, result: Result, now: Moment
) -> tuple[State, tuple[Tell, ...]]:
    failure = Failure(result, before.previous, before.failures)

    def rule(period: AlertPeriod, told: Told) -> Due:
        return alerts.down(period, told, failure, now.mono)

    return ask_periods(service, before, rule, DOWN, result, now)


def _well(service: Service, state: State, result: Result, now: Moment) -> Turn:
    fails = state.known is Known.FAILED
    down_for = 0.0 if state.first_failed is None else now.mono - state.first_failed
    before = state
    tells: tuple[Tell, ...] = ()
    said: tuple[str, ...] = ()
    if fails or service.redistribute:
        before, tells = _tell_up(service, state, down_for, now)
    if fails:
        said = (f"is well again, after {state.failures} failures in {down_for:.0f} s",)
        before = before._replace(ended=now.mono, fell=_hosts(state.last))
    elif state.unknowns:
        said = ("can be checked again, and is well",)
    after = before._replace(
        known=Known.OK, result=result, last=result, last_success=now.mono, failures=0,
        first_failed=None, last_failed=None, acknowledged=None, unknowns=0, unknown_since=None, unknown_told=False,
        told=tuple(map(alerts.after_success, service.periods, before.told)),
    )  # fmt: skip
    return Turn(after, tells, said)


def _tell_up(
    service: Service, state: State, down_for: float, now: Moment
) -> tuple[State, tuple[Tell, ...]]:
    """Return who is told that it is well; the text is what was found before, as in mon."""
    text = (state.last or Result(Outcome.OK))._replace(outcome=Outcome.OK, code=0)
    tells = redistributed(service, state, UP, text, now)
    if state.disabled:
        return state, tells

    def rule(period: AlertPeriod, told: Told) -> Due:
        return alerts.up(period, told, down_for)

    after, more = ask_periods(service, state, rule, UP, text, now)
    return after, tells + more


def _unknown(service: Service, state: State, result: Result, now: Moment, well: bool) -> Turn:
    count = state.unknowns + 1
    since = now.mono if state.unknown_since is None else state.unknown_since
    after = state._replace(result=result, unknowns=count, unknown_since=since)
    said: tuple[str, ...] = ()
    if count == 1:
        said = (f"cannot be checked: {alerts.one_line(result)}; it was {state.known.value}",)
    silent = after.disabled or after.acknowledged or not well
    if silent or count < UNKNOWN_TOLD or after.unknown_told:
        return Turn(after, (), said)
    summary = harmless(f"cannot be checked: {alerts.one_line(result)}", LONGEST_SUMMARY)
    tells = tell_unknown(service, after, result._replace(summary=summary), now)
    after = after._replace(unknown_told=bool(tells), alerts=after.alerts + len(tells))
    return Turn(after, tells, said)


def _hosts(result: Result | None) -> tuple[str, ...]:
    return named_hosts(result.failed_hosts, result.summary) if result else ()


def _why_silent(state: State) -> str:
    if state.disabled:
        return "it is disabled"
    return "it is acknowledged" if state.acknowledged else "what it depends on is not well"
