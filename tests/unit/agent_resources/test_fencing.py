"""Only a status that says off is off; everything else is on, or nobody knows."""

import pytest

from backend.agent.core.timing import SECOND
from backend.agent.fencing import (
    Fence,
    Finished,
    Report,
    Run,
    Stage,
    State,
    Stop,
    Tick,
    Verdict,
    program,
    read_status,
    step,
    wake_at,
)
from backend.agent.fencing_checks import metadata_problems, problems, warnings
from backend.agent.settings import Fencing
from backend.system.agent.program import Ended, How

IPMI = Fencing(
    "fence_ipmilan", (("ip", "10.0.0.212"), ("lanplus", "1")), "/etc/haoscar/fence.head2", 60.0
)
OFF, ON = (2, "Status: OFF\n"), (0, "Status: ON\n")


class Device:
    """Fencing around programs that end as a test says."""

    def __init__(self, fencing: Fencing = IPMI) -> None:
        self.state = State(fencing)
        self.now = 100 * SECOND
        self.job = ""
        self.runs: list[str] = []
        self.verdicts: list[Verdict] = []
        self.said: list[str] = []

    def tell(self, event: Fence | Stop | Tick | Finished) -> None:
        decision = step(self.state, event, self.now)
        self.state = decision.state
        if decision.sentence:
            self.said.append(decision.sentence)
        for action in decision.actions:
            if isinstance(action, Run):
                assert not self.job
                self.job = action.job
                self.runs.append(action.job.split(":")[1])
            else:
                assert isinstance(action, Report)
                self.verdicts.append(action.verdict)

    def end(self, code: int = 0, output: str = "", how: How = How.EXITED) -> None:
        job, self.job = self.job, ""
        self.tell(Finished(Ended(job, how, code, output, 1.0)))

    def wait(self) -> float:
        """Let time go by until the next Tick; returns the seconds."""
        before, self.now = self.now, wake_at(self.state)
        self.tell(Tick())
        return (self.now - before) / SECOND


def test_off_and_then_status_until_it_says_so() -> None:
    device = Device()
    device.tell(Fence())
    device.end(0, "Success: Powered OFF\n")
    device.end(*ON)  # some agents report success too early
    assert device.verdicts == []
    assert device.wait() == 1
    device.end(*ON)
    device.wait()
    device.end(*OFF)
    assert device.runs == ["off", "status", "status", "status"]
    assert device.verdicts == [Verdict.CONFIRMED]
    assert device.state.stage is Stage.CONFIRMED
    assert "the other head is off" in device.said[-1]


def test_a_success_of_off_alone_is_never_a_confirmation() -> None:
    device = Device(IPMI._replace(limit=10.0))
    device.tell(Fence())
    device.end(0, "Success: Already OFF\n")
    for _ in range(20):
        if device.verdicts:
            break
        if device.job:
            device.end(*ON)
        else:
            device.wait()
    assert device.verdicts == [Verdict.REFUSED]
    assert "still on" in device.said[-1]


def test_a_failure_of_off_is_forgiven_when_status_says_off() -> None:
    device = Device()
    device.tell(Fence())
    device.end(1, "Failed: Timed out waiting to power OFF\n")
    device.end(*OFF)
    assert device.verdicts == [Verdict.CONFIRMED]
    assert "although off ended with exit code 1" in device.said[-1]


def test_a_dead_device_is_unknown_and_asked_again_more_and_more_slowly() -> None:
    device = Device()
    device.tell(Fence())
    pauses = []
    for number in range(7):
        device.end(1, "Connection timed out\n")
        device.end(how=How.TIMED_OUT)
        assert device.verdicts == [Verdict.UNKNOWN] * (number + 1)
        pauses.append(device.wait())
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert device.runs == ["off", "status"] * 7 + ["off"]
    assert "cannot say whether the other head is off" in device.said[-2]


def test_stop_ends_the_tries_but_not_the_program() -> None:
    device = Device()
    device.tell(Fence())
    device.end(1)
    device.tell(Stop())
    assert device.job
    device.end(1)
    assert device.verdicts == [Verdict.UNKNOWN]
    assert wake_at(device.state) > 1 << 60
    device.tell(Fence())
    assert device.runs[-1] == "off"


def test_what_is_found_off_after_stop_is_still_told() -> None:
    device = Device()
    device.tell(Fence())
    device.tell(Stop())
    device.end(0)
    device.end(*OFF)
    assert device.verdicts == [Verdict.CONFIRMED]


def test_stop_in_a_pause_ends_it() -> None:
    device = Device()
    device.tell(Fence())
    device.end(1)
    device.end(1)
    device.tell(Stop())
    assert wake_at(device.state) > 1 << 60


def test_a_delay_lets_another_head_go_first() -> None:
    device = Device()
    device.tell(Fence(3 * SECOND))
    assert device.runs == []
    assert device.wait() == 3
    assert device.runs == ["off"]


