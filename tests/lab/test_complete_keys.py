"""The host keys of step 5, shown by a real sshd: looked at, confirmed, and used afterwards."""

import os
from pathlib import Path

import pytest

from backend.actions.complete import Machine, trust, unknown_keys
from backend.actions.reaching import Reaching, Way
from backend.errors import Refused
from backend.imaging.client import known_hosts
from backend.model.secrets import Secret
from backend.rollout.member import Member
from backend.system.open_ports import answering
from backend.system.runner import Command
from backend.system.ssh import Credentials
from backend.tasks import TaskContext
from backend.wiring import Wiring
from tests.fakes.persons import FakePerson
from tests.lab.agent_kernel.world import wait_for
from tests.lab.fetch_head import PASSWORD, Sshd, sshd

__all__ = ["sshd"]

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
MACHINE = Machine("node1", head=False, address="127.0.0.1", here=False, answers=True, agent=False)
MEMBER = Member("node1", False, "127.0.0.1", b"")


def test_a_key_is_looked_at_without_logging_in_and_then_trusted(sshd: Sshd, tmp_path: Path) -> None:
    wiring = Wiring.rooted_at(tmp_path / "root")
    login = Credentials("root", Secret(PASSWORD), agent=False)
    way = Way(port=sshd.port, credentials=login)
    assert answering(["127.0.0.1"], sshd.port, 5.0) == {"127.0.0.1"}
    [found] = unknown_keys(wiring, [MACHINE], way, TaskContext())
    host_key = (sshd.directory / "host_key.pub").read_text().split()[:2]
    assert [found.key.type, found.key.base64] == host_key
    assert "Accepted" not in (sshd.directory / "sshd.log").read_text()
    assert known_hosts(wiring.paths).keys("127.0.0.1", sshd.port) == ()

    trust(wiring, [found], way)
    assert unknown_keys(wiring, [MACHINE], way, TaskContext()) == ()
    person = FakePerson(trusts=False)
    reaching = Reaching(wiring, way, person, _own=frozenset())
    with reaching.fleet() as fleet:
        assert fleet.open([MEMBER]) == []
        assert fleet.runners[MEMBER].run(Command.of("id", "-u")).stdout == "0\n"
    assert person.keys == []


def test_a_machine_with_another_key_than_the_confirmed_one_is_refused(
    sshd: Sshd, tmp_path: Path
) -> None:
    wiring = Wiring.rooted_at(tmp_path / "root")
    way = Way(port=sshd.port, credentials=Credentials("root", Secret(PASSWORD), agent=False))
    trust(wiring, unknown_keys(wiring, [MACHINE], way, TaskContext()), way)
    sshd.stop()
    sshd.new_host_key()
    sshd.start()
    assert unknown_keys(wiring, [MACHINE], way, TaskContext()) == ()  # it is not a new one
    with (
        Reaching(wiring, way, FakePerson(), _own=frozenset()).fleet() as fleet,
        pytest.raises(Refused, match="is not the one that was confirmed"),
    ):
        fleet.open([MEMBER])


def test_a_machine_that_is_off_is_left_to_the_installation(sshd: Sshd, tmp_path: Path) -> None:
    sshd.stop()
    way = Way(port=sshd.port)
    # Its group has been told to end; the one that listens may end a moment after the first.
    wait_for(lambda: not answering(["127.0.0.1"], sshd.port, 5.0), "the port that is closed")
    wiring = Wiring.rooted_at(tmp_path / "root")
    assert unknown_keys(wiring, [MACHINE], way, TaskContext()) == ()
