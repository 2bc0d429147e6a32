"""Self-healing, carried out: what core.recovery decides for each service, here and over there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from backend.watch.core import recovery
from backend.watch.core import recovery_state as what
from backend.watch.core.recovery_memory import recall, remember
from backend.watch.engine import moment, not_silent
from backend.watch.healing import RESOURCE, End
from backend.watch.helper import LONGEST_WHY, Helper, why_of
from backend.watch.link import Link, LinkDown
from backend.watch.results import Result, harmless
from backend.watch.role import Role
from backend.watch.settings import Head, Recovery, Service, Settings

ASK_LIMIT = 4.5  # seconds for the other head to say whether it is fit
UNFIT_FOR = 2 * what.MOVE_AGAIN  # seconds; told again in half of it while it is wanted
ORDERS = {"ack": what.Order.ACK, "enable": what.Order.ENABLE, "disable": what.Order.DISABLE}


class Watch(Protocol):
    """What healing needs of the head's watch list."""

    def check_now(self, ref: str) -> None:
        """Have a service checked."""

    def escalated(self, ref: str, sentence: str) -> None:
        """Have somebody told that it cannot be healed."""

    def healing(self, ref: str, sentence: str) -> None:
        """Note what was decided, and tell the other head before anything is done."""


class Healer:
    """The recovery of all services; it decides nothing while this head does not serve."""

    def __init__(self, settings: Settings, helper: Helper, link: Link, watch: Watch) -> None:
        self._settings = settings
        self._helper = helper
        self._link = link
        self._watch = watch
        self._services = {one.ref: one for one in settings.services if one.recovery}
        self._states: dict[str, what.State] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._role = Role()
        self._unfit = ""  # the service for which the agent was told that this head is not fit

    # this head begins and ends to serve

    def begin(self, remembered: object) -> None:
        """Go on where this head or the other one was."""
        known = remembered if isinstance(remembered, Mapping) else {}
        me, other, now = self._settings.me.name, self._settings.other.name, moment()
        self._states = {
            ref: recall(known.get(ref), service, me, other, now)
            for ref, service in self._services.items()
        }
        self._all(what.Role(True, self._role.maintenance))

    def end(self) -> None:
        """This head does not serve any more."""
        self._all(what.Role(False))
        for task in self._tasks:
            task.cancel()

    def role(self, role: Role) -> None:
        """Follow the agent; ``begin`` and ``end`` are called apart from it."""
        before, self._role = self._role, role
        if role.active and before.maintenance != role.maintenance:
            self._all(what.Role(True, role.maintenance))
        if not role.other_alive:
            gone = what.Standby(None, f"{self._settings.other.name} does not answer", alive=False)
            for ref, state in list(self._states.items()):
                if state.active and state.phase is what.Phase.MOVING:
                    self._step(ref, gone)

    async def close(self) -> None:
        """End what runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # what happens

    def result(self, service: Service, result: Result) -> None:
        """A check of a service has ended."""
        if self._leaving(service):
            return
        where = places(service, result, self._settings.me, self._settings.other)
        self._step(service.ref, what.Checked(result.outcome, where, result.took))

    def _leaving(self, service: Service) -> bool:
        """Whether what a check says now comes from the role being given away: what the agent has
        stopped for the other head must not be started again here, nor count as broken here."""
        if self._role.draining:
            return True
        moving = any(one.phase is what.Phase.MOVING for one in self._states.values())
        return moving and (service.recovery or Recovery()).kind == RESOURCE

    def order(self, service: Service, name: str) -> None:
        """An operator has acknowledged, disabled or enabled a service."""
        if name in ORDERS:
            self._step(service.ref, what.Operator(ORDERS[name]))

    def wake_at(self) -> float:
        """Return when ``tick`` has something to do."""
        return min(map(recovery.wake_at, self._states.values()), default=what.NEVER)

    def tick(self) -> None:
        """Do what is due."""
        now = moment().mono
        for ref, state in list(self._states.items()):
            if recovery.wake_at(state) <= now:
                self._step(ref, what.Tick())

    def remember(self) -> dict[str, Any]:
        """Return what the other head must know."""
        now = moment()
        return {ref: remember(state, now) for ref, state in self._states.items()}

    def texts(self) -> dict[str, str]:
        """Return for people what is being healed or held."""
        busy = {
            ref: one for ref, one in self._states.items() if one.phase is not what.Phase.HEALTHY
        }
        return {ref: f"{one.phase.value}: {one.why}" for ref, one in busy.items()}

    # decisions

    def _all(self, event: what.Event) -> None:
        for ref in list(self._states):
            self._step(ref, event)

    def _step(self, ref: str, event: what.Event) -> None:
        state = self._states.get(ref)
        if state is None:
            return
        decision = recovery.step(state, event, moment().mono)
        self._states[ref] = decision.state
        if decision.sentence or decision.actions:
            # Told before it is done: what is done may be that the other head takes over.
            self._watch.healing(ref, decision.sentence)
        for action in decision.actions:
            self._do(ref, action)

    def _do(self, ref: str, action: what.Action) -> None:
        if isinstance(action, what.Restart):
            self._start(self._restart(ref, action.where))
        elif isinstance(action, what.CheckNow):
            self._watch.check_now(ref)
        elif isinstance(action, what.AskStandby):
            self._start(self._ask_standby(ref))
        elif isinstance(action, what.Move):
            self._start(self._move(ref, action.why))
        elif isinstance(action, what.Stay):
            self._start(self._stay(ref))
        elif isinstance(action, what.Escalate):
            self._watch.escalated(ref, action.sentence)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(not_silent)

    # what is done

    async def _restart(self, ref: str, where: what.Where) -> None:
        if where is what.Where.THERE:
            end = await self._restart_there(self._services[ref])
        else:
            end = await self._helper.restart(self._services[ref])
        self._step(ref, what.RestartEnded(end.ok, end.why))

    async def _restart_there(self, service: Service) -> End:
        recovery_of = service.recovery or Recovery()
        try:
            answer = await self._link.ask(
                "restart", recovery_of.limit + 2.0, {"service": service.ref}
            )
        except LinkDown as problem:
            return End(False, str(problem))
        return End(answer.get("ok") is True, why_of(answer))

    async def _ask_standby(self, ref: str) -> None:
        try:
            answer = await self._link.ask("fitness", ASK_LIMIT, {"service": ref})
        except LinkDown as problem:
            self._step(ref, what.Standby(None, str(problem), alive=False))
            return
        fit = answer.get("fit")
        alive = answer.get("alive") is True and self._role.other_willing
        self._step(ref, what.Standby(fit if isinstance(fit, bool) else None, why_of(answer), alive))

    async def _move(self, ref: str, why: str) -> None:
        self._unfit = ref
        answer = await self._helper.ask_agent(
            {
                "command": "health",
                "fit": False,
                "why": harmless(why, LONGEST_WHY),
                "seconds": UNFIT_FOR,
            }
        )
        if answer.get("ok") is not True:
            self._step(ref, what.MoveRefused(why_of(answer) or "the agent does not say why"))

    async def _stay(self, ref: str) -> None:
        if self._unfit == ref:
            self._unfit = ""
            await self._helper.ask_agent({"command": "health", "fit": True})


def places(service: Service, result: Result, me: Head, other: Head) -> frozenset[what.Where]:
    """Return where a service failed. Pure."""
    hosts = result.failed_hosts
    if not hosts and len(service.hosts) == 1:
        hosts = service.hosts  # the monitor did not say, but there is only one
    return frozenset(_place(host, me, other) for host in hosts)


def _place(host: str, me: Head, other: Head) -> what.Where:
    for head, where in ((me, what.Where.HERE), (other, what.Where.THERE)):
        if host in (head.name, *head.addresses) or host.split(".")[0] == head.name:
            return where
    return what.Where.ELSEWHERE
