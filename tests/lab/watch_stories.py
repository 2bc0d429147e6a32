"""Services that together need every rule of mon, and what their monitors find, call by call."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

SPAN = "1h"  # longer than any test


@dataclass(frozen=True)
class Story:
    """One service: the lines of its mon.cf, and what its monitor finds; then it is well."""

    name: str
    lines: tuple[str, ...]
    found: tuple[
        str, ...
    ] = ()  # "ok", "a1+b1" (its summary), "3=a1" (with that code), "a1/x" (detail)
    group: str = "g"

    @property
    def key(self) -> str:
        return f"{self.group}.{self.name}"

    def script(self) -> str:
        """Return a line for each call: code|summary|detail."""
        return "".join(_line(one) for one in self.found)


def _line(one: str) -> str:
    if one == "ok":
        return "0|fine|\n"
    code, equals, rest = one.partition("=")
    summary, _, detail = (rest if equals else one).partition("/")
    return f"{code if equals else 1}|{summary.replace('+', ' ')}|{detail}\n"


def story(name: str, lines: str, found: str, group: str = "g", period: str = "period p: ") -> Story:
    """Return a service with alerts up and down; ``lines`` are parted by semicolons, those after
    an @ belong to its period; ``a1*3`` means three times."""
    own, _, more = lines.partition("@")
    calls: list[str] = []
    for one in found.split():
        what, _, times = one.partition("*")
        calls += [what] * int(times or 1)
    head = [f"service {name}", "interval 1s", "monitor scripted.monitor"]
    if "interval" in own.split():
        del head[1]
    of_period = [one.strip() for one in more.split(";") if one.strip()]
    if "alert" not in more.split():
        of_period += ["alert rec.alert down"]
    if "noup" in of_period:
        of_period.remove("noup")
    else:
        of_period += ["upalert rec.alert up"]
    body = [one.strip() for one in own.split(";") if one.strip()]
    return Story(name, (*head, *body, period, *of_period), tuple(calls), group)


def today_and_tomorrow() -> str:
    """Return two days of the week, for a period that is in force during the test."""
    now = datetime.now().astimezone()
    return f"{now:%a} {now + timedelta(days=1):%a}"


def rules() -> list[Story]:
    """Return a service for each rule."""
    return [
        story("plain", "", "ok a1 a1 a1+b1 ok ok b1 ok"),
        story("no_up", "@noup", "ok a1 a1 ok b1 ok"),
        story("every", f"@alertevery {SPAN}", "ok a1 a1 a1+b1 a1+b1/x ok a1 a1 ok"),
        story("every_detail", f"@alertevery {SPAN} observe_detail", "ok a1/x a1/x a1/y a1/y b1/y ok"),
        story("every_strict", f"@alertevery {SPAN} strict", "a1 b1 ok a1 b1 ok"),
        story("every_ignoring", f"@alertevery {SPAN} ignore_summary", "a1 b1 ok a1 b1 ok"),
        story("every_pause", "@alertevery 3s; numalerts 2", "ok a1*8 ok"),
        story("after_number", "@alertafter 3", "a1 a1 ok a1 a1 a1 b1 ok"),
        story("after_time", "@alertafter 3s; numalerts 1", "ok a1*7 ok a1 ok"),
        story("after_both", f"@alertafter 3 {SPAN}", "a1 a1 ok a1 a1 ok a1 a1 b1 b1 ok"),
        story("number", "@numalerts 2", "ok a1 b1 a1 a1 ok a1 ok"),
        story("uncompensated", "@no_comp_alerts; alertafter 3", "a1 ok a1 ok a1 a1 a1 ok a1 ok"),
        story("at_start", "@startupalert rec.alert start", "ok a1 ok"),
        story("failing_at_start", "@startupalert rec.alert start; numalerts 1", "a1 b1 ok a1 ok"),
        story("exit_alerts", "@alert exit=1-2 rec.alert low; alert exit=3-9 rec.alert high", "1=a1 3=a1 5=b1 2=a1 20=a1 ok 20=a1 ok"),
        story("exit_range", "@alertexitrange 3-9", "1=a1 3=a1 9=b1 10=a1 ok 1=a1 ok"),
        story("empty", f"@alertevery {SPAN}", "ok 1= 1= 1=a1 1= ok"),
        story("periods", f"@alertevery {SPAN}; alert rec.alert first; period q: wd {{Sun-Sat}}; alertafter 3; alert rec.alert second; upalert rec.alert secondup; period r: none; alert rec.alert never", "a1 a1 ok a1 a1 b1 b1 ok"),
        story("slower", "interval 1s; failure_interval 3s", "ok a1 a1 b1 ok"),
        story("skewed", "interval 2s; randskew 1s", "ok a1 b1 ok"),
        story("without_hosts", "exclude_hosts b1", "ok HOSTS HOSTS ok"),
        story("excluded", f"exclude_period wd {{{today_and_tomorrow()}}}", "a1 a1"),
        story("parent", "@noup; numalerts 1", "ok ok a1*5 ok*4"),
        story("child_alert", "depend SELF:parent", "ok*4 b1 ok*5 b1 b1 ok"),
        story("steady", "", "ok*9"),
        story("child_or", "depend SELF:parent || SELF:steady", "ok*4 b1 ok*4 b1 ok"),
        story("child_and", "depend SELF:steady && ! SELF:parent", "ok*4 b1 ok*5 b1 b1 ok"),
        story("child_monitor", "depend SELF:parent; dep_behavior m", "ok b1 a1 ok b1 ok"),
        story("child_monitor2", "monitordepend SELF:parent", "ok b1 ok"),
        story("child_host", f"depend g:parent; dep_behavior hm@alertevery {SPAN}", "HOSTS*11 ok", "h"),
        story("told", "redistribute rec.alert", "ok a1 a1 b1 ok ok"),
        story("known", f"@alertevery {SPAN}", "ok a1*6 a1+b1 ok a1 ok", "k"),
        story("known_until", f"unack_summary yes@alertevery {SPAN}", "ok a1*6 a1+b1 ok a1 ok", "k"),
    ]  # fmt: skip


def differing() -> list[Story]:
    """Return services for what mon 1.3.6 reads and does not do."""
    return [
        story("old", "dep_memory 1h@noup", "ok a1 ok", "m"),
        story("remembering", "depend SELF:old; dep_memory 1h@noup", "ok*7 b1 ok", "m"),
        story("short", "@upalertafter 1h", "ok a1 ok", "m"),
    ]


def reporting() -> list[Story]:
    """Return services that report by themselves."""
    lines = ("period p: ", "alert rec.alert down", "upalert rec.alert up")
    return [
        Story("trap", ("service trap", "traptimeout 1h", *lines), group="t"),
        Story("passing", ("service passing", "traptimeout 1h", "trapduration 2s", *lines), group="t"),
        Story("silent", ("service silent", "traptimeout 2s", *lines, "numalerts 2"), group="t"),
    ]  # fmt: skip


def random_stories(count: int, calls: int, seed: int) -> list[Story]:
    """Return services with any rules that do not depend on the length of a check."""
    chance = random.Random(seed)

    def sometimes(share: float, *choices: str) -> list[str]:
        return [chance.choice(choices)] if chance.random() < share else []

    found = []
    for number in range(count):
        lines = [f"service r{number}", "interval 1s", "monitor scripted.monitor"]
        lines += sometimes(0.3, "unack_summary yes") + sometimes(0.2, "failure_interval 2s")
        for label in "pq"[: chance.choice((1, 1, 2))]:
            lines += [f"period {label}: ", f"alert rec.alert {label}down"]
            lines += sometimes(0.6, *(f"alertevery {SPAN}{how}" for how in ("", " strict", " observe_detail", " ignore_summary")))  # fmt: skip
            lines += sometimes(0.5, "alertafter 2", "alertafter 3", f"alertafter 3 {SPAN}")
            lines += sometimes(0.3, "numalerts 1", "numalerts 2") + sometimes(0.2, "no_comp_alerts")
            lines += sometimes(0.2, f"alert exit=2-3 rec.alert {label}exit")
            lines += sometimes(0.7, f"upalert rec.alert {label}up")
            lines += sometimes(0.2, f"startupalert rec.alert {label}start")
        script, last = [], "ok"
        for _ in range(calls):
            if chance.random() < 0.5:
                last = chance.choice(("ok", "ok", "a1", "a1+b1", "2=a1", "3=b1/x", "a1/x", "1="))
            script.append(last)
        found.append(Story(f"r{number}", tuple(lines), (*script, "ok"), "r"))
    return found


def mon_cf(stories: list[Story]) -> str:
    """Return the file for all of them."""
    groups = dict.fromkeys(one.group for one in stories)
    lines = ["serverbind = 127.0.0.1", "trapbind = 127.0.0.1", ""]
    lines += [f"hostgroup {group} a1 b1 *c1\n" for group in groups]
    for group in groups:
        lines += [f"watch {group}"]
        lines += [line for one in stories if one.group == group for line in one.lines]
        lines += [""]
    return "\n".join(lines) + "\n"
