"""Alert programs, real ones: what they are given, how they end, and that nothing of them stays."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from backend.system.watch import alert_programs
from backend.system.watch.alert_programs import find_program, run_alert
from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts import outbox
from backend.watch.alerts.courier import Courier, Places
from backend.watch.settings import DOWN, UP, Alert
from tests.unit.watch.alerts.world import message, office, service, settings, until

pytestmark = pytest.mark.programs
MON = Path("/usr/lib/mon/alert.d")
RECORDER = """#!{python}
import json, os, sys
with open({out!r}, "a") as out:
    out.write(json.dumps({{"argv": sys.argv[1:], "text": sys.stdin.read(), "env": dict(os.environ)}}) + "\\n")
"""


def program(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def recorder(tmp_path: Path) -> tuple[str, Path]:
    out = tmp_path / "recorded"
    return program(tmp_path / "recorder", RECORDER.format(python=sys.executable, out=str(out))), out


def run(path: str, limit: float = 30.0, text: bytes = b"x\n"):
    return asyncio.run(run_alert((path,), {}, text, limit))


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_program_gets_its_words_its_text_and_a_clean_environment(tmp_path, monkeypatch):
    path, out = recorder(tmp_path)
    monkeypatch.setenv("SECRET", "x")
    alert = Alert(path, DOWN, ("-x", "$(touch /tmp/x); `id`", ""))
    told = message(alert, of=service("web", alert)._replace(environment=(("SNMPVERS", "2c"),)))
    asyncio.run(Courier(settings(), Places()).deliver(told))
    (seen,) = (json.loads(line) for line in out.read_text().splitlines())
    assert seen["argv"] == [
        "-s", "web", "-g", "nodes", "-h", "head1 head2", "-l", "3600", "-t", "1763800000",
        "-x", "$(touch /tmp/x); `id`", "",
    ]  # fmt: skip
    assert seen["text"] == "head2\nconnection refused\n"
    assert "SECRET" not in seen["env"]
    wanted = {
        "SNMPVERS": "2c", "MON_GROUP": "nodes", "MON_SERVICE": "web", "MON_RETVAL": "1",
        "MON_ALERTTYPE": "failure", "MON_DESCRIPTION": "The web", "MON_LAST_SUMMARY": "head2",
        "MON_FIRST_FAILURE": "1763799940", "MON_LAST_FAILURE": "1763800000",
    }  # fmt: skip
    assert wanted.items() <= seen["env"].items()


@pytest.mark.skipif(not MON.is_dir(), reason="the package mon is not installed")
@pytest.mark.parametrize(("run_when", "word", "status"), [(DOWN, "failure", 0), (UP, "up", 1)])
def test_mons_own_file_alert_writes_what_happened(tmp_path, run_when, word, status):
    alert = Alert("file.alert", run_when, ("-d", str(tmp_path), "log"))
    from backend.watch.results import Outcome

    outcome = Outcome.FAILED if run_when == DOWN else Outcome.OK
    told = message(alert, run_when, outcome=outcome, code=0, previous="head2")
    asyncio.run(Courier(settings(), Places()).deliver(told))
    first, *rest = (tmp_path / "log").read_text().splitlines()
    assert first.startswith(f"{word} nodes web 1763800000 (")
    assert first.endswith(") head2")
    assert rest == ["DESCR=The web", f"OPSTATUS={status}", "connection refused", "."]


def test_exit_codes_and_the_last_words_are_told(tmp_path):
    path = program(tmp_path / "bad", "#!/bin/sh\nprintf 'no \\033[31mpager\\n' >&2; exit 3\n")
    with pytest.raises(NotDelivered, match=r"ended with 3: no \\x1b\[31mpager") as caught:
        asyncio.run(Courier(settings(), Places()).deliver(message(Alert(path))))
    assert caught.value.code == 3


def test_a_program_that_hangs_is_killed_with_its_whole_group(tmp_path, monkeypatch):
    monkeypatch.setattr(alert_programs, "GRACE", 0.3)
    pids = tmp_path / "pids"
    text = f"#!/bin/sh\ntrap '' TERM\nsleep 600 & echo $$ $! > {pids}\nwait; wait; sleep 600\n"
    path = program(tmp_path / "hang", text)
    ended = run(path, limit=0.5)
    assert ended.too_long
    assert ended.code == -9
    for pid in map(int, pids.read_text().split()):
        assert not alive(pid)


def test_a_child_in_the_background_holds_nothing_up(tmp_path):
    path = program(tmp_path / "daemon", "#!/bin/sh\necho began\nsleep 3 &\nexit 0\n")
    ended = run(path)
    assert ended.code == 0
    assert ended.output == "began\n"
    assert ended.seconds < 2.0


def test_a_program_that_reads_nothing_and_one_that_prints_without_end(tmp_path):
    assert run("/bin/true", text=b"x" * 60_000).code == 0
    ended = run(program(tmp_path / "yes", "#!/bin/sh\nexec head -c 5000000 /dev/zero\n"))
    assert ended.code == 0
    assert len(ended.output) == 4000


def test_its_output_is_an_ordinary_pipe_and_its_input_ends(tmp_path):
    text = f"#!{sys.executable}\nimport os,sys\nassert os.get_blocking(1)\nsys.stdout.write(sys.stdin.read())\nprint(os.getpgid(0) == os.getpid(), os.getcwd(), len(os.listdir('/proc/self/fd')))\n"  # fmt: skip
    ended = run(program(tmp_path / "pipe", text), text=b"abc\n")
    assert ended.output.splitlines() == ["abc", "True / 4"]


def test_the_end_of_the_program_ends_an_alert_program(tmp_path):
    pid = tmp_path / "pid"
    path = program(tmp_path / "slow", f"#!/bin/sh\necho $$ > {pid}\nexec sleep 600\n")

    async def cancelled() -> None:
        task = asyncio.ensure_future(run_alert((path,), {}, b"", 60.0))
        await until(lambda: pid.exists() and pid.read_text().strip())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not alive(int(pid.read_text()))


@pytest.mark.parametrize(("mode", "part"), [(0o644, "not a program"), (0o777, "changed by others")])
def test_what_others_can_change_is_not_run(tmp_path, mode, part):
    path = program(tmp_path / "p", "#!/bin/sh\n")
    Path(path).chmod(mode)
    with pytest.raises(NotDelivered, match=part):
        find_program((path,))


def test_the_first_place_that_has_it_wins(tmp_path):
    path = program(tmp_path / "p", "#!/bin/sh\n")
    assert find_program(("/nowhere/p", path)) == path
    with pytest.raises(NotDelivered, match="not found"):
        find_program(("/nowhere/p",))


def test_a_file_that_is_no_program_is_told(tmp_path):
    with pytest.raises(NotDelivered, match="cannot be run"):
        run(program(tmp_path / "p", "\x7fno"))


def test_mail_goes_through_sendmail(tmp_path):
    path, out = recorder(tmp_path)
    courier = Courier(settings(), Places(sendmail=path))
    asyncio.run(courier.deliver(message(Alert("mail", DOWN, ("root",)))))
    (seen,) = (json.loads(line) for line in out.read_text().splitlines())
    assert seen["argv"] == ["-t", "-i"]
    assert "To: root\n" in seen["text"]
    assert "\nSubject: DOWN nodes:web: head2\n" in seen["text"]


def test_a_failing_program_is_run_again_and_a_newer_alert_takes_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(outbox, "PAUSES", (0.3,))
    count = tmp_path / "count"
    text = f'#!/bin/sh\necho "$10" >> {count}\n[ $(wc -l < {count}) -ge 2 ]\n'
    path = program(tmp_path / "flaky", text)

    async def deliver() -> None:
        async with office(settings()) as (post, said):
            post.send(message(Alert(path), wall=1.0))
            await until(lambda: said)
            post.send(message(Alert(path), wall=2.0))
            await until(lambda: not post.snapshot())
            assert post.counts() == {"superseded": 1, "delivered": 1}
            assert [one["code"] for one in post.history()] == [1, 0]

    asyncio.run(deliver())
    assert len(count.read_text().splitlines()) == 2
