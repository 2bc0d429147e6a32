"""Healing and the watch processes in the site file: judged, written, and not lost by anybody."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import InvalidInput
from backend.model.recovery import (
    Escalation,
    Failures,
    Monitoring,
    Recovery,
    RecoveryKind,
    parse_options,
    parse_restarts,
)
from backend.model.watchlist import Ref
from backend.model.watchlist_form import read_service, texts_of
from backend.model.watchlist_values import Duration
from backend.moncf.convert import convert
from backend.moncf.write import write
from backend.reports import Severity
from backend.site.draft import Findings, read_draft
from backend.site.render import edited
from backend.site.source import read_toml
from backend.site.store import examine, parse_site
from tests.fakes.mon_lists import MACHINES

FILE = Path("/etc/haoscar/site.toml")
GOOD = """\
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"

[monitoring] # the second process
port = 4749 # not the usual one

[[resource]]
name = "exports"
kind = "unit"
options = { unit = "nfs-server" }

[[host_group]]
name = "G"

[[host_group]]
name = "N"
hosts = ["head1", "x.example"]

[[watch]]
group = "G"
name = "a"
monitor = "tcp"
parameters = "22"
interval = "3s"
limit = "5s" # quick

# how it is healed
[watch.recovery] # with care
kind = "unit" # systemd
options = { unit = "a.service" }
failures = "2 of 3"

[[watch.period]]
when = "wd {Sun-Sat}"

