"""The agent's configuration is judged whole: every problem at once, each with line and remedy."""

import copy
import json
from pathlib import Path

import pytest

from backend.agent.config import understand
from backend.agent.config_schema import PROFILES, SECTIONS
from backend.agent.core.timing import MS, Timing
from backend.agent.settings import Fencing, Member, Network, Resource, VirtualIP
from backend.agentfile.generate import as_json
from backend.rollout.member import PROFILES as INSTALLERS_PROFILES
from tests.unit.agent_config.good_config import GOOD, HEAD1, HEAD2, WITNESS, changed, said
from tests.unit.changed_json import REMOVED


def test_a_good_file_becomes_settings():
    found = understand(as_json(GOOD).decode())
    assert found.problems == ()
    assert found.warnings == ()
    settings = found.settings
    assert settings is not None
    assert settings.me == 1
    assert settings.myself.name == "head1"
    # The heads first, then the witnesses by their ids; addresses in the order of the networks.
    assert settings.members == (
        Member(1, "head1", True, ("10.0.0.2", "192.0.2.2")),
        Member(2, "head2", True, ("10.0.0.3", "")),
        Member(3, "n1", False, ("10.0.0.101", "")),
        Member(4, "n3", False, ("10.0.0.103", "")),
        Member(9, "n2", False, ("10.7.0.102", "")),
    )
    assert settings.networks == (Network("private", "eth0"), Network("public", "eth1"))
    assert settings.virtual_ips == (VirtualIP("10.0.0.1", 0, 24), VirtualIP("192.0.2.10", 1, 24))
    assert settings.resources == (
        Resource(
            "home", "mount", (("device", "/dev/sdb1"), ("directory", "/home")), exclusive=True
        ),
        Resource("exports", "unit", (("unit", "nfs-server"),), after=("home",), check_every=0.0),
    )
    assert settings.fencing == Fencing("fence_ipmilan", (("ip", "10.0.0.9"), ("lanplus", "1")))
    assert (settings.timing.lease, settings.port, settings.realtime) == (320_000, 4747, True)
    assert settings.takeover_without_witness == "hold"


@pytest.mark.parametrize(
    ("key", "value", "lease"),
    [("profile", "fast", 120_000), ("profile", "default", 320_000), ("lease_ms", 999, 999_000)],
)
def test_the_lease(key, value, lease):
    settings = understand(changed(((key,), value))).settings
    assert settings is not None
    assert settings.timing.lease == lease


