"""The site file is judged whole: every problem at once, each with its line and its remedy."""

from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.reports import Severity
from backend.site.locate import locate
from backend.site.schema import SECTIONS
from backend.site.store import examine, parse_site

FILE = Path("/etc/haoscar/site.toml")
GOOD = """\
version = 1
[cluster]
name = "c"
domain = "d.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
gateway = "10.0.0.254"
virtual_ip = "10.0.0.1"
[networks.public]
interface = "eth0"
network = "192.0.2.0/24"
virtual_ip = "192.0.2.10"
[primary]
name = "head1"
private_address = "10.0.0.2"
public_address = "192.0.2.11"
[[image]]
name = "golden"
client = "head1"
[[standby]]
name = "head2"
image = "golden"
address = "10.0.0.3"
mac = "52:54:00:00:00:01"
public_alias = "192.0.2.10"
public_address = "192.0.2.12"
[[node]]
name = "n1"
address = "10.0.0.11"
mac = "52:54:00:00:00:02"
[[node]]
name = "n2"
address = "10.0.0.12"
"""


def line_of(text: str, wanted: str) -> int:
    return text[: text.index(wanted)].count("\n") + 1


def said(text: str) -> list[tuple[int | None, str]]:
    found = []
    for report in examine(text, FILE):
        assert report.place is not None
        assert report.place.source == FILE
        assert report.remedy
        assert str(report).startswith(f"{FILE}:")
        found.append((report.place.line, report.code))
    return found


