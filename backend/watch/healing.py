"""A recovery as programs to run, and what their end means. Pure but for the ones that are handed in.

Units, resource agents and commands are started and stopped as the failover agent does it. What
the agent itself runs (``resource``) is restarted by the agent, so that two never heal one thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from backend.agent.resources.kinds import Outcome, Verb, meaning, option, program
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, Program
from backend.system.watch.agent_client import AgentSilent
from backend.watch.results import harmless
from backend.watch.settings import Recovery, Service

RESOURCE = "resource"
LOOK_EVERY = 1.0  # seconds between two looks at a resource that the agent restarts
LONGEST_WHY = 400  # characters

Run = Callable[[Program], Awaitable[Ended]]
Ask = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]  # a question to the agent


class Step(NamedTuple):
    """One program of a restart."""

    verb: Verb
    program: Program
    must: bool = True  # when it fails nothing more is run


class End(NamedTuple):
    """How a restart has ended."""

    ok: bool
    why: str = ""


def as_resource(service: Service) -> Resource:
    """Return what is restarted in the words of the agent."""
    recovery = service.recovery or Recovery()
    return Resource(
        service.name, recovery.kind, recovery.options,
        start_limit=recovery.limit, stop_limit=recovery.limit, check_every=0.0,
    )  # fmt: skip


def steps(service: Service) -> tuple[Step, ...]:
    """Return what a restart runs, in order; nothing for what the agent restarts."""
    resource = as_resource(service)
    if resource.kind == "unit":
        return _unit(resource)
    if resource.kind == "ocf":
        return (
            Step(Verb.STOP, program(resource, Verb.STOP)),
            Step(Verb.START, program(resource, Verb.START)),
        )
    if resource.kind == "command":  # its program restarts it, and ends with 0 when it runs
        return (Step(Verb.START, program(resource, Verb.START)),)
    return ()


def _unit(resource: Resource) -> tuple[Step, ...]:
    """A unit that failed too often in a short time is started again only after reset-failed."""
    name = option(resource, "unit")
    limit = resource.start_limit
    systemctl = ("systemctl", "--no-ask-password")
    reset = Program((*systemctl, "reset-failed", "--", name), limit=limit)
    restart = Program((*systemctl, "restart", "--", name), limit=limit)
    return Step(Verb.STOP, reset, must=False), Step(Verb.START, restart)


async def restart(service: Service, run: Run, ask: Ask) -> End:
    """Restart a service on this head within its limit; never raises for what a program does."""
    recovery = service.recovery or Recovery()
    if recovery.kind == RESOURCE:
        return await _by_agent(service, recovery, ask)
    resource, left, planned = as_resource(service), recovery.limit, steps(service)
    if not planned:
        return End(False, "nothing is set that could restart it")
    for step in planned:
        if left <= 0:
            return End(False, f"it did not end within {recovery.limit:g} s")
        ended = await run(step.program._replace(limit=left, finish=False))
        left -= ended.seconds
        found = meaning(resource, step.verb, ended)
        if step.must and found.outcome is not Outcome.DONE:
            return End(False, harmless(found.why, LONGEST_WHY))
    return End(True)


async def _by_agent(service: Service, recovery: Recovery, ask: Ask) -> End:
    """Ask the agent, and look until the resource runs."""
    name, left = resource_name(service), recovery.limit
    answer = await asked(ask, {"command": "restart", "resource": name})
    if answer.get("ok") is not True:
        return End(False, _said(answer))
    while left > 0:
        await asyncio.sleep(min(LOOK_EVERY, left))
        left -= LOOK_EVERY
        state, why = resource_state(await asked(ask, {"command": "status"}), name)
        if state == "running":
            return End(True)
        if state == "failed":
            return End(False, why)
    return End(False, f"the agent did not start {name} within {recovery.limit:g} s")


async def asked(ask: Ask, question: dict[str, Any]) -> Mapping[str, Any]:
    """Return the agent's answer; its silence or refusal is an answer, too."""
    try:
        return await ask(question)
    except AgentSilent as problem:
        return {"ok": False, "error": str(problem)}


def resource_name(service: Service) -> str:
    """Return the name of the agent's resource."""
    return option(as_resource(service), RESOURCE) or service.name


def resource_state(status: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return a resource's state in the agent's status, and why it has failed here; "failed" also
    when it is stopped because of that, "" when the agent does not know it."""
    found = status.get("resources")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping) and one.get("name") == name:
            why = harmless(str(one.get("why", "")), LONGEST_WHY)
            return ("failed" if one.get("failed") is True else str(one.get("state", ""))), why
    return "", _said(status)


def _said(answer: Mapping[str, Any]) -> str:
    text = answer.get("error")
    return harmless(text, LONGEST_WHY) if isinstance(text, str) else "the agent does not know it"
