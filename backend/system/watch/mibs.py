"""Lets pysnmp find its MIB modules inside the one file: it runs them by path, and there is none there.

The build adds the line that calls this to pysnmp's own ``smi/builder.py``; see agentfile/build.py.
"""

from __future__ import annotations

import pkgutil
from typing import Any, Callable

PACKAGES = ("pysnmp.smi.mibs", "pysnmp.smi.mibs.instances")  # in the order that pysnmp looks
SEEN = "_haoscar_seen"


def from_archive(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``MibBuilder.load_module`` that reads the archive, and what is not there as ``load`` does."""

    def load_module(builder: Any, name: str, **told: Any) -> Any:
        seen: set[str] = builder.__dict__.setdefault(SEEN, set())
        if name in seen:
            return builder
        for package in PACKAGES:
            code = _source(package, name)
            if code is not None:
                seen.add(name)
                space = {"mibBuilder": builder, "userCtx": told}
                exec(compile(code, f"{package}/{name}.py", "exec"), space)  # noqa: S102 - pysnmp's own modules
                return builder
        return load(builder, name, **told)

    return load_module


def _source(package: str, name: str) -> bytes | None:
    try:
        return pkgutil.get_data(package, f"{name}.py")
    except OSError:
        return None
