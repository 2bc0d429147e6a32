"""What the watch process of each head is told follows from the site file."""

import json
from pathlib import Path

import pytest

from backend.agentfile.watch import WatchPlaces, generate_watch
from backend.cli.app import App
from backend.cli.commands import agent as command
from backend.errors import InvalidInput, Refused
from backend.site.store import parse_site
from backend.watch.config import understand

SITE = """\
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
virtual_ip = "10.0.0.1"
[networks.public]
interface = "eth0"
network = "192.0.2.0/24"
[primary]
name = "head1"
private_address = "10.0.0.2"
public_address = "192.0.2.11"
[[image]]
name = "i"
client = "head1"
[[standby]]
name = "head2"
image = "i"
address = "10.0.0.3"
[[node]]
name = "n1"
address = "10.0.0.101"
[[resource]]
name = "exports"
kind = "unit"
options = { unit = "nfs-server" }
"""
WATCH = """
[monitoring]
port = 5000
smtp = "mail:25"

[[period]]
name = "work"
when = "wd {Mon-Fri}"

[[host_group]]
name = "heads"

[[host_group]]
name = "web"
hosts = ["HEAD2", "head1.d.example", "n1", "www.example.org", "10.0.0.3"]
disabled_hosts = ["n1", "head1"]

[[host_group]]
name = "off"
hosts = ["n1"]
disabled = true

[[host_group]]
name = "empty"
hosts = ["n1"]
disabled_hosts = ["N1"]

[[watch]]
group = "heads"
name = "proc"
monitor = "netsnmp-proc.monitor"
parameters = "-t 'a b' c"
interval = "3s"
limit = "10s"
random_skew = "1.5s"
alert_depend = "SELF:nfs && !web:http && NOSELF:x"
monitor_depend = "SELF:nfs"
redistribute = "trap.alert -H '10.0.0.9'"
environment = { A = "b" }

[watch.recovery]
kind = "resource"
options = { resource = "exports" }
failures = "2 of 3"
restarts = 0
within = "2h"
escalate = "takeover"

[[watch.period]]
defined = "work"
alert_every = "1h strict"
alert_after = "3 30m"
max_alerts = 5
up_alert_after = "5m"
no_comp_alerts = true

[[watch.period.alert]]
program = "page.alert"
parameters = "root 'a b'"
exit = "2-9"
run = "up"

[[watch.period]]
alert_after = "10m"

[[watch.period]]
when = "hr {1}"
label = "night"

[[watch.period]]
when = "hr  {1}"

[[watch.period]]
when = "hr {1}"

[[watch]]
group = "heads"
name = "nfs"
monitor = "nfs"
parameters = "/home"
interval = "1m"
exclude_hosts = ["head2"]
exclude_period = "wd {Sun}"
[watch.recovery]
kind = "none"

[[watch]]
group = "NOSELF"
name = "x"
trap_timeout = "5m"

[[host_group]]
name = "NOSELF"
hosts = ["n1"]
disabled_hosts = ["n1"]

[[watch]]
group = "web"
name = "http"
monitor = "http"
interval = "1m"
disabled = true

[[watch]]
group = "off"
name = "a"
monitor = "tcp"
parameters = "22"
interval = "1m"

[[watch]]
group = "empty"
name = "a"
monitor = "tcp"
parameters = "22"
interval = "1m"

[[watch]]
group = "empty"
name = "b"
monitor = "/opt/check"
parameters = "x ;;"
interval = "1m"
"""


def site(text=SITE + WATCH):
    return parse_site(text, Path("site.toml"))


def documents(**places):
    made = generate_watch(site(), WatchPlaces(**places))
    return {one.name: json.loads(one.content) for one in made}


def service(ref, head="head1"):
    group, _, name = ref.partition(":")
    found = documents()[head]["services"]
    return next(one for one in found if (one["group"], one["name"]) == (group, name))


