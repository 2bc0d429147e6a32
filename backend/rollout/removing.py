"""Takes the agent away from one member, until nothing of it is left there."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.errors import HaoscarError
from backend.rollout import far, services
from backend.rollout.facts import gather
from backend.rollout.places import HEAD_UNIT, UNITS
from backend.rollout.snmpd_before import take_back
from backend.rollout.steps import Removal, plan_removal
from backend.system.runner import Command, Runner


@dataclass(frozen=True, slots=True)
class Removing:
    """One member. ``note`` is told each sentence of what happens."""

    removal: Removal
    runner: Runner
    note: Callable[[str], None]

    def run(self) -> None:
        """Do it; raises HaoscarError when something is left, or could not be stopped."""
        member, runner = self.removal.member, self.runner
        for unit in self.removal.units:
            self.note(f"{member.name}: stopping {unit}")
            # A unit whose file is gone cannot be disabled, and need not be.
            runner.run(
                Command.of("systemctl", "disable", "--now", unit).within(services.LONGEST_STOP),
                check=False,
            )
            runner.run(
                Command.of("systemctl", "stop", unit).within(services.LONGEST_STOP), check=False
            )
        self._check_stopped()
        if self.removal.snmpd:
            self.note(f"{member.name}: snmpd: taking back what it watched for the watch list")
            take_back(runner, gather(runner, member))
        self.note(f"{member.name}: removing the files")
        if HEAD_UNIT in self.removal.units:
            services.clear_gate(runner)
        far.do(
            runner,
            [
                *(far.on_path("remove", path) for path in self.removal.paths),
                *(far.on_path("remove_empty", path) for path in self.removal.directories),
            ],
        )
        services.systemctl(runner, "daemon-reload")
        for unit in self.removal.units:
            runner.run(Command.of("systemctl", "reset-failed", unit), check=False)
        self._check_gone()

    def _check_stopped(self) -> None:
        for unit, service in services.look(self.runner).items():
            if unit in UNITS and (service.pid or service.wanted):
                raise HaoscarError.of(
                    "rollout.not-stopped",
                    f"{self.removal.member}: {unit} could not be stopped, so nothing was removed.",
                    f"See 'systemctl status {unit}' there, then run remove-agent again.",
                )

    def _check_gone(self) -> None:
        left = plan_removal(self.removal.member, gather(self.runner, self.removal.member))
        if not left.idle:
            raise HaoscarError.of(
                "rollout.left",
                f"{self.removal.member}: this is still there: {', '.join((*left.units, *left.paths))}.",
                "Run remove-agent again.",
            )
