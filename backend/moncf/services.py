"""A service of a mon.cf, as the texts of the watch list's form. Pure."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from backend.model.watchlist_form import PeriodTexts
from backend.moncf import values
from backend.moncf.blocks import Item, ServiceBlock
from backend.moncf.findings import Findings, shown
from backend.moncf.last import last_of
from backend.moncf.periods import PeriodReader, Texts, parameters
from backend.moncf.programs import Programs
from backend.moncf.words import CONTROLS, SPACE, for_site

TIMES = {
    "interval": "interval",
    "failure_interval": "failure_interval",
    "randskew": "random_skew",
    "traptimeout": "trap_timeout",
    "trapduration": "trap_duration",
    "dep_memory": "depend_memory",
}
PLAIN = ("exclude_hosts", "exclude_period")
DEPENDS = {"a": "alertdepend", "m": "monitordepend", "hm": "hostdepend"}
DEPEND_KEYS = {"alertdepend": "alert_depend", "monitordepend": "monitor_depend", "hostdepend": "host_depend"}  # fmt: skip
SERVICE = re.compile(r"[a-zA-Z0-9_.-]+:[a-zA-Z0-9_.-]+", re.ASCII)
SIGNS = re.compile(r"&&|\|\||[!()]|\b(?:and|or|not)\b", re.ASCII)
NOT_MONS = "mon cannot tell a list from a mistake, and sends no alert or makes no check then."
ALLOW_EMPTY = "A monitor is not run when all hosts of its group are disabled."
NEVER = "mon never checks it either, since it has no interval."
TRAPS_ONLY = "It waits for traps, and no traptimeout says when they are missed."


@dataclass(frozen=True, slots=True)
class ReadService:
    """A service's texts; ``lines`` has fields such as interval and period.1.when."""

    texts: Mapping[str, str]
    periods: tuple[PeriodTexts, ...]
    lines: Mapping[str, int]
    left: bool = False  # nothing would ever check it: it is not carried over


