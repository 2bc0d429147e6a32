"""The watch list's part of the command ``haoscar-agent``."""

from __future__ import annotations

import sys
from pathlib import Path

from backend.agent.config_draft import Problem
from backend.watch.config import is_watch, load

EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: starting it again does not help


def problems(file: str) -> tuple[Problem, ...] | None:
    """Return the problems of a configuration; None when it says that it is of another kind."""
    return load(file).problems if is_watch(file) else None


def serve(file: str) -> int:
    """Watch in the foreground until SIGTERM; returns the exit code."""
    found = load(file)
    for problem in found.problems:
        sys.stderr.write(problem.sentence(file) + "\n")
    settings = found.settings
    if settings is None:
        return EXIT_CONFIGURATION
    for directory in (settings.state_directory, settings.run_directory):
        _make(directory)
    sys.stderr.flush()
    from backend.watch.daemon import run

    return run(settings)


def _make(directory: str) -> None:
    """Make a directory; without it services are watched all the same, and it is said what is not."""
    try:
        Path(directory).mkdir(0o700, parents=True, exist_ok=True)
    except OSError as problem:
        sys.stderr.write(f"{directory} cannot be made: {problem.strerror}. Make it by hand.\n")
