"""Fencing with real programs of the fence-agents project, one against a real BMC protocol."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.agent.fencing import DIRECTORY, program
from backend.agent.fencing_checks import metadata_problems, problems
from backend.agent.resources.state import Serve
from backend.agent.resources.validation import advice, programs_of
from backend.agent.settings import Fencing, Resource
from backend.system.agent.program import Program
from backend.system.agent.programs import Worker, program_problem
from tests.lab.agent_resources_head import Head, dummy, script, wait_for, worker_alone

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
PASSWORD = "secret-of-the-bmc"


@pytest.fixture
def worker() -> Iterator[Worker]:
    with worker_alone() as made:
        yield made


def test_descriptions_of_real_agents(worker: Worker) -> None:
    files = Resource("home", "ocf", (("agent", "ocf:heartbeat:Filesystem"),), start_limit=10.0)
    [path] = programs_of(files)
    assert program_problem(path) == ""
    environment = (("OCF_ROOT", "/usr/lib/ocf"),)
    worker.submit("ra", Program((path, "meta-data"), environment=environment, keep=60_000))
    ipmi = Fencing("fence_ipmilan", (("ip", "10.0.0.1"), ("lanplus", "1")))
    fabric = Fencing("fence_scsi", (("devices", "/dev/sdb"),))
    assert program_problem(f"{DIRECTORY}/fence_ipmilan") == ""
    for fencing in (ipmi, fabric):
        made = program(fencing, "metadata", 20.0)._replace(keep=60_000)
        worker.submit(fencing.agent, made)
    found: dict[str, str] = {}

    def all_there() -> bool:
        found.update((one.job, one.output) for one in worker.events())
        return len(found) == 3

    wait_for(all_there, "the descriptions")
    [advised] = advice(files, found["ra"])
    assert "start_limit is 10 s" in advised
    assert metadata_problems(ipmi, found["fence_ipmilan"]) == ()
    wrong = ipmi._replace(options=(("lanpuls", "1"),))
    assert "does not know lanpuls" in metadata_problems(wrong, found["fence_ipmilan"])[0]
    assert "cuts off storage" in metadata_problems(fabric, found["fence_scsi"])[0]


def test_a_fence_agent_of_the_project_without_hardware(worker: Worker, tmp_path: Path) -> None:
    power = tmp_path / "power"
    power.write_text("on")
    fencing = Fencing("fence_dummy", (("status_file", str(power)),))
    files = dummy("files", tmp_path)._replace(exclusive=True)
    head = Head(worker, files, fencing=fencing)
    head.all("stopped")
    head.tell(Serve(1))
    assert head.states() == {"files": "blocked"}
    head.all("running")  # after the moment that the other head gets to answer
    assert power.read_text() == "off"
    assert head.offs == 1
    assert any("the other head is off: fence_dummy says so" in one for one in head.said)


class Bmc:
    """OpenIPMI's simulator, on the worker's own loopback; the machine's power is a file."""

    def __init__(self, worker: Worker, directory: Path) -> None:
        self.power = directory / "power"
        self.power.write_text("1")
        chassis = script(directory / "chassis", CHASSIS.format(power=self.power))
        (directory / "lan").write_text(LAN.format(password=PASSWORD, chassis=chassis))
        (directory / "emu").write_text(EMULATION)
        (directory / "state").mkdir()
        self.argv = ("ipmi_sim", "-n", "-p", "-c", f"{directory}/lan", "-f", f"{directory}/emu", "-s", f"{directory}/state")  # fmt: skip
        self.credentials = directory / "credentials"
        self.write(PASSWORD)
        worker.submit("lo", Program(("ip", "link", "set", "lo", "up")))

    def write(self, password: str) -> None:
        self.credentials.write_text(f"username=fence\npassword={password}\n")
        self.credentials.chmod(0o600)

    def fencing(self) -> Fencing:
        options = (("ip", "127.0.0.1"), ("ipport", "9623"), ("lanplus", "1"), ("cipher", "3"))
        return Fencing("fence_ipmilan", options, str(self.credentials), limit=10.0)


CHASSIS = """shift
case "$1" in
get) shift; for what; do
    case $what in power) echo power:$(cat {power});; *) echo $what:0;; esac; done;;
set) shift; while [ $# -ge 2 ]; do [ $1 = power ] && echo $2 >{power}; shift 2; done;;
esac"""
LAN = """name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 9623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis} 0x20"
  user 2 true "fence" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"  # fmt: skip


def test_a_real_bmc_protocol_wrong_password_off_and_dead(worker: Worker, tmp_path: Path) -> None:
    bmc = Bmc(worker, tmp_path)
    fencing = bmc.fencing()
    assert problems(fencing) == ()
    head = Head(worker, fencing=fencing)
    worker.submit("bmc", Program(bmc.argv, limit=300))
    bmc.write("wrong-word")
    head.conductor.fence()
    head.until(lambda: len(head.said) >= 2, "the end of the first try")
    assert "cannot say whether the other head is off" in head.said[1]
    assert bmc.power.read_text().strip() == "1"
    bmc.write(PASSWORD)  # the next try reads it again
    head.until(lambda: head.offs == 1, "the confirmation")
    assert bmc.power.read_text().strip() == "0"
    head.conductor.fence()  # it is off already: that counts
    head.until(lambda: head.offs == 2, "the second confirmation")
    worker.cancel("bmc")  # the power cord is pulled: the device dies with its machine
    head.until(lambda: "bmc" not in worker.busy, "the end of the device")
    head.conductor.fencing = head.conductor.fencing._replace(fencing=fencing._replace(limit=1.5))  # type: ignore[union-attr]
    before = len(head.said)
    head.conductor.fence()
    head.until(lambda: len(head.said) > before + 1, "the end of the third try")
    assert "cannot say whether the other head is off" in head.said[-1]
    assert head.offs == 2
    assert not any(PASSWORD in one or "wrong-word" in one for one in head.said)
    assert head.said[-1] == head.conductor.board.fencing_said
