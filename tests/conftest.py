"""Rules for every test: a unit test starts no program and opens no socket."""

import os
import subprocess
from collections.abc import Iterator

import pytest


class HostTouched(BaseException):
    """A unit test reached for the machine it runs on; no handler may swallow this."""


@pytest.fixture(autouse=True)
def _no_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forbid subprocesses unless the test is marked lab, vm or programs."""
    if any(request.node.get_closest_marker(name) for name in ("lab", "vm", "programs")):
        yield
        return

    def forbidden(*args: object, **kwargs: object) -> None:
        raise HostTouched(f"a unit test started a program: {args!r}")

    monkeypatch.setattr(subprocess.Popen, "__init__", forbidden)
    monkeypatch.setattr(os, "system", forbidden)
    yield
