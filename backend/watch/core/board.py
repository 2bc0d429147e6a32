"""All services: what is due, and what follows from each event. The rules are pure functions."""

from __future__ import annotations

import random as chance
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from backend.watch.core import events, memory, schedule
from backend.watch.core import service as rules
from backend.watch.core.actions import Action, Cancel, Heal, Run
from backend.watch.core.schedule import ALERT, MONITOR, NEVER
from backend.watch.core.table import Table
from backend.watch.core.view import described
from backend.watch.results import LONGEST_SUMMARY, Moment, Result, harmless
from backend.watch.settings import Settings


class Decision(NamedTuple):
    """What is to be done, and what has happened, in sentences for the log."""

    actions: tuple[Action, ...] = ()
    sentences: tuple[str, ...] = ()


class Board:
    """The watch list of one cluster; it does nothing until this head begins to check."""

    def __init__(
        self,
        settings: Settings,
        remembered: Mapping[str, Any] | None = None,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """``remembered`` is what ``remember`` once returned, here or on the other head."""
        self._table = Table(settings, remembered)
        self._moved = memory.written_by(remembered) not in ("", settings.me.name)
        self._random = random
        self._active = self._begun = False

    def begin(self, now: Moment) -> list[Action]:
        """Begin to check: this head is the active one."""
        return list(self.step(events.Begin(), now).actions)

    def step(self, event: events.Event, now: Moment) -> Decision:
        """Return what follows from an event, and all that is due by now."""
        table = self._table
        table.at(now)
        table.actions, table.sentences = [], []
        if isinstance(event, events.Begin):
            self._begin()
        elif isinstance(event, events.Retire):
            self._retire()
        elif not isinstance(event, events.Tick):
            self._of_service(event)
        self._due()
        return Decision(tuple(table.actions), tuple(table.sentences))

    def wake_at(self) -> float:
        """Return when ``step`` wants a Tick, on the clock of intervals; infinity for never."""
        return self._table.wake_at() if self._active else NEVER

    def snapshot(self, now: Moment) -> list[dict[str, Any]]:
        """Return everything that people are shown, for each service."""
        table = self._table
        table.at(now)
        return [
            described(one, table.states[ref], table.depend, now) for ref, one in table.needs.items()
        ]

    def remember(self) -> dict[str, Any]:
        """Return what must outlive this process; it fits into JSON."""
        return self._table.remember()

    # ----- this head begins and ends to check -----

    def _begin(self) -> None:
        if self._active:
            return
        self._active = True
        table, now = self._table, self._table.now
        for place, (ref, one) in enumerate(table.needs.items()):
            if not self._begun:
                for problem in one.problems:
                    table.note(ref, problem)
            if not (self._begun or self._moved):  # that monitoring has moved is no start of it
                table.turned(ref, rules.started(one.service, table.states[ref], now))
            if not table.states[ref].disabled:
                self._expect(ref, place, len(table.needs))
        self._begun = True

    def _expect(self, ref: str, place: int, count: int) -> None:
        service, now = self._table.service(ref), self._table.now.mono
        due = schedule.first_check(service, place, count, now)
        until = now + service.trap_timeout if service.trap_timeout else None
        self._table.keep(ref, self._table.states[ref]._replace(due=due, report_due=until))

    def _retire(self) -> None:
        self._active = False
        for ref, state in self._table.states.items():
            self._cancel(ref)
            after = state._replace(running=False, again=False, due=None, report_due=None, held="")
            self._table.keep(ref, after)

    def _cancel(self, ref: str) -> None:
        if self._table.states[ref].running:
            self._table.actions.append(Cancel(ref))

    # ----- what is due -----

    def _due(self) -> None:
        table = self._table
        while self._active:
            ref = table.take_due()
            if ref is None:
                return
            state, now = table.states[ref], table.now.mono
            if state.report_ends is not None and state.report_ends <= now:
                table.turned(ref, rules.expired(state, now))
            if state.report_due is not None and state.report_due <= now:
                self._not_reported(ref)
            if state.due is not None and state.due <= now:
                self._check(ref)

    def _not_reported(self, ref: str) -> None:
        table, limit = self._table, self._table.service(ref).trap_timeout
        table.keep(ref, table.states[ref]._replace(report_due=table.now.mono + limit))
        self._concluded(ref, rules.silence(limit))

    def _check(self, ref: str) -> None:
        table, now = self._table, self._table.now.mono
        service, state = table.service(ref), table.states[ref]
        base = now if state.due is None else state.due
        following = schedule.next_check(service, state, base, now, self._random)
        held = "" if state.running else self._held(ref)
        if state.running:
            table.keep(ref, state._replace(due=following, skipped=state.skipped + 1))
        elif held:
            self._hold(ref, held, now + min(schedule.HOLD, service.interval))
        else:
            self._run(ref, table.depend.hosts(ref, now), following)

    def _held(self, ref: str) -> str:
        table = self._table
        if schedule.excluded(table.service(ref), table.now):
            return "its exclude_period is in force"
        if table.depend.hold(ref, MONITOR, table.now.mono):
            return ""
        return f"what it depends on is not well ({table.service(ref).monitor_depend})"

    def _hold(self, ref: str, reason: str, until: float | None) -> None:
        state = self._table.states[ref]
        if state.held != reason:
            self._table.note(ref, f"is not checked: {reason}")
        self._table.keep(ref, state._replace(due=until, held=reason))

    def _run(self, ref: str, hosts: tuple[str, ...], following: float | None) -> None:
        service, state = self._table.service(ref), self._table.states[ref]
        if not hosts and service.words[-1:] != (schedule.NO_HOSTS,):
            self._hold(ref, "no host is left to be checked", following)
            return
        self._table.keep(ref, state._replace(running=True, due=following, held=""))
        self._table.actions.append(Run(ref, hosts))

    # ----- what happens to a service -----

    def _of_service(self, event: Any) -> None:
        table, ref = self._table, event.ref
        if ref not in table.needs:
            table.sentences.append(f"There is no service {harmless(str(ref), 200)}.")
            return
        if isinstance(event, events.Finished):
            self._finished(ref, event.result)
        elif isinstance(event, events.Moving):
            self._moving(ref)
        elif isinstance(event, events.Reported):
            self._reported(ref, event)
        elif isinstance(event, events.TestNow):
            self._test(ref)
        elif isinstance(event, events.Escalated):
            said = harmless(event.sentence, LONGEST_SUMMARY)
            well = table.depend.hold(ref, ALERT, table.now.mono)
            turn = rules.escalated(table.service(ref), table.states[ref], said, table.now, well)
            table.turned(ref, turn)
        else:
            self._administered(ref, event)

    def _administered(self, ref: str, event: Any) -> None:
        table = self._table
        state, now = table.states[ref], table.now.mono
        if isinstance(event, events.Acknowledge):
            table.turned(ref, rules.acknowledge(state, event.text, event.who, now))
        elif isinstance(event, events.Unacknowledge):
            table.turned(ref, rules.unacknowledge(state))
        elif isinstance(event, events.Disable):
            self._cancel(ref)
            table.turned(ref, rules.disable(state, now))
        elif isinstance(event, events.Enable):
            table.turned(ref, rules.enable(state, now))
            if state.disabled and self._active:
                self._expect(ref, 0, 1)

    def _finished(self, ref: str, result: Result) -> None:
        table, now = self._table, self._table.now.mono
        service, before = table.service(ref), table.states[ref]
        if not before.running:
            return  # it was cancelled meanwhile
        table.keep(ref, before._replace(running=False, again=False, checked=now))
        self._concluded(ref, result)
        state = table.states[ref]
        if schedule.pace(service, before) != schedule.pace(service, state) and not state.disabled:
            due = schedule.next_check(service, state, now, now, self._random)
            table.keep(ref, state._replace(due=due))
        if before.again:
            self._test(ref)

    def _moving(self, ref: str) -> None:
        table = self._table
        state = table.states[ref]
        if not state.running:
            return  # it was cancelled meanwhile
        table.keep(ref, state._replace(running=False, again=False))
        soon = table.now.mono + min(schedule.HOLD, table.service(ref).interval)
        self._hold(ref, "the role is moving between the heads", soon)

    def _reported(self, ref: str, event: events.Reported) -> None:
        table, now = self._table, self._table.now.mono
        service, state = table.service(ref), table.states[ref]
        if not self._active:
            return
        due = now + service.trap_timeout if service.trap_timeout and not state.disabled else None
        ends = now + service.trap_duration if service.trap_duration else None
        table.keep(ref, state._replace(report_due=due, report_ends=ends))
        self._concluded(ref, rules.report(event))

    def _test(self, ref: str) -> None:
        table = self._table
        state, service = table.states[ref], table.service(ref)
        if not self._active:
            table.sentences.append(f"{ref} is not checked here: this head is not the active one.")
        elif not service.monitor:
            table.sentences.append(f"{ref} is not checked: it reports by itself.")
        elif state.running:
            table.keep(ref, state._replace(again=True))
        else:
            hosts = table.depend.hosts(ref, table.now.mono) or service.hosts
            self._run(ref, hosts, state.due)

    def _concluded(self, ref: str, result: Result) -> None:
        table = self._table
        service, state = table.service(ref), table.states[ref]
        well = state.disabled or table.depend.hold(ref, ALERT, table.now.mono)
        table.turned(ref, rules.concluded(service, state, result, table.now, well))
        if service.recovery and not state.disabled:
            table.actions.append(Heal(ref, result))
