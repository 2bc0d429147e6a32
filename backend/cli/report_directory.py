"""Where a command that takes minutes is to write its report: looked at before they pass."""

import os
from pathlib import Path

from backend.errors import HaoscarError, InvalidInput


def check(directory: Path | None) -> None:
    """Refuse a directory that is none, or that cannot be made or written; nothing is made yet.

    Raises InvalidInput. None is no report.
    """
    if directory is None:
        return
    try:
        there = next(one for one in (directory, *directory.absolute().parents) if one.exists())
    except OSError as problem:
        raise _refused(directory, problem.strerror or str(problem)) from problem
    if not there.is_dir():
        raise _refused(directory, f"{there} is a file")
    if not os.access(there, os.W_OK):
        raise _refused(directory, f"{there} cannot be written")


def _refused(directory: Path, why: str) -> HaoscarError:
    return InvalidInput.of(
        "cli.report", f"No report can be written to {directory}: {why}.", "Name a directory."
    )
