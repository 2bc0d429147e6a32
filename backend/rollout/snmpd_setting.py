"""Sets up the snmpd of one head: package, files, the check by snmpd itself, restart, a first question."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.errors import HaoscarError
from backend.model.secrets import Secret
from backend.reports import error
from backend.rollout import far, services, snmpd_look
from backend.rollout.facts import Facts, gather
from backend.rollout.places import (
    SNMPD_ACCESS,
    SNMPD_FILES,
    SNMPD_LINES,
    SNMPD_LINES_ALONE,
    SNMPD_RECORD,
    SNMPD_UNIT,
    Mode,
)
from backend.rollout.services import Service
from backend.rollout.snmpd import LEFT, SnmpdPlan, plan_snmpd, wanted_of
from backend.rollout.snmpd_before import Before, install, take_back
from backend.rollout.snmpd_look import Line
from backend.rollout.snmpd_proof import prove
from backend.rollout.steps import MemberPlan
from backend.rollout.waiting import Patience
from backend.rollout.writes import Run
from backend.snmpd.files import USER
from backend.snmpd.needs import USUAL_FILE
from backend.system.runner import Command, Runner

ELSEWHERE = ("agentaddress ", "includeFile ")  # lines that mean something in their own place only
OWN = tuple(one for one in SNMPD_FILES if one != SNMPD_RECORD)


@dataclass(slots=True)
class SettingSnmpd:
    """One head; used once, after its agent is well. ``note`` is told each sentence."""

    plan: MemberPlan
    runner: Runner
    note: Callable[[str], None]
    patience: Patience = field(default_factory=Patience)

    def run(self) -> None:
        """Do it; raises HaoscarError that says what was taken back and what to do."""
        shown, member = self.plan.snmpd, self.plan.member
        if shown.retire:
            self._say("snmpd: taking back what it watched for the watch list")
            take_back(self.runner, gather(self.runner, member))
            return
        if shown.idle:
            return
        before = services.look(self.runner).get(SNMPD_UNIT, Service())
        try:
            self._remember(before)
            # What the package brought along decides where the lines go.
            facts = gather(self.runner, member)
            plan = plan_snmpd(member, facts, shown.key)
        except HaoscarError as problem:
            raise self._named(problem, "Nothing of it was changed.") from problem
        try:
            self._set(plan, facts)
        except HaoscarError as problem:
            raise self._named(problem, self._taken_back(plan, before)) from problem
        far.do(self.runner, [far.on_path("remove", path) for path in (*LEFT, *plan.stale)])

    def _remember(self, before: Service) -> None:
        """Keep what was there before, once, and install the package where it is missing."""
        facts = gather(self.runner, self.plan.member)
        known = Before.of(facts.file(SNMPD_RECORD).text)
        if known is None:
            known = Before(enabled=before.enabled, running=before.running)
            self._write_record(known)
        found = facts.snmpd
        if found is not None and not found.installed and found.package:
            self._say(f"snmpd: installing the package {found.package}")
            new = install(self.runner, found, lambda text: self._say(f"snmpd: {text}"))
            self._write_record(known.with_packages(new))

    def _write_record(self, before: Before) -> None:
        far.do(self.runner, [far.write(SNMPD_RECORD, before.as_json(), Mode.config)])

    def _set(self, plan: SnmpdPlan, facts: Facts) -> None:
        """Write everything, let snmpd read it, start it anew, and ask it."""
        self._say("snmpd: writing what it watches")
        far.do(
            self.runner,
            [
                *(far.make_directory(one, Mode.directory) for one in plan.directories),
                *(far.write(one.path, one.content, one.mode) for one in plan.writes),
            ],
        )
        self._check(plan, facts)
        snmpd_look.edit(
            self.runner, Line.PUT if plan.include else Line.LEAVE, readable=[SNMPD_ACCESS]
        )
        services.systemctl(self.runner, "daemon-reload")
        if plan.enable:
            services.systemctl(self.runner, "enable", SNMPD_UNIT)
        if plan.run is not Run.NOTHING:
            self._say(f"snmpd: {plan.run.value}")
            self._start_anew()
        self._ask(facts, plan.key)

    def _check(self, plan: SnmpdPlan, facts: Facts) -> None:
        """Let snmpd read what it is going to get; nothing of the running one is touched."""
        written = {one.path: one.content.decode() for one in plan.writes}
        lines = [
            written.get(one) or facts.file(one).text or ""
            for one in (SNMPD_LINES, SNMPD_LINES_ALONE)
        ]
        text = "\n".join((*lines, written.get(SNMPD_ACCESS, "")))
        kept = [one for one in text.splitlines() if not one.startswith(ELSEWHERE)]
        wrong = snmpd_look.complaints(self.runner, Secret("\n".join(kept) + "\n"))
        if wrong:
            raise HaoscarError.of(
                "rollout.snmpd-check", f"snmpd refuses its configuration: {'; '.join(wrong)[:600]}."
            )

    def _start_anew(self) -> None:
        """Stop it, forget the user whose passphrase may be another one now, start it."""
        services.systemctl(self.runner, "stop", SNMPD_UNIT)
        snmpd_look.edit(self.runner, Line.LEAVE, forget=USER)
        services.systemctl(self.runner, "restart", SNMPD_UNIT)

    def _ask(self, facts: Facts, key: Secret) -> None:
        wish = self.plan.member.snmp
        if wish is None or facts.snmpd is None or wish.file != USUAL_FILE:
            return  # who may ask is known to the site's own file only
        self._say("snmpd: asking it")
        lines = wanted_of(wish, facts)
        for one in prove(self.runner, wish, lines, facts.snmpd, key, self.patience):
            self._say(f"snmpd does not know the kind of file system of {one} and does not watch it")

    def _taken_back(self, plan: SnmpdPlan, before: Service) -> str:
        """Bring back what snmpd had; returns the sentence that says how that went."""
        self._say("snmpd: taking it back")
        new = [one.path for one in plan.writes if one.before.kind == "absent"]
        try:
            snmpd_look.edit(self.runner, Line.TAKE if plan.include else Line.LEAVE)
            far.do(self.runner, [far.on_path("restore", path) for path in OWN])
            far.do(self.runner, [far.on_path("remove", path) for path in (*new, *LEFT)])
            services.systemctl(self.runner, "daemon-reload")
            verb = "restart" if before.running else "stop"
            self.runner.run(Command.of("systemctl", verb, SNMPD_UNIT).within(60.0))
            if plan.enable:
                self.runner.run(Command.of("systemctl", "disable", SNMPD_UNIT), check=False)
        except HaoscarError as second:
            return f"It could not be taken back: {second.reports[0].text}"
        return "snmpd has its former configuration again."

    def _named(self, problem: HaoscarError, done: str) -> HaoscarError:
        first, *more = problem.reports
        report = error(
            first.code,
            f"{self.plan.member}: {first.text} {done} The failover agent is well.",
            f"{first.remedy} See 'journalctl -u {SNMPD_UNIT}' on {self.plan.member.name}, then run"
            " install-agent again: it goes on from here.".lstrip(),
            first.place,
        )
        return HaoscarError(report, *more)

    def _say(self, sentence: str) -> None:
        self.note(f"{self.plan.member.name}: {sentence}")
