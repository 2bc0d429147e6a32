"""Carries out the plan of one member, and takes it back when the new agent does not become well."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.errors import CommandFailed, HaoscarError
from backend.reports import Report, error
from backend.rollout import far, services
from backend.rollout.facts import AGENT_LEFT
from backend.rollout.member import ConfigView, Member
from backend.rollout.places import AGENT_FILES, CONFIG, PROGRAM, Mode, unit_file
from backend.rollout.services import Said, Service
from backend.rollout.snmpd_setting import SettingSnmpd
from backend.rollout.steps import MemberPlan
from backend.rollout.waiting import Patience, until_switched, until_well
from backend.rollout.watching import Watching
from backend.rollout.writes import Run
from backend.system.runner import Command, Runner

Note = Callable[[str], None]


@dataclass(slots=True)
class Installing:
    """One member; used once. ``note`` is told each sentence of what happens.

    ``well`` is called when its agent is well; snmpd and the watch list come after that, where
    ``watch_last`` does not leave it to whoever installs all of them.
    """

    plan: MemberPlan
    runner: Runner
    note: Note
    patience: Patience = field(default_factory=Patience)
    well: Callable[[], None] = lambda: None
    _before: Service = field(default_factory=Service)

    @property
    def member(self) -> Member:
        """Whom it is about."""
        return self.plan.member

    def run(self) -> Said:
        """Do it; raises HaoscarError that says what was taken back and what to do."""
        try:
            self._before = services.look(self.runner).get(self.member.unit, Service())
            self._put_files()
            self._set_unit()
            said = self._start()
            self._tidy()
            if self.plan.run is Run.RESTART:
                # A voter that has just started grants nothing for one lease: not two at a time.
                self.patience.sleep(2 * self._lease())
        except HaoscarError as problem:
            raise self._taken_back(problem) from problem
        self.well()
        # The agent stays, whatever becomes of these two.
        SettingSnmpd(self.plan, self.runner, self.note, self.patience).run()
        if not self.plan.watch_last:
            Watching(self.plan, self.runner, self.note, self.patience).run()
        return said

    def _put_files(self) -> None:
        """Write every file, then let the new agent itself judge what it was given."""
        plan = self.plan
        if plan.writes:
            self.note(f"{self.member.name}: writing {len(plan.writes)} files")
            far.do(
                self.runner,
                [
                    *(far.make_directory(one, Mode.directory) for one in plan.directories),
                    *(far.write(one.path, one.content, one.mode) for one in plan.writes),
                ],
            )
        self.note(f"{self.member.name}: checking the configuration with the new agent")
        check = far.python(PROGRAM, "check", "--config", CONFIG)
        judged = self.runner.run(check, check=False)
        if not judged.ok:
            said = (judged.stdout.strip() or judged.stderr.strip())[-600:]
            raise HaoscarError.of(
                "rollout.check", f"The new agent refuses its configuration: {said}"
            )

    def _set_unit(self) -> None:
        if self.plan.retire:
            self.note(f"{self.member.name}: ending its part as {self.plan.retire}")
            services.systemctl(self.runner, "disable", "--now", self.plan.retire)
        services.systemctl(self.runner, "daemon-reload")
        if self.plan.enable:
            services.systemctl(self.runner, "enable", self.member.unit)

    def _start(self) -> Said:
        """Start or restart the agent, without an outage where the other head is well."""
        unit, old = self.member.unit, self._before.pid
        if self.plan.run is Run.NOTHING:
            return until_well(self.runner, self.member, 0, self.patience.well, self.patience)
        if self.member.head and self._before.running and self._must_stay_active():
            self.note(f"{self.member.name}: restarting the agent, which keeps its lease")
            # Not by SIGTERM: that would give the role and the resources up. systemd starts it again.
            services.systemctl(self.runner, "kill", "--kill-who=main", "--signal=KILL", unit)
            return until_well(self.runner, self.member, old, self.patience.well, self.patience)
        self.note(f"{self.member.name}: {self.plan.run.value}")
        return self._restart(unit, old)

    def _restart(self, unit: str, old: int) -> Said:
        limit = self.patience.well
        try:
            if self.plan.pause and self._before.running:
                services.systemctl(self.runner, "stop", unit)
                self.patience.sleep(self.plan.pause)
            services.systemctl(self.runner, "restart", unit)
        except CommandFailed:
            limit = self.patience.well_after_failure
        return until_well(self.runner, self.member, old, limit, self.patience)

    def _must_stay_active(self) -> bool:
        """Hand the role over if this head has it and the other can take it; else say so."""
        said = Said.of(services.control(self.runner, "status"))
        if said.role != "active":
            return False
        if not said.peer_alive:
            return True
        self.note(f"{self.member.name}: switchover, the other head goes on serving")
        answer = services.control(self.runner, "switchover")
        if answer.get("ok") is False:
            raise HaoscarError.of(
                "rollout.switchover",
                f"It is the active head and could not hand over: {answer.get('error')}.",
            )
        until_switched(self.runner, self.patience)
        return False

    def _lease(self) -> float:
        view = ConfigView.of(self.member.config)
        return view.lease if view else 0.0

    def _tidy(self) -> None:
        retired = [unit_file(self.plan.retire)] if self.plan.retire else []
        far.do(self.runner, [far.on_path("remove", path) for path in (*AGENT_LEFT, *retired)])
        if retired:
            services.systemctl(self.runner, "daemon-reload")

    def _taken_back(self, problem: HaoscarError) -> HaoscarError:
        """Bring back what ran before; returns the error that says how that went."""
        unit = self.member.unit
        self.note(f"{self.member.name}: taking it back")
        try:
            restored = far.do(self.runner, [far.on_path("restore", path) for path in AGENT_FILES])
            services.systemctl(self.runner, "daemon-reload")
            done = self._back_to_before(unit, changed=any(restored))
        except HaoscarError as second:
            done = f"It could not be taken back: {second.reports[0].text}"
        first, *more = problem.reports
        return HaoscarError(self._report(first, done), *more)

    def _back_to_before(self, unit: str, *, changed: bool) -> str:
        if not self._before.running:
            # It fails where the unit's file was not even written.
            self.runner.run(Command.of("systemctl", "disable", "--now", unit), check=False)
            if self.plan.retire:
                services.systemctl(self.runner, "enable", "--now", self.plan.retire)
            return "Its service was stopped again; the files stay for the next run."
        now = services.look(self.runner).get(unit, Service())
        if now.running and now.pid == self._before.pid:
            return "What ran before was not touched and goes on."
        services.systemctl(self.runner, "restart", unit)
        until_well(self.runner, self.member, now.pid, self.patience.well, self.patience)
        return "What ran before runs again." if changed else "It runs again."

    def _report(self, first: Report, done: str) -> Report:
        log = f"journalctl -u {self.member.unit}"
        return error(
            first.code,
            f"{self.member}: {first.text} {done}",
            f"{first.remedy} See '{log}' on {self.member.name}, then run install-agent again:"
            " it goes on from here.".lstrip(),
            first.place,
        )