def test_asked_twice_it_runs_once() -> None:
    device = Device()
    device.tell(Fence())
    device.tell(Fence())
    assert device.runs == ["off"]


def test_a_confirmation_is_not_remembered() -> None:
    device = Device()
    device.tell(Fence())
    device.end(0)
    device.end(*OFF)
    device.tell(Fence())
    assert device.runs == ["off", "status", "off"]


def test_a_program_that_is_never_reported_is_given_up() -> None:
    device = Device()
    device.tell(Fence())
    device.job = ""  # the worker has forgotten it
    assert device.wait() == 80
    assert device.runs == ["off", "status"]
    device.job = ""
    assert device.wait() == 40
    assert device.verdicts == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("code", "output", "how", "verdict"),
    [
        (2, "Status: OFF\n", How.EXITED, Verdict.CONFIRMED),
        (2, "2026-01-01 WARNING: x\n\nStatus: OFF\n", How.EXITED, Verdict.CONFIRMED),
        (0, "Status: ON\n", How.EXITED, Verdict.REFUSED),
        (2, "", How.EXITED, Verdict.UNKNOWN),  # also "wrong arguments"
        (2, "python3: can't open file '/usr/sbin/fence_x'\n", How.EXITED, Verdict.UNKNOWN),
        (0, "Status: OFF\n", How.EXITED, Verdict.UNKNOWN),
        (0, "", How.EXITED, Verdict.UNKNOWN),
        (1, "Status: OFF\n", How.EXITED, Verdict.UNKNOWN),
        (2, "Status: ON\nStatus: OFF\n", How.EXITED, Verdict.UNKNOWN),
        (2, "the Status: OFF\n", How.EXITED, Verdict.UNKNOWN),
        *((0, "Status: OFF\n", how, Verdict.UNKNOWN) for how in How if how is not How.EXITED),
        *((2, "Status: OFF\n", how, Verdict.UNKNOWN) for how in How if how is not How.EXITED),
    ],
)
def test_what_is_believed(code: int, output: str, how: How, verdict: Verdict) -> None:
    assert read_status(Ended("job", how, code, output)) is verdict


def test_nothing_travels_on_the_command_line() -> None:
    made = program(IPMI, "off", 60.0)
    assert made.argv == ("/usr/sbin/fence_ipmilan",)
    assert made.input == "ip=10.0.0.212\nlanplus=1\naction=off\n"
    assert made.secrets == "/etc/haoscar/fence.head2"
    assert made.environment == ()


def test_what_is_right() -> None:
    assert problems(IPMI) == ()
    assert warnings(IPMI) == ()
    assert "rehearsals only" in warnings(Fencing("fence_dummy"))[0]


@pytest.mark.parametrize(
    ("fencing", "words"),
    [
        (Fencing("/usr/sbin/fence_ipmilan"), ["without a path"]),
        (Fencing("../fence_x"), ["without a path"]),
        (Fencing("fence_scsi"), ["does not switch a machine off"]),
        (Fencing("fence_ack_manual"), ["does not switch a machine off"]),
        (IPMI._replace(limit=0.0, credentials_file="secret"), ["The limit", "no absolute path"]),
        (
            IPMI._replace(options=(("password", "hunter2"), ("snmp-priv-passwd", "hunter2"))),
            ["password is a secret", "snmp-priv-passwd is a secret"],
        ),
        (
            IPMI._replace(options=(("action", "on"), ("verbose", "1"), ("debug-file", "/tmp/x"))),
            ["set by the failover agent", "into the log", "into the log"],
        ),
        (
            IPMI._replace(options=(("ip", "1\naction=on"), ("i p", "x"))),
            ["cannot be printed", "not the name of an option"],
        ),
        (IPMI._replace(options=(("ip", "1"), ("IP", "2"))), ["there twice"]),
    ],
)
def test_what_is_wrong(fencing: Fencing, words: list[str]) -> None:
    found = problems(fencing)
    assert len(found) == len(words), found
    for one, word in zip(found, words, strict=True):
        assert word in one
        assert "hunter2" not in one


METADATA = """<resource-agent name="fence_x"><parameters>
<parameter name="action" unique="0" required="1"><parameter name="ip" unique="0">
<parameter name="lanplus" unique="0"></parameters><actions><action name="on" automatic="0"/>
<action name="off" /><action name="status" /></actions></resource-agent>"""


def test_what_the_program_says_of_itself() -> None:
    assert metadata_problems(IPMI, METADATA) == ()
    [unknown] = metadata_problems(IPMI._replace(options=(("lanpuls", "1"),)), METADATA)
    assert "does not know lanpuls" in unknown
    [storage] = metadata_problems(IPMI, METADATA.replace('automatic="0"', 'automatic="1"'))
    assert "storage" in storage
    [blind] = metadata_problems(IPMI, METADATA.replace('<action name="status" />', ""))
    assert "cannot tell the state" in blind
    assert "broken" in metadata_problems(IPMI, "Traceback ...")[0]
