"""The words of step 5."""

import pytest

from backend.actions.complete import Address, Machine, OfferedKey
from backend.system.known_hosts import HostKey
from panels.complete import listed
from panels.complete_addresses import words
from panels.complete_members import cells, state, tag, votes

KEY = HostKey("ssh-ed25519", b"a key")
NODE = Machine("node1", head=False, address="10.0.0.101", here=False, answers=True, agent=False)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "▲ Nobody votes besides the heads"),
        (1, "Two heads and 1 witness vote: any one of them may fail."),
        (2, "▲ Two heads and 2 witnesses vote: any one of them may fail. With one witness less it"),
        (3, "Two heads and 3 witnesses vote: any 2 of them may fail."),
        (4, "▲ Two heads and 4 witnesses vote: any 2 of them may fail."),
        (5, "Two heads and 5 witnesses vote: any 3 of them may fail."),
    ],
)
def test_what_witnesses_are_worth(count: int, said: str) -> None:
    assert votes(count).startswith(said)


def test_a_row_says_by_signs_what_its_colour_says() -> None:
    assert cells(NODE, ["node1"]) == ("node1", "☑ witness", "10.0.0.101", "● answers")
    assert cells(NODE, [])[1] == "☐ compute node"
    assert tag(NODE, []) == "muted"
    silent = Machine(
        "node1", head=False, address="10.0.0.101", here=False, answers=False, agent=True
    )
    assert state(silent) == "▲ does not answer, has the agent"
    assert tag(silent, ["node1"]) == "warning"
    head = Machine("head1", head=True, address="10.0.0.1", here=True, answers=True, agent=True)
    assert cells(head, []) == ("head1", "head", "10.0.0.1", "✔ this machine, has the agent")
    assert tag(head, []) == ""


def test_addresses() -> None:
    assert words(Address("private", "eth1", "10.0.0.1", "10.0.0.2")) == (
        "✔ 10.0.0.1 is the virtual IP of the private network; this head's own is 10.0.0.2."
    )
    assert (
        words(Address("public", "eth0", "", ""))
        == "● There is no virtual IP on the public network."
    )


def test_host_keys_are_listed_with_machine_address_and_fingerprint() -> None:
    keys = (
        OfferedKey("head2", "10.0.0.3", KEY, "root's ssh knows it"),
        OfferedKey("node1", "10.0.0.101", KEY),
    )
    lines = listed(keys).splitlines()
    assert lines[:4] == [
        "head2, 10.0.0.3 (root's ssh knows it)", f"    ssh-ed25519 {KEY.fingerprint}",
        "node1, 10.0.0.101", f"    ssh-ed25519 {KEY.fingerprint}",
    ]  # fmt: skip
    assert lines[-1].startswith("ssh-keygen -lf")
