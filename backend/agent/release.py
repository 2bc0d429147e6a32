"""Which build of the agent this is; the builder of the one file puts its digest in here."""

from backend import __version__

DIGEST = ""  # of everything in the one file; empty in a checkout or an installed package

VERSION = f"{__version__}+{DIGEST[:12]}" if DIGEST else __version__