def test_a_good_file_has_nothing_to_say():
    assert said(GOOD) == []
    assert said(GOOD.replace("\n", "\r\n")) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "shown"),
    [
        ('name = "c"', 'nmae = "c"', "site.unknown-key", "Did you mean name?"),
        ('name = "c"', "nmae = 1", "site.missing-key", "lacks the key name"),
        ('name = "c"', 'name = "c d"', "name.host", "'c d' is not a host name"),
        ('name = "c"', "name = 7", "site.value", "7 must be text"),
        ('name = "c"', "name = 1979-05-27", "site.value", "must be text"),
        ('name = "c"', "name = {a = 1}", "site.value", "A table must be text"),
        ("version = 1", "version = 2", "site.newer", "newer HA-OSCAR (version 2"),
        ("version = 1", "version = true", "site.version", "no such version"),
        ("version = 1", 'version = "1"', "site.version", "no such version"),
        ("version = 1", "# none", "site.version", "version is missing"),
        ("[cluster]", "[clutser]", "site.unknown-key", "Did you mean cluster?"),
        ("[cluster]", "[[cluster]]", "site.shape", "must be one table"),
        ("[[standby]]", "[standby]", "site.shape", "Write [[standby]]"),
        ("[networks.public]", "[networks.publik]", "site.unknown-key", "Did you mean public?"),
        ("10.0.0.0/24", "10.0.0.0/31", "site.value", "too large or too small"),
        ("10.0.0.0/24", "10.0.0.5/24", "address.network", "host bits set"),
        ("10.0.0.0/24", "127.0.0.0/8", "site.value", "cannot hold machines"),
        ("192.0.2.0/24", "10.0.0.0/8", "site.overlap", "overlaps the private network"),
        ('"n2"', '"N1"', "site.duplicate", "first in line 29"),
        ('"n2"', '"HEAD1"', "site.duplicate", "first in line 15"),
        ("52:54:00:00:00:02", "52-54-00-00-00-01", "site.duplicate", "MAC address"),
        ("10.0.0.12", "10.0.0.11", "site.duplicate-address", "already the address of the node n1"),
        ("10.0.0.12", "10.0.0.3", "site.duplicate-address", "already the address of the standby"),
        ('"10.0.0.1"', '"10.0.0.2"', "site.duplicate-address", "virtual IP of the private network"),
        ('"192.0.2.12"', '"192.0.2.10"', "site.duplicate-address", "virtual IP moves"),
        ('alias = "192.0.2.10"', 'alias = "192.0.2.11"', "site.duplicate-address", "alias"),
        ('"10.0.0.3"', '"10.0.1.3"', "site.outside", "not in the private network"),
        ('"10.0.0.3"', '"10.0.0.0"', "site.not-a-host", "network address"),
        ('"10.0.0.12"', '"10.0.0.255"', "site.not-a-host", "broadcast address"),
        ('"10.0.0.1"', '"192.0.2.44"', "site.outside", "not in the private network"),
        ('"10.0.0.254"', '"10.9.0.254"', "site.outside", "not in the private network"),
        ('"10.0.0.3"', '"10.0.0.3"\ngateway = "10.0.0.3"', "site.gateway", "own address"),
        ('"10.0.0.3"', '"10.0.0.3"\ngateway = "8.8.8.8"', "site.outside", "none of the networks"),
        ('"10.0.0.3"', '"10.0.0.3"\nprefix = 16', "site.prefix", "Write 24"),
        ('"10.0.0.3"', '"10.0.0.3"\nprefix = 33', "site.value", "from 8 to 30"),
        ('"10.0.0.3"', '"10.0.0.3"\nprefix = "24"', "site.value", "whole number"),
        ('"10.0.0.3"', '"10.0.0.3"\nwipe = "yes"', "site.value", "true or false"),
        ('"10.0.0.3"', '"10.0.0.3"\ndisk = "-f"', "site.value", "no disk"),
        ('"10.0.0.3"', '"10.0.0.3"\ndisk = "/dev/../etc"', "site.value", "no disk"),
        ('"10.0.0.3"', '"10.0.0.3"\ndisk = "sda /x"', "site.value", "no disk"),
        ('"10.0.0.3"', '"10.0.0.3"\non_failure = "retry"', "site.value", "poweroff, wait"),
        ('image = "golden"', 'image = "godlen"', "site.no-image", "Did you mean golden?"),
        ('client = "head1"', 'client = "10.0.0.300"', "address.ipv4", "not an IPv4 address"),
        ('client = "head1"', 'client = "-oProxy"', "name.domain", "not a domain name"),
        ('client = "head1"', 'client = "a\\nb"', "name.domain", "not a domain name"),
    ],
)
def test_each_problem_is_found_with_its_line(old, new, code, shown):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    with pytest.raises(InvalidInput) as caught:
        parse_site(text, FILE)
    report = next(one for one in caught.value.reports if one.code == code)
    assert shown in str(report)
    assert str(report).isprintable()
    assert report.place is not None
    assert said(text)
    # A message points into the table that was changed, at the changed line where it has one.
    changed = line_of(text, new) + new.count("\n")
    later = {"site.version": 1, "site.missing-key": changed - 1}
    moved = {"site.duplicate-address", "site.overlap", "site.shape", "site.unknown-key"}
    if code not in moved:
        assert report.place.line == later.get(code, changed)


def test_all_problems_at_once_in_the_order_of_the_file():
    text = GOOD.replace('"c"', '"c c"').replace("10.0.0.12", "10.0.0.11").replace('"golden"\ncl', '"gold"\ncl')  # fmt: skip
    text = text.replace('"10.0.0.254"', '"10.0.9.254"').replace("mac =", "mca =")
    assert said(text) == [
        (3, "name.host"),
        (8, "site.outside"),
        (23, "site.no-image"),
        (25, "site.unknown-key"),
        (31, "site.unknown-key"),
        (34, "site.duplicate-address"),
    ]


def test_a_newer_file_gets_one_sentence_only():
    assert said("version = 99\nwhatever = 1\n") == [(1, "site.newer")]


def test_an_empty_file_names_what_is_missing():
    codes = [code for _, code in said("")]
    assert codes == ["site.version", *["site.missing-table"] * 3]
    texts = " ".join(report.text for report in examine("", FILE))
    for header in ("[cluster]", "[networks.private]", "[primary]"):
        assert header in texts


def test_public_addresses_need_a_public_network():
    before, after = GOOD.split("[networks.public]")
    text = before + after[after.index("[primary]") :]
    assert [code for _, code in said(text)] == ["site.no-public"] * 3