@dataclass(frozen=True, slots=True)
class ServiceReader:
    """Reads the services of all watches."""

    monitors: Programs
    periods: PeriodReader
    exclude_period: Item | None  # for all services
    findings: Findings

    def read(self, group: str, block: ServiceBlock) -> ReadService:
        """Return the texts of one service."""
        made = Texts(lines={"": block.line})
        made.put("group", group, block.line)
        made.put("name", block.name, block.line)
        items = last_of(block.items, self.findings)
        notes = {one.key: one for one in block.notes}
        for key, default in block.defaults.items():  # there, no time is as good as nothing said
            if key != "dep_memory" or not values.is_zero(default.value):
                items.setdefault(key, default)
        for item in block.items:
            if items[item.key] is not item:
                self._forgotten(item)
        for item in items.values():
            self._item(item, made, items)
        self._behaviour(items, made)
        self._exclude(made)
        self._environment(block, made)
        for note in notes.values():
            made.put(note.key, note.value, note.line)
        reason = self._never(made)
        if reason:
            what = f"service {block.name} of {group}, down to line {_end(block)}"
            self.findings.left(block.line, what, reason)
        read = [self.periods.read(one) for one in block.periods]
        for number, one in enumerate(read, 1):
            made.lines |= {_below(f"period.{number}", key): line for key, line in one.lines.items()}
        return ReadService(made.texts, tuple(one.texts for one in read), made.lines, bool(reason))

    def _never(self, made: Texts) -> str:
        """Return why a service would never be checked, or nothing."""
        texts = made.texts
        if texts.get("trap_timeout") or texts.get("trap_duration"):
            return ""
        if texts.get("monitor"):
            return "" if "interval" in made.lines else NEVER
        return TRAPS_ONLY

    def _item(self, item: Item, made: Texts, items: Mapping[str, Item]) -> None:
        if item.key in TIMES:
            self._time(item, made)
        elif item.key == "description":
            made.put("description", CONTROLS.sub(" ", item.value), item.line)
        elif item.key in PLAIN:
            made.put(item.key, SPACE.sub(" ", item.value), item.line)
        elif item.key == "monitor":
            self._monitor(item, made)
        elif item.key == "redistribute":
            self._redistribute(item, made)
        elif item.key == "unack_summary":
            truth = values.truth(item.value)
            if truth is None:
                self.findings.wrong(item.line, f"{shown(str(item))} is not understood.", "Write yes or no.")  # fmt: skip
            made.put("unack_summary", truth or "", item.line)
        elif item.key == "allow_empty_group":
            self.findings.left(item.line, str(item), ALLOW_EMPTY)
        elif item.key in DEPEND_KEYS:
            self._depend(item, item.key, made, items)

    def _forgotten(self, item: Item) -> None:
        """Note what is wrong with a line that a later one replaces: mon refuses the file for it."""
        if item.key in TIMES or item.key == "unack_summary":
            self._item(item, Texts(), {})
        elif item.key == "dep_behavior":
            self._behaviour({item.key: item}, Texts())
        elif item.key == "exclude_period" and values.is_malformed(item.value):
            self.findings.wrong(item.line, f"{shown(item.value)} is no period.", "Correct it, or take the line out.")  # fmt: skip

    def _time(self, item: Item, made: Texts) -> None:
        made.lines[TIMES[item.key]] = item.line
        span = values.timeval(item.value)
        if span is None:
            self.findings.wrong(item.line, f"{shown(str(item))} is no span of time.", "Write a number with s, m, h or d: 20m.")  # fmt: skip
        elif values.is_zero(span):
            self.findings.wrong(item.line, f"{shown(item.value)} is no time at all.", "Write a number with s, m, h or d: 20m.")  # fmt: skip
        else:
            made.put(TIMES[item.key], span, item.line)

    def _monitor(self, item: Item, made: Texts) -> None:
        name = item.value.split()[0] if item.value else ""
        rest = item.value[len(name) :].strip()
        if rest.endswith(";;") and not rest.endswith(" ;;"):
            rest = f"{rest[:-2].rstrip()} ;;".strip()
        elif not rest and name.endswith(";;"):
            name, rest = name[:-2], ";;"
        if not name:
            self.findings.wrong(item.line, "This names no monitor.", "Write: monitor tcp.monitor -p 22")  # fmt: skip
            return
        made.put("monitor", self.monitors.name(name, item.line, self.findings), item.line)
        parameters(made, rest, item.line, self.findings)

    def _redistribute(self, item: Item, made: Texts) -> None:
        name = item.value.split()[0] if item.value else ""
        if not name:
            return
        program = self.periods.alerts.name(name, item.line, self.findings)
        try:
            rest = for_site(item.value[len(name) :].strip())
        except ValueError:
            self.findings.wrong(item.line, f"{shown(item.value)} ends inside a quotation.", "Close the quotation mark.")  # fmt: skip
            return
        made.put("redistribute", f"{program} {rest}".strip(), item.line)

    def _behaviour(self, items: Mapping[str, Item], made: Texts) -> None:
        """Give ``depend`` the meaning that dep_behavior says; it goes before the keyword of that meaning."""
        behaviour = items.get("dep_behavior")
        value = behaviour.value if behaviour is not None else "a"
        if value not in DEPENDS:
            assert behaviour is not None
            self.findings.wrong(behaviour.line, f"{shown(str(behaviour))} is not understood.", "Use a (alerts), m (monitors) or hm (hosts).")  # fmt: skip
            return
        depend = items.get("depend")
        if depend is not None and depend.value:
            self._depend(depend, DEPENDS[value], made, {})

    def _depend(self, item: Item, meaning: str, made: Texts, items: Mapping[str, Item]) -> None:
        behaviour = items.get("dep_behavior")
        taken = DEPENDS.get(behaviour.value if behaviour is not None else "a")
        if taken == meaning and "depend" in items and items["depend"].value:
            self.findings.left(item.line, str(item), f"depend in line {items['depend'].line} goes before it.")  # fmt: skip
            return
        text = SPACE.sub(" ", item.value)
        several = len(SERVICE.findall(text)) > 1 and not SIGNS.search(text)
        if several and meaning != "hostdepend":
            self.findings.differs(item.line, f"{shown(str(item))}: here all of these must be well.", NOT_MONS)  # fmt: skip
        made.put(DEPEND_KEYS[meaning], text, item.line)

    def _exclude(self, made: Texts) -> None:
        """Add the period in which mon checks nothing at all."""
        item = self.exclude_period
        if item is None or not item.value:
            return
        own = made.texts.get("exclude_period", "")
        line = made.lines.get("exclude_period", item.line)
        when = SPACE.sub(" ", item.value)
        made.put("exclude_period", f"{own}, {when}" if own and own != "none" else when, line)

    def _environment(self, block: ServiceBlock, made: Texts) -> None:
        found = last_of(block.variables, self.findings)
        if found:
            pairs = (shlex.quote(f"{one.key}={one.value}") for one in found.values())
            made.put("environment", " ".join(pairs), next(iter(found.values())).line)


def _end(block: ServiceBlock) -> int:
    """Return the line where a service ends."""
    lines = [one.line for one in (*block.items, *block.variables)]
    for period in block.periods:
        lines += [period.line, *(one.line for one in period.items)]
    return max([block.line, *lines])


def _below(prefix: str, key: str) -> str:
    return f"{prefix}.{key}".rstrip(".")
