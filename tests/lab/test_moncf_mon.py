"""mon 1.3.6 itself and we read the same mon.cf alike, and mon reads all that we write."""

import gzip
import random
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, find, settings

from backend.errors import InvalidInput
from backend.model.watchlist import AlertPeriod, RunWhen, WatchedService, default_watch_list
from backend.moncf.convert import Conversion, convert
from backend.moncf.parser import OF_PERIOD, OF_SERVICE
from backend.moncf.settings import LEFT, USED
from backend.moncf.write import write
from tests.fakes.mon_lists import MACHINES, watch_lists
from tests.lab.mon_reads import Mon, unpacked

pytestmark = pytest.mark.lab
FILES, LISTS = 3000, 150
OTHER_WORDS = (  # in bold or italics: records, and what is no keyword
    "daemon downtime firstfail getpwnam group hostgroup mon not pam passwd password reset "
    "startupalerts summary timenoticed trustlocal view watch"
)
KINDS = {"alerts": RunWhen.DOWN, "upalerts": RunWhen.UP, "startupalerts": RunWhen.STARTUP}


@pytest.fixture(scope="module")
def mon(tmp_path_factory) -> Mon:
    return unpacked(tmp_path_factory.mktemp("mon"))


def read(text: str) -> Conversion:
    return convert(text.encode(), "mon.cf", MACHINES, lambda _: False, allow_missing=True)


