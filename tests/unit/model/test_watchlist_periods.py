"""Periods are Time::Period's: the cases that matter by name, and a great many against Perl itself."""

import os
import random
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.model.periods import LONGEST, Period
from backend.periods import always_matches, can_match, next_change


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


SUNDAY = at("2026-11-22T10:00:00")
MONDAY = at("2026-11-23T09:30:15")


def matches(text: str, when: datetime = SUNDAY) -> bool:
    return Period.parse(text).contains(when)


@pytest.mark.parametrize(
    ("text", "when", "match"),
    [
        ("", SUNDAY, True),
        ("  \t", SUNDAY, True),
        ("none", SUNDAY, False),
        (" NONE ", SUNDAY, False),
        (",", SUNDAY, False),
        ("wd {Sun-Sat}", SUNDAY, True),
        ("wd {Mon-Fri} hr {9am-5pm}", SUNDAY, False),
        ("wd {Mon-Fri} hr {9am-5pm}", MONDAY, True),
        ("wd{mon}hr{9am-4pm}", MONDAY, True),
        ("WDAY { MON - FRI } HOUR { 9AM - 5PM }", MONDAY, True),
        ("hr {9am-5pm}", MONDAY.replace(hour=17, minute=59), True),  # the last hour belongs to it
        ("hr {9am-5pm}", MONDAY.replace(hour=18), False),
        ("wd {Fri-Mon}", SUNDAY, True),  # over the end of the week
        ("wd {Fri-Mon}", at("2026-11-25"), False),
        ("wd {1}", SUNDAY, True),  # Sunday is the first day
        ("wd {7}", at("2026-11-21"), True),
        ("wd {su}", SUNDAY, True),
        ("wd {Mon Wed Fri}", at("2026-11-25"), True),
        ("wd {Mon} wd {Sun}", SUNDAY, True),  # one scale twice is both
        ("wd {}", SUNDAY, False),
        ("hr {12am}", at("2026-01-01T00:00:00"), True),
        ("hr {12pm}", at("2026-01-01T12:00:00"), True),
        ("hr {12noon}", at("2026-01-01T12:00:00"), True),
        ("hr {13am}", at("2026-01-01T13:00:00"), True),  # Perl lets it pass
        ("hr {22-4}", at("2026-01-01T03:00:00"), True),
        ("min {50-10} sec {0-29}", MONDAY.replace(minute=5), True),
        ("mo {Nov-Feb}", at("2026-01-15"), True),
        ("mo {11}", SUNDAY, True),
        ("mo {janitor}", at("2026-01-15"), True),
        ("md {22} mo {november}", SUNDAY, True),
        ("md {28-3}", at("2026-03-01"), True),
        ("yd {326}", SUNDAY, True),
        ("yd {360-5}", at("2026-01-03"), True),
        ("yd {326th}", SUNDAY, True),  # Perl takes the number that it begins with
        ("yd {3.26e2}", SUNDAY, True),
        ("yd {326.00000000000001}", SUNDAY, True),
        ("yd {12.00000000000001}", at("2026-01-12"), False),
        ("wk {1}", at("2026-11-07"), True),  # a Saturday
        ("wk {2}", at("2026-11-08"), True),
        ("wk {6}", at("2026-05-31"), True),
        ("yr {2026}", SUNDAY, True),
        ("yr {26}", SUNDAY, True),
        ("yr {99}", SUNDAY, False),  # 2099
        ("yr {98-2}", SUNDAY, True),  # 2002 to 2098
        ("yr {2030-2020}", SUNDAY, True),
        ("wd {Mon}, wd {Sun}", SUNDAY, True),
        ("wd {Mon} , hr {3},", SUNDAY, False),
        ("wd {mon-tue-fri}", MONDAY, True),  # the last hyphen parts it
    ],
)
def test_what_is_in_force(text, when, match):
    assert matches(text, when) is match


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wd", "no period"),
        ("wd {Mon", "no period"),
        ("wd Mon}", "no period"),
        ("wd {{Mon}}", "no period"),
        ("{Mon}", "no scale"),
        ("x {1}", "no scale"),
        ("weekday {Mon}", "no scale"),
        ("w d {Mon}", "no scale"),
        ("wd {Xyz}", "day of the week"),
        ("wd {8}", "day of the week"),
        ("wd {0}", "day of the week"),
        ("wd {-}", "no range"),
        ("wd {Mon-}", "no range"),
        ("mo {13}", "month"),
        ("md {32}", "day of the month"),
        ("md {1st}", "day of the month"),
        ("yd {367}", "day of the year"),
        ("yd {1.5}", "day of the year"),
        ("hr {24}", "hour"),
        ("hr {13pm}", "hour"),
        ("hr {11noon}", "hour"),
        ("hr {noon}", "hour"),
        ("min {60}", "minute"),
        ("yr {1969}", "before 1970"),
        ("yr {100}", "before 1970"),
        ("wk {7}", "week"),
        ("min {" + "9" * 5000 + "}", "characters"),
        ("min {" + "9" * 50 + "}", "minute"),
    ],
)
def test_what_is_malformed_is_refused_with_its_reason(text, said):
    with pytest.raises(InvalidInput) as caught:
        Period.parse(text)
    (report,) = caught.value.reports
    assert said in report.text
    assert report.remedy
    assert str(report).isprintable()
    assert len(str(report)) < 300