def test_the_preferred_head_comes_first_whatever_its_id():
    settings = understand(changed((("preferred",), "head2"))).settings
    assert settings is not None
    assert [one.name for one in settings.members[:2]] == ["head2", "head1"]
    assert settings.as_members().heads == (2, 1)


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (("clustr",), "b", "There is no key 'clustr'."),
        (("networks", 0, "card"), "b", "There is no key 'card' in networks."),
        (("version",), 2, "this agent knows form 1 only"),
        (("version",), True, "version: true is not a whole number from 1 to 1"),
        (("cluster",), "a b", "cluster: 'a b' is not a name"),
        (("cluster",), None, "cluster: null is not text"),
        (("cluster",), ["a"], "cluster: a list is not text"),
        (("cluster",), "a\nb", "control characters"),
        (("me",), "head3", "me: no member is named head3"),
        (("port",), 65536, "port: 65536 is not a whole number from 1 to 65535"),
        (("port",), 1.5, "port: 1.5 is not a whole number"),
        (("port",), True, "port: true is not a whole number"),
        (("port",), 10**30, "port: a huge number is not"),
        (("lease_ms",), 59, "lease_ms: 59 is not a whole number from 60 to 60000"),
        (("profile",), "slow", "profile: 'slow' is none of the choices"),
        (("preferred",), "n1", "preferred: n1 is not one of the heads"),
        (("preferred",), "n7", "preferred: n7 is not one of the heads"),
        (("key_file",), "agent.key", "key_file: 'agent.key' is not a path from the root"),
        (("key_file",), "/etc/../key", "is not a path from the root"),
        (("run_directory",), "/var/lib/haoscar-agent", "are both /var/lib/haoscar-agent"),
        (("watchdog",), "/etc/passwd", "watchdog: '/etc/passwd' is not a device"),
        (("metrics",), "localhost:1", "metrics: 'localhost:1' is not an address with a port"),
        (("metrics",), "127.0.0.1:70000", "is not an address with a port"),
        (("realtime",), "yes", "realtime: 'yes' is neither true nor false"),
        (("takeover_without_witness",), "go", "'go' is none of the choices"),
        (("networks",), {}, "networks: an object is not a list"),
        (("networks", 0), "eth0", "networks: 'eth0' is not an object"),
        (("networks", 1, "name"), "private", "Two networks have the name private"),
        (("networks", 0, "interface"), "", "A head needs to know its interface on the network private"),
        (("networks", 1, "interface"), REMOVED, "its interface on the network public"),
        (("networks", 0, "interface"), "eth 0", "is not a network interface"),
        (("members", 5), "head3", "members: 'head3' is not an object"),
        ((*HEAD2, "id"), 1, "Two members have the id 1; the first is in line"),
        ((*HEAD2, "id"), 0, "id: 0 is not a whole number from 1 to 255"),
        ((*HEAD2, "name"), "Head1", "Two members have the name Head1"),
        ((*HEAD2, "role"), "witness", "There must be two heads, and 1 are given"),
        ((*WITNESS, "role"), "head", "There must be two heads, and 3 are given"),
        ((*HEAD2, "role"), "boss", "role: 'boss' is none of the choices"),
        ((*HEAD2, "addresses"), "10.0.0.3", "addresses: '10.0.0.3' is not an object"),
        ((*HEAD2, "addresses"), REMOVED, "Member has no key addresses"),
        ((*HEAD2, "addresses", "private"), "10.0.0.300", "'private': '10.0.0.300' is not an IPv4"),
        ((*HEAD2, "addresses", "private"), "10.0.0.03", "is not an IPv4 address"),
        ((*HEAD2, "addresses", "private"), "127.0.0.1", "is no address that other machines reach"),
        ((*HEAD2, "addresses", "private"), "224.0.0.1", "is no address that other machines reach"),
        ((*HEAD2, "addresses", "private"), "10.0.0.2", "10.0.0.2 is the address of the member head1"),
        ((*WITNESS, "addresses", "private"), "10.0.0.3", "of the member head2 (line"),
        ((*HEAD2, "addresses"), {"privat": "10.0.0.3"}, "there is no network 'privat'"),
        ((*HEAD2, "addresses"), {"public": "192.0.2.3"}, "The member n2 and the member head2 have no network"),
        ((*HEAD1, "addresses"), {"public": "192.0.2.2"}, "The two heads have no network in common"),
        (("virtual_ips", 0, "address"), "10.0.1.1", "10.0.0.2 of the member head1 is not"),
        (("virtual_ips", 0, "prefix"), 31, "prefix: 31 is not a whole number from 8 to 30"),
        (("virtual_ips", 0, "prefix"), 8, None),
        (("virtual_ips", 0, "prefix"), 31, "from 8 to 30"),
        (("virtual_ips", 0, "address"), "10.0.0.0", "10.0.0.0 is the network address of 10.0.0.0/24"),
        (("virtual_ips", 0, "address"), "10.0.0.255", "is the broadcast address of 10.0.0.0/24"),
        (("virtual_ips", 0, "address"), "10.0.0.3", "and of a virtual IP"),
        (("virtual_ips", 0, "address"), "192.0.2.10", "is the address of a virtual IP (line"),
        (("virtual_ips", 0, "network"), "direct", "network: there is no network direct"),
        (("resources", 1, "name"), "home", "Two resources have the name home"),
        (("resources", 1, "after"), ["hom"], "after: there is no resource hom"),
        (("resources", 1, "after"), ["exports"], "The resources exports -> exports each wait"),
        (("resources", 0, "after"), ["exports"], "The resources home -> exports -> home each wait"),
        (("resources", 1, "after"), "home", "after: 'home' is not a list"),
        (("resources", 1, "kind"), "service", "kind: 'service' is none of the choices"),
        (("resources", 1, "options"), REMOVED, "options: unit is missing: the systemd unit."),
        (("resources", 1, "options"), {"unit": "x", "units": "y"}, "a unit has no units"),
        (("resources", 1, "options"), {"unit": "a/b"}, "unit is not of the right form: 'a/b'"),
        (("resources", 1, "kind"), "ocf", "agent is missing"),
        (("resources", 0, "options", "directory"), "home", "directory is not of the right form"),
        (("resources", 1), {"name": "c", "kind": "command", "options": {"start": "/x 'a b'", "stop": "/x"}}, "start is not of"),
        (("resources", 1, "start_limit"), 0, "start_limit: 0 is not a number of seconds"),
        (("resources", 1, "start_limit"), 1e999, "Infinity is no number"),
        (("resources", 1, "options"), {"a b": "c"}, "'a b' is not the name of an option"),
        (("resources", 1, "options"), {"a": "b\nc"}, "options: 'a': 'b\\nc' is too long or has"),
        (("resources", 1, "options"), {"a": True}, "options: 'a': true is not text"),
        (("fencing",), REMOVED, "home is exclusive, and nothing can make sure"),
        (("fencing", "agent"), "/bin/sh", "agent: '/bin/sh' is not a fence agent"),
        (("fencing", "options"), {"password": "x"}, "options: password is a secret"),
        (("fencing", "limit"), "1", "limit: '1' is not a number of seconds from 1 to 600"),
        (("fencing", "credentials_file"), "x", "credentials_file: 'x' is not a path"),
    ],
)  # fmt: skip
def test_each_error_is_found_where_it_is(path, value, shown):
    text = changed((path, value))
    found = understand(text)
    if shown is None:
        assert found.settings is not None
        return
    assert found.settings is None
    said(text)
    errors = [one for one in found.problems if one.weight == "error" and shown in one.text]
    assert len(errors) >= 1, found.problems
    if value is not REMOVED and path[0] not in ("version", "run_directory"):
        # Each object of a list has a line of its own; other keys stand at its beginning.
        lines = text.split("\n")
        assert any(f'"{path[0]}"' in lines[one.line - 1] or len(path) > 1 for one in errors)
        if len(path) == 1:
            assert lines[errors[0].line - 1].startswith(f'  "{path[0]}"')


