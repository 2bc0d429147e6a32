"""The key that all members share: made once, kept on the head that installs, never shown."""

import re
import secrets

from backend.errors import InvalidInput
from backend.model.secrets import Secret
from backend.paths import Paths
from backend.reports import Place
from backend.rollout.places import KEY
from backend.system.files import make_private, read_if_there, write_atomically

BYTES = 32
TEXT = re.compile(r"[!-~]{32,4096}\n?")


def cluster_key(paths: Paths) -> tuple[Secret, bool]:
    """Return the key and whether it is a new one; writes nothing.

    A head that was cloned, or whose state was lost, goes on with the key that its agent has.
    Raises InvalidInput for a file that holds no key of ours, OSError.
    """
    for file in (paths.state / "agent.key", paths.at(KEY)):
        content = read_if_there(file)
        if content is None:
            continue
        text = content.decode("ascii", "replace")
        if not TEXT.fullmatch(text):
            raise InvalidInput.of(
                "rollout.key",
                "The key of the cluster's agents is not one line of 32 or more printable characters.",
                "Take it from another member, or remove it: a new one is made, and every member"
                " must then be removed and installed again.",
                Place(file),
            )
        return Secret(text), False
    return Secret(f"{secrets.token_hex(BYTES)}\n"), True


def keep(paths: Paths, key: Secret) -> None:
    """Keep the key in the site's private directory; raises OSError."""
    if not paths.state.is_dir():
        make_private(paths.state)
    if read_if_there(paths.state / "agent.key") != key.reveal().encode():
        write_atomically(paths.state / "agent.key", key.reveal().encode(), 0o600)


def forget(paths: Paths) -> None:
    """Remove the kept key; raises OSError."""
    (paths.state / "agent.key").unlink(missing_ok=True)