def test_all_malformed_parts_are_said_at_once():
    with pytest.raises(InvalidInput) as caught:
        Period.parse("wd {Mon}, wd {Xyz}, hr {99}")
    assert len(caught.value.reports) == 2


def test_a_malformed_part_matters_when_it_is_reached():
    period = Period.read("wd {Mon}, rubbish")
    assert period.contains(MONDAY)
    with pytest.raises(InvalidInput):
        period.contains(SUNDAY)


def test_length_is_limited():
    assert Period.parse("wd {Mon}" + " " * (LONGEST - 8))
    with pytest.raises(InvalidInput):
        Period.read("x" * (LONGEST + 1))


def test_periods_are_equal_by_what_they_say():
    assert Period.parse("wd {Mon}") == Period.parse("wd {Mon}")
    assert Period.parse("wd {Mon}") != Period.parse("wd {mon}")


# --- changes, and what can be at all ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "when", "change"),
    [
        ("wd {Mon-Fri} hr {9am-5pm}", SUNDAY, at("2026-11-23T09:00:00")),
        ("wd {Mon-Fri} hr {9am-5pm}", MONDAY, at("2026-11-23T18:00:00")),
        ("hr {3} min {0-5} sec {7}", at("2026-01-01T03:00:07"), at("2026-01-01T03:00:08")),
        ("mo {feb} md {29} wd {mon}", SUNDAY, at("2044-02-29")),
        ("yr {99}", SUNDAY, at("2099-01-01")),
        ("yr {2026}", SUNDAY, at("2027-01-01")),
        ("md {1-15}, md {16-31}", SUNDAY, None),
        ("", SUNDAY, None),
        ("none", SUNDAY, None),
        ("yr {2001}", SUNDAY, None),
        ("yr {2100} mo {feb} md {29}", SUNDAY, None),
    ],
)
def test_when_it_changes(text, when, change):
    assert next_change(Period.parse(text), when) == change


@pytest.mark.parametrize(
    ("text", "possible", "always"),
    [
        ("wd {Sun-Sat}", True, True),
        ("", True, True),
        ("none", False, False),
        ("md {1-15}, md {16-31}", True, True),
        ("mo {feb} md {30}", False, False),
        ("mo {feb} md {29}", True, False),
        ("mo {feb} wk {6}", False, False),
        ("yr {2100} yd {366}", False, False),
        ("wd {}", False, False),
        ("hr {}", False, False),
        ("mo {jan} yd {40}, hr {3}", True, False),
        ("yr {2001}", True, False),
    ],
)
def test_what_can_be_and_what_always_is(text, possible, always):
    assert can_match(Period.parse(text)) is possible
    assert always_matches(Period.parse(text)) is always


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from((
            "wd {Mon-Fri}", "hr {9am-5pm}", "hr {22-2}", "min {30-40}", "md {1-3}", "mo {dec-jan}", "yd {365}",
            "wk {6}", "yr {2026-2027}", "sec {5}", ", ",
        )),
        max_size=5,
    ).map(" ".join),
    st.datetimes(at("2024-01-01"), at("2029-01-01")),
)  # fmt: skip
def test_nothing_changes_before_the_next_change(text, when):
    try:
        period = Period.parse(text)
    except InvalidInput:
        return
    when = when.replace(microsecond=0)
    now = period.contains(when)
    change = next_change(period, when)
    if change is not None:
        assert period.contains(change) is not now
        assert change > when
    end = min(change or at("9999-12-31"), when + timedelta(days=900))
    span = (end - when) / 97
    for step in range(97):
        assert period.contains(when + step * span) is now
    if end - timedelta(seconds=1) >= when:
        assert period.contains(end - timedelta(seconds=1)) is now


# --- against Perl itself ----------------------------------------------------------------------

