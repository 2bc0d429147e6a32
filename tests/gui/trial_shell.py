"""The shell at the trial panel: one window for all tests of a file that leave it as they find it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gui.conftest import OpenWindow, debian, windows
from tests.gui.driver import Display, Window

TRIAL = ("--setup", "tests.gui.trial_panel:setup", "--interface", "eth0")
STEPS = {
    "packages": "HA-OSCAR Packages Installation...",
    "fetch-image": "Building Image for Standby server [Be patient!]",
    "add-standby": "Configuration for Standby server on [eth0]...",
    "collect-macs": "Network Setup & Make boot server on [eth0]...",
    "complete": "Complete installation",
}


def trial(open_window: OpenWindow, *options: str) -> Window:
    """Open a window at the trial panel."""
    window = open_window(*TRIAL, *options)
    window.click("rail.trial")
    window.wait_for("trial.write")
    return window


def target(root: Path) -> Path:
    return root / "etc/trial.conf"


class Shared:
    """One window for all tests that leave it as they find it; a new one after one that failed."""

    def __init__(self, display: Display, directory: Path) -> None:
        self._display, self._directory = display, directory
        self._count = 0
        self._end = ExitStack()
        self._window: Window | None = None

    def window(self) -> Window:
        """Return it at the trial panel, with nothing typed."""
        if self._window is None:
            self._count += 1
            root = debian(self._directory / f"root-{self._count}")
            self._window = self._end.enter_context(windows(self._display, root))(*TRIAL)
        window = self._window
        target(window.root).unlink(missing_ok=True)
        window.click("rail.trial")
        window.wait_until(lambda: window.shown("view") or window.enabled("trial.write"))
        if window.shown("view"):
            window.key("Escape")
        window.wait_for("trial.write")
        window.key("ctrl+r", "Escape")  # the panel proposes anew when it comes back
        window.click("rail.trial")
        window.wait_for("trial.write")
        return window

    def drop(self) -> None:
        """Close it; its errors fail the test that comes to this."""
        self._window = None
        end, self._end = self._end, ExitStack()
        end.close()


@pytest.fixture(scope="module")
def shared(display: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """See Shared."""
    made = Shared(display, tmp_path_factory.mktemp("shared"))
    yield made
    made.drop()


@pytest.fixture
def window(shared: Shared, request: pytest.FixtureRequest) -> Iterator[Window]:
    """The shared window, at the trial panel."""
    failed = request.session.testsfailed
    try:
        found = shared.window()
    except AssertionError:
        shared.drop()
        raise
    yield found
    if request.session.testsfailed > failed:
        shared.drop()
    else:
        assert found.errors() == []
