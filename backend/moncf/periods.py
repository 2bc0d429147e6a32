"""A period of a mon.cf with its alerts, as the texts of the watch list's form. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.model.watchlist import RunWhen
from backend.model.watchlist_form import PeriodTexts
from backend.moncf import values
from backend.moncf.blocks import Item, PeriodBlock
from backend.moncf.findings import Findings, shown
from backend.moncf.last import last_of
from backend.moncf.programs import Programs
from backend.moncf.words import SPACE, for_site

RUNS = {"alert": RunWhen.DOWN, "upalert": RunWhen.UP, "startupalert": RunWhen.STARTUP}
LEFT = {
    "ackalert": "There is no alert for acknowledgements.",
    "disablealert": "There is no alert for services that are disabled.",
    "alerts_dont_count": "mon reads it and does nothing with it.",
}
EXIT = re.compile(r"exit=([0-9]+(?:-[0-9]+)?)\s+(.*)", re.ASCII | re.IGNORECASE)
EXIT_ALONE = re.compile(r"exit\s*=", re.ASCII | re.IGNORECASE)
RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
Codes = tuple[int, int]
KEYS = {
    "alertevery": ("alert_every", values.alert_every,
                   "Write a span of time, and strict, observe_detail, ignore_summary or nothing: 1h strict."),
    "alertafter": ("alert_after", values.alert_after,
                   "Write a number, whole seconds, minutes or hours, or both: 3 30m."),
    "upalertafter": ("up_alert_after", values.timeval, "Write a span of time: 5m."),
    "numalerts": ("max_alerts", values.max_alerts, "Write a whole number."),
}  # fmt: skip


@dataclass(slots=True)
class Texts:
    """Texts of a form, and the line of each."""

    texts: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, text: str, line: int) -> None:
        """Set a field."""
        self.texts[key], self.lines[key] = text, line


@dataclass(frozen=True, slots=True)
class ReadPeriod:
    """A period's texts; ``lines`` has fields such as when and alert.1.program."""

    texts: PeriodTexts
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PeriodReader:
    """Reads the periods of services."""

    alerts: Programs
    defined: Mapping[str, str]  # the text of each defined period
    findings: Findings

    def read(self, block: PeriodBlock) -> ReadPeriod:
        """Return the texts of one period."""
        made = Texts(lines={"": block.line})
        made.put("when", SPACE.sub(" ", block.when).strip(), block.line)
        made.put("label", block.label, block.line)
        alerts = [one for one in block.items if one.key in RUNS]
        others = [one for one in block.items if one.key not in (*RUNS, *LEFT)]
        last_of(others, self.findings)
        codes: Codes | None = None
        for item in block.items:
            if item.key in LEFT:
                self.findings.left(item.line, str(item), LEFT[item.key])
            elif item.key == "alertexitrange":
                codes = self._codes(item)
            else:
                self._value(item, made)
        found = [one for item in alerts if (one := self._alert(item, codes)) is not None]
        for number, alert in enumerate(found, 1):
            made.lines |= {f"alert.{number}.{key}": line for key, line in alert.lines.items()}
        self._notes(block.notes, made)
        return ReadPeriod(PeriodTexts(made.texts, [one.texts for one in found]), made.lines)

    def _value(self, item: Item, made: Texts) -> None:
        if item.key == "no_comp_alerts":
            made.put("no_comp_alerts", "yes", item.line)
        if item.key not in KEYS:
            return
        if item.key == "alertafter" and "alert_after" in made.lines:
            line = made.lines["alert_after"]
            what = f"{shown(str(item))}: line {line} says it, too, and mon mixes the two."
            self.findings.wrong(item.line, what, "Keep one of them.")
            return
        key, read, remedy = KEYS[item.key]
        text = read(item.value)
        if text is None:
            self.findings.wrong(item.line, f"{shown(str(item))} is not understood.", remedy)
        elif item.key != "alertafter" and values.is_zero(text):
            self.findings.wrong(item.line, f"{shown(item.value)} is no time at all.", remedy)
        else:
            made.put(key, text, item.line)

    def _codes(self, item: Item) -> Codes | None:
        found = RANGE.fullmatch(item.value)
        if found is None:
            self.findings.wrong(item.line, f"{shown(item.value)} are no exit codes.", "Write 2, or 10-20.")  # fmt: skip
        return (int(found[1]), int(found[2] or found[1])) if found else None

    def _alert(self, item: Item, codes: Codes | None) -> Texts | None:
        made = Texts(lines={"": item.line})
        rest, found = item.value, EXIT.match(item.value)
        exits = self._codes(Item(item.line, "exit", found[1])) if found else None
        if found is not None:
            rest = found[2]
        if codes is not None and item.key == "alert":
            low, high = exits or codes
            exits = max(low, codes[0]), min(high, codes[1])
            if exits[0] > exits[1]:
                self.findings.left(item.line, str(item), "Its codes are outside of alertexitrange, so mon never sends it.")  # fmt: skip
                return None
        if exits is not None and item.key == "startupalert":
            if exits[0] > 0:
                self.findings.left(item.line, str(item), "No monitor has run then, so mon never sends it.")  # fmt: skip
                return None
        elif exits is not None:
            low, high = exits
            made.put("exit", str(low) if low == high else f"{low}-{high}", item.line)
        name = rest.split()[0] if rest else ""
        if not name or EXIT_ALONE.match(rest):
            self.findings.wrong(item.line, f"{shown(str(item))} names no alert.", "Write: alert exit=10-20 mail.alert root")  # fmt: skip
            return None
        made.put("run", RUNS[item.key], item.line)
        made.put("program", self.alerts.name(name, item.line, self.findings), item.line)
        parameters(made, rest[len(name) :].strip(), item.line, self.findings)
        return made

    def _notes(self, notes: Iterable[Item], made: Texts) -> None:
        for note in notes:
            made.put(note.key, note.value, note.line)
        name = made.texts.get("defined", "")
        if not name:
            return
        when = made.texts.pop("when", "")
        if name in self.defined and SPACE.sub(" ", self.defined[name]).strip() != when:
            line = made.lines["defined"]
            self.findings.differs(line, f"The period {name} is not {shown(when) or 'always'}.", f"What {name} says counts.")  # fmt: skip


def parameters(made: Texts, text: str, line: int, findings: Findings) -> None:
    """Set a program's parameters from mon's arguments."""
    try:
        made.put("parameters", for_site(text), line)
    except ValueError:
        findings.wrong(line, f"{shown(text)} ends inside a quotation.", "Close the quotation mark.")
