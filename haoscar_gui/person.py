"""The person at the window, as an action that runs in another thread sees them."""

import threading
import tkinter as tk
from collections.abc import Callable
from typing import Generic, TypeVar

from backend.errors import Cancelled
from backend.model.secrets import Secret
from backend.reports import info
from backend.system.known_hosts import HostKey
from haoscar_gui.dialogs import Dialog, Question, SecretQuestion
from haoscar_gui.worker import Job

T = TypeVar("T")
TRUST, DECLINE = "Trust this key", "Do not trust"


class _Answer(Generic[T]):
    """A place for one answer, waited for in another thread."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self.value: T | None = None
        self.dialog: Dialog | None = None

    def give(self, value: T) -> None:
        """Answer."""
        self.value = value
        self._there.set()

    def wait(self, seconds: float) -> bool:
        """Wait; returns whether the answer is there."""
        return self._there.wait(seconds)


class WindowPerson:
    """Asks in a dialog and waits for the answer; a cancelled job closes the dialog. A Person.

    ``job`` is the one that runs now: an action prepares in one and works in another.
    """

    def __init__(self, root: tk.Tk) -> None:
        self._root = root
        self.job: Job | None = None

    def trust_host_key(self, host: str, key: HostKey) -> bool:
        """See Person.trust_host_key; raises Cancelled."""
        question = f"The SSH host key of {host} is not known yet."
        detail = (
            f"{key.type}\n{key.fingerprint}\n\nCompare it with what the machine itself prints:\n"
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        )
        answer: _Answer[str] = _Answer()
        made = self._ask(
            answer,
            lambda: Question(self._root, question, (TRUST, DECLINE), answer.give, detail),
        )
        return made == TRUST

    def secret(self, prompt: str) -> Secret | None:
        """See Person.secret; raises Cancelled."""
        answer: _Answer[Secret | None] = _Answer()
        return self._ask(answer, lambda: SecretQuestion(self._root, prompt, answer.give))

    def _ask(self, answer: _Answer[T], show: Callable[[], Dialog]) -> T | None:
        job = self.job
        if job is None:
            raise RuntimeError("nobody works, so nobody can ask")

        def open_dialog() -> None:
            answer.dialog = show()

        def close_dialog() -> None:
            if answer.dialog is not None and answer.dialog.winfo_exists():
                answer.dialog.destroy()

        job.in_window(open_dialog)
        while not answer.wait(0.1):
            if job.token.cancelled:
                job.in_window(close_dialog)
                raise Cancelled(info("task.cancelled", "Cancelled on your request."))
        return answer.value
