"""Join a control group, then become another program: ``launch.py GROUP PROGRAM ARGUMENT...``.

Started as a program inside a lab, with ``-I``; standard library only.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Do it; raises OSError. An empty GROUP joins none."""
    group, *words = sys.argv[1:]
    if group:
        (Path(group) / "cgroup.procs").write_text("0")
    os.execvp(words[0], words)  # noqa: S606 - an argument list, as everywhere


if __name__ == "__main__":
    main()
