"""HA-OSCAR: a second head node for a Linux cluster, by point and click.

Importing this package makes its private sibling packages (``panels``, ``backend``, ``templates``)
importable, from a checkout and from an installed wheel alike.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
_private = _here / "_lib"  # installed: inside the package; in a checkout: beside it
_root = str(_private if _private.is_dir() else _here.parent)
if _root not in sys.path:
    sys.path.insert(0, _root)
