"""Lets pysnmp encrypt with AES whatever the version of the Python package cryptography.

pysnmp takes the mode CFB from where recent versions of cryptography keep it. Those of Debian 12 and
RHEL 9 have the same class elsewhere, and without this pysnmp would take AES for missing there.
"""

from __future__ import annotations

import importlib
import sys
import types

EXPECTED = (
    "cryptography.hazmat.decrepit.ciphers.modes"  # by pysnmp/proto/secmod/rfc3826/priv/aes.py
)
OLDER = "cryptography.hazmat.primitives.ciphers.modes"
MISSING = (
    "SNMP v3 needs AES from the Python package cryptography, which is not there. Install it for "
    "the python3 that runs the watch list (python3-cryptography), or use a community."
)


def ready() -> bool:
    """Whether pysnmp will find AES; must be asked before pysnmp is imported, which looks only once."""
    try:
        importlib.import_module(EXPECTED)
    except ImportError:
        return _from_older()
    return True


def _from_older() -> bool:
    try:
        mode = importlib.import_module(OLDER).CFB
    except (ImportError, AttributeError):
        return False
    stand_in = types.ModuleType(EXPECTED, "What HA-OSCAR puts here for pysnmp.")
    stand_in.CFB = mode  # type: ignore[attr-defined]
    sys.modules[EXPECTED] = stand_in
    return True
