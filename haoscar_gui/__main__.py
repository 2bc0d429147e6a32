"""``python -m haoscar_gui``: the same program as the ``haoscar`` command."""

import sys

from haoscar_gui.scripts import cli

sys.exit(cli())
