"""Commands on another host over an SSH session, as root by sudo where needed."""

import contextlib
import enum
import logging
import select
import shlex
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.errors import Cancelled, CommandFailed, Refused
from backend.model.secrets import Secret
from backend.reports import error, info
from backend.system.runner import STANDARD_PATH, Command, Result, failure
from backend.system.ssh import CONNECT_TIMEOUT, Session

if TYPE_CHECKING:
    import paramiko

log = logging.getLogger(__name__)


class Sudo(enum.Enum):
    """How a command becomes root's."""

    NO = "the user is root, or need not be"
    FREE = "sudo asks for nothing"
    PASSWORD = "sudo reads its password from standard input"  # noqa: S105 (a sentence)


class SshRunner:
    """Runs commands on the other host; see backend.system.runner.Runner.

    SSH hands a command to the user's shell as one string: it is joined with shlex here and nowhere
    else. With ``sudo`` every command runs as root. A command that runs out of time is cut off from
    us, which ends most programs, but nobody can be sure that it ended there.
    """

    def __init__(
        self, session: Session, sudo: Sudo = Sudo.NO, password: Secret | None = None
    ) -> None:
        self._session = session
        self.sudo = sudo
        self._password = password

    def run(self, command: Command, *, check: bool = True) -> Result:
        """See Runner.run."""
        out, errors = bytearray(), bytearray()
        began = time.monotonic()
        code = self._execute(command, out.extend, errors.extend, lambda: False)
        result = Result(
            command,
            code,
            out.decode("utf-8", "replace"),
            errors.decode("utf-8", "replace"),
            time.monotonic() - began,
        )
        log.debug("%s: %s -> %d", self._session.host, command, code)
        if check and not result.ok:
            raise failure(result)
        return result

    def stream(
        self,
        command: Command,
        on_line: Callable[[str], None],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        check: bool = True,
    ) -> Result:
        """See Runner.stream."""
        lines = _Lines(on_line)
        began = time.monotonic()
        code = self._execute(command, lines.take, lines.take, cancelled)
        lines.take(b"\n")
        result = Result(command, code, "\n".join(lines.kept), "", time.monotonic() - began)
        log.debug("%s: %s -> %d", self._session.host, command, code)
        if check and not result.ok:
            raise failure(result)
        return result

    def words(self, command: Command) -> tuple[tuple[str, ...], bytes]:
        """Return the words sent to the remote shell and the standard input that goes with them."""
        environment = {
            "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PATH": STANDARD_PATH, **command.env
        }  # fmt: skip
        words = ["env", *(f"--chdir={command.cwd}" for _ in [0] if command.cwd is not None)]
        words += [f"{name}={value}" for name, value in environment.items()]
        words += command.argv
        stdin = (
            command.stdin.reveal().encode() if isinstance(command.stdin, Secret) else command.stdin
        )
        data = stdin or b""
        if self.sudo is Sudo.FREE:
            words = ["sudo", "-n", "--", *words]
        elif self.sudo is Sudo.PASSWORD:
            assert self._password is not None
            words = ["sudo", "-k", "-S", "-p", "", "--", *words]
            data = self._password.reveal().encode() + b"\n" + data
        return tuple(words), data

    def _execute(
        self,
        command: Command,
        on_out: Callable[[bytes], None],
        on_errors: Callable[[bytes], None],
        cancelled: Callable[[], bool],
    ) -> int:
        import paramiko

        words, data = self.words(command)
        deadline = None if command.timeout is None else time.monotonic() + command.timeout
        try:
            transport = self._session.client.get_transport()
            if transport is None:
                raise EOFError("the connection is closed")
            with contextlib.closing(transport.open_session(timeout=CONNECT_TIMEOUT)) as channel:
                channel.exec_command(shlex.join(words))
                pump = _Pump(channel, data, on_out, on_errors, command.open_until)
                while not pump.step():
                    if cancelled():
                        raise Cancelled(info("task.cancelled", "Cancelled on your request."))
                    if deadline is not None and time.monotonic() > deadline:
                        raise _timed_out(command, self._session.host)
                if channel.exit_status < 0:
                    raise EOFError("the program ended without an exit code")
                return channel.exit_status
        except (paramiko.SSHException, OSError, EOFError) as problem:
            raise CommandFailed.of(
                "ssh.cut",
                f"The connection to {self._session.host} was cut while {command.argv[0]} ran:"
                f" {problem}.",
                "Look at the network and the host, then start again.",
            ) from problem


