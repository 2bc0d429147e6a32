"""Random watch lists that a site file accepts, and what of them a mon.cf need not keep."""

import shlex
from dataclasses import replace

from hypothesis import strategies as st

from backend.model.names import PeriodName, WatchName
from backend.model.periods import Period
from backend.model.recovery import Escalation, Failures, Recovery, RecoveryKind
from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    DefinedPeriod,
    HostGroup,
    RunWhen,
    WatchedService,
    WatchList,
)
from backend.model.watchlist_checks import Machines, problems
from backend.model.watchlist_depend import Dependency
from backend.model.watchlist_values import AlertAfter, AlertEvery, Duration, ExitCodes, Repeat
from backend.reports import Severity

MACHINES = Machines(("head1", "head2"), ("node01",))
GROUPS = ("G", "web-servers", "a.b", "default")
SERVICES = ("ping", "s1", "disk.full", "x_y")
HOSTS = ("head1", "node01", "www.example.org", "10.0.0.7")
WHENS = (
    "wd {Sun-Sat}", "wd {Mon-Fri} hr {9am-5pm}", "hr {22-6}, wd {Sat Sun}", "yr {2030}", "none",
    "wd\t{Mon}\n hr {1}", "min {0-9}",
)  # fmt: skip
WORDS = (
    "-t",
    "60",
    "a b",
    "it's",
    'say "x"',
    "back\\slash",
    "\\",
    ";;",
    "ü",
    "#",
    "exit=3",
    "",
    "$(x)",
    "a;;",
)
LINES = (
    "x",
    "the web, of course",
    "ends so\\",
    "# no comment",
    "= 3",
    "ü \u20ac",
    "a = b",
    "period x",
)
NAMES = ("day", "none", "period", "_x1")


def durations() -> st.SearchStrategy[Duration]:
    seconds = st.one_of(
        st.integers(1, 31_622_400), st.sampled_from((1.5, 604_800, 86_400, 5400, 59.25))
    )
    return seconds.map(lambda one: Duration(float(one)))


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.none(), strategy)


def periods() -> st.SearchStrategy[Period]:
    return st.sampled_from(WHENS).map(Period.parse)


def parameters() -> st.SearchStrategy[str]:
    quoted = st.lists(st.sampled_from(WORDS), max_size=4).map(shlex.join)
    odd = st.sampled_from(
        ("'a\\b'", '"a\\b" c', "a\\ b", "x  y", "-p 22 ;;", '"it\'s"', "a'b'\"c\"")
    )
    return st.one_of(quoted, odd)


def alerts() -> st.SearchStrategy[Alert]:
    codes = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(
        lambda one: ExitCodes(min(one), max(one))
    )
    return st.builds(
        Alert, st.sampled_from(("mail", "mail.alert", "/opt/a/page", "syslog")), st.sampled_from(RunWhen),
        parameters(), maybe(codes),
    )  # fmt: skip


@st.composite
def alert_periods(draw: st.DrawFn, names: list[str]) -> AlertPeriod:
    defined = PeriodName(draw(st.sampled_from(names))) if names and draw(st.booleans()) else None
    after = maybe(st.builds(AlertAfter, st.integers(1, 9), maybe(durations())))
    return AlertPeriod(
        when=draw(maybe(periods())) if defined is None else None,
        defined=defined,
        label=draw(maybe(st.sampled_from(NAMES).map(PeriodName))),
        alerts=tuple(draw(st.lists(alerts(), max_size=3))),
        alert_every=draw(maybe(st.builds(AlertEvery, durations(), st.sampled_from(Repeat)))),
        alert_after=draw(st.one_of(after, durations().map(lambda one: AlertAfter(None, one)))),
        max_alerts=draw(maybe(st.integers(1, 10_000))),
        up_alert_after=draw(maybe(durations())),
        no_comp_alerts=draw(st.booleans()),
    )


def recoveries() -> st.SearchStrategy[Recovery]:
    values = st.sampled_from(("x.service", "/opt/a/b restart", 'it\'s "so"', ""))
    options = st.dictionaries(st.sampled_from(("unit", "start", "agent", "x.y")), values)
    checks = st.tuples(st.integers(1, 100), st.integers(1, 100)).map(sorted)
    return st.builds(
        Recovery, st.sampled_from(RecoveryKind), options.map(lambda one: tuple(one.items())),
        checks.map(lambda one: Failures(*one)), st.integers(0, 100), durations(), durations(),
        durations(), st.sampled_from(Escalation), st.booleans(),
    )  # fmt: skip


