"""Drives a window as a person does: real X events by xdotool, answers from the window's probe."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEASH = ("setpriv", "--pdeathsig", "TERM")  # nothing outlives a test run that was killed
LIMIT = 15.0  # seconds that anything may take, unless a test says otherwise
POLL = 0.01  # seconds between two looks
STILL = 2  # looks without a change until a widget is taken to stand still


class Display:
    """An X server of its own, at a number that it chooses itself."""

    def __init__(self, width: int = 1024, height: int = 768) -> None:
        self.width, self.height = width, height
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            [*LEASH, "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24",
             "-nolisten", "tcp"],
            pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        self.name = f":{number}"

    def stop(self) -> None:
        """End it."""
        self._server.terminate()
        self._server.wait(LIMIT)


class Window:
    """A running window. The fixture open_window makes it, and ends it."""

    def __init__(
        self, display: Display, root: Path, private: Path, *options: str, log: Path | None = None
    ) -> None:
        self.display, self.root = display, root
        self.clicks = self.keys = 0  # what a person would have had to do
        self._log = log or private / "window.log"
        self._probe = private / "probe"
        self._probe.unlink(missing_ok=True)
        self._shots = root.parent
        checkout = Path(__file__).resolve().parents[2]
        environment = {
            **os.environ, "DISPLAY": display.name, "HAOSCAR_GUI_PROBE": str(self._probe),
            "PYTHONPATH": str(checkout),
        }  # fmt: skip
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [*LEASH, sys.executable, "-P", "-m", "tests.gui.window", str(root), *options],
                env=environment, stdout=output, stderr=output, cwd=checkout,
            )  # fmt: skip
        self._socket: socket.socket | None = None
        self._pending = b""
        self._expected: set[str] = set()
        try:
            self.wait_until(self._connect, what="the window answers")
            self.wait_until(lambda: self.shown("rail.exit"), what="the rail is shown")
        except BaseException:
            self.kill()
            raise

    # Looking

    def ask(self, question: str) -> dict[str, Any]:
        """Ask the probe: "widgets", "errors" or "gap"."""
        assert self._socket is not None
        self._socket.sendall(json.dumps({"ask": question}).encode() + b"\n")
        while b"\n" not in self._pending:
            data = self._socket.recv(1 << 20)
            if not data:
                raise RuntimeError(f"the window has gone; it said:\n{self.said()}")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def widgets(self) -> dict[str, dict[str, Any]]:
        """Return every named widget, with rectangle, state, text, value, rows."""
        found: dict[str, dict[str, Any]] = self.ask("widgets")["widgets"]
        return found

    def widget(self, name: str) -> dict[str, Any]:
        """Return a named widget; raises KeyError with the names that there are."""
        found = self.widgets()
        if name not in found:
            raise KeyError(f"{name} is not among {sorted(found)}")
        return found[name]

    def shown(self, name: str) -> bool:
        """Tell whether a widget can be seen."""
        return bool(self.widgets().get(name, {}).get("shown"))

    def enabled(self, name: str) -> bool:
        """Tell whether a widget can be seen and is switched on."""
        found = self.widgets().get(name, {})
        return bool(found.get("shown")) and "disabled" not in found["state"]

    def text(self, name: str) -> str:
        """Return a widget's text."""
        return str(self.widget(name).get("text", ""))

    def value(self, name: str) -> str:
        """Return a field's value."""
        return str(self.widget(name)["value"])

    def focus(self) -> str:
        """Return the path of the widget that has the keyboard."""
        return str(self.ask("widgets")["focus"])

    def said(self) -> str:
        """Return what the process has printed."""
        return self._log.read_text(errors="replace")

    def errors(self) -> list[str]:
        """Return the exceptions in callbacks and the logged errors that were not expected."""
        found = self.ask("errors")
        return [one for one in (*found["callbacks"], *found["logged"]) if one not in self._expected]

    def expected_errors(self) -> list[str]:
        """Return the errors so far, and let them be no failure of the test."""
        found = self.errors()
        self._expected.update(found)
        return found

    @property
    def clean(self) -> bool:
        """Whether nothing had to be expected."""
        return not self._expected

    def longest_gap(self) -> float:
        """Return for how many milliseconds the window was deaf at most, since it was asked last."""
        return float(self.ask("gap")["longest_ms"])

    # Waiting

    def wait_until(
        self, condition: Callable[[], object], limit: float = LIMIT, what: str = ""
    ) -> None:
        """Wait for a condition; raises AssertionError with a screenshot when the limit is over."""
        deadline = time.monotonic() + limit
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the window ended; it said:\n{self.said()}")
            if condition():
                return
            if time.monotonic() > deadline:
                shot = self.screenshot(self._shots / "failure.png")
                raise AssertionError(f"not within {limit:g} s: {what or condition}; see {shot}")
            time.sleep(POLL)

    def wait_for(self, name: str, limit: float = LIMIT) -> None:
        """Wait until a widget can be seen and is switched on."""
        self.wait_until(lambda: self.enabled(name), limit, f"{name} can be used")

    def wait_text(self, name: str, text: str, limit: float = LIMIT) -> None:
        """Wait until a widget is shown whose text contains this."""

        def says() -> bool:
            found = self.widgets().get(name, {})
            return bool(found.get("shown")) and text in str(found.get("text", ""))

        self.wait_until(says, limit, f"{name} says {text!r}")

    # Doing

    def click(self, name: str, limit: float = LIMIT) -> None:
        """Click on the middle of a widget, once it can be used and stands still."""
        self.wait_for(name, limit)
        found = self._still(name)
        self._click_at(found["x"] + found["width"] // 2, found["y"] + found["height"] // 2)

    def click_row(self, name: str, key: str, *, times: int = 1) -> None:
        """Click on a visible row of a table."""
        self.wait_until(
            lambda: key in self.widget(name).get("boxes", {}), what=f"{key} is visible in {name}"
        )
        box = self._still(name)["boxes"][key]
        self._click_at(box["x"] + box["width"] // 3, box["y"] + box["height"] // 2, times)

    def point_at(self, name: str) -> None:
        """Let the pointer rest on a widget."""
        found = self._still(name)
        self._xdotool(
            "mousemove", found["x"] + found["width"] // 2, found["y"] + found["height"] // 2
        )

    def wheel(self, name: str, *, up: bool, times: int = 1) -> None:
        """Turn the wheel over a widget."""
        self.point_at(name)
        self._xdotool("click", "--repeat", times, "--delay", 5, "4" if up else "5")

    def all_boxes(self, name: str) -> dict[str, dict[str, int]]:
        """Return the rectangles of a table's visible rows."""
        found: dict[str, dict[str, int]] = self.widget(name)["boxes"]
        return found

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag with the left button from one point of the screen to another."""
        steps: list[object] = ["mousemove", *start, "mousedown", "1"]
        for share in (0.1, 0.5, 0.9, 1.0):
            x, y = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
            steps += ["mousemove", "--sync", x, y]
        self.clicks += 1
        self._xdotool(*steps, "mouseup", "1")

    def key(self, *keys: str) -> None:
        """Press keys, such as Return, alt+1, ctrl+r."""
        self.keys += len(keys)
        self._xdotool("key", "--delay", 2, *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self.keys += len(text)
        self._xdotool("type", "--delay", 2, "--", text)

    def fill(self, name: str, text: str) -> None:
        """Click into a field and replace what stands there.

        xdotool lends a key to a character that the keyboard lacks, and the window may learn of it
        too late: then the text is typed again.
        """
        for limit in (2.0, 2.0, LIMIT):
            self.click(name)
            self.key("ctrl+a", "ctrl+slash", "BackSpace")
            self.type(text)
            try:
                self.wait_until(lambda: self.value(name) == text, limit, f"{name} holds {text!r}")
            except AssertionError:
                if text.isascii() or limit == LIMIT:
                    raise
            else:
                return

    def choose(self, name: str, value: str) -> None:
        """Choose in a choice field: a click opens its list, the keys choose there."""
        choices = self.widget(name)["choices"]
        here = choices.index(self.value(name)) if self.value(name) in choices else 0
        distance = choices.index(value) - here
        self.click(name)
        self.wait_until(lambda: "popdown" in self.focus(), what=f"the list of {name} is open")
        self.key(*(["Down"] * distance if distance > 0 else ["Up"] * -distance), "Return")
        self.wait_until(lambda: self.value(name) == value, what=f"{name} is {value}")

    def screenshot(self, path: Path) -> Path:
        """Save a picture of the screen."""
        subprocess.run(
            ["import", "-display", self.display.name, "-window", "root", str(path)],
            check=False, timeout=LIMIT,
        )  # fmt: skip
        return path

    # Ending

    def close(self) -> int:
        """Close it as a person does; returns the exit code."""
        self.click("rail.exit")
        return self.process.wait(LIMIT)

    def wait_until_gone(self, limit: float = LIMIT) -> None:
        """Wait until the window has closed by itself, without an error."""
        assert self.process.wait(limit) == 0

    def kill(self) -> None:
        """End the process, however it is."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT)

    def _connect(self) -> bool:
        """Connect to the probe; False while it does not listen yet."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(LIMIT)
        try:
            made.connect(str(self._probe))
        except (FileNotFoundError, ConnectionRefusedError):
            made.close()
            return False
        self._socket = made
        return True

    def _still(self, name: str) -> dict[str, Any]:
        """Return a widget once its rectangle was the same for some time."""
        before: object = None
        times = 0
        found: dict[str, Any] = {}

        def same() -> bool:
            nonlocal before, times, found
            found = self.widget(name)
            now = tuple(found[one] for one in ("x", "y", "width", "height"))
            times = times + 1 if now == before and found["shown"] else 0
            before = now
            return times == STILL

        self.wait_until(same, what=f"{name} stands still")
        return found

    def _click_at(self, x: int, y: int, times: int = 1) -> None:
        assert 0 <= x < self.display.width, f"{x} is outside of the screen"
        assert 0 <= y < self.display.height, f"{y} is outside of the screen"
        self.clicks += 1
        self._xdotool("mousemove", x, y, "click", "--repeat", times, "--delay", 5, "1")

    def _xdotool(self, *words: object) -> None:
        environment = {**os.environ, "DISPLAY": self.display.name}
        subprocess.run(
            ["xdotool", *(str(word) for word in words)], env=environment, check=True, timeout=60
        )


def run_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real entry point."""
    checkout = Path(__file__).resolve().parents[2]
    plain = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "SUDO_USER")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "haoscar_gui", *arguments],
        env={**plain, "PYTHONPATH": str(checkout), **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
