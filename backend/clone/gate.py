"""The one thing that an installer's key may start: asks the boot server, then does what it says.

Run by the dedicated sshd as ``python3 -I -S gate.py SOCKET``. It decides nothing: it hands the key
that was accepted (SSH_USER_AUTH, sshd_config(5) ExposeAuthInfo) and the wanted command to the boot
server, and pipes, starts the one rsync that the server names, or refuses. Standard library only.
"""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

if __name__ == "__main__":  # -I and -S leave out the package's directory
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from backend.system.unix_socket import Connection

LONGEST_COMMAND = 1000


def main(socket_path: str) -> int:
    """Serve this session; returns its exit code."""
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")[:LONGEST_COMMAND]
    question = {"key": accepted_key(), "command": command, "client": _client()}
    try:
        connection = Connection(socket_path)
        answer = connection.ask(question)
    except (OSError, ValueError) as problem:
        return refuse(f"The boot server does not answer: {problem}.")
    return obey(answer, connection)


def obey(answer: dict[str, Any], connection: Connection) -> int:
    """Do what the boot server said."""
    if answer.get("do") == "pipe":
        connection.pipe(0, 1)
        return 0
    if answer.get("do") == "exec":
        argv = [str(word) for word in answer["argv"]]
        os.execv(argv[0], argv)  # noqa: S606 - exactly the program that the boot server named
    return refuse(str(answer.get("text", "Refused.")))


def refuse(text: str) -> int:
    """Say why on standard error."""
    sys.stderr.write(text + "\n")
    return 1


def accepted_key() -> str:
    """Return the public key that sshd accepted, as ``ssh-ed25519 AAAA...``, or nothing."""
    try:
        with Path(os.environ["SSH_USER_AUTH"]).open(encoding="ascii") as source:
            words = source.readline().split()
    except (KeyError, OSError, ValueError):
        return ""
    return " ".join(words[1:3]) if words[:1] == ["publickey"] else ""


def _client() -> str:
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0]


def _exit() -> NoReturn:
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else refuse("usage: gate.py SOCKET"))


if __name__ == "__main__":
    _exit()