class Writer:
    """Writes random files, most of them right."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, *choices: str) -> str:
        return self.random.choice(choices)

    def time(self) -> str:
        return self.one_of("1m", "30s", "1.5h", "2d", "10M", "5m", "1h", *(("0s", "1w", "x", "5 m") if self.random.random() < 0.1 else ()))  # fmt: skip

    def arguments(self) -> str:
        return self.one_of(
            "",
            "-t 60",
            "'a b'",
            '"a \\" b" c',
            "a\\ b",
            "x\ty",
            r"'a\b' \\c",
            "a ;;",
            "exit=3",
            *(("it's",) if self.random.random() < 0.1 else ()),
        )

    def service_line(self, number: int) -> str:
        key = self.one_of(*OF_SERVICE, "interval", "monitor")
        values = {
            "monitor": lambda: f"{self.one_of('x.monitor', 'y.monitor')} {self.arguments()}",
            "redistribute": lambda: "r.alert",
            "allow_empty_group": lambda: "", "description": lambda: self.one_of("", "a  b", "# c", "x = y"),
            "unack_summary": lambda: self.one_of("yes", "n", "1", "0", "Y"),
            "dep_behavior": lambda: self.one_of("a", "m", "hm", "a"),
            "exclude_hosts": lambda: self.one_of("a1", "a1  b1"),
            "exclude_period": lambda: self.one_of("hr {3}", "wd {Sun}, hr {1-2}"),
        }  # fmt: skip
        if key.endswith("depend") and not number:
            return "randskew 1s"  # no rings
        if key.endswith("depend"):
            return f"{key} {self.one_of('SELF:s0', 'g0:s0', '! g0:s0', 'SELF:s0 && g0:s0')}"
        return f"{key} {values.get(key, self.time)()}"

    def period_line(self) -> str:
        key = self.one_of(*OF_PERIOD, "alert", "alert")
        if key.endswith("alert"):
            return f"{key} {self.one_of('', '', 'exit=1-9 ', 'exit=2 ')}{self.one_of('m.alert', 'p.alert')} {self.arguments()}"
        values = {
            "alertevery": f"{self.time()} {self.one_of('', 'strict', 'observe_detail', 'IGNORE_SUMMARY', 'summary')}",
            "alertafter": self.one_of("3", "2 30m", "90s", "1h", "9 1m", "1d", "3 x"),
            "numalerts": self.one_of("0", "5", "x"), "alertexitrange": self.one_of("1-3", "2", "x"),
            "upalertafter": self.time(),
        }  # fmt: skip
        return f"{key} {values.get(key, '')}"

    def lines(self) -> list[str]:
        lines = ["maxprocs = 3", "dep_behavior=m", "dep_memory = 5m", "unack_summary = y"]
        lines = [one for one in lines if self.random.random() < 0.3]
        for number in range(self.random.randrange(3)):
            lines += ["", f"hostgroup g{number} {self.one_of('a1 b1', 'a1 *b1', 'c1')}"]
            lines += [self.one_of("  d1 e1", "# no", "  d2")] * self.random.randrange(2)
        for number in range(1 + self.random.randrange(2)):
            lines += ["", f"watch g{number}"]
            for service in range(1 + self.random.randrange(3)):
                lines += [f"  service s{service}", "    interval 1m", "    monitor x.monitor"]
                lines += [f"    {self.one_of('ENV=x', '_B=', 'C=a  b')}"] * self.random.randrange(2)
                lines += [
                    f"    {self.service_line(service)}" for _ in range(self.random.randrange(3))
                ]
                for label in range(self.random.randrange(3)):
                    tag = self.one_of("", f"p{label}: ", f"p{label}  :")
                    lines.append(
                        f"    period {tag}{self.one_of('wd {Sun-Sat}', 'hr {9am-5pm}', '', 'wd {Mon} hr {1-3}, wd {Sat}')}"
                    )
                    lines += [
                        f"      {self.period_line()}" for _ in range(self.random.randrange(4))
                    ]
        return lines

    def text(self) -> str:
        lines = self.lines()
        for _ in range(self.random.choice((0, 0, 0, 0, 1, 2))):  # something that may be wrong
            at = self.random.randrange(len(lines))
            lines[at] = self.one_of("", "# x", lines[at][:-1], lines[at] + " z", "service", "zzz", "period", "alias a", "view v g0", "hostgroup h", "watch g0")  # fmt: skip
        for _ in range(self.random.randrange(3)):  # a line that goes on
            at = self.random.randrange(len(lines))
            left, space, right = lines[at].partition(" ")
            lines[at] = (
                f"{left}{space}\\{self.one_of('', '  ')}\n{self.one_of('', '# c', '  ')}{right}"
            )
        return "\n".join(lines) + self.one_of("\n", "")


def seconds(value: Any) -> float | None:
    return None if value is None else value.seconds


def of_service(one: WatchedService, group: str) -> dict[str, Any]:
    """Return what mon keeps of a service, of ours."""
    words = shlex.split(one.parameters)
    return {
        "interval": seconds(one.interval), "failure_interval": seconds(one.failure_interval),
        "randskew": seconds(one.random_skew) or 0, "traptimeout": seconds(one.trap_timeout),
        "trapduration": seconds(one.trap_duration), "dep_memory": seconds(one.depend_memory) or 0,
        "description": one.description, "exclude": sorted(one.exclude_hosts),
        "exclude_period": str(one.exclude_period or ""), "env": dict(one.environment),
        "monitor": [one.monitor.rpartition("/")[2], *words] if one.monitor else None,
        "a": str(one.alert_depend or "").replace("SELF:", f"{group}:"),
        "m": str(one.monitor_depend or "").replace("SELF:", f"{group}:"),
        "hm": str(one.host_depend or "").replace("SELF:", f"{group}:"),
        "periods": {str(period.label or period.shown): of_period(period) for period in one.periods},
        "unack_summary": int(one.unack_summary), "redistribute": one.redistribute.rpartition("/")[2],
    }  # fmt: skip


def of_period(period: AlertPeriod) -> dict[str, Any]:
    every, after = period.alert_every, period.alert_after
    return {
        "period": period.shown, "every": every.pause.seconds if every else 0,
        "repeat": every.repeat.value if every else "",
        "after": (after.failures, seconds(after.within)) if after else (None, None),
        "up": seconds(period.up_alert_after), "max": period.max_alerts or 0, "no_comp": int(period.no_comp_alerts),
        "alerts": {
            kind: [
                ([f"exit={one.exit}"] if one.exit else []) + [one.program.rpartition("/")[2], *shlex.split(one.parameters)]
                for one in period.alerts if one.run is run
            ]
            for kind, run in KINDS.items()
        },
    }  # fmt: skip


def mons_service(said: dict[str, Any]) -> dict[str, Any]:
    """Return the same of mon's."""
    needs = {
        "a": said.get("alertdepend", ""),
        "m": said.get("monitordepend", ""),
        "hm": said.get("hostdepend", ""),
    }
    if said.get("depend"):
        needs[said["dep_behavior"]] = said["depend"]
    keys = ("interval", "failure_interval", "randskew", "traptimeout", "trapduration", "dep_memory")
    return {
        **{key: None if said.get(key) is None else float(said[key]) for key in keys},
        "description": said.get("description", ""), "exclude": said["exclude"],
        "exclude_period": said["exclude_period"], "env": said["env"], "monitor": said.get("monitor"), **needs,
        "periods": {tag: mons_period(one) for tag, one in said.get("periods", {}).items()},
        "unack_summary": int(said["unack_summary"]), "redistribute": said["redistribute"],
    }  # fmt: skip


def mons_period(said: dict[str, Any]) -> dict[str, Any]:
    repeats = {
        "_observe_detail": "observe_detail",
        "_alertevery_strict": "strict",
        "_ignore_summary": "ignore_summary",
    }
    failures = said.get("alertafter") or said.get("alertafter_consec")
    within = said.get("alertafterival")
    codes = said.get("alertexitrange")
    alerts = {kind: said[kind] for kind in KINDS}
    alerts["startupalerts"] = [one for one in alerts["startupalerts"] if "exit=" not in one[0]]
    if codes:
        alerts["alerts"] = [one for each in alerts["alerts"] if (one := in_range(each, codes))]
    return {
        "period": said["period"], "every": float(said["alertevery"]),
        "repeat": next((word for key, word in repeats.items() if said.get(key)), ""),
        "after": (int(failures) if failures else None, float(within) if within else None),
        "up": float(said["upalertafter"]) if "upalertafter" in said else None,
        "max": int(said["numalerts"]), "no_comp": int(said["no_comp_alerts"]), "alerts": alerts,
    }  # fmt: skip