def test_the_line_is_that_of_the_key_itself():
    text = json.dumps(GOOD, indent=1).replace('"10.0.0.101"', '"10.0.0.2"')
    (problem,) = understand(text).problems
    lines = text.split("\n")
    assert problem.line == max(n for n, line in enumerate(lines, 1) if '"10.0.0.2"' in line)
    first = min(n for n, line in enumerate(lines, 1) if '"10.0.0.2"' in line)
    assert f"head1 (line {first})" in problem.text


def test_all_problems_at_once_in_the_order_of_the_file():
    text = changed(
        (("cluster",), 7), (("me",), "x"), (("port",), 0), (("networks", 0, "name"), "-")
    )
    assert [one.split(":")[0] for _, one in said(text)] == ["cluster", "me", "name", "port"]


def test_hundreds_of_problems_are_counted():
    document = {**GOOD, **{f"wrong{number}": 1 for number in range(500)}}
    found = understand(as_json(document).decode())
    assert len(found.problems) == 101
    assert found.problems[-1].text == "There are 400 more problems."
    assert found.settings is None


def alone(**top):
    """Return the text of two heads without witnesses, fencing and exclusive resources."""
    document = copy.deepcopy(GOOD)
    document["members"] = document["members"][:2]
    del document["fencing"], document["resources"]
    return as_json({**document, **top}).decode()


