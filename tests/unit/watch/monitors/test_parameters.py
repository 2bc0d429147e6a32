"""What the parameters of monitors may be, and that both sides know the same monitors."""

import pytest

from backend.model import watchlist_monitors as model
from backend.watch.monitors.kinds import kind_of, places
from backend.watch.monitors.parameters import FORMS, read, seconds
from backend.watch.monitors.registry import BUILT_IN, problems
from backend.watch.settings import Service


def service(monitor: str, *words: str) -> Service:
    return Service("web", "x", ("head1",), monitor, words)


def test_both_sides_know_the_same_monitors() -> None:
    assert set(model.MONITORS) == set(BUILT_IN) == set(FORMS)
    for name in (
        *model.MONITORS,
        "ping.monitor",
        "check_load",
        "ocf:heartbeat:Dummy",
        "/opt/x",
        "no",
    ):
        theirs = model.monitor_of(name)
        kind = kind_of(name)
        assert (kind and kind.value) == (theirs.kind and theirs.kind.value)
        assert theirs.places == (places(name, kind) if kind else ())


@pytest.mark.parametrize(
    ("monitor", "words"),
    [
        ("netsnmp-proc.monitor", ()), ("netsnmp-proc.monitor", ("sshd", "port=1161", "timeout=2s")),
        ("systemd-unit", ("sshd", "getty@tty1.service")), ("tcp", ("22",)), ("http", ()),
        ("http", ("/a?b=c", "tls=yes", "verify=no", "status=401", "text=ok")), ("icmp", ("tries=1",)),
        ("dns", ("name=head1", "type=A", "address=10.0.0.1")), ("ntp", ("offset=100ms",)),
        ("nfs", ("/home",)), ("slurm", ("all=yes",)), ("dhcp", ("eth1", "mac=52:54:00:12:34:56")),
        ("file-age", ("/var/log/x", "older=1.5h")), ("ocf:heartbeat:Dummy", ("state=/run/x",)),
        ("check_disk", ("-w", "5%")), ("ping.monitor", ()), ("/opt/site/look", ("-x",)),
    ],
)  # fmt: skip
def test_right_parameters(monitor: str, words: tuple[str, ...]) -> None:
    assert problems(service(monitor, *words)) == []


@pytest.mark.parametrize(
    ("monitor", "words", "why"),
    [
        ("netsnmp-proc.monitor", ("-c", "public"), "takes no secrets"),
        ("netsnmp-proc.monitor", ("community=public",), "takes no secrets"),
        ("netsnmp-proc.monitor", ("port=0",), "not a whole number from 1 to 65535"),
        ("systemd-unit", (), "takes units"), ("systemd-unit", ("a b",), "not the name of a unit"),
        ("systemd-unit", ("speed=1",), "does not know 'speed=1'"),
        ("tcp", (), "takes a port"), ("tcp", ("22", "23"), "takes a port"), ("tcp", ("ssh",), "whole number"),
        ("http", ("status",), "begins with /"), ("http", ("tls=on",), "not one of yes, no"),
        ("icmp", ("head1",), "does not know 'head1'"), ("icmp", ("tries=1", "tries=2"), "given twice"),
        ("dns", ("type=X",), "not one of A"), ("dns", ("address=1.2.3.4.",), "not an IPv4 address"),
        ("dns", ("address=1.2.3.256",), "not an IPv4 address"), ("ntp", ("offset=soon",), "not a span"),
        ("nfs", ("home",), "begins with /"), ("dhcp", (), "takes an interface"),
        ("file-age", ("/x",), "needs older=VALUE"), ("file-age", ("/x", "older="), "empty"),
        ("ocf:heartbeat:Dummy", ("state",), "not NAME=VALUE"), ("ping.monitor", ("a\0b",), "NUL"),
        ("nobody", (), "is no monitor"),
    ],
)  # fmt: skip
def test_wrong_parameters(monitor: str, words: tuple[str, ...], why: str) -> None:
    found = problems(service(monitor, *words))
    assert any(why in one for one in found), found


def test_spans() -> None:
    assert [seconds(one) for one in ("3", "3s", "1.5h", "100ms", "2d")] == [3, 3, 5400, 0.1, 172800]
    assert read("ntp", ("offset=1m",)).span("offset") == 60
