"""Alerts against the real things: mon's own way to call an alert, and snmptrapd."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts.courier import Courier, Places
from backend.watch.results import MONITOR, REPORT, SILENCE, Outcome
from backend.watch.settings import DOWN, STARTUP, UP, Alert
from tests.unit.watch.alerts.world import WALL, message, service, settings

pytestmark = pytest.mark.lab
MON = Path("/usr/sbin/mon")
RECORDER = """#!{python}
import json, os, sys
told = {{"argv": sys.argv[1:], "text": sys.stdin.read()}}
told["env"] = {{a: b for a, b in os.environ.items() if a.startswith("MON_") or a == "SNMPVERS"}}
with open({out!r}, "a") as out:
    out.write(json.dumps(told) + "\\n")
"""
# mon's own subroutine, cut out of mon, with what it wants around it.
CALLER = r"""
use Text::ParseWords;
use JSON::PP;
sub debug {} sub syslog {}
our ($FL_UPALERT, $FL_STARTUPALERT, $FL_ACKALERT, $FL_DISABLEALERT, $FL_TRAPTIMEOUT, $FL_TRAP,
     $FL_TEST, $FL_REDISTRIBUTE) = (1, 2, 4, 8, 16, 32, 64, 128);
my $told = decode_json(join '', <STDIN>);
our %groups = (nodes => ["head1", "head2", "*head3"]);
our %watch = (nodes => {web => $told->{sref}});
our %ALERTHASH = ("recorder.alert" => $told->{program});
our %CF = (STATEDIR => "/var/lib/mon", LOGDIR => "/var/log/mon", CFBASEDIR => "/etc/mon", MAX_KEEP => 10, HISTORICFILE => "");
our @last_alerts;
open(M, "<", "/usr/sbin/mon") or die; my $source = join '', <M>; close M;
$source =~ /^(sub call_alert \{.*?^\}$)/ms or die "no call_alert"; eval $1; die $@ if $@;
call_alert(group => "nodes", service => "web", flags => $told->{flags}, retval => $told->{retval},
    alert => "recorder.alert", args => $told->{args}, output => $told->{output}) or die "not called";
while (wait() != -1) {}
"""
FLAGS = {DOWN: 0, UP: 1, STARTUP: 2, SILENCE: 16, REPORT: 32}
TYPES = {DOWN: "failure", UP: "up", STARTUP: "startup", SILENCE: "traptimeout", REPORT: "trap"}


@pytest.fixture
def recorder(tmp_path) -> tuple[str, Path]:
    path, out = tmp_path / "recorder", tmp_path / "recorded"
    path.write_text(RECORDER.format(python=sys.executable, out=str(out)))
    path.chmod(0o755)
    return str(path), out


def recorded(out: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(out.read_text())
    out.unlink()
    return told


def by_mon(program: str, out: Path, run: str, args: str, sref: dict[str, object], output: str) -> dict[str, object]:  # fmt: skip
    told = {
        "program": program, "flags": FLAGS[run], "retval": 0 if run in (UP, STARTUP) else 1, "args": args,
        "output": output, "sref": sref,
    }  # fmt: skip
    subprocess.run(
        ["perl", "-e", CALLER], input=json.dumps(told), text=True, check=True, timeout=30,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return recorded(out)


@pytest.mark.skipif(not MON.exists(), reason="the package mon is not installed")
@pytest.mark.parametrize("kind", list(FLAGS))
@pytest.mark.parametrize(
    ("args", "words"), [("", ()), ("-x 'a b' root@localhost", ("-x", "a b", "root@localhost"))]
)
def test_a_program_is_called_as_mon_calls_it(recorder, kind, args, words):
    program, out = recorder
    run = kind if kind in (UP, STARTUP) else DOWN
    source = kind if kind in (REPORT, SILENCE) else MONITOR
    last = {DOWN: "head1\nno answer\n", UP: "head2\nconnection refused\n", STARTUP: ""}[run]
    output = "" if run == STARTUP else "head2\nconnection refused\n"
    sref: dict[str, object] = {
        "ENV": {"SNMPVERS": "2c"}, "description": "The web",
        "_op_status": {DOWN: 0, UP: 1, STARTUP: 7}[run], "_last_success": 0, "_last_failure": 0,
    }  # fmt: skip
    if run != STARTUP:
        sref |= {
            "_last_summary": "head2", "_last_output": last, "_first_failure": int(WALL) - 60,
            "_last_failure": int(WALL), "_last_success": int(WALL) - 120,
        }  # fmt: skip
    if run == UP:
        sref |= {"_ack": int(WALL), "_ack_comment": "known"}
    theirs = by_mon(program, out, kind, args, sref, output)
    alert = Alert(program, run, words)
    told = message(
        alert, run, of=service("web", alert)._replace(environment=(("SNMPVERS", "2c"),)),
        previous=last if run == DOWN else "head2", code=1 if run == DOWN else 0,
        outcome=Outcome.FAILED if run == DOWN else Outcome.OK, source=source,
        acknowledged="known" if run == UP else "",
    )  # fmt: skip
    if run == STARTUP:
        told = told._replace(last_success=0.0, last_failed=0.0)
    asyncio.run(Courier(settings(), Places()).deliver(told))
    ours = recorded(out)
    argv = ours["argv"]
    assert isinstance(argv, list)
    at = argv.index("-l")  # in mon's manual; mon 1.3.6 itself leaves it out
    assert argv[at + 1] == "3600"
    del argv[at : at + 2]
    theirs_argv = theirs["argv"]
    assert isinstance(theirs_argv, list)
    theirs_argv[theirs_argv.index("-t") + 1] = "1763800000"
    assert argv == theirs_argv
    assert ours["text"] == theirs["text"]
    assert ours["env"] == theirs["env"]
    environment = ours["env"]
    assert isinstance(environment, dict)
    assert environment["MON_ALERTTYPE"] == TYPES[kind]


class Receiver:
    """A running snmptrapd."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def wait_for(self, pattern: str, seconds: float = 10.0) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self._log.read_text()
            if re.search(pattern, text):
                return text
            time.sleep(0.02)
        raise AssertionError(f"{pattern} is not in {self._log.read_text()!r}")