def test_two_heads_alone_are_refused_unless_somebody_decides():
    assert said(alone()) == [
        (
            "error",
            "There is no witness and no fencing: nobody can tell a dead head from a cut cable.",
        )
    ]
    held = understand(alone(takeover_without_witness="hold"))
    assert held.settings is not None
    assert held.settings.takeover_without_witness == "hold"
    assert held.warnings[0].startswith("warning: Without witness and fencing no head takes over")
    risky = understand(alone(takeover_without_witness="risk"))
    assert risky.settings is not None
    assert risky.settings.takeover_without_witness == "risk"
    assert risky.warnings[0].startswith("risk: Without witness and fencing both heads may serve")
    assert said(alone(fencing={"agent": "fence_apc"})) == []


def test_what_is_right_but_worth_a_word():
    even = changed((WITNESS, REMOVED))
    assert said(even) == [("info", "4 voters survive no more losses than 3 would.")]
    [(weight, quick)] = said(changed((("profile",), "fast")))
    assert weight == "info"
    assert (
        "can be lost when a head stands still for 54 ms, and is lost when it does for 114" in quick
    )
    assert said(changed((("metrics",), "0.0.0.0:9747")))[0][0] == "warning"
    assert said(changed((("metrics",), "127.0.0.1:9747"))) == []
    card = understand(changed((("networks", 1, "interface"), "eth0")))
    assert card.settings is not None
    (warning,) = card.warnings
    assert warning.startswith("warning: The networks private and public are both on eth0.")
    assert said(changed((("takeover_without_witness",), "risk")))[0][0] == "info"


def test_a_watchdog_is_enough_for_an_exclusive_resource():
    assert said(changed((("fencing",), REMOVED), (("watchdog",), "/dev/watchdog"))) == []


def test_too_many_witnesses():
    more = [
        (("members", n), {"id": n + 20, "name": f"w{n}", "role": "witness", "addresses": {"private": f"10.0.0.{n + 20}"}})
        for n in range(5, 8)
    ]  # fmt: skip
    assert ("error", "There are 6 witnesses, more than 5.") not in said(changed(*more[:2]))
    assert ("error", "members has 8 entries, more than 7.") in said(changed(*more))


def test_a_witness_needs_no_interfaces():
    text = changed(
        (("me",), "n1"), (("networks", 0, "interface"), REMOVED),
        (("networks", 1, "interface"), REMOVED), (("virtual_ips",), REMOVED),
        (("resources",), REMOVED), (("fencing",), REMOVED),
    )  # fmt: skip
    assert said(text) == []


def test_a_head_needs_something_to_do():
    text = changed((("virtual_ips",), REMOVED), (("resources",), REMOVED))
    assert said(text) == [
        ("error", "There is no virtual IP and no resource: a takeover would do nothing.")
    ]


def test_the_installer_knows_the_same_leases():
    assert INSTALLERS_PROFILES == PROFILES


# --- documentation -----------------------------------------------------------------------------


def test_the_documentation_tells_when_a_lease_is_lost():
    page = Path(__file__).parents[3].joinpath("docs/agent.md").read_text()
    for profile, lease in PROFILES.items():
        timing = Timing(lease * MS)
        assert f"| `{profile}` | {lease} ms |" in page
        assert f"| {timing.stall // MS} to {timing.usable // MS} ms |" in page


def test_the_documentation_knows_every_key():
    page = Path(__file__).parents[3].joinpath("docs/agent.md").read_text()
    for section in SECTIONS:
        for key in section.keys:
            default = "required" if key.required else key.default
            row = f"| `{key.name}` | {key.meaning} | {key.values} | {default} | `{key.example}` |"
            assert row in page
    for example in page.split("```json\n")[1:]:
        found = understand(example.split("```")[0])
        assert [one for one in found.problems if one.weight != "info"] == []
        assert found.settings is not None
