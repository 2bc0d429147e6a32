"""The golden client: this machine, or another one over SSH, always as root."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.errors import Refused
from backend.imaging.rsync import Transport
from backend.model.requests_image import FetchImageRequest
from backend.paths import Paths
from backend.system.known_hosts import HostKey, KnownHosts
from backend.system.runner import Runner
from backend.system.ssh import Credentials, HostKeyDecision, connect
from backend.system.ssh_runner import Sudo, runner_as_root
from backend.system.ssh_shell import SshShell


@dataclass(frozen=True, slots=True)
class GoldenClient:
    """What a fetch needs of it."""

    name: str
    runner: Runner  # runs as root there
    transport: Transport  # how rsync reaches it

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        return self.transport.host is None


@contextmanager
def this_machine(name: str, runner: Runner) -> Iterator[GoldenClient]:
    """Give this machine itself; its runner must be root's."""
    yield GoldenClient(name, runner, Transport())


@contextmanager
def over_ssh(
    request: FetchImageRequest,
    credentials: Credentials,
    known: KnownHosts,
    decide: HostKeyDecision,
    private: Path,
) -> Iterator[GoldenClient]:
    """Connect, and keep the connection while the client is used.

    ``private`` is a directory of root's alone on a file system that may execute scripts. Raises
    Refused for a host key or a missing sudo, HaoscarError when there is no connection.
    """
    with connect(request.client, request.port, credentials, known, decide) as session:
        runner = runner_as_root(session)
        with SshShell(session, runner.sudo, private) as shell:
            transport = Transport(
                host=request.client,
                shell=shell.argv,
                sudo=runner.sudo is not Sudo.NO,
                sudo_in_shell=runner.sudo is Sudo.PASSWORD,
                env=shell.env,
            )
            yield GoldenClient(request.client, runner, transport)


OpenClient = Callable[[], AbstractContextManager[GoldenClient]]


def opener(
    request: FetchImageRequest,
    paths: Paths,
    runner: Runner,
    credentials: Credentials | None = None,
    decide: HostKeyDecision | None = None,
) -> OpenClient:
    """Return what opens the client of a request: this machine, or another one over SSH.

    Without credentials the agent and the keys of root on this head are used. Without ``decide`` a
    host key that is not known is refused.
    """
    if request.user is None:
        return lambda: this_machine(request.client, runner)
    known = known_hosts(paths)
    login = credentials or Credentials(request.user)
    return lambda: over_ssh(request, login, known, decide or refuse_unknown, paths.state)


def known_hosts(paths: Paths) -> KnownHosts:
    """Return the host keys that the administrator has confirmed."""
    return KnownHosts(paths.state / "known_hosts")


def refuse_unknown(host: str, key: HostKey) -> bool:
    """Refuse a host key that is not known, naming it: the decision of a program that cannot ask."""
    raise Refused.of(
        "ssh.host-key-unknown",
        f"The host key of {host} has not been confirmed yet: {key.type} {key.fingerprint}.",
        "Compare it with 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' on that machine's own"
        f" console, then confirm it: --host-key {key.fingerprint}",
    )
