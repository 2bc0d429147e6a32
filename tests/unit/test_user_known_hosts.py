"""What root's own ssh trusts: plain and hashed names, as OpenSSH writes them."""

from pathlib import Path

import pytest

from backend.paths import Paths
from backend.system.known_hosts import HostKey
from backend.system.user_known_hosts import keys_of_user

# Made by OpenSSH 9.2: ssh-keygen -H, of "10.0.0.3", "[10.0.0.4]:2222" and "head4".
BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIFhyU5wOcV+GhXWDiOq7+ftc0L70qzyGJnqfnk7UFf1m"
HASHED = f"""\
|1|nftiRRZ82iKbQG/CViyLQknyUo8=|2vAe+6Y4+dkoepUkr/ipG0cJfbg= ssh-ed25519 {BLOB}
|1|0EuclmXKuURbkOV+niBMB7aTigw=|TenuPhXLDsjAMO5LsBB3pTKrOQs= ssh-ed25519 {BLOB}
|1|wLuZzzzGKHubJJJRsOBHkjV77n8=|UtPtz8u7iKn+FR0g331+NW5Xu1Q= ssh-ed25519 {BLOB}
"""
KEY = HostKey.parse("ssh-ed25519", BLOB)


def paths(root: Path, text: str, file: str = "root/.ssh/known_hosts") -> Paths:
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(text)
    return Paths(root)


@pytest.mark.parametrize(
    ("host", "port", "known"),
    [
        ("10.0.0.3", 22, True), ("10.0.0.3", 2222, False), ("10.0.0.4", 2222, True),
        ("10.0.0.4", 22, False), ("head4", 22, True), ("head", 22, False),
    ],
)  # fmt: skip
def test_hashed_names(tmp_path: Path, host: str, port: int, known: bool) -> None:
    assert keys_of_user(paths(tmp_path, HASHED), host, port) == ({KEY} if known else set())


def test_plain_names_of_the_whole_machine(tmp_path: Path) -> None:
    found = paths(tmp_path, f"head2,10.0.0.3 ssh-ed25519 {BLOB} x\n", "etc/ssh/ssh_known_hosts")
    assert keys_of_user(found, "10.0.0.3", 22) == {KEY}
    assert keys_of_user(found, "head2", 22) == {KEY}
    assert keys_of_user(found, "head2,10.0.0.3", 22) == set()


@pytest.mark.parametrize(
    "line",
    [
        f"@revoked head2 ssh-ed25519 {BLOB}", f"@cert-authority head2 ssh-ed25519 {BLOB}",
        f"# head2 ssh-ed25519 {BLOB}", f"head* ssh-ed25519 {BLOB}", "head2 ssh-ed25519",
        "head2 ssh-ed25519 AAAA", "head2 ssh-rsa " + BLOB, "|1|zzz ssh-ed25519 " + BLOB,
        "|1|!!|?? ssh-ed25519 " + BLOB, "\xff\x00",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_trust(tmp_path: Path, line: str) -> None:
    assert keys_of_user(paths(tmp_path, f"{line}\n"), "head2", 22) == set()
    assert keys_of_user(Paths(tmp_path / "empty"), "head2", 22) == set()
