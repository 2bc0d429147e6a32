"""The private keys of this user that an SSH session tries by itself, and which of them are locked."""

from pathlib import Path
from typing import TYPE_CHECKING

from backend.model.secrets import Secret

if TYPE_CHECKING:
    import paramiko


def locked_keys() -> tuple[Path, ...]:
    """Return this user's own private keys that need a passphrase, in the order they are tried.

    Files that cannot be read or are no keys are left out: nobody can unlock them.
    """
    return tuple(path for path in _kinds() if _needs_passphrase(path))


def unlocks(path: Path, passphrase: Secret) -> bool:
    """Return whether a passphrase opens one of the ``locked_keys``."""
    import paramiko

    try:
        _kinds()[path].from_private_key_file(str(path), passphrase.reveal())
    except (paramiko.SSHException, OSError, ValueError):
        return False
    return True


def _kinds() -> "dict[Path, type[paramiko.PKey]]":
    """Return the files that paramiko looks for, each with the kind of key it must hold."""
    import paramiko

    folder = Path.home() / ".ssh"
    return {
        folder / "id_rsa": paramiko.RSAKey,
        folder / "id_ecdsa": paramiko.ECDSAKey,
        folder / "id_ed25519": paramiko.Ed25519Key,
    }


def _needs_passphrase(path: Path) -> bool:
    import paramiko

    try:
        _kinds()[path].from_private_key_file(str(path))
    except paramiko.PasswordRequiredException:
        return True
    except (paramiko.SSHException, OSError, ValueError):
        return False
    return False
