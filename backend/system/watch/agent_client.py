"""Asks the failover agent on this head over its control socket, without blocking the loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

LONGEST_ANSWER = 1 << 20  # bytes


class AgentSilent(Exception):
    """The agent does not run, does not answer in time or says no; the text says which."""


async def ask_agent(path: str, question: dict[str, Any], limit: float) -> dict[str, Any]:
    """Return the agent's answer; raises AgentSilent."""
    try:
        data = await asyncio.wait_for(_ask(path, json.dumps(question).encode() + b"\n"), limit)
        answer = json.loads(data)
    except asyncio.TimeoutError as problem:
        raise AgentSilent(f"the agent did not answer within {limit:g} s") from problem
    except OSError as problem:
        raise AgentSilent(
            f"no agent answers at {path} ({problem.strerror or problem})"
        ) from problem
    except (ValueError, RecursionError) as problem:
        raise AgentSilent("the agent's answer is not JSON") from problem
    if not isinstance(answer, dict):
        raise AgentSilent("the agent's answer is not a JSON object")
    if answer.get("ok") is not True:
        raise AgentSilent(f"the agent refuses: {str(answer.get('error'))[:300]}")
    return answer


async def _ask(path: str, question: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_ANSWER)
    try:
        writer.write(question)
        return await reader.readline()
    finally:
        with contextlib.suppress(OSError):
            writer.close()
