"""What the alerts say: no output of a monitor becomes a header, a field, a line or a variable."""

import email
import json
import re
from email import policy

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some

from backend.model.watchlist_monitors import ALERT_PLACES, ALERTS
from backend.watch.alerts import checks, mail, program, syslog, trap, webhook
from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY, Outcome, harmless
from backend.watch.settings import DOWN, STARTUP, UP, Alert
from tests.unit.watch.alerts.world import message, service, settings

EVIL = "down\r\nBcc: everybody@example.org\r\n\r\nX\x1b[2J\x00\u202e"
MAIL = Alert("mail", DOWN, ("root", "admin@example.org"))
HOOK = Alert("webhook", DOWN, ("https://chat.example.org/hook",))
WANTED_HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-HAOSCAR-Service",
    "X-HAOSCAR-Event", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip


def parsed(told: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(told.replace(b"\r\n", b"\n"), policy=policy.default)  # type: ignore[return-value]


def test_a_mail_reads_well():
    told = parsed(bytes(mail.build(settings(), message(MAIL))))
    assert told["Subject"] == "DOWN nodes:web: head2"
    assert told["From"] == "root@head1"
    assert told["To"] == "root, admin@example.org"
    assert told["Auto-Submitted"] == "auto-generated"
    body = told.get_content()
    assert body.startswith("nodes:web has failed.\n")
    for part in ("Hosts        : head1 head2", "Failed hosts : head2", "Next alert   : in 3600 s", "connection refused"):  # fmt: skip
        assert part in body


def test_sendmail_gets_the_line_ends_of_the_system():
    built = mail.build(settings(), message(MAIL, detail="a\r\nb\n"))
    assert b"\r" not in mail.for_sendmail(built)
    assert mail.for_sendmail(built) == bytes(built).replace(b"\r\n", b"\n")


def test_an_up_mail_tells_what_is_over():
    up = message(MAIL, UP, detail="refused\n", previous="head2", code=0, outcome=Outcome.OK)  # fmt: skip
    told = parsed(bytes(mail.build(settings(), up)))
    assert told["Subject"] == "UP nodes:web: head2"
    assert told.get_content().startswith("nodes:web works again.\n")
    assert "The last failure was:\n\nhead2\n\nrefused\n" in told.get_content()


def test_an_unknown_result_is_not_called_a_failure():
    told = message(MAIL, outcome=Outcome.UNKNOWN)
    assert mail.subject(told).startswith("UNKNOWN nodes:web")
    assert syslog.severity(told) == syslog.WARNING
    assert trap.build(settings(), told).oid == trap.FAILURE


@examples(max_examples=200)
@given(some.text(max_size=300), some.text(max_size=300))
def test_nothing_that_a_monitor_prints_becomes_a_header(summary, detail):
    evil = message(MAIL, summary=EVIL + summary, detail=EVIL + detail, previous=EVIL)
    told = parsed(bytes(mail.build(settings(), evil)))
    assert set(told.keys()) == WANTED_HEADERS
    assert str(told["To"]) == "root, admin@example.org"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", str(told["Subject"]))
    assert "\x1b" not in told.get_content()
    assert "\x00" not in told.get_content()


@examples(max_examples=100)
@given(some.text(max_size=200), some.text(max_size=200))
def test_every_other_way_stands_any_text(summary, detail):
    evil = message(HOOK, summary=EVIL + summary, detail=EVIL + detail, previous=EVIL)
    told = json.loads(webhook.build(settings(), evil))
    assert "\n" not in told["summary"]
    assert "\x1b" not in told["detail"]
    line = syslog.for_log(evil)
    assert b"\n" not in line
    assert b"\x00" not in line
    assert line.startswith(b"<27>")
    for _, value in trap.build(settings(), evil).values:
        assert len(str(value).encode()) <= trap.LONGEST_FULL
    call = program.build(evil)
    assert all("\0" not in one for one in (*call.arguments, *call.environment.values()))
    assert call.text.decode().split("\n")[0] == harmless(EVIL + summary, LONGEST_SUMMARY)


def test_a_mail_that_is_sent_again_has_the_same_id():
    first = mail.build(settings(), message(MAIL))
    assert first["Message-ID"] == mail.build(settings(), message(MAIL))["Message-ID"]
    assert first["Message-ID"] != mail.build(settings(), message(MAIL, UP))["Message-ID"]
    assert first["Message-ID"] != mail.build(settings(), message(MAIL, wall=1.0))["Message-ID"]


def test_an_up_line_does_not_read_like_a_failure():
    line = syslog.for_log(message(Alert("syslog"), UP, outcome=Outcome.OK))
    assert line.endswith(b"nodes:web works again; the last failure was: head2")


def test_umlauts_and_long_lines_survive():
    told = message(MAIL, summary="Fächer ausgefallen", detail="ü" * 5000)
    again = parsed(bytes(mail.build(settings(), told)))
    assert again["Subject"] == "DOWN nodes:web: Fächer ausgefallen"
    assert "ü" * 5000 in again.get_content().replace("\n", "")
    assert max(len(line) for line in bytes(mail.build(settings(), told)).split(b"\r\n")) <= 998


def test_the_json_is_as_documented():
    told = json.loads(webhook.build(settings(), message(HOOK)))
    assert told == {
        "version": 1, "id": told["id"], "cluster": "beowulf", "head": "head1", "group": "nodes",
        "service": "web", "description": "The web", "event": "down", "outcome": "failed", "code": 1,
        "summary": "head2", "detail": "connection refused\n", "previous_summary": "",
        "hosts": ["head1", "head2"], "failed_hosts": ["head2"], "time": "2025-11-22T08:26:40Z",
        "failed_since": "2025-11-22T08:25:40Z", "next_alert_seconds": 3600.0,
        "text": "nodes:web has failed: head2",
    }  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{24}", told["id"])


def fields(raw: bytes) -> dict[str, str]:
    """Read journald's native protocol, as systemd documents it."""
    found: dict[str, str] = {}
    while raw:
        line, _, rest = raw.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            raw = rest
        else:
            name, size = line, int.from_bytes(rest[:8], "little")
            value, raw = rest[8 : 8 + size], rest[8 + size :]
            assert raw.startswith(b"\n")
            raw = raw[1:]
        found[name.decode()] = value.decode()
    return found


def test_journald_gets_fields_and_none_can_be_smuggled_in():
    evil = "x\nPRIORITY=0\nHAOSCAR_GROUP=other\n"
    told = message(Alert("syslog"), summary=evil, detail=evil)
    found = fields(syslog.for_journal(settings(), told))
    assert found["PRIORITY"] == "3"
    assert found["HAOSCAR_GROUP"] == "nodes"
    assert found["SYSLOG_IDENTIFIER"] == "haoscar-watch"
    assert found["HAOSCAR_DETAIL"] == evil.rstrip()
    assert found["MESSAGE"].startswith("nodes:web has failed: x")


@pytest.mark.parametrize(
    ("run", "facility", "priority"),
    [(DOWN, (), 27), (UP, (), 29), (STARTUP, (), 30), (DOWN, ("local0",), 131)],
)
def test_severity_follows_the_event(run, facility, priority):
    told = syslog.for_log(message(Alert("syslog", run, facility), run))
    assert re.match(rb"<%d>Nov 22 \d\d:26:40 haoscar-watch: nodes:web " % priority, told)


@pytest.mark.parametrize(
    ("run", "oid"), [(DOWN, trap.RISING), (UP, trap.FALLING), (STARTUP, trap.FIRED)]
)
def test_a_trap_has_the_names_of_disman_and_of_extend(run, oid):
    told = trap.build(settings(), message(Alert("snmp-trap", run, ("192.0.2.9",)), run))
    values = dict(told.values)
    assert told.oid == oid
    assert values[trap.TRIGGER] == "nodes:web"
    assert values[trap.TARGET] == "head2"
    token = "9." + ".".join(str(ord(one)) for one in "nodes:web")
    assert values[f"{trap.FIRST_LINE}.{token}"] == "head2"
    assert values[f"{trap.RESULT}.{token}"] == 1


def test_a_long_name_is_no_longer_than_an_oid_may_be():
    long = service("s" * 64, Alert("snmp-trap"), group="g" * 64)
    for oid, _ in trap.build(settings(), message(Alert("snmp-trap"), of=long)).values:
        assert oid.count(".") < 128


@pytest.mark.parametrize(
    ("alert", "part"),
    [
        (("mail",), "no address"),
        (("mail", "-f", "root"), "no mail address"),
        (("mail", "a@b\nBcc: c@d"), "no mail address"),
        (("mail", "a@b,c@d"), "no mail address"),
        (("mail", "a b@c"), "no mail address"),
        (("mail", "a@-b"), "no mail address"),
        (("mail", *["root"] * 51), "more than 50"),
        (("webhook",), "give one address"),
        (("webhook", "https://a/", "https://b/"), "more than one"),
        (("webhook", "https://a/", "--url-file", "/x"), "give one address"),
        (("webhook", "ftp://a/"), "no web address"),
        (("webhook", "https:///x"), "no web address"),
        (("webhook", "https://u:p@a/"), "password"),
        (("webhook", "https://a:99999/"), "no web address"),
        (("webhook", "https://a:0/"), "cannot be"),
        (("webhook", "https://a/\r\nX: y"), "characters"),
        (("webhook", "https://ä/"), "characters"),
        (("webhook", "https://a/", "--token=x"), "no option"),
        (("webhook", "https://a/", "--header-file", "x"), "path"),
        (("webhook", "http://a/", "--header-file", "/x"), "unencrypted"),
        (("syslog", "kern"), "facility"),
        (("syslog", "daemon", "x"), "facility"),
        (("snmp-trap",), "one host"),
        (("snmp-trap", "a", "b"), "one host"),
        (("snmp-trap", "a:0"), "port"),
        (("snmp-trap", "a:x"), "port"),
        (("snmp-trap", "a_$(id)"), "no host"),
        (("snmp-trap", "::g"), "no address"),
        (("snmp-trap", "a", "--community=x"), "no option"),
        (("../../bin/sh.alert",), "no alert"),
        (("/usr/../bin/sh",), "no alert"),
        (("mial", "root"), "Built in are"),
        (("page.alert", "a\0b"), "NUL"),
    ],
)
def test_bad_parameters_are_named(alert, part):
    found = checks.problems(Alert(alert[0], DOWN, alert[1:]))
    assert any(part in one for one in found), found
    assert all(one.isprintable() for one in found)


@pytest.mark.parametrize(
    "alert",
    [
        ("mail", "root", "first.last+tag@mail.example.org"),
        ("webhook", "https://a.example.org:8443/x?y=z", "--header-file", "/etc/haoscar/h"),
        ("webhook", "http://127.0.0.1:9/", "--header-file=/h"),
        ("webhook", "--url-file", "/etc/haoscar/url", "--ca-file", "/etc/ca.pem"),
        ("syslog",),
        ("syslog", "local7"),
        ("snmp-trap", "manager", "--inform"),
        ("snmp-trap", "[2001:db8::9]:1162", "--credentials", "/etc/haoscar/trap"),
        ("mail.alert", "root"),
        ("/opt/site/page", "-x"),
    ],
)
def test_good_parameters_are_taken(alert):
    assert checks.problems(Alert(alert[0], DOWN, alert[1:])) == []


def test_the_engine_and_the_model_know_the_same_alerts():
    assert set(program.BUILT_IN) == set(ALERTS)
    assert program.PLACES == ALERT_PLACES


def test_a_header_file_is_read_and_its_mistakes_never_shown():
    assert webhook.read_headers("# x\nAuthorization: Bearer abc\n\nX-A:b\n") == (
        ("Authorization", "Bearer abc"),
        ("X-A", "b"),
    )
    for bad in ("secret", "Host: x", "content-length: 3", "A: ü", "A b: c", "A: b\x01"):
        with pytest.raises(ValueError, match="line 1") as caught:
            webhook.read_headers(bad)
        assert "secret" not in str(caught.value)


def test_programs_get_mons_words():
    alert = Alert("page.alert", DOWN, ("-x", "a b"))
    call = program.build(message(alert))
    assert call.arguments == (
        "-s", "web", "-g", "nodes", "-h", "head1 head2", "-l", "3600", "-t", "1763800000", "-x", "a b",
    )  # fmt: skip
    assert call.text == b"head2\nconnection refused\n"
    assert call.environment["MON_ALERTTYPE"] == "failure"
    assert call.environment["MON_OPSTATUS"] == "0"
    assert call.places[0] == "/usr/local/lib/mon/alert.d/page.alert"
    up = program.build(message(alert, UP, summary="old", detail="more"))
    assert up.arguments[10] == "-u"
    assert up.text == b"old\nmore\n"
    assert program.build(message(alert, STARTUP)).text == b""


def test_the_longest_result_fits():
    told = message(Alert("page.alert"), summary="ü" * LONGEST_SUMMARY, detail="\U0001f600" * LONGEST_DETAIL)  # fmt: skip
    assert len(program.build(told).text) <= program.MOST_TEXT
    assert len(webhook.build(settings(), told)) < 200_000
