"""Package names as they may be given to apt and dnf: never an option, never a pattern. Pure."""

import re
from collections.abc import Sequence

from backend.errors import InvalidInput
from backend.reports import error

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}(?::[a-z0-9]{1,16})?")


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once; raises InvalidInput with all that are no package names.

    A trailing - or + would mean something else to apt, so it is refused too (``g++`` is not needed).
    """
    wrong = [name for name in names if not _NAME.fullmatch(name) or name[-1] in "+-"]
    if wrong:
        raise InvalidInput(
            *(
                error("packages.name", f"{name[:60]!a} is not a package name that can be used.")
                for name in wrong
            )
        )
    return tuple(dict.fromkeys(names))
