"""What this head does for a service when healing asks for it, whichever of the heads decides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from backend.agent.chronicle import Chronicle
from backend.system.watch.agent_client import AgentSilent, ask_agent
from backend.system.watch.restarts import Restarts
from backend.watch.fitness import fitness
from backend.watch.healing import End, restart
from backend.watch.results import harmless
from backend.watch.settings import Service, Settings

AGENT_LIMIT = 5.0  # seconds
LONGEST_WHY = 300  # characters


class Helper:
    """Restarts services on this head, and judges whether it is fit for them."""

    def __init__(self, settings: Settings, chronicle: Chronicle) -> None:
        self._settings = settings
        self._chronicle = chronicle
        self._services = {one.ref: one for one in settings.services if one.recovery}
        self._restarts = Restarts()
        self._running: dict[str, asyncio.Task[End]] = {}  # by service

    async def restart(self, service: Service) -> End:
        """Restart it: once, whoever asks for it and however often meanwhile."""
        task = self._running.get(service.ref)
        if task is None:
            made = restart(service, self._restarts.run, self.ask_agent)
            task = asyncio.get_running_loop().create_task(made)
            self._running[service.ref] = task
            task.add_done_callback(lambda _task: self._running.pop(service.ref, None))
        return await asyncio.shield(task)

    async def asked(self, question: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the other head's process: whether this head is fit, or how a restart has ended."""
        service = self._services.get(str(values.get("service")))
        if service is None:
            why = "it is not in the watch list of this head"
            return {"ok": False, "fit": False, "alive": True, "why": why}
        if question == "fitness":
            return await self._fitness(service)
        if question == "restart":
            other = self._settings.other.name
            self._chronicle.decision(f"{service.ref} is restarted here, as {other} asks")
            end = await self.restart(service)
            return {"ok": end.ok, "why": end.why}
        return {"ok": False, "why": f"{question[:20]!a} is nothing that can be asked"}

    async def ask_agent(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the agent's answer; where there is none, one that says why."""
        try:
            return await ask_agent(self._settings.agent_socket, dict(question), AGENT_LIMIT)
        except AgentSilent as problem:
            return {"ok": False, "error": str(problem)}

    async def close(self) -> None:
        """End what runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._restarts.close()

    async def _fitness(self, service: Service) -> Mapping[str, Any]:
        status = await self.ask_agent({"command": "role"})
        if status.get("ok") is not True:
            return {"fit": None, "alive": False, "why": why_of(status)}
        found = await fitness(service, self._restarts.run, self.ask_agent)
        return {"fit": found.fit, "why": found.why, "alive": True}


def why_of(answer: Mapping[str, Any]) -> str:
    """Return why an answer is no."""
    text = answer.get("why") or answer.get("error") or ""
    return harmless(str(text), LONGEST_WHY)
