"""Fixtures of the tests with real windows: an X server of their own, and windows upon it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gui.driver import Display, Window

NEEDED = ("Xvfb", "xdotool", "import")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this directory."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.fixture(autouse=True)
def _no_programs() -> None:
    """Allow programs: these tests are about one."""


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """An X server of 1024x768."""
    lacking = [one for one in NEEDED if shutil.which(one) is None]
    if lacking:
        pytest.fail(f"not installed: {', '.join(lacking)} (packages xvfb, xdotool, imagemagick)")
    made = Display()
    yield made
    made.stop()


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory that stands for "/", of a Debian machine on which nothing was done yet.

    Sockets lie below it, whose paths may have 108 bytes: pytest's own directories are too deep.
    """
    with tempfile.TemporaryDirectory(prefix="haoscar-") as directory:
        yield debian(Path(directory, "root"))


def debian(root: Path) -> Path:
    """Make such a directory."""
    for directory in ("etc/haoscar", "var/lib", "run"):
        (root / directory).mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n')
    return root


OpenWindow = Callable[..., Window]


@pytest.fixture
def open_window(display: Display, root: Path) -> Iterator[OpenWindow]:
    """A function that opens a window below ``root``; options as of tests/gui/window.py.

    At the end every window must be without errors in callbacks and without logged errors.
    """
    with windows(display, root) as start:
        yield start


@contextmanager
def windows(display: Display, root: Path) -> Iterator[OpenWindow]:
    """Yield what the fixture ``open_window`` does."""
    # A socket's path may have 108 bytes, and pytest's own directories are deep.
    private = Path(tempfile.mkdtemp(prefix="haoscar-gui-"))
    opened: list[Window] = []

    def start(*options: str, on: Display = display) -> Window:
        directory = private / str(len(opened))
        directory.mkdir(mode=0o700)
        window = Window(on, root, directory, *options)
        opened.append(window)
        return window

    yield start
    problems = []
    for window in opened:
        if window.process.poll() is None:
            problems += window.errors()
        window.kill()
        if window.clean:
            problems += [line for line in window.said().splitlines() if "Traceback" in line]
    shutil.rmtree(private)
    assert problems == []
