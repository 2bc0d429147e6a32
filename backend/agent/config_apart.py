"""Reads the configuration in a process of its own: what reading needs, a megabyte, goes with it."""

from __future__ import annotations

import marshal  # between two processes of one Python only
import os
import sys
from typing import Any, NamedTuple

from backend.agent.core.timing import Timing
from backend.agent.errors import AgentError
from backend.agent.settings import Fencing, Member, Network, Resource, Settings, VirtualIP


class Loaded(NamedTuple):
    """What the reading process found."""

    settings: Settings | None  # None when the file has an error
    sentences: tuple[str, ...]  # every problem, with file and line
    warnings: tuple[str, ...]  # what the status of a running agent must name


def load_apart(file: str) -> Loaded:
    """Read a configuration as ``config.load`` does; raises AgentError when that could not be done.

    To be called before any thread is started.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(file, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        content = source.read()
    os.waitpid(child, 0)
    try:
        plain, sentences, warnings = marshal.loads(content)  # noqa: S302 - from our own process
    except (EOFError, ValueError, TypeError):
        raise AgentError(
            f"{file} could not be read: the process that reads it was stopped. Start again."
        ) from None
    return Loaded(None if plain is None else _settings(plain), sentences, warnings)


def _child(file: str, writing: int) -> None:
    """Read, answer, end; a mistake ends it without an answer."""
    code = 1
    try:
        from backend.agent.config import load

        found = load(file)
        sentences = tuple(one.sentence(file) for one in found.problems)
        answer = marshal.dumps((_plain(found.settings), sentences, found.warnings))
        with os.fdopen(writing, "wb") as target:
            target.write(answer)
        code = 0
    except Exception:  # noqa: BLE001 - nothing may come back into the caller's code twice
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _plain(value: Any) -> Any:
    """Return nested named tuples as tuples, which marshal can write."""
    return tuple(_plain(one) for one in value) if isinstance(value, tuple) else value


def _settings(plain: tuple[Any, ...]) -> Settings:
    found = Settings(*plain)
    return found._replace(
        members=tuple(Member(*one) for one in found.members),
        networks=tuple(Network(*one) for one in found.networks),
        virtual_ips=tuple(VirtualIP(*one) for one in found.virtual_ips),
        timing=Timing(*found.timing),
        resources=tuple(Resource(*one) for one in found.resources),
        fencing=None if found.fencing is None else Fencing(*found.fencing),
    )