def test_warnings_are_said_but_do_not_stop():
    text = GOOD.replace("10.0.0.12", "10.7.0.12").replace('"eth0"', '"eth1"')
    text = text.replace('alias = "192.0.2.10"', 'alias = "192.0.2.13"')
    reports = examine(text, FILE)
    assert {one.severity for one in reports} == {Severity.WARNING}
    assert [one.code for one in reports] == ["site.one-interface", "site.differs", "site.far-node"]
    assert parse_site(text, FILE).nodes[1].name == "n2"


def test_thousands_of_problems_are_counted():
    text = GOOD + "".join(f"wrong{number} = 1\n" for number in range(5_000))
    reports = examine(text, FILE)
    assert len(reports) == 201
    assert reports[-1].text == "There are 4800 more problems."
    with pytest.raises(InvalidInput):
        parse_site(text, FILE)


def test_a_large_cluster_is_no_problem():
    nodes = "".join(
        f'[[node]]\nname = "x{n}"\naddress = "10.{n >> 8}.{n & 255}.7"\n' for n in range(5000)
    )
    text = GOOD.replace("10.0.0.0/24", "10.0.0.0/8") + nodes
    assert len(parse_site(text, FILE).nodes) == 5002


# --- the locator ------------------------------------------------------------------------------

TRICKY = '''\
# [no.header]
a = """
b = 1
[x]
""" # end
'quoted key' = [1, # ]
  "]", { in = 1,
 out = "}" }]
"dotted".b . 'c' = 'x = 1'
[ t . "u v" ]
k = 2020-01-01T00:00:00Z
[[l]]
x = 1
[[l.m]]
y = 1
[[l.m]]
[[l]]
[[l.m]]
y = '''  # the value comes next


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("quoted key",), 6),
        (("quoted key", 1), 7),
        (("quoted key", 2, "in"), 7),
        (("quoted key", 2, "out"), 8),
        (("dotted", "b", "c"), 9),
        (("t", "u v"), 10),
        (("t", "u v", "k"), 11),
        (("t", "u v", "absent"), 10),
        (("l", 0, "x"), 13),
        (("l", 0, "m", 0, "y"), 15),
        (("l", 0, "m", 1), 16),
        (("l", 1), 17),
        (("l", 1, "m", 0, "y"), 19),
        (("nothing",), 1),
    ],
)
def test_the_line_of_every_key(path, line):
    assert locate(TRICKY + '"""\\"""""').line(path) == line


def test_comments_directly_above_a_header_belong_to_it():
    text = "a = 1\n# apart\n\n# one\n  # two\n[t]\n[u]\n"
    assert [text[one.start :].split("\n")[0] for one in locate(text).headers] == ["# one", "[u]"]


keys = st.text(min_size=1, max_size=6).filter(lambda key: "\r" not in key)
leaves = st.booleans() | st.integers() | st.text(max_size=12) | st.dates()
documents = st.dictionaries(
    keys,
    st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


def paths(value, path=()):
    """Return the path of every key in a document."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            found += paths(inner, (*path, key))
        else:
            found.append((*path, key))
    return found


@settings(max_examples=100, deadline=None)
@given(documents)
def test_every_key_of_any_document_is_found(document):
    try:
        text = tomlkit.dumps(document).replace("\r\n", "\n")
        import tomllib

        plain = tomllib.loads(text)
    except (ValueError, TypeError):  # what tomlkit itself cannot write
        return
    where = locate(text)
    for path in paths(plain):
        assert where.holds(path), (text, path)


def test_the_documentation_knows_every_key():
    pages = [one / "docs/site-file.md" for one in Path(__file__).parents]
    page = next(one for one in pages if one.exists()).read_text()
    for section in SECTIONS:
        assert f"## `{section.header}`" in page
        for key in section.keys:
            assert f"| `{key.name}` | {key.meaning} | {key.values} |" in page
            assert f"| `{key.example}` |" in page
    example = page.split("```toml\n")[1].split("```")[0]
    assert said(example) == []
