"""The agent's own error: it must not import the installer's, which needs a newer Python."""

from __future__ import annotations


class AgentError(Exception):
    """Something cannot be done; the text says what, to what, and what to do about it."""
