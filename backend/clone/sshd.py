"""The dedicated sshd of installations: its own port, key and configuration; it can do one thing."""

import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from backend.clone import gate
from backend.clone.constants import GATE_USER, SSH_PORT
from backend.clone.keys import PublicKey, host_key_path
from backend.errors import CommandFailed
from backend.paths import Paths
from backend.system.files import make_private, write_atomically
from backend.system.processes import ProcessId, children
from backend.system.runner import Command, Daemon, spawn

GRACE = 3.0  # seconds
CIPHERS = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


@dataclass(frozen=True, slots=True)
class SshdFiles:
    """Where the dedicated sshd has its files; all of them root's alone."""

    config: Path
    keys: Path
    socket: Path
    log: Path
    host_key: Path

    @classmethod
    def of(cls, paths: Paths) -> "SshdFiles":
        """Return the files below these paths."""
        private = paths.run / "boot-server"
        return cls(
            config=private / "sshd_config",
            keys=private / "authorized_keys",
            socket=private / "gate.sock",
            log=private / "sshd.log",
            host_key=host_key_path(paths),
        )


def sshd_config(files: SshdFiles, address: IPv4Address, *, pam: bool, port: int = SSH_PORT) -> str:
    """Return the whole configuration; sshd reads no other file.

    ``pam`` only where root's password is locked: without PAM sshd would refuse the account.
    """
    command = shlex.join((sys.executable, "-I", "-S", gate.__file__, str(files.socket)))
    lines = {
        "AddressFamily": "inet",
        "ListenAddress": f"{address}:{port}",
        "HostKey": files.host_key,
        "PidFile": "none",
        "LogLevel": "VERBOSE",
        "AuthenticationMethods": "publickey",
        "PubkeyAuthentication": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "HostbasedAuthentication": "no",
        "PubkeyAcceptedAlgorithms": "ssh-ed25519",
        "HostKeyAlgorithms": "ssh-ed25519",
        "KexAlgorithms": "curve25519-sha256,curve25519-sha256@libssh.org",
        "Ciphers": ",".join(CIPHERS),
        "PermitRootLogin": "prohibit-password",
        "AllowUsers": GATE_USER,
        "AuthorizedKeysFile": files.keys,
        "AuthorizedKeysCommand": "none",
        "AuthorizedPrincipalsFile": "none",
        "TrustedUserCAKeys": "none",
        "StrictModes": "yes",
        "ExposeAuthInfo": "yes",
        "ForceCommand": command,
        "DisableForwarding": "yes",
        "PermitTTY": "no",
        "PermitUserRC": "no",
        "PermitUserEnvironment": "no",
        "PrintMotd": "no",
        "PrintLastLog": "no",
        "Compression": "no",
        "UseDNS": "no",
        "UsePAM": "yes" if pam else "no",
        "MaxAuthTries": "2",
        "MaxSessions": "8",
        "MaxStartups": "8:50:24",
        "LoginGraceTime": "20",
        "ClientAliveInterval": "30",
        "ClientAliveCountMax": "4",
        "TCPKeepAlive": "yes",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def authorized_keys(keys: Iterable[PublicKey]) -> str:
    """Return the file that admits these keys; ``restrict`` on top of what the configuration says."""
    return "".join(f"restrict {key.line}\n" for key in sorted(keys))


def root_is_locked(shadow: str) -> bool:
    """Whether root's password is locked (shadow(5)), which sshd takes for a closed account."""
    for line in shadow.splitlines():
        if line.startswith("root:"):
            return line.split(":")[1].startswith("!")
    return False


def descendants(pid: int) -> list[int]:
    """Return every process below this one, parents first."""
    found = children(pid)
    for child in tuple(found):
        found += descendants(child)
    return found


class DedicatedSshd:
    """Starts and stops that sshd, and lets keys in and out; used from one thread."""

    def __init__(self, paths: Paths, address: IPv4Address, port: int = SSH_PORT) -> None:
        self._files = SshdFiles.of(paths)
        self._paths = paths
        self._address = address
        self._port = port
        self._daemon: Daemon | None = None
        self._admitted: frozenset[PublicKey] | None = None
        self._idle_since: float | None = None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._daemon is not None and self._daemon.running

    def admit(self, keys: Iterable[PublicKey]) -> None:
        """Let in exactly these keys; runs only while there is one. Raises CommandFailed, OSError.

        Call it again every second or so: without a key the sessions have GRACE seconds to end, in
        which a last answer reaches its machine, then they are ended.
        """
        wanted = frozenset(keys)
        if wanted != self._admitted:
            make_private(self._files.keys.parent)
            write_atomically(self._files.keys, authorized_keys(wanted).encode(), 0o600)
            self._admitted = wanted
        if wanted and not self.running:
            self._start()
        if wanted:
            self._idle_since = None
        elif self.running:
            self._idle_since = self._idle_since or time.monotonic()
            if time.monotonic() - self._idle_since >= GRACE:
                self.stop()

    def stop(self) -> None:
        """End it and every session: each is a process group of its own, so they are ended one by one."""
        if self._daemon is None:
            return
        ends = [ProcessId.of(pid) for pid in descendants(self._daemon.pid)]
        self._daemon.stop(grace=3.0)
        self._daemon = self._idle_since = None
        for process in ends:
            if process is not None:
                process.send(signal.SIGKILL)

    def _start(self) -> None:
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None:
            raise CommandFailed.of(
                "sshd.missing", "sshd is not installed on this head.",
                "Install openssh-server; its own service may stay off.",
            )  # fmt: skip
        shadow = self._paths.at("/etc/shadow")
        locked = shadow.is_file() and root_is_locked(shadow.read_text(errors="replace"))
        text = sshd_config(self._files, self._address, pam=locked, port=self._port)
        write_atomically(self._files.config, text.encode(), 0o600)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation, sshd(8)
        self._daemon = spawn(
            Command.of(program, "-D", "-e", "-f", self._files.config), self._files.log
        )
