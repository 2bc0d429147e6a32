"""A recovery as programs, and whether a head is fit for a service; with real programs."""

import asyncio
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.system.agent.program import Ended, How, Program
from backend.system.watch.agent_client import AgentSilent
from backend.watch import healing
from backend.watch.fitness import Fitness, fitness, judge, questions
from backend.watch.healing import End, restart, steps
from backend.watch.settings import Recovery, Service


def service(kind: str, limit: float = 5.0, **options: str) -> Service:
    return Service(
        "g", "s", ("head1",), recovery=Recovery(kind, tuple(options.items()), limit=limit)
    )


async def run(program: Program) -> Ended:
    """Run it here, as the watch process would."""
    begin = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *program.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", **dict(program.environment)},
        )  # fmt: skip
    except OSError as error:
        return Ended("job", How.NOT_STARTED, output=str(error))
    try:
        output, _ = await asyncio.wait_for(process.communicate(), program.limit)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Ended("job", How.TIMED_OUT, seconds=time.monotonic() - begin)
    seconds = time.monotonic() - begin
    return Ended("job", How.EXITED, process.returncode or 0, output.decode(), seconds)


async def no_agent(_question: dict[str, Any]) -> Mapping[str, Any]:
    raise AgentSilent("no agent answers")


def restarted(one: Service) -> End:
    return asyncio.run(restart(one, run, no_agent))


def judged(one: Service) -> Fitness:
    return asyncio.run(fitness(one, run, no_agent))


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_unit_is_started_again_although_it_failed_too_often() -> None:
    planned = steps(service("unit", unit="sshd.service"))
    assert [one.program.argv[2:] for one in planned] == [
        ("reset-failed", "--", "sshd.service"), ("restart", "--", "sshd.service"),
    ]  # fmt: skip
    assert [one.must for one in planned] == [False, True]


@pytest.mark.programs
def test_a_resource_agent_is_stopped_then_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    (tmp_path / "resource.d/p").mkdir(parents=True)
    script(
        tmp_path / "resource.d/p/t",
        f'echo "$1 $OCF_RESKEY_CRM_meta_name $OCF_RESKEY_x" >> {log}\n[ "$1" != "$OCF_RESKEY_x" ]',
    )
    for module in ("backend.agent.resources.kinds", "backend.watch.fitness"):
        monkeypatch.setattr(f"{module}.OCF_ROOT", str(tmp_path))
    assert restarted(service("ocf", agent="ocf:p:t", x="none")) == End(True)
    assert log.read_text() == "stop stop none\nstart start none\n"
    assert not restarted(service("ocf", agent="ocf:p:t", x="stop")).ok, "not started after that"
    assert log.read_text().endswith("stop stop stop\n")

    assert judged(service("ocf", agent="ocf:p:t", x="none")) == Fitness(True)
    assert log.read_text().endswith("validate-all validate-all none\n")
    bad = judged(service("ocf", agent="ocf:p:t", x="validate-all"))
    assert bad.fit is False
    assert "validate-all ended with exit code 1" in bad.why
    missing = judged(service("ocf", agent="ocf:p:other"))
    assert missing.fit is False
    assert "resource.d/p/other is no program there" in missing.why


@pytest.mark.programs
def test_a_command_restarts_and_says_why_not(tmp_path: Path) -> None:
    good = script(tmp_path / "good", f"touch {tmp_path}/done")
    assert restarted(service("command", start=f"{good} now")) == End(True)
    assert (tmp_path / "done").exists()
    bad = script(tmp_path / "bad", "printf 'no \\033[2J disk'; exit 3")
    end = restarted(service("command", start=bad))
    assert not end.ok
    assert "exit code 3" in end.why
    assert "\x1b" not in end.why
    slow = script(tmp_path / "slow", "exec sleep 30")
    assert "did not end within" in restarted(service("command", limit=0.2, start=slow)).why
    assert not restarted(service("command", start="/no/such")).ok


@pytest.mark.programs
def test_a_commands_program_must_be_there(tmp_path: Path) -> None:
    good = script(tmp_path / "good", f"touch {tmp_path}/done")
    assert judged(service("command", start=f"{good} now")) == Fitness(True)
    assert not (tmp_path / "done").exists(), "nothing is started by asking"
    (tmp_path / "good").chmod(0o644)
    if judged(service("command", start=good)).fit is not False:
        pytest.fail("a file that cannot be run is no program")
    assert judged(service("command", start=str(tmp_path))).fit is False
    assert judged(service("command", start="/no/such")).why == "/no/such is no program there"


@pytest.mark.parametrize(
    ("output", "code", "fit", "why"),
    [
        ("LoadState=loaded\nActiveState=inactive\n", 0, True, ""),
        ("LoadState=loaded\nActiveState=active\n", 0, True, ""),
        ("LoadState=loaded\nActiveState=failed\n", 0, False, "has failed there"),
        ("LoadState=masked\nActiveState=inactive\n", 0, False, "is masked there"),
        ("LoadState=not-found\nActiveState=inactive\n", 0, False, "does not exist there"),
        ("LoadState=bad-setting\nActiveState=inactive\n", 0, False, "is bad-setting there"),
        ("Failed to connect to bus\n", 1, None, "cannot tell how a.service is"),
        ("", 0, None, "does not say it"),
    ],
)
def test_a_unit_is_judged_by_what_systemd_says(
    output: str, code: int, fit: bool | None, why: str
) -> None:
    one = service("unit", unit="a.service")
    assert questions(one)[0].argv[:2] == ("systemctl", "show")
    found = judge(one, [Ended("job", How.EXITED, code, output)], {})
    assert found.fit is fit
    assert why in found.why


def test_what_cannot_be_asked_is_not_known() -> None:
    for kind in ("unit", "ocf", "command"):
        options = {"unit": "a.service", "agent": "ocf:p:t", "start": "/bin/x"}
        one = service(kind, **options)
        assert judge(one, [], {}).fit is None
        lost = [Ended("job", How.NOT_STARTED)] * len(questions(one))
        assert judge(one, lost, {}).fit is None


def test_the_agents_resources_are_the_agents_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "LOOK_EVERY", 0.001)
    one = service("resource", limit=0.05, resource="db")
    states = [{"name": "db", "state": "stopping"}, {"name": "db", "state": "running"}]
    asked: list[str] = []

    async def agent(question: dict[str, Any]) -> Mapping[str, Any]:
        asked.append(question["command"])
        return {"ok": True, "resources": states[:1] if len(asked) < 3 else states[1:]}

    assert asyncio.run(restart(one, run, agent)) == End(True)
    assert asked == ["restart", "status", "status"]
    states[:] = [{"name": "db", "state": "stopped", "failed": True, "why": "no disk"}] * 2
    assert asyncio.run(restart(one, run, agent)) == End(False, "no disk")
    assert asyncio.run(fitness(one, run, agent)).fit is False
    states[:] = [{"name": "db", "state": "stopped", "failed": False}] * 2
    assert asyncio.run(fitness(one, run, agent)) == Fitness(True)
    assert "did not start db within" in asyncio.run(restart(one, run, agent)).why
    assert restarted(one) == End(False, "no agent answers")
    assert judged(one).fit is None
