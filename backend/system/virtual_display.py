"""An X display that nobody sees (Xvfb), for pictures of windows; and taking them."""

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

from backend.errors import CommandFailed, HaoscarError
from backend.system.runner import Command, Runner

DEBIAN_PACKAGES = ("xvfb", "imagemagick", "fonts-dejavu-core")
START = 20.0  # seconds until it must have said its number


@contextlib.contextmanager
def virtual_display(width: int, height: int) -> Iterator[str]:
    """Yield the name (":7") of a new display of this size; raises CommandFailed.

    The server chooses a free number itself, so two of them never meet.
    """
    reading, writing = os.pipe()
    leash = ("setpriv", "--pdeathsig", "TERM")  # it ends with this process, however that ends
    words = [*leash, "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24"]
    try:
        server = subprocess.Popen(
            [*words, "-nolisten", "tcp"], pass_fds=[writing], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as problem:
        os.close(reading)
        os.close(writing)
        raise _failed(str(problem)) from problem
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            ready, _, _ = select.select([pipe], [], [], START)
            number = pipe.readline().strip().decode("ascii", "replace") if ready else ""
        if not number.isdigit():
            raise _failed("it did not say its number")
        yield f":{number}"
    finally:
        server.terminate()
        try:
            server.wait(10.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def take_picture(runner: Runner, display: str, file: Path) -> None:
    """Save the whole display as PNG; raises CommandFailed."""
    runner.run(
        Command.of("import", "-display", display, "-window", "root", f"png:{file}").within(60.0)
    )


def _failed(why: str) -> HaoscarError:
    return CommandFailed.of(
        "display.xvfb", f"The virtual display (Xvfb) did not start: {why}.",
        f"Install it: apt-get install {' '.join(DEBIAN_PACKAGES)}",
    )  # fmt: skip