def in_range(alert: list[str], codes: str) -> list[str]:
    """Return an alert with the codes that both it and its period allow."""

    def ends(text: str) -> tuple[int, int]:
        low, _, high = text.partition("-")
        return int(low), int(high or low)

    own = alert[0].startswith("exit=")
    low, high = ends(codes)
    if own:
        first, last = ends(alert[0].removeprefix("exit="))
        low, high = max(low, first), min(high, last)
    if low > high:
        return []
    both = str(low) if low == high else f"{low}-{high}"
    return [f"exit={both}", *(alert[1:] if own else alert)]


def written(into: Path, texts: list[str]) -> list[Path]:
    files = [into / f"{number}.cf" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return files


def test_random_files_are_read_as_mon_reads_them(mon, tmp_path):
    writer = Writer(20260101)
    texts = [writer.text() for _ in range(FILES)]
    said = mon.reads(written(tmp_path, texts))
    same = refused = stricter = 0
    for text, theirs in zip(texts, said, strict=True):
        try:
            ours = read(text)
        except InvalidInput:
            refused += bool(theirs["error"])
            stricter += not theirs["error"]
            continue
        if "unack_summary value ''" in theirs["error"]:
            continue  # its manual allows it
        if "alertafter not sensible" in theirs["error"] and "failure_interval" in text:
            continue  # while it fails it is checked more often, which mon does not look at
        assert theirs["error"] == "", f"mon refuses what we take: {theirs['error']}\n{text}"
        for one in ours.watch.services:
            mine = of_service(one, str(one.group))
            assert mine == mons_service(theirs["services"][str(one.ref)]), text
        for group in ours.watch.groups:
            hosts = [f"*{one}" if one in group.disabled_hosts else one for one in group.hosts]
            assert hosts == theirs["groups"][str(group.name)], text
        lost = set(theirs["services"]) - {str(one.ref) for one in ours.watch.services}
        told = " ".join(one.text for one in ours.reports)
        assert all("service {1} of {0},".format(*one.split(":")) in told for one in lost), text
        same += 1
    assert same > FILES / 4
    assert refused > FILES / 10
    assert stricter < FILES / 2


def test_mon_reads_what_we_write(mon, tmp_path):
    lists = [default_watch_list()]
    find_settings = settings(
        max_examples=LISTS, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )

    def keep(watch: object) -> bool:
        lists.append(watch)
        return len(lists) > LISTS

    find(watch_lists(), keep, settings=find_settings)
    texts = [write(one, MACHINES.heads).text for one in lists]
    for watch, text, theirs in zip(lists, texts, mon.reads(written(tmp_path, texts)), strict=True):
        assert theirs["error"] == "", f"{theirs['error']}\n{text}"
        assert set(theirs["services"]) == {str(one.ref) for one in watch.services}
        for one in watch.services:
            if one.monitor:
                expected = [one.monitor, *shlex.split(one.parameters)]
                assert theirs["services"][str(one.ref)]["monitor"] == expected, text


def test_the_manual_names_nothing_that_we_do_not_know(mon):
    manual = gzip.decompress((mon.root / "usr/share/man/man8/mon.8.gz").read_bytes()).decode(
        "latin-1"
    )
    configuration = manual[
        manual.index("CONFIGURATION FILE") : manual.index("AUTHENTICATION CONFIGURATION")
    ]
    named = re.findall(r'^\.B[IR]* "?([a-z_]+)(?: =|[ "\n])', configuration, re.MULTILINE)
    known = {*LEFT, *USED, *OF_SERVICE, *OF_PERIOD, "service", "period", "exit"}
    assert len(set(named)) > 45
    assert sorted(set(named) - known) == OTHER_WORDS.split()


def test_the_files_of_the_package_are_those_of_our_tests(mon):
    ours = Path(__file__).parents[1] / "golden" / "moncf"
    examples = mon.root / "usr/share/doc/mon/examples"
    assert (ours / "debian.cf").read_bytes() == (mon.root / "etc/mon/mon.cf").read_bytes()
    assert (ours / "very-simple.cf").read_bytes() == (examples / "very-simple.cf").read_bytes()
    for name in ("example.cf", "example.m4"):
        assert (ours / name).read_bytes() == gzip.decompress((examples / f"{name}.gz").read_bytes())
