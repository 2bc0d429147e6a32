"""The ssh program for rsync: the same confirmed host key and the same identity as the session.

Passwords travel through FIFOs (0600, in a directory of their own, 0700) from a thread of this
process into ssh's askpass and into sudo's standard input: never on a command line, never in a
file's content, never in an environment variable.
"""

import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from backend.errors import HaoscarError
from backend.model.secrets import Secret
from backend.system.files import make_private
from backend.system.known_hosts import HostKey
from backend.system.ssh import CONNECT_TIMEOUT, KEEPALIVE, Session
from backend.system.ssh_runner import Sudo

ALIAS = "haoscar-golden-client"
USES = 5  # a secret is handed out that often at most

# The shell's own read and printf: no process has the secret among its arguments.
_ASKPASS = """#!/bin/sh
case "$1" in
*assphrase*) from="$HAOSCAR_SECRETS/passphrase" ;;
*) from="$HAOSCAR_SECRETS/password" ;;
esac
[ -p "$from" ] && IFS= read -r secret < "$from" && printf '%s\\n' "$secret"
"""
# sudo reads its line byte by byte, so what follows is left for rsync. The feeder is ended with ssh:
# rsync waits for this script before it closes the pipe that the feeder reads.
_WITH_SUDO = """#!/bin/sh
pipe="$HAOSCAR_SECRETS/pipe.$$"
mkfifo -m 600 "$pipe" || exit 1
exec 3<&0
{
    IFS= read -r secret < "$HAOSCAR_SECRETS/sudo" && printf '%s\\n' "$secret" && exec cat
} <&3 > "$pipe" &
feeder=$!
"$@" < "$pipe" 3<&-
code=$?
kill "$feeder" 2> /dev/null
rm -f "$pipe"
exit "$code"
"""


class SshShell:
    """What ``rsync --rsh`` is given; a context manager, for the FIFOs live as long as it."""

    def __init__(self, session: Session, sudo: Sudo, private: Path) -> None:
        self._session = session
        self._sudo = sudo
        self._private = private
        self._directory = private / "ssh-none"
        self._servers: list[_SecretServer] = []

    def __enter__(self) -> "SshShell":
        make_private(self._private)
        self._directory = Path(tempfile.mkdtemp(prefix="ssh-", dir=self._private))
        try:
            self._fill()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop handing out secrets and remove the directory."""
        for server in self._servers:
            server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _fill(self) -> None:
        self._known_hosts.write_text(f"{ALIAS} {_line(self._session.host_key)}\n")
        credentials = self._session.credentials
        self._script("askpass", _ASKPASS)
        self._script("with-sudo", _WITH_SUDO)
        self._serve("password", credentials.password)
        self._serve("passphrase", credentials.passphrase)
        if self._sudo is Sudo.PASSWORD:
            self._serve("sudo", credentials.sudo_password)

    @property
    def argv(self) -> tuple[str, ...]:
        """The program with its options; rsync adds the host and the remote command."""
        words = ("ssh", *self._options())
        if self._sudo is Sudo.PASSWORD:
            return ("/bin/sh", str(self._directory / "with-sudo"), *words)
        return words

    @property
    def env(self) -> dict[str, str]:
        """What the program needs in its environment; no secret."""
        env = {
            "SSH_ASKPASS": str(self._directory / "askpass"),
            "SSH_ASKPASS_REQUIRE": "force",
            "HAOSCAR_SECRETS": str(self._directory),
        }
        agent = os.environ.get("SSH_AUTH_SOCK")
        if self._session.credentials.agent and agent:
            env["SSH_AUTH_SOCK"] = agent
        return env

    @property
    def _known_hosts(self) -> Path:
        return self._directory / "known_hosts"

    def _options(self) -> list[str]:
        session, credentials = self._session, self._session.credentials
        kind = session.host_key.type
        algorithms = "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind
        settings = {
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self._known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": ALIAS,
            "HostKeyAlgorithms": algorithms,
            "CheckHostIP": "no",
            "UpdateHostKeys": "no",
            "PreferredAuthentications": _methods(bool(credentials.password)),
            "IdentitiesOnly": "no" if credentials.agent else "yes",
            "IdentityAgent": "SSH_AUTH_SOCK" if credentials.agent else "none",
            "NumberOfPasswordPrompts": "1",
            "ConnectTimeout": f"{CONNECT_TIMEOUT:g}",
            "ServerAliveInterval": str(KEEPALIVE),
            "ServerAliveCountMax": "4",
            "ControlPath": "none",
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "PermitLocalCommand": "no",
            "Compression": "no",
            "EscapeChar": "none",
            "LogLevel": "ERROR",
        }
        words = ["-F", "none", "-T", "-p", str(session.port), "-l", credentials.user]
        for path in credentials.key_files:
            words += ["-i", str(path)]
        if not credentials.key_files and not credentials.agent:
            words += ["-i", "/dev/null"]
        for name, value in settings.items():
            words += ["-o", f"{name}={value}"]
        return words

    def _script(self, name: str, text: str) -> None:
        path = self._directory / name
        path.write_text(text)
        path.chmod(0o700)

    def _serve(self, name: str, secret: Secret | None) -> None:
        if secret is None:
            return
        if "\n" in secret.reveal() or "\0" in secret.reveal():
            raise HaoscarError.of(
                "ssh.secret", "A password with a line break cannot be used.", "Change it."
            )
        server = _SecretServer(self._directory / name, secret)
        server.start()
        self._servers.append(server)


class _SecretServer(threading.Thread):
    """Writes one secret into one FIFO whenever somebody opens it for reading."""

    def __init__(self, path: Path, secret: Secret) -> None:
        super().__init__(name=f"secret-{path.name}", daemon=True)
        os.mkfifo(path, 0o600)
        self._path = path
        self._secret = secret
        self._stopped = threading.Event()

    def run(self) -> None:
        left = USES
        while left and not self._stopped.wait(0.02):
            try:
                pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # ENXIO: nobody reads
                continue
            with contextlib.suppress(BrokenPipeError), os.fdopen(pipe, "wb", buffering=0) as output:
                output.write(self._secret.reveal().encode() + b"\n")
            left -= 1
            self._stopped.wait(0.2)  # until this reader has closed its end

    def stop(self) -> None:
        """Serve nobody any more; returns when the thread has ended."""
        self._stopped.set()
        self.join(timeout=2.0)


def _methods(password: bool) -> str:
    return "publickey,password,keyboard-interactive" if password else "publickey"


def _line(key: HostKey) -> str:
    return f"{key.type} {key.base64}"