@pytest.fixture
def receiver(tmp_path) -> Iterator[Receiver]:
    program = shutil.which("snmptrapd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("the package snmptrapd is not installed")
    configuration = tmp_path / "snmptrapd.conf"
    configuration.write_text(
        "authCommunity log public\nauthCommunity log secret\n"
        "createUser watch SHA-256 authentic1 AES encrypted1\nauthUser log watch priv\n"
    )
    configuration.chmod(0o600)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [program, "-f", "-Lo", "-C", "-c", str(configuration), "-On", "-m", "", f"udp:127.0.0.1:{port}"],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={"SNMP_PERSISTENT_DIR": str(tmp_path / "kept"), "PATH": os.environ["PATH"]},
        )  # fmt: skip
    try:
        made = Receiver(port, log)
        made.wait_for("NET-SNMP version")
        yield made
    finally:
        running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(5)
        running.kill()
        running.wait()


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def send(*words: str, snmp_file: str = "", run: str = DOWN) -> None:
    async def deliver() -> None:
        courier = Courier(settings(snmp_file=snmp_file), Places())
        try:
            await courier.deliver(message(Alert("snmp-trap", run, words), run))
        finally:
            courier.close()

    asyncio.run(deliver())


def check(text: str, number: int = 2) -> None:
    assert f".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.2.1.88.2.0.{number}" in text
    assert '.1.3.6.1.2.1.88.2.1.1.0 = STRING: "nodes:web"' in text
    assert '.1.3.6.1.2.1.88.2.1.2.0 = STRING: "head2"' in text
    assert "OID: .1.3.6.1.4.1.8072.1.3.2.3.1.4.9.110.111.100.101.115.58.119.101.98" in text
    assert '"connection refused' in text
    assert '.1.3.6.1.2.1.1.5.0 = STRING: "head1"' in text


def test_a_trap_arrives(receiver, tmp_path):
    ours = private(tmp_path / "snmp", "community = opens-our-snmpd\n")
    send(f"127.0.0.1:{receiver.port}", snmp_file=ours)
    check(receiver.wait_for("88.2.0.2"))
    send(f"127.0.0.1:{receiver.port}", run=UP)
    check(receiver.wait_for("88.2.0.3"), 3)


def test_an_inform_is_confirmed_and_its_community_can_be_given(receiver, tmp_path):
    own = private(tmp_path / "own", "community = secret\n")
    send(f"localhost:{receiver.port}", "--inform", "--credentials", own)
    check(receiver.wait_for("88.2.0.2"))


def test_version_3_is_encrypted_and_confirmed(receiver, tmp_path):
    user = "user = watch\nauth = sha256\nauth_key = authentic1\npriv = aes\npriv_key = encrypted1\n"
    ours = private(tmp_path / "snmp", user)
    send(f"127.0.0.1:{receiver.port}", snmp_file=ours)
    check(receiver.wait_for("88.2.0.2"))
    wrong = private(tmp_path / "wrong", user.replace("encrypted1", "encrypted2"))
    with pytest.raises(NotDelivered):
        send(f"127.0.0.1:{receiver.port}", snmp_file=wrong)


def test_nobody_there_is_noticed_by_an_inform():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(NotDelivered, match="did not"):
            send(f"127.0.0.1:{silent.getsockname()[1]}", "--inform")