def test_each_head_has_its_own_view():
    made = generate_watch(site())
    assert [(one.name, one.head, one.address) for one in made] == [
        ("head1", True, "10.0.0.2"), ("head2", True, "10.0.0.3"),
    ]  # fmt: skip
    first, second = documents().values()
    assert first["me"] == {"name": "head1", "addresses": ["10.0.0.2", "192.0.2.11"]}
    assert first["other"] == second["me"] == {"name": "head2", "addresses": ["10.0.0.3"]}
    assert first["services"] == second["services"]
    assert (first["port"], first["smtp"], first["snmp_file"]) == (5000, "mail:25", "")
    for one in made:
        found = understand(one.content.decode())
        assert found.problems == ()
        assert found.settings.me.name == one.name
        assert [line for line in one.content.decode().splitlines() if '"proc"' in line]


def test_the_places_can_be_others():
    told = documents(run_directory="/r", snmp_file="/s")["head2"]
    assert (told["run_directory"], told["snmp_file"]) == ("/r", "/s")
    assert told["agent_socket"] == "/run/haoscar-agent/control"


def test_hosts_are_resolved():
    assert service("heads:proc")["hosts"] == ["head1", "head2"]
    assert service("heads:proc", "head2")["hosts"] == ["head1", "head2"]
    assert service("heads:nfs")["hosts"] == ["head1"]
    assert service("web:http")["hosts"] == ["head2", "www.example.org", "10.0.0.3"]
    assert service("empty:a")["hosts"] == []


def test_what_is_disabled():
    refs = ("heads:proc", "NOSELF:x", "empty:b", "web:http", "off:a", "empty:a")
    found = {ref: service(ref).get("disabled", False) for ref in refs}
    assert [ref for ref, off in found.items() if off] == ["web:http", "off:a", "empty:a"]


def test_a_service_in_every_detail():
    found = service("heads:proc")
    assert found["words"] == ["-t", "a b", "c"]
    assert (found["interval"], found["limit"], found["skew"]) == (3, 10, 1.5)
    assert found["alert_depend"] == "heads:nfs && !web:http && NOSELF:x"
    assert found["monitor_depend"] == "heads:nfs"
    assert found["redistribute"] == {"program": "trap.alert", "words": ["-H", "10.0.0.9"]}
    assert found["environment"] == {"A": "b"}
    assert found["recovery"] == {
        "kind": "resource", "options": {"resource": "exports"}, "failures": 2, "of": 3,
        "restarts": 0, "within": 7200, "verify": 3, "limit": 60, "escalate": "takeover",
    }  # fmt: skip
    work, always, night, hour, other = found["periods"]
    assert work == {
        "when": "wd {Mon-Fri}", "name": "work", "every": 3600, "repeat": "strict", "failures": 3,
        "within": 1800, "most": 5, "up_after": 300, "no_comp": True,
        "alerts": [{"program": "page.alert", "run": "up", "words": ["root", "a b"], "exit": [2, 9]}],
    }  # fmt: skip
    assert always == {"when": "", "name": "", "within": 600}
    assert (night["when"], night["name"]) == ("hr {1}", "night")
    assert (hour["when"], hour["name"], other["name"]) == ("hr  {1}", "hr {1}", "hr {1}'")
    nothing = service("heads:nfs")
    assert (nothing["recovery"]["kind"], nothing["exclude"]) == ("", "wd {Sun}")
    assert "periods" not in nothing


def test_nothing_to_watch_and_no_second_head():
    assert generate_watch(site(SITE)) == ()
    alone = (SITE + WATCH).replace("[[standby]]", "[[image]]\nname='x'\nclient='y'\n[[node]]", 1)
    alone = alone.replace('image = "i"\n', "").replace("takeover", "alert")
    with pytest.raises(Refused, match="no standby"):
        generate_watch(site(alone))


def test_the_command_prints_it(capsys):
    class Store:
        def load(self):
            return site()

    class Wiring:
        def store(self):
            return Store()

    from argparse import Namespace

    from backend.cli.output import Output

    app = App(json=False, out=Output(False), wiring=Wiring())
    for name in ("head1", "head2"):
        assert command.run_config(Namespace(member=name, watch=True), app) == 0
        shown = capsys.readouterr().out
        assert understand(shown).settings.me.name == name
    with pytest.raises(InvalidInput, match="'n1' is no head"):
        command.run_config(Namespace(member="n1", watch=True), app)