def _timed_out(command: Command, host: str) -> CommandFailed:
    return CommandFailed(
        error(
            "command.timeout",
            f"{command.argv[0]} on {host} did not end within {command.timeout:g} s.",
            f"The command was: {command}",
        )
    )


class _Pump:
    """Moves data in and out of one channel."""

    def __init__(
        self,
        channel: "paramiko.Channel",
        data: bytes,
        on_out: Callable[[bytes], None],
        on_errors: Callable[[bytes], None],
        open_until: Callable[[], bool] | None,
    ) -> None:
        self._channel = channel
        self._data = data
        self._over = open_until or (lambda: True)
        self._on_out, self._on_errors = on_out, on_errors
        self._fed = False

    def step(self) -> bool:
        """Wait at most 0.1 s for data and move it; returns True when the program has ended."""
        channel = self._channel
        if not self._fed:
            self._feed()
        ended = channel.exit_status_ready() or channel.closed  # asked before the last data is read
        if not ended and not channel.recv_ready() and not channel.recv_stderr_ready():
            select.select([channel], [], [], 0.01 if self._data else 0.1)
        while channel.recv_ready():
            self._on_out(channel.recv(1 << 16))
        while channel.recv_stderr_ready():
            self._on_errors(channel.recv_stderr(1 << 16))
        if ended and not channel.closed and not channel.eof_received:
            time.sleep(0.002)  # the exit code may overtake the last output
            return False
        return ended and not channel.recv_ready() and not channel.recv_stderr_ready()

    def _feed(self) -> None:
        if self._data and self._channel.send_ready():
            sent = self._channel.send(self._data[: 1 << 15])
            self._data = self._data[sent:]
        if not self._data and self._over():
            self._channel.shutdown_write()
            self._fed = True


class _Lines:
    """Divides output into lines, at CR too, and keeps the last 200."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._pending = b""
        self.kept: list[str] = []

    def take(self, data: bytes) -> None:
        *whole, self._pending = (self._pending + data).replace(b"\r", b"\n").split(b"\n")
        for line in filter(None, whole):
            self.kept.append(line.decode("utf-8", "replace"))
            self._on_line(self.kept[-1])
        del self.kept[:-200]


def runner_as_root(session: Session) -> SshRunner:
    """Return a runner whose commands run as root, by sudo where needed; raises Refused.

    sudo is asked without its cached credentials, so that what works now works for every command.
    """
    ask = Command.of("id", "-u")
    plain = SshRunner(session)
    if plain.run(ask).stdout.strip() == "0":
        return plain
    attempt = plain.run(ask.after("sudo", "-k", "-n", "--"), check=False)
    if attempt.ok and attempt.stdout.strip() == "0":
        return SshRunner(session, Sudo.FREE)
    password = session.credentials.sudo_password
    if password is not None:
        # Only now: a sudo that wants no password would hand it to the program it starts.
        rooted = SshRunner(session, Sudo.PASSWORD, password)
        attempt = rooted.run(ask, check=False)
        if attempt.ok and attempt.stdout.strip() == "0":
            return rooted
    user = session.credentials.user
    said = attempt.stderr.strip().splitlines()
    raise Refused.of(
        "ssh.no-sudo",
        f"User {user} cannot become root on {session.host} by sudo"
        + (f": {said[-1]}" if said else "."),
        f"Allow it there ('{user} ALL=(root) NOPASSWD: ALL' in a file of /etc/sudoers.d), give the"
        " password for sudo, or log in as root.",
    )