PAIRS = 100_000
PERL = (
    "use Time::Period; $| = 1; while (<STDIN>) { chomp; my ($t, $p) = split / /; "
    'print inPeriod($t, pack("H*", $p // "")), "\\n"; }'
)
CODES = {
    "year": "yr", "month": "mo", "week": "wk", "mday": "md", "wday": "wd", "yday": "yd", "hour": "hr",
    "minute": "min", "second": "sec",
}  # fmt: skip
SCALES = (*CODES.values(), *CODES)
ODD = (
    "", "-", "_", "1.0", "1e2", "+5", "12th", "0x10", ".5e1", "inf", "nan", "9" * 20, "00005", "\u00e9", "1_0",
    "a-b", "--", "1-", "-1", "{", "}", "12.00000000000001", "1e-1", "366.", "3.5", "1e400", "\u0663", "janitor",
    "mox", "3x", "1noon", "noon", "12noon", "012am", "13pm", "0am", "0", "13", "32", "60", "367",
)  # fmt: skip
WHOLE = (
    "", "  ", "none", " NONE ", ",", ",,", "none,", "x", "{}", "wd{}", ",wd {mon}", "}{", "}wd{mon",
    "{ } }{", "wd {mon\ntue}", "wd\n{mon}", "wd {mon}\n, hr\t{3}",
)  # fmt: skip


class Writer:
    """Writes periods, most of them right, some wrong in every way there is."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, *what):
        return self.random.choice(what)

    def value(self, code: str) -> str:
        chance = self.random.random()
        if chance < 0.03:
            return self.one_of(*ODD)
        if code == "wd" and chance < 0.7:
            return self.one_of("sun", "Mon", "TUESDAY", "we", "thu", "Fri", "saturday")
        if code == "mo" and chance < 0.7:
            return self.one_of("jan", "February", "mar", "APR", "may", "jun", "jul", "aug", "Dec")
        if code == "hr" and chance < 0.6:
            return f"{self.random.randint(1, 12)}{self.one_of('am', 'pm', 'AM', 'Pm')}"
        if code == "yr":
            return str(self.one_of(self.random.randint(0, 99), self.random.randint(1970, 2099)))
        low, high = {
            "mo": (1, 12), "wk": (1, 6), "yd": (1, 366), "md": (1, 31), "wd": (1, 7), "hr": (0, 23),
            "min": (0, 59), "sec": (0, 59),
        }[code]  # fmt: skip
        return str(self.random.randint(low, high))

    def blank(self) -> str:
        return self.one_of("", "", "", " ", "  ", "\t")

    def range(self, code: str) -> str:
        chance = self.random.random()
        if chance < 0.45:
            return self.value(code)
        if chance < 0.97:
            return f"{self.value(code)}{self.blank()}-{self.blank()}{self.value(code)}"
        return "-".join(self.value(code) for _ in range(3))

    def scale(self) -> str:
        name = self.one_of(*SCALES)
        ranges = " ".join(self.range(CODES.get(name, name)) for _ in range(self.one_of(0, 1, 1, 1, 1, 2, 3)))  # fmt: skip
        if self.random.random() < 0.01:
            name = self.one_of("", "x", "wdd", "weekday", "w d", "hours")
        elif self.random.random() < 0.1:
            name = name.upper()
        return f"{name}{self.blank()}{{{self.blank()}{ranges}{self.blank()}}}"

    def period(self) -> str:
        if self.random.random() < 0.01:
            return self.one_of(*WHOLE)
        parts = [
            self.blank().join(self.scale() for _ in range(self.one_of(1, 1, 2, 2, 3)))
            for _ in range(self.one_of(1, 1, 1, 2, 3))
        ]
        text = f"{self.blank()},{self.blank()}".join(parts)
        if self.random.random() < 0.06:
            place = self.random.randrange(len(text) + 1)
            extra = self.one_of(*"{},- \\xam1\n\f\v", "\x85", "\xa0")
            text = text[:place] + extra + text[place:]
        return text


def answer(text: str, seconds: int) -> str:
    """Return what inPeriod returns."""
    try:
        when = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        return "1" if Period.read(text).contains(when) else "0"
    except InvalidInput:
        return "-1"


@pytest.mark.programs
def test_perl_says_the_same():
    """Needs Perl's Time::Period (Debian: libtime-period-perl); it fails where that is missing."""
    writer = Writer(20260101)
    pairs = [
        (writer.random.randint(0, 4_102_444_800), writer.period()) for _ in range(PAIRS)
    ]  # fmt: skip
    lines = "".join(f"{seconds} {text.encode().hex()}\n" for seconds, text in pairs)
    perl = subprocess.run(
        ["perl", "-e", PERL], input=lines, capture_output=True, text=True, timeout=120,
        env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    assert perl.returncode == 0, f"Is libtime-period-perl installed? {perl.stderr}"
    said = perl.stdout.split()
    assert len(said) == PAIRS
    different = [
        (text, seconds, theirs, ours)
        for (seconds, text), theirs in zip(pairs, said, strict=True)
        if (ours := answer(text, seconds)) != theirs
    ]
    assert different == []
    count = Counter(said)
    assert min(count["1"], count["0"], count["-1"]) > PAIRS / 20  # a test of all three answers
