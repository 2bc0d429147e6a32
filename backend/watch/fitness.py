"""Whether a service could run on this head: what is asked, and how the answers are judged.

Nothing is started by asking, and nothing changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backend.agent.resources.kinds import OCF_ROOT, Verb, ocf_agent, option, program, words
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, How, Program
from backend.watch.healing import (
    RESOURCE,
    Ask,
    Run,
    as_resource,
    asked,
    resource_name,
    resource_state,
)
from backend.watch.results import harmless
from backend.watch.settings import Service

LIMIT = 4.0  # seconds for each question: the other head waits for the answer
LONGEST_WHY = 300  # characters
_SHOWN = "LoadState,ActiveState"
_NOT_IMPLEMENTED = 3  # of a resource agent: it has no validate-all


class Fitness(NamedTuple):
    """The judgement; None when nobody can tell."""

    fit: bool | None
    why: str = ""


async def fitness(service: Service, run: Run, ask: Ask) -> Fitness:
    """Judge whether a service could run on this head."""
    ended = [await run(one) for one in questions(service)]
    status = await asked(ask, {"command": "status"}) if asks_agent(service) else {}
    return judge(service, ended, status)


def asks_agent(service: Service) -> bool:
    """Whether the agent's status is needed."""
    return as_resource(service).kind == RESOURCE


def questions(service: Service) -> tuple[Program, ...]:
    """Return the programs that must be run to tell."""
    resource = as_resource(service)
    if resource.kind == "unit":
        name = option(resource, "unit")
        return (Program(("systemctl", "show", f"--property={_SHOWN}", "--", name), limit=LIMIT),)
    if resource.kind == "ocf":
        path = _agent_path(resource)
        validate = program(resource, Verb.PROBE)._replace(argv=(path, "validate-all"), limit=LIMIT)
        action = [pair for pair in validate.environment if pair[0] != "OCF_RESKEY_CRM_meta_name"]
        action.append(("OCF_RESKEY_CRM_meta_name", "validate-all"))
        return _executable(path), validate._replace(environment=tuple(action))
    if resource.kind == "command":
        command = words(option(resource, "start"))
        return (_executable(command[0]),) if command else ()
    return ()


def judge(service: Service, ended: Sequence[Ended], status: Mapping[str, Any]) -> Fitness:
    """Return what the answers mean: those to ``questions``, in order, and the agent's status."""
    resource = as_resource(service)
    if resource.kind == "unit":
        return _unit(option(resource, "unit"), ended)
    if resource.kind == "ocf":
        return _ocf(_agent_path(resource), ended)
    if resource.kind == "command":
        return _command(questions(service), ended)
    if resource.kind == RESOURCE:
        return _resource(resource_name(service), status)
    return Fitness(True)  # nothing is restarted, so nothing is known that speaks against it


def _agent_path(resource: Resource) -> str:
    provider, kind = ocf_agent(option(resource, "agent"))
    return f"{OCF_ROOT}/resource.d/{provider}/{kind}"


def _executable(path: str) -> Program:
    return Program(("test", "-x", path, "-a", "-f", path), limit=LIMIT)


def _missing(path: str, ended: Ended) -> Fitness | None:
    """Return the judgement when a program is not there."""
    if ended.how is not How.EXITED or ended.code > 1:
        return _unknown(f"whether {path} is there: test {ended.ending}")
    return Fitness(False, f"{path} is no program there") if ended.code else None


def _unknown(what: str) -> Fitness:
    return Fitness(None, harmless(f"it cannot tell {what}", LONGEST_WHY))


def _unit(name: str, ended: Sequence[Ended]) -> Fitness:
    first = ended[0] if ended else None
    if first is None or first.how is not How.EXITED or first.code != 0:
        return _unknown(f"how {name} is: systemctl {first.ending if first else 'was not run'}")
    found = dict(line.partition("=")[::2] for line in first.output.splitlines())
    load, active = found.get("LoadState", ""), found.get("ActiveState", "")
    if not load or not active:
        return _unknown(f"how {name} is: systemctl does not say it")
    if load != "loaded":
        said = {"not-found": "does not exist", "masked": "is masked"}.get(load, f"is {load}")
        return Fitness(False, harmless(f"the unit {name} {said} there", LONGEST_WHY))
    if active == "failed":
        return Fitness(False, f"the unit {name} has failed there")
    return Fitness(True)


def _ocf(path: str, ended: Sequence[Ended]) -> Fitness:
    if len(ended) != 2:
        return _unknown("whether the resource agent is there: it was not asked")
    missing = _missing(path, ended[0])
    if missing is not None:
        return missing
    if ended[1].how is not How.EXITED:
        return _unknown(f"whether {path} could run: it {ended[1].ending}")
    if ended[1].code in (0, _NOT_IMPLEMENTED):
        return Fitness(True)
    return Fitness(False, harmless(f"{path} validate-all {ended[1].ending}", LONGEST_WHY))


def _command(questioned: Sequence[Program], ended: Sequence[Ended]) -> Fitness:
    if not questioned or len(ended) != len(questioned):
        return _unknown("whether its program is there: it was not asked")
    return _missing(questioned[0].argv[2], ended[0]) or Fitness(True)


def _resource(name: str, status: Mapping[str, Any]) -> Fitness:
    state, why = resource_state(status, name)
    if not state:
        return _unknown(f"how {name} is: {why}")
    if state == "failed":
        return Fitness(False, harmless(f"{name} has failed there: {why}", LONGEST_WHY))
    return Fitness(True)
