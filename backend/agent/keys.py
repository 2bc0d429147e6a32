"""The members' common key, and the session of this start."""

from __future__ import annotations

import os

from backend.agent.errors import AgentError
from backend.agent.sessions import Sessions
from backend.agent.settings import Settings
from backend.agent.wire import derive_key
from backend.system.agent.keyfile import read_key


def new_sessions(settings: Settings) -> Sessions:
    """Return the conversation of this start; raises AgentError when the key cannot be used."""
    try:
        secret = read_key(settings.key_file)
    except OSError as problem:
        raise AgentError(
            f"The key {settings.key_file} cannot be read ({problem.strerror}); it must be root's, "
            "with mode 0600, the same on all members."
        ) from problem
    session = int.from_bytes(os.urandom(8), "big") | 1
    return Sessions(settings.as_members(), derive_key(secret, settings.cluster), session)
