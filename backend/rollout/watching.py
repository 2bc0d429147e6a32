"""Brings up the watch process of one head, or takes it away where nothing is watched any more."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.errors import CommandFailed, HaoscarError
from backend.reports import error
from backend.rollout import far, services
from backend.rollout.places import PROGRAM, WATCH_CONFIG, WATCH_FILES, WATCH_UNIT
from backend.rollout.services import Service
from backend.rollout.steps import MemberPlan
from backend.rollout.waiting import Patience, until_well
from backend.rollout.watch_steps import LEFT, WatchPlan
from backend.rollout.writes import Run
from backend.system.runner import Command, Runner


@dataclass(slots=True)
class Watching:
    """One head; used once, after its agent is well. ``note`` is told each sentence."""

    plan: MemberPlan
    runner: Runner
    note: Callable[[str], None]
    patience: Patience = field(default_factory=Patience)

    @property
    def _watch(self) -> WatchPlan:
        return self.plan.watch

    def run(self) -> None:
        """Do it; raises HaoscarError that says what was taken back and what to do."""
        if self._watch.retire:
            self._retire()
            return
        if self._watch.idle:
            return
        before = services.look(self.runner).get(WATCH_UNIT, Service())
        try:
            self._start(before)
        except HaoscarError as problem:
            raise self._taken_back(problem, before) from problem
        far.do(self.runner, [far.on_path("remove", path) for path in LEFT])

    def _start(self, before: Service) -> None:
        name, plan = self.plan.member.name, self._watch
        if plan.writes:
            self.note(f"{name}: writing what is watched")
            far.do(self.runner, [far.write(one.path, one.content, one.mode) for one in plan.writes])
        check = far.python(PROGRAM, "check", "--config", WATCH_CONFIG)
        judged = self.runner.run(check, check=False)
        if not judged.ok:
            said = (judged.stdout.strip() or judged.stderr.strip())[-600:]
            raise HaoscarError.of(
                "rollout.watch-check", f"The watch process refuses its configuration: {said}"
            )
        services.systemctl(self.runner, "daemon-reload")
        if plan.enable:
            services.systemctl(self.runner, "enable", WATCH_UNIT)
        limit, old = self.patience.well, 0
        if plan.run is not Run.NOTHING:
            self.note(f"{name}: {WATCH_UNIT}: {plan.run.value}")
            old = before.pid
            try:
                services.systemctl(self.runner, "restart", WATCH_UNIT)
            except CommandFailed:
                limit = self.patience.well_after_failure
        until_well(self.runner, self.plan.member, old, limit, self.patience, WATCH_UNIT)

    def _retire(self) -> None:
        self.note(f"{self.plan.member.name}: ending {WATCH_UNIT}")
        stop(self.runner)
        far.do(self.runner, [far.on_path("remove", path) for path in (*WATCH_FILES, *LEFT)])
        services.systemctl(self.runner, "daemon-reload")
        self.runner.run(Command.of("systemctl", "reset-failed", WATCH_UNIT), check=False)

    def _taken_back(self, problem: HaoscarError, before: Service) -> HaoscarError:
        """Put the former configuration back; the agent itself is well and stays."""
        self.note(f"{self.plan.member.name}: taking the watch process back")
        try:
            far.do(self.runner, [far.on_path("restore", path) for path in WATCH_FILES])
            services.systemctl(self.runner, "daemon-reload")
            if before.running:
                services.systemctl(self.runner, "restart", WATCH_UNIT)
                done = "It was started again with the configuration that it had before."
            else:
                stop(self.runner)
                done = "It was stopped again; its files stay for the next run."
        except HaoscarError as second:
            done = f"It could not be taken back: {second.reports[0].text}"
        first, *more = problem.reports
        log = f"journalctl -u {WATCH_UNIT}"
        report = error(
            first.code,
            f"{self.plan.member}: {first.text} {done} The failover agent is well.",
            f"{first.remedy} See '{log}' on {self.plan.member.name}, then run install-agent again:"
            " it goes on from here.".lstrip(),
            first.place,
        )
        return HaoscarError(report, *more)


def stop(runner: Runner) -> None:
    """Stop the watch process and start it no more at boot; raises HaoscarError when it goes on."""
    command = Command.of("systemctl", "disable", "--now", WATCH_UNIT).within(services.LONGEST_STOP)
    runner.run(command, check=False)
    runner.run(
        Command.of("systemctl", "stop", WATCH_UNIT).within(services.LONGEST_STOP), check=False
    )
    service = services.look(runner).get(WATCH_UNIT, Service())
    if service.pid or service.wanted:
        raise HaoscarError.of("rollout.not-stopped", f"{WATCH_UNIT} could not be stopped.")
