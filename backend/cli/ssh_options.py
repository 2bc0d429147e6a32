"""The options of commands that log in on other machines, and what they ask on the terminal."""

import argparse
import getpass
import sys
from pathlib import Path

from backend.cli.app import App
from backend.errors import InvalidInput, Refused
from backend.imaging.client import refuse_unknown
from backend.model.names import UserName
from backend.model.secrets import Secret
from backend.system.known_hosts import HostKey
from backend.system.ssh import Credentials, HostKeyDecision

HOST_KEYS = """\
The host key of each machine is shown and must be confirmed once; --yes does not do that, --host-key
does (once for each machine). A key that has changed is refused.
"""


def add_ssh_options(parser: argparse.ArgumentParser, *, always: bool = True) -> None:
    """Add the options that say how to log in; not ``always``: only when one of them is given."""
    add = parser.add_argument
    who = "root" if always else "root; none for this head"
    add(
        "--ssh-user", default="root" if always else "", metavar="USER",
        help=f"log in as USER, who is root or may use sudo (default: {who})",
    )  # fmt: skip
    port = "22" if always else ""
    add("--ssh-port", default=port, metavar="PORT", help="port of the sshd (default: 22)")
    add(
        "--identity", type=Path, action="append", default=[], metavar="FILE",
        help="private key (default: the agent and the keys of root on this head)",
    )  # fmt: skip
    add("--ask-password", action="store_true", help="ask for the password of the SSH user")
    add("--ask-passphrase", action="store_true", help="ask for the passphrase of --identity")
    add("--ask-sudo-password", action="store_true", help="ask for the password that sudo wants")
    add(
        "--host-key", action="append", default=[], metavar="SHA256:...",
        help="a fingerprint you confirm (may be given several times)",
    )  # fmt: skip


def credentials(args: argparse.Namespace, user: UserName | None = None) -> Credentials:
    """Return how to log in, as ``user`` where the option does not say who; asks for passwords on
    the terminal. Raises InvalidInput, Refused."""
    user = user or UserName.parse(args.ssh_user)
    return Credentials(
        user,
        password=_ask(f"Password of {user}: ") if args.ask_password else None,
        key_files=tuple(args.identity),
        passphrase=_ask("Passphrase of the key: ") if args.ask_passphrase else None,
        agent=not args.identity and not args.ask_password,
        sudo_password=_ask(f"sudo password of {user}: ") if args.ask_sudo_password else None,
    )


def port(args: argparse.Namespace) -> int:
    """Return the port of the sshds; raises InvalidInput."""
    text = str(args.ssh_port)
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536:
        return int(text)
    raise InvalidInput.of(
        "ssh.port", f"{text[:20]!a} is not a port.", "Use a whole number from 1 to 65535."
    )


def decision(args: argparse.Namespace, app: App) -> HostKeyDecision:
    """Return what decides about a host key that is not known: the options, a person, or no."""
    expected = {one.strip() for one in args.host_key}

    def decide(host: str, key: HostKey) -> bool:
        if key.fingerprint in expected:
            return True
        if not sys.stdin.isatty() or app.json:
            return refuse_unknown(host, key)
        app.out.say(
            f"The machine that answers as {host} shows this host key:\n"
            f"    {key.type} {key.fingerprint}\n"
            "Compare it with 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' on its own console."
        )
        return app.out.ask("Is it the same?")

    return decide


def _ask(prompt: str) -> Secret:
    if not sys.stdin.isatty():
        raise Refused.of(
            "cli.cannot-ask",
            "A password can only be typed in a terminal.",
            "Use a key: --identity FILE, and NOPASSWD for sudo.",
        )
    return Secret(getpass.getpass(prompt))