@st.composite
def services(
    draw: st.DrawFn, group: str, name: str, refs: list[str], names: list[str]
) -> WatchedService:
    need = st.one_of(
        st.sampled_from(refs), st.sampled_from(refs).map(lambda one: f"! ({one})"),
        st.lists(st.sampled_from(refs), min_size=2, max_size=2).map(" ".join),
        st.lists(st.sampled_from(refs), min_size=2, max_size=3).map(" or ".join),
    ).map(Dependency.parse)  # fmt: skip
    monitor = draw(
        st.sampled_from(
            ("", "tcp", "ping.monitor", "/opt/m/x", "check_load", "ocf:heartbeat:IPaddr2")
        )
    )
    env = st.dictionaries(
        st.sampled_from(("A", "SNMP_V")), st.sampled_from(("", "2c", " x", "y\\", "a=b 'c'"))
    )
    return WatchedService(
        WatchName(group), WatchName(name), monitor,
        draw(parameters()) if monitor else "",
        draw(durations()), draw(maybe(durations())), draw(st.sampled_from(("", *LINES))),
        draw(st.booleans()), None, draw(maybe(need)), draw(maybe(need)), draw(maybe(need)),
        draw(maybe(durations())), tuple(draw(st.lists(st.sampled_from(HOSTS), max_size=1))),
        draw(maybe(periods())), draw(durations()), draw(maybe(durations())),
        draw(st.sampled_from(("", "trap.alert -H 10.0.0.9", "/opt/a/b 'c d\\'"))), draw(st.booleans()),
        tuple(draw(env).items()), tuple(draw(st.lists(alert_periods(names), max_size=3))),
        draw(maybe(durations())), draw(maybe(recoveries())),
    )  # fmt: skip


@st.composite
def watch_lists(draw: st.DrawFn) -> WatchList:
    """Return lists without mistakes: what the checks find wrong is taken out again."""
    groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, unique=True))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
    pairs = [
        (one, name)
        for one in groups
        for name in draw(st.lists(st.sampled_from(SERVICES), unique=True))
    ]
    refs = [f"{one}:{name}" for one, name in pairs] + [f"SELF:{name}" for _, name in pairs]
    hosts = st.lists(st.sampled_from(HOSTS), unique=True, max_size=3).map(tuple)
    made = WatchList(
        tuple(
            HostGroup(WatchName(one), draw(hosts), draw(st.booleans()), draw(hosts))
            for one in groups
        ),
        tuple(DefinedPeriod(PeriodName(one), draw(periods())) for one in names),
        tuple(draw(services(one, name, refs, names)) for one, name in pairs),
    )
    return sound(made)


def sound(watch: WatchList) -> WatchList:
    """Return a list without what is wrong in it."""
    while True:
        wrong = [one for one in problems(watch, MACHINES) if one.severity is Severity.ERROR]
        if not wrong:
            return watch
        path = wrong[0].path
        number = int(path[1])
        kept = list(watch.services)
        if path[2] == "period":
            left = tuple(one for at, one in enumerate(kept[number].periods) if at != path[3])
            kept[number] = replace(kept[number], periods=left)
        elif path[2] == "recovery_options":
            recovery = replace(kept[number].recovery, options=())
            kept[number] = replace(kept[number], recovery=recovery)
        elif path[2].endswith("_depend") or path[2] in ("exclude_period", "exclude_hosts"):
            empty = () if path[2] == "exclude_hosts" else None
            kept[number] = replace(kept[number], **{path[2]: empty})
        else:
            kept.pop(number)
        watch = replace(watch, services=tuple(kept))


def normal(watch: WatchList) -> WatchList:
    """Return a list in which all that means the same is written the same."""
    order = {one.name: number for number, one in enumerate(watch.groups)}
    return replace(
        watch,
        periods=tuple(replace(one, when=_period(one.when)) for one in watch.periods),
        services=tuple(
            _service(one) for one in sorted(watch.services, key=lambda one: order[one.group])
        ),
    )


def _service(service: WatchedService) -> WatchedService:
    return replace(
        service,
        parameters=_words(service.parameters),
        redistribute=_words(service.redistribute),
        alert_depend=_list(service.alert_depend),
        monitor_depend=_list(service.monitor_depend),
        exclude_period=_period(service.exclude_period) if service.exclude_period else None,
        periods=tuple(
            replace(
                one, when=_period(one.when) if one.when and str(one.when) else None,
                alerts=tuple(replace(a, parameters=_words(a.parameters)) for a in one.alerts),
            )
            for one in service.periods
        ),
    )  # fmt: skip


def _words(text: str) -> str:
    return shlex.join(shlex.split(text))


def _period(period: Period) -> Period:
    return Period.parse(" ".join(str(period).split()))


def _list(need: Dependency | None) -> Dependency | None:
    """Return an expression; a list of services is those services joined by and."""
    if need is None or any(one in need.text for one in ("&&", "||", "!", " or ", " and ")):
        return need
    return Dependency.parse(" && ".join(need.text.split()))
