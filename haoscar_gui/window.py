"""Opens the window, or says in one sentence why it cannot be opened and what to do."""

import gc
import logging
import os
import signal
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from backend.errors import HaoscarError
from backend.model.distribution import Family
from backend.packages.installer import distribution_of
from backend.wiring import Wiring

if TYPE_CHECKING:
    import tkinter as tk

    from haoscar_gui.shell import Options

log = logging.getLogger(__name__)

ELSE = "Everything is on the command line, too: haoscar --help"
COLUMNS, LINES = 150, 48  # the size of the window in characters and lines, where there is room
LEAST_COLUMNS, LEAST_LINES = 120, 40


def check_able() -> None:
    """Raise HaoscarError when no window can be opened here: not root, no Tk, no display."""
    if os.geteuid() != 0:
        raise HaoscarError.of(
            "window.root", "The wizard changes this machine, so it must run as root.",
            "Run: sudo haoscar",
        )  # fmt: skip
    check_tk()
    if not os.environ.get("DISPLAY"):
        raise HaoscarError.of(
            "window.display", "There is no display: DISPLAY is not set.",
            f"Log in with: ssh -X root@{os.uname().nodename}. {ELSE}",
        )  # fmt: skip


def check_tk() -> None:
    """Raise HaoscarError when Python's window toolkit is not there."""
    try:
        import tkinter  # noqa: F401
    except ImportError as problem:
        raise HaoscarError.of(
            "window.tk", "Python's window toolkit (tkinter) is not installed.",
            f"Run: {_install_tk()}",
        ) from problem  # fmt: skip


def _install_tk() -> str:
    try:
        family = distribution_of(Wiring.live().paths).family
    except HaoscarError:
        family = Family.DEBIAN
    if family is Family.RHEL:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        own = "python3" if sys.version_info[:2] == (3, 9) else version
        return f"sudo dnf install {own}-tkinter"
    return "sudo apt-get install python3-tk"


def make_root() -> "tk.Tk":
    """Open the display; raises HaoscarError."""
    import tkinter as tk

    try:
        return tk.Tk(className="Haoscar")
    except tk.TclError as problem:
        user = os.environ.get("SUDO_USER", "")
        display = os.environ.get("DISPLAY", "")
        how = (
            f"Run: sudo XAUTHORITY=~{user}/.Xauthority haoscar"
            if user and not os.environ.get("XAUTHORITY")
            else f"Log in with ssh -X, or on the desktop itself. {ELSE}"
        )
        raise HaoscarError.of(
            "window.display", f"The display {display} cannot be opened: {problem}.", how
        ) from problem


def open_window(wiring: Wiring, options: "Options") -> int:
    """Show the window until it is closed; returns the exit code. Raises HaoscarError."""
    root = make_root()
    # Every call of Tk lets the interpreter lock go; a thread that computes would keep it for 5 ms.
    sys.setswitchinterval(0.0005)
    from backend.actions.session import load
    from haoscar_gui.log_pane import LogHandler
    from haoscar_gui.shell import Shell

    handler = LogHandler()
    logging.getLogger().addHandler(handler)
    if not options.session.page:
        from dataclasses import replace

        options = replace(options, session=load(wiring.paths))
    root.withdraw()
    mistakes: list[str] = []
    shell = Shell(root, wiring, options, handler)
    _report_mistakes(root, shell.mistake, mistakes)
    size_window(root, shell.theme.chars(1), shell.theme.line)
    _listen_to_signals(root, shell.stop)
    where = os.environ.get("HAOSCAR_GUI_PROBE", "")
    probe = None
    if where:
        from haoscar_gui.probe import Probe

        probe = Probe(root, where, mistakes, handler)
    # Looking through everything that was loaded holds the window for 200 ms: leave that out, and
    # look through all of the rest less often.
    gc.freeze()
    gc.set_threshold(700, 10, 1000)
    root.deiconify()
    root.focus_force()
    try:
        root.mainloop()
    finally:
        if probe is not None:
            probe.close()
        logging.getLogger().removeHandler(handler)
        root.destroy()
    return 0


def size_window(root: "tk.Tk", column: int, line: int) -> None:
    """Give the window its size: as large as useful, never larger than the screen."""
    screen_width, screen_height = root.winfo_screenwidth(), root.winfo_screenheight()
    width, height = min(COLUMNS * column, screen_width), min(LINES * line, screen_height)
    root.minsize(min(LEAST_COLUMNS * column, screen_width), min(LEAST_LINES * line, screen_height))
    left, top = (screen_width - width) // 2, (screen_height - height) // 3
    root.geometry(f"{width}x{height}+{left}+{top}")


def _report_mistakes(root: "tk.Tk", say: object, mistakes: list[str]) -> None:
    """Let an exception in a callback be logged, said, and remembered for the tests."""

    def report(
        kind: type[BaseException], mistake: BaseException, trace: TracebackType | None
    ) -> None:
        mistakes.append(f"{kind.__name__}: {mistake}")
        log.error("a mistake in the window", exc_info=(kind, mistake, trace))
        if callable(say):
            say(f"A mistake in HA-OSCAR itself: {kind.__name__}: {mistake}.")

    root.report_callback_exception = report


def _listen_to_signals(root: "tk.Tk", stop: object) -> None:
    """End cleanly on SIGTERM, SIGINT and SIGHUP; Python handles them when the loop runs Python."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda one, _frame: asked.append(one))

    def look() -> None:
        if asked and callable(stop):
            asked.clear()
            stop()
        root.after(200, look)

    look()
