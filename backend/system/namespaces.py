"""Running commands inside the namespaces of another process (nsenter(1))."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from backend.errors import CommandFailed
from backend.system.runner import STANDARD_PATH, Command, LocalRunner, Result, clean_environment

CLEAN = {
    "HOME": "/root", "PATH": STANDARD_PATH, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "dumb"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inside:
    """Which namespaces of which process to enter."""

    pid: int
    uts: bool = False
    ipc: bool = False
    own_network: bool = False
    network: Path | None = None  # a namespace file, as this process sees it
    files: bool = True  # mounts and root directory

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command."""
        words = ["nsenter", f"--target={self.pid}", "--pid"]
        if self.files:
            words += ["--mount", "--root"]  # the root too: its mounts may begin above a chroot
        if self.uts:
            words.append("--uts")
        if self.ipc:
            words.append("--ipc")
        if self.network is not None:
            words.append(f"--net={self.network}")
        elif self.own_network:
            words.append("--net")
        return (*words, "--")

    @classmethod
    def machine(cls, leader: int) -> "Inside":
        """Return the inside of a container, seen from its first process."""
        return cls(leader, uts=True, ipc=True, own_network=True)


class NamespaceRunner:
    """A Runner inside namespaces; nothing of this process's environment gets in.

    ``where`` is asked before each command, because a machine that was switched off and on again
    has another first process; it may raise HaoscarError.
    """

    def __init__(self, where: Callable[[], Inside]) -> None:
        self._where = where
        self._outside = LocalRunner()

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        return self._outside.run(self.command(command), check=check)

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """See Runner.stream."""
        return self._outside.stream(
            self.command(command), on_line, cancelled=cancelled, check=check
        )

    def command(self, command: Command) -> Command:
        """Return the command as it is started on this machine."""
        values = {**CLEAN, **command.env}
        # Our own working directory may not exist in there.
        words = ["/usr/bin/env", "--ignore-environment", f"--chdir={command.cwd or '/'}"]
        words += [f"{name}={value}" for name, value in values.items()]
        inner = replace(command, cwd=None, env={})
        return inner.after(*self._where().prefix, *words)


def become(command: Command) -> NoReturn:
    """Replace this process by a command, which keeps the terminal; raises CommandFailed."""
    try:
        os.execvpe(command.argv[0], command.argv, clean_environment(command.env))  # noqa: S606
    except OSError as problem:
        raise CommandFailed.of(
            "command.not-started", f"{command.argv[0]} could not be started: {problem.strerror}."
        ) from problem
