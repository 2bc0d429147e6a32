"""SSH sessions: nothing is sent before a person has confirmed the host key.

The host key is checked before anything is sent. A key not known is handed to the caller's decision
with its fingerprint and remembered only when that says yes; a key other than the confirmed one is
refused, also when it is of another type. Everything here runs in the caller's thread; paramiko
adds one thread of its own for each connection.
"""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import HaoscarError, Refused
from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey, KnownHosts

if TYPE_CHECKING:
    import paramiko

CONNECT_TIMEOUT = 15.0  # seconds for each of: TCP, key exchange, log in
KEEPALIVE = 15  # seconds between the packets that notice a dead connection

# paramiko logs tracebacks of what is an everyday event here; the error that is raised says it.
_LIBRARY = f"{__name__}.paramiko"
logging.getLogger(_LIBRARY).setLevel(logging.CRITICAL)

HostKeyDecision = Callable[[str, HostKey], bool]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in: whatever is given is tried, keys first."""

    user: str
    password: Secret | None = None  # also answers keyboard-interactive
    key_files: tuple[Path, ...] = ()
    passphrase: Secret | None = None  # of the key files
    agent: bool = True  # and the user's own default keys
    sudo_password: Secret | None = None  # None: sudo must not ask


@dataclass(slots=True)
class Session:
    """An open connection."""

    host: str
    port: int
    credentials: Credentials
    host_key: HostKey
    client: "paramiko.SSHClient" = field(repr=False)

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def connect(
    host: str,
    port: int,
    credentials: Credentials,
    known: KnownHosts,
    decide: HostKeyDecision,
) -> Session:
    """Open a session; ``decide(host, key)`` is asked about a key that is not known.

    Raises Refused for a host key that was declined or has changed, HaoscarError when the host
    cannot be reached or does not let us in.
    """
    import paramiko

    checker = _HostKeyCheck(host, port, known, decide)

    class Policy(paramiko.MissingHostKeyPolicy):
        def missing_host_key(
            self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey
        ) -> None:
            checker.check(HostKey(key.get_name(), key.asbytes()))

    client = paramiko.SSHClient()
    client.set_log_channel(_LIBRARY)
    client.set_missing_host_key_policy(Policy())
    try:
        _log_in(client, host, port, credentials, known)
        transport = client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEPALIVE)
        key = transport.get_remote_server_key()
        return Session(host, port, credentials, HostKey(key.get_name(), key.asbytes()), client)
    except HaoscarError:
        client.close()
        raise
    except (paramiko.SSHException, OSError, EOFError) as problem:
        client.close()
        raise _not_connected(host, port, credentials.user, problem) from problem


def _log_in(
    client: "paramiko.SSHClient",
    host: str,
    port: int,
    credentials: Credentials,
    known: KnownHosts,
) -> None:
    """Connect with the known key types offered first, so that a known host shows the known key."""
    import paramiko

    types = {key.type for key in known.keys(host, port)}

    def transport(raw: socket.socket, **options: Any) -> paramiko.Transport:
        made = paramiko.Transport(raw, **options)
        offered = made.get_security_options()
        offered.key_types = sorted(
            offered.key_types, key=lambda name: _blob_type(name) not in types
        )
        return made

    password, passphrase = credentials.password, credentials.passphrase
    client.connect(
        host,
        port,
        credentials.user,
        password=password.reveal() if password else None,
        passphrase=passphrase.reveal() if passphrase else None,
        key_filename=[str(path) for path in credentials.key_files] or None,  # type: ignore[arg-type]
        allow_agent=credentials.agent,
        look_for_keys=credentials.agent,
        timeout=CONNECT_TIMEOUT,
        banner_timeout=CONNECT_TIMEOUT,
        auth_timeout=CONNECT_TIMEOUT,
        transport_factory=transport,  # type: ignore[arg-type]
    )


def _blob_type(algorithm: str) -> str:
    """Return the key type of a signature algorithm (RFC 8332: RSA keys sign in three ways)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


@dataclass(slots=True)
class _HostKeyCheck:
    """Judges the key that a host shows."""

    host: str
    port: int
    known: KnownHosts
    decide: HostKeyDecision

    def check(self, key: HostKey) -> None:
        """Return if the key may be trusted; raises Refused."""
        confirmed = self.known.keys(self.host, self.port)
        if key in confirmed:
            return
        if confirmed:
            raise Refused.of(
                "ssh.host-key-changed",
                f"The host key of {self.host} is not the one that was confirmed: it shows"
                f" {key.type} {key.fingerprint}, confirmed was "
                + ", ".join(f"{one.type} {one.fingerprint}" for one in confirmed)
                + ". Another machine may be answering. Nothing was sent to it.",
                f"If the host was installed anew, compare with 'ssh-keygen -lf"
                f" /etc/ssh/ssh_host_ed25519_key.pub' on its own console, then remove its line from"
                f" {self.known.path} and connect again.",
            )
        if not self.decide(self.host, key):
            raise Refused.of(
                "ssh.host-key-declined",
                f"The host key of {self.host}, {key.fingerprint}, was not confirmed.",
                "Compare it with 'ssh-keygen -lf' on the host's own console.",
            )
        self.known.add(self.host, self.port, key)


def _not_connected(host: str, port: int, user: str, problem: Exception) -> HaoscarError:
    import paramiko

    where = f"{host}, port {port}"
    nothing_to_offer = str(problem) == "No authentication methods available"
    if isinstance(problem, paramiko.AuthenticationException) or nothing_to_offer:
        return HaoscarError.of(
            "ssh.not-admitted",
            f"{where} does not let user {user} in: {problem}",
            f"Check the password, or install a key with 'ssh-copy-id {user}@{host}'. For root,"
            " sshd must have PermitRootLogin set.",
        )
    return HaoscarError.of(
        "ssh.not-reached",
        f"No SSH connection to {where}: {problem or type(problem).__name__}.",
        "Is the machine on, and does sshd run there?",
    )