[[watch]]
group = "N"
name = "b"
monitor = "tcp"
parameters = "22"
interval = "3s"
"""
A = Ref.parse("G:a")


def test_a_good_file_says_so():
    assert examine(GOOD, FILE) == ()
    site = parse_site(GOOD, FILE)
    assert site.monitoring == Monitoring(4749)
    service, other = site.watch.services
    assert service.limit == Duration(5.0)
    assert service.recovery == Recovery(
        RecoveryKind.UNIT, (("unit", "a.service"),), Failures(2, 3), 3, Duration(3600.0),
        Duration(3.0), Duration(60.0), Escalation.ALERT, False,
    )  # fmt: skip
    assert (other.recovery, other.limit) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('kind = "unit" #', "#", "[watch.recovery] lacks the key kind"),
        ('kind = "unit" #', 'kind = "magic" #', "kind: 'magic' is none of the choices"),
        ('kind = "unit" #', 'kind = "none" #', "options: Nothing is restarted"),
        ('kind = "unit" #', 'kind = "ocf" #', "options: agent is missing"),
        ('kind = "unit" #', 'kind = "command" #', "options: start is missing"),
        ("a.service", "a b", "options: unit is not of the right form"),
        ("unit = \"a.service\"", "unti = \"a\"", "options: a unit has no unti"),
        ("2 of 3", "3 of 2", "failures: '3 of 2' says not when"),
        ("2 of 3", "0", "failures: '0' says not when"),
        ("failures =", "restarts = 101\nfailures =", "restarts: 101 is not a whole number"),
        ("failures =", 'verify = "0s"\nfailures =', "verify: '0s' is no time"),
        ("failures =", 'escalate = "no"\nfailures =', "escalate: 'no' is none"),
        ("failures =", 'critical = "no"\nfailures =', "critical: 'no' must be true or false"),
        ("failures =", "failres = 1\nfailures =", "Did you mean failures?"),
        ("[watch.recovery]", "[[watch.recovery]]", "[watch.recovery] must be one table"),
        ("4749", "0", "port: 0 is not a whole number"),
        ("port =", 'smtp = "mail"\nport =', "smtp: 'mail' is no server with a port"),
        ("port =", 'mail_from = "a b"\nport =', "mail_from: 'a b' is no mail address"),
        ("port =", 'snmp_file = "snmp"\nport =', "snmp_file: 'snmp' is not a path from the root"),
    ],
)  # fmt: skip
def test_each_problem_is_found(old, new, shown):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    reports = examine(text, FILE)
    assert any(shown in str(one) for one in reports), [str(one) for one in reports]
    found = next(one for one in reports if shown in str(one))
    assert found.severity is Severity.ERROR
    assert found.remedy
    near = {text[: GOOD.index(old) + at].count("\n") + 1 for at in (0, len(new))}
    header = text[: text.index("watch.recovery")].count("\n") + 1
    options = text[: text.index("options = { un", text.index("watch.rec"))].count("\n") + 1
    assert found.place.line in near | {header, options}


def test_resources_must_be_there_and_only_heads_can_be_taken_over():
    told = GOOD.replace('kind = "unit" #', 'kind = "resource" #')
    right = told.replace('unit = "a.service"', 'resource = "exports"')
    assert examine(right, FILE) == ()
    (wrong,) = examine(right.replace('resource = "exports"', 'resource = "exprots"'), FILE)
    assert (wrong.code, wrong.remedy) == ("site.watch-recovery", "Did you mean exports?")
    healed = '\n[watch.recovery]\nkind = "none"\nescalate = "takeover"\ncritical = true\n'
    reports = examine(GOOD + healed, FILE)
    assert [one.severity for one in reports] == [Severity.WARNING] * 2
    assert all("x.example is no head" in one.text for one in reports)
    lines = (GOOD + healed).splitlines()
    assert [lines[one.place.line - 1].split()[0] for one in reports] == ["escalate", "critical"]


def changed(text, **changes):
    """Return a text after a change of the recovery of its first service."""
    site = parse_site(text, FILE)
    service = site.watch.service(A)
    healing = changes.pop("recovery", service.recovery)
    if healing is not None and changes:
        healing = replace(healing, **changes)
    wanted = replace(site, watch=site.watch.with_service(replace(service, recovery=healing)))
    document, where = read_toml(text, FILE)
    new = edited(wanted, text, read_draft(document, Findings(FILE, where)))
    assert new is not None
    assert parse_site(new, FILE) == wanted
    return new


def test_changes_leave_everything_else_as_it_was():
    new = changed(GOOD, failures=Failures(1, 1), critical=True)
    kept = [one for one in GOOD.splitlines() if not one.startswith("failures")]
    added = [one for one in new.splitlines() if one not in GOOD.splitlines()]
    assert [one for one in new.splitlines() if one in kept] == kept
    assert added == ['failures = "1"', "critical = true"] or added == ["critical = true"]


def test_it_can_be_taken_out_and_put_in():
    without = changed(GOOD, recovery=None)
    assert "[watch.recovery]" not in without
    assert 'limit = "5s" # quick' in without
    back = changed(without, recovery=parse_site(GOOD, FILE).watch.service(A).recovery)
    assert back.count("[watch.recovery]") == 1
    assert 'failures = "2 of 3"' in back
    assert changed(back, restarts=0).replace("restarts = 0\n", "") == back


def test_the_second_process_can_be_changed_and_taken_out():
    site = parse_site(GOOD, FILE)
    document, where = read_toml(GOOD, FILE)
    draft = read_draft(document, Findings(FILE, where))
    new = edited(replace(site, monitoring=Monitoring(4749, smtp="mail:25")), GOOD, draft)
    assert "port = 4749 # not the usual one" in new
    assert parse_site(new, FILE).monitoring.smtp == "mail:25"
    gone = edited(replace(site, monitoring=None), GOOD, draft)
    assert parse_site(gone, FILE) == replace(site, monitoring=None)


def test_texts_and_back():
    service = parse_site(GOOD, FILE).watch.service(A)
    texts = texts_of(service)
    assert (texts["recovery_kind"], texts["recovery_failures"]) == ("unit", "2 of 3")
    assert (texts["recovery_options"], texts["recovery_restarts"]) == ("unit=a.service", "")
    assert read_service(texts, ()).recovery == service.recovery
    assert read_service({**texts, "recovery_options": "start='/a b' x.y="}, ()).recovery.options == (
        ("start", "/a b"), ("x.y", ""),
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="Nothing says what restarts the service") as caught:
        read_service({**texts, "recovery_kind": ""}, ())
    assert caught.value.reports[0].place.field == "recovery_kind"
    for wrong in ("unit", "=a", "a b=c", "a=1 a=2", "a='"):
        with pytest.raises(InvalidInput):
            parse_options(wrong)
    for wrong in ("101", "-1", "x", ""):
        with pytest.raises(InvalidInput):
            parse_restarts(wrong)
    assert str(Failures.parse(" 3 ")) == "3"


def test_mon_cf_carries_it_in_comments():
    watch = parse_site(GOOD, FILE).watch
    export = write(watch, ("head1",))
    assert "#haoscar: recovery_options = unit=a.service" in export.text
    assert "#haoscar: limit = 5s" in export.text
    assert ("G:a", "mon cannot: recovery_kind = unit") in export.missing
    back = convert(export.text.encode(), "mon.cf", MACHINES, lambda _path: False)
    assert back.watch == watch
    wrong = export.text.replace("= 2 of 3", "= 9 of 3")
    with pytest.raises(InvalidInput) as caught:
        convert(wrong.encode(), "mon.cf", MACHINES, lambda _path: False)
    line = wrong[: wrong.index("recovery_failures")].count("\n") + 1
    assert [one.place.line for one in caught.value.reports] == [line]
