"""From the site file to each member's configuration."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.config import understand
from backend.agentfile.generate import Places, generate, generate_one
from backend.agentfile.members import witness_ids
from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.errors import InvalidInput, Refused
from backend.model.agent import LeaseProfile, ResourceKind
from backend.paths import Paths
from backend.reports import Severity
from backend.site.store import SiteStore, examine, parse_site
from backend.wiring import Wiring

FILE = Path("/etc/haoscar/site.toml")
SITE = """\
version = 1
[cluster]
name = "beowulf"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
virtual_ip = "10.0.0.1"
[networks.public]
interface = "eth0"
network = "192.0.2.0/24"
virtual_ip = "192.0.2.10"
[primary]
name = "head1"
private_address = "10.0.0.2"
public_address = "192.0.2.11"
# how the agents behave
[agent]
witnesses = ["n1", "n3", "out"]  # in three racks
metrics = "127.0.0.1:9747"
watchdog = "/dev/watchdog"
[[image]]
name = "golden"
client = "head1"
[[standby]]
name = "head2"
image = "golden"
address = "10.0.0.3"
public_interface = "ens3"
public_address = "192.0.2.12"
[[node]]
name = "nowhere"
[[node]]
name = "n1"
address = "10.0.0.11"
[[node]]
name = "n2"
address = "10.0.0.12"
[[node]]
name = "n3"
address = "10.0.0.13"
[[node]]
name = "out"
address = "192.0.2.77"
[[resource]]
name = "home"
kind = "mount"
options = { device = "/dev/sdb1", directory = "/home" }
exclusive = true
check_every = 0
[[resource]]
name = "exports"
kind = "unit"
options = { unit = "nfs-server.service" }
after = ["home"]
[[fencing]]
name = "head1"
agent = "fence_ipmilan"
options = { ip = "10.0.0.211", lanplus = 1 }
credentials_file = "/etc/haoscar/fence.head1"
[[fencing]]
name = "head2"
agent = "fence_ipmilan"
options = { ip = "10.0.0.212", lanplus = 1 }
"""


def site(text=SITE):
    return parse_site(text, FILE)


def said(text):
    return [(one.severity.value, one.code, one.place.line) for one in examine(text, FILE)]


def line_of(text, wanted):
    return text[: text.index(wanted)].count("\n") + 1


def without(text, header):
    """Return the text without a table."""
    before, _, rest = text.partition(header)
    end = min((at for at in (rest.find("\n["), rest.find("\n#")) if at >= 0), default=len(rest))
    return before + rest[end + 1 :]


def test_the_site_says_it_all():
    assert said(SITE) == []
    found = site()
    assert found.agent is not None
    assert found.agent.profile is None
    assert found.agent.witnesses == ("n1", "n3", "out")
    assert found.resources[0].kind is ResourceKind.MOUNT
    assert found.resources[0].options == (("device", "/dev/sdb1"), ("directory", "/home"))
    assert found.resources[0].check_every == 0
    assert found.fencing[0].options == (("ip", "10.0.0.211"), ("lanplus", "1"))


def test_each_member_gets_its_own():
    made = {one.name: one for one in generate(site())}
    assert list(made) == ["head1", "head2", "n1", "n3", "out"]
    assert [one.head for one in made.values()] == [True, True, False, False, False]
    assert made["out"].address == "192.0.2.77"
    assert all(one.reports == () for one in made.values())
    settings = {name: understand(one.content.decode()).settings for name, one in made.items()}
    for name, one in settings.items():
        assert one is not None
        assert one.myself.name == name
        assert one.members == settings["head1"].members
        assert one.virtual_ips == settings["head1"].virtual_ips
    one, two, three = (settings[name] for name in ("head1", "head2", "n1"))
    assert [n.interface for n in one.networks] == ["eth1", "eth0"]
    assert [n.interface for n in two.networks] == ["eth1", "ens3"]
    assert [n.interface for n in three.networks] == ["", ""]
    assert dict(one.fencing.options)["ip"] == "10.0.0.212"
    assert dict(two.fencing.options)["ip"] == "10.0.0.211"
    assert two.fencing.credentials_file == "/etc/haoscar/fence.head1"
    assert (one.watchdog, three.watchdog, three.metrics) == ("/dev/watchdog", "", "")
    assert (three.resources, three.fencing) == ((), None)
    assert one.resources[0].check_every == 0
    assert one.resources[1].after == ("home",)
    assert [m.id for m in one.members[:2]] == [1, 2]


def test_where_files_are_and_which_cards_can_be_said():
    places = Places("/k", "/s", "/r")
    made = generate(site(), places, {"head2": {"private": "enp1s0"}, "n1": {"private": "eno1"}})
    two, three = (understand(one.content.decode()).settings for one in made[1:3])
    assert (two.key_file, two.state_directory, two.run_directory) == ("/k", "/s", "/r")
    assert [n.interface for n in two.networks] == ["enp1s0", "ens3"]
    assert [n.interface for n in three.networks] == ["eno1", ""]


@pytest.mark.parametrize(("count", "chosen"), [(0, 0), (1, 1), (2, 1), (3, 3), (4, 3), (60, 3)])
def test_witnesses_are_chosen_where_none_are_named(count, chosen):
    text = without(SITE, "[agent]")
    text = text.replace("exclusive = true\n", "")
    text = text[: text.index("[[node]]")] + text[text.index("[[resource]]") :]
    nodes = "".join(f'[[node]]\nname = "w{n}"\naddress = "10.0.0.{n + 20}"\n' for n in range(count))
    made = generate(site(text + '[[node]]\nname = "nowhere"\n' + nodes))
    assert [one.name for one in made[2:]] == [f"w{n}" for n in range(chosen)]


def test_a_witness_that_not_both_heads_reach():
    text = SITE.replace('public_address = "192.0.2.12"\n', "")
    with pytest.raises(InvalidInput, match="The member out and the member head2 have no network"):
        generate(site(text))
    text = without(text.replace("exclusive = true\n", ""), "[agent]")
    nodes = text[text.index("[[node]]") : text.index("[[resource]]")]
    text = text.replace(nodes, '[[node]]\nname = "out"\naddress = "192.0.2.77"\n')
    assert [one.name for one in generate(site(text))] == ["head1", "head2"]


def test_an_empty_list_of_witnesses_is_a_choice():
    text = SITE.replace('["n1", "n3", "out"]', "[]")
    assert len(generate(site(text))) == 2  # there is fencing for both
    text = without(without(text, "[[fencing]]"), "[[fencing]]").replace("exclusive = true\n", "")
    with pytest.raises(InvalidInput, match="nobody can tell a dead head") as caught:
        generate(site(text))
    assert str(caught.value).startswith("the agent of head1")
    risky = text.replace("[agent]\n", '[agent]\ntakeover_without_witness = "risk"\n')
    (report,) = generate(site(risky))[0].reports
    assert report.severity is Severity.WARNING
    assert report.text.startswith("Risk: ")


def test_the_lease_and_the_preferred_head():
    text = SITE.replace("[agent]\n", '[agent]\nprofile = "fast"\npreferred = "head2"\nport = 5000\nrealtime = false\n')  # fmt: skip
    assert site(text).agent.profile is LeaseProfile.FAST
    settings = understand(generate(site(text))[0].content.decode()).settings
    assert settings.timing.lease == 120_000
    assert settings.as_members().heads == (2, 1)
    assert (settings.port, settings.realtime) == (5000, False)
    text = SITE.replace("[agent]\n", "[agent]\nlease_ms = 1000\n")
    assert understand(generate(site(text))[0].content.decode()).settings.timing.lease == 1_000_000


def test_a_site_without_a_standby_has_no_agents():
    text = without(without(SITE, "[[standby]]"), "[[fencing]]")
    text = without(text, "[[fencing]]")
    with pytest.raises(Refused, match="no standby"):
        generate(site(text))


def test_several_standbys_need_a_choice():
    more = SITE + '[[standby]]\nname = "head3"\nimage = "golden"\naddress = "10.0.0.4"\n'
    assert said(more) == [("error", "site.which-standby", line_of(SITE, "[agent]"))]
    chosen = more.replace("[agent]\n", '[agent]\nstandby = "head3"\n').replace(', "out"]', "]")
    assert [one.name for one in generate(site(chosen))[:2]] == ["head1", "head3"]
    bare = without(more, "[agent]").replace("exclusive = true\n", "")
    with pytest.raises(Refused, match="several standbys"):
        generate(site(bare))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[agent]\n", '[agent]\nprofile = "fast"\nlease_ms = 300\n', "site.two-leases"),
        ("[agent]\n", "[agent]\nlease_ms = 59\n", "site.value"),
        ("[agent]\n", '[agent]\nprofile = "slow"\n', "site.value"),
        ("[agent]\n", '[agent]\nlease = "slow"\n', "site.unknown-key"),
        ("[agent]\n", '[agent]\nstandby = "head1"\n', "site.no-standby"),
        ("[agent]\n", '[agent]\npreferred = "n1"\n', "site.no-head"),
        ('"127.0.0.1:9747"', '"127.0.0.1"', "site.value"),
        ('"/dev/watchdog"', '"watchdog"', "site.value"),
        ('["n1", "n3", "out"]', '["n1", "nx"]', "site.witnesses"),
        ('["n1", "n3", "out"]', '["n1", "nowhere"]', "site.witnesses"),
        ('["n1", "n3", "out"]', '["n1", "n1"]', "site.witnesses"),
        ('["n1", "n3", "out"]', '"n1"', "site.value"),
        ('["n1", "n3", "out"]', '["n 1"]', "name.host"),
        ('"home"\nkind', '"home dir"\nkind', "site.value"),
        ('kind = "mount"', 'kind = "zfs"', "site.value"),
        ('device = "/dev/sdb1", ', "", "site.options"),
        ("directory = ", "directori = ", "site.options"),
        ('{ unit = "nfs-server.service" }', '"nfs"', "site.value"),
        ('after = ["home"]', 'after = ["hom"]', "site.no-resource"),
        ('after = ["home"]', 'after = ["exports"]', "site.resource-ring"),
        ('"exports"', '"home"', "site.duplicate"),
        ("check_every = 0", "check_every = 0.1", "site.value"),
        ('watchdog = "/dev/watchdog"\n', "", None),
        ('name = "head2"\nagent', 'name = "n1"\nagent', "site.no-head"),
        ('name = "head2"\nagent', 'name = "head1"\nagent', "site.duplicate"),
        ("fence_ipmilan", "ipmilan", "site.value"),
        ("lanplus = 1 }\ncred", 'passwd = "x" }\ncred', "site.secret"),
        ("/etc/haoscar/fence.head1", "fence.head1", "site.value"),
    ],
)
def test_each_problem_of_the_tables_is_found(old, new, code):
    assert old in SITE
    text = SITE.replace(old, new, 1)
    found = examine(text, FILE)
    if code is None:
        assert found == ()
        return
    assert code in [one.code for one in found]
    for one in found:
        assert one.remedy
        assert one.severity is Severity.ERROR
        assert one.place.line > line_of(SITE, "public_address")
    with pytest.raises(InvalidInput):
        site(text)


def test_exclusive_needs_a_watchdog_or_fencing_both_ways():
    text = without(SITE.replace('watchdog = "/dev/watchdog"\n', ""), '[[fencing]]\nname = "head1"')
    assert [(severity, code) for severity, code, _ in said(text)] == [
        ("error", "site.exclusive"),
        ("warning", "site.one-fencing"),
    ]


def test_open_metrics_are_a_warning():
    assert said(SITE.replace("127.0.0.1:9747", "0.0.0.0:9747")) == [
        ("warning", "site.open-metrics", line_of(SITE, "metrics"))
    ]


def test_the_tables_are_written_back_with_their_comments(tmp_path):
    from dataclasses import replace

    store = SiteStore(Paths(tmp_path))
    store.file.parent.mkdir(parents=True)
    store.file.write_text(SITE)
    before = store.load()
    agent = replace(before.agent, witnesses=("n2",), port=5000, metrics="")
    home = replace(before.resources[0], options=(("device", "LABEL=a b"), ("directory", "/h")))
    exports = replace(before.resources[1], after=(), start_limit=1.5)
    after = replace(before, agent=agent, resources=(home, exports), fencing=())
    text = store.render(after).decode()
    assert parse_site(text, FILE) == after
    assert "# how the agents behave\n[agent]\n" in text
    assert 'witnesses = ["n2"]  # in three racks\n' in text
    assert "port = 5000\n" in text
    assert 'device = "LABEL=a b"' in text
    assert "start_limit = 1.5\n" in text
    assert "fencing" not in text
    # And from nothing.
    store.file.unlink()
    for one in (before, after, replace(before, agent=None), replace(before, agent=replace(agent, witnesses=()))):  # fmt: skip
        assert parse_site(store.render(one).decode(), FILE) == one


names = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), max_size=5, unique=True)


@given(names)
def test_ids_are_apart_and_as_a_rule_keep(some):
    ids = witness_ids(some)
    assert set(ids) == set(some)
    assert len(set(ids.values())) == len(some)
    assert all(3 <= number <= 255 for number in ids.values())
    assert witness_ids(some[::-1]) == ids
    alone = {name: witness_ids([name])[name] for name in some}
    if len(set(alone.values())) == len(some):
        assert ids == alone


def command(tmp_path, as_json, *words):
    app = App(Wiring.rooted_at(tmp_path), json=as_json, out=Output(as_json))
    return run(build_parser().parse_args(["agent", *words]), app)


def test_the_command_prints_it(tmp_path, capsys):
    store = SiteStore(Paths(tmp_path))
    store.file.parent.mkdir(parents=True)
    store.file.write_text(SITE)
    assert command(tmp_path, False, "config", "head2") == 0
    assert capsys.readouterr().out.encode() == generate_one(site(), "head2").content
    assert command(tmp_path, True, "config", "n3") == 0
    assert json.loads(capsys.readouterr().out)["me"] == "n3"
    assert command(tmp_path, True, "config", "n2") == 4
    assert "These do: head1, head2, n1, n3, out." in capsys.readouterr().err
