"""The wizard's window, run by a head of the virtual cluster, seen on a person's own display.

Nothing of the host's network gets in: the X server's UNIX socket is mounted, the cookie lies in the
head's memory. When the head or the lab ends, the window ends with it.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backend.errors import Cancelled, HaoscarError
from backend.lab.containers import LabNode
from backend.lab.overlay import DISPLAY_SOCKET, LAUNCHER
from backend.system.runner import Command
from backend.system.x_display import SOCKETS, Display
from backend.tasks import CancelToken

AUTHORITY = DISPLAY_SOCKET.with_name("authority")
TAIL = 15  # lines of what a window said that reach the report


class HeadWindow:
    """``haoscar`` without arguments on a head; one window at a time."""

    def __init__(
        self, head: LabNode, display: Display, environment: Mapping[str, str] | None = None
    ) -> None:
        """``environment`` is what the window is given besides its display."""
        self._head = head
        self._display = display
        self._environment = environment or {}
        self._token = CancelToken()
        self._closed = threading.Event()
        self._said: list[str] = []
        self._problem: HaoscarError | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Open it; it is closed at the end of the block. Raises HaoscarError."""
        self._let_in()
        thread = threading.Thread(target=self._run, name="window", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._token.cancel()
            thread.join(30)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, so many seconds at most; returns whether it has ended.

        Raises HaoscarError with its last words when it ended badly.
        """
        if not self._closed.wait(seconds):
            return False
        if self._problem is not None:
            raise self._problem
        return True

    def _let_in(self) -> None:
        """Put the display where programs look for it."""
        run = self._head.runner.run
        run(Command.of("mkdir", "-p", "-m", "1777", SOCKETS))
        run(Command.of("ln", "-sfn", DISPLAY_SOCKET, SOCKETS / f"X{self._display.number}"))
        cookies = Command.of("install", "-m", "600", "/dev/stdin", AUTHORITY)
        run(cookies.given(self._display.authority))

    def _run(self) -> None:
        environment = {
            "DISPLAY": self._display.name, "XAUTHORITY": str(AUTHORITY), **self._environment,
        }  # fmt: skip
        command = Command((str(LAUNCHER),), env=environment, timeout=None)
        try:
            result = self._head.runner.stream(
                command, self._said.append, cancelled=lambda: self._token.cancelled, check=False
            )
            if not self._head.is_on:
                text = f"{self._head.name} lost its power, and its window with it."
                self._problem = HaoscarError.of("demo.window-off", text)
            elif not result.ok:
                said = "; ".join(self._said[-TAIL:])
                self._problem = HaoscarError.of(
                    "demo.window", f"The window ended with exit code {result.exit_code}: {said}"
                )
        except Cancelled:
            pass
        except HaoscarError as problem:
            self._problem = problem
        finally:
            self._closed.set()
