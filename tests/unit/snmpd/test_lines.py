"""Which lines a head's snmpd needs: from the site, the head, and what is there already."""

from pathlib import Path

import pytest

from backend.model.secrets import Secret
from backend.site.store import parse_site
from backend.snmpd.files import access_file, community_of, credentials_file, lines_file
from backend.snmpd.head import Existing, Head, Running, existing
from backend.snmpd.needs import DISK, LOAD, PROC, Wish, wish_of
from backend.snmpd.wanted import Wanted, units_asked, wanted
from tests.fakes.pair_site import PAIR_SITE

GROUP = """\
[[host_group]]
name = "G"
hosts = {hosts}
[[watch]]
group = "G"
name = "p"
monitor = "{monitor}"
interval = "3s"
"""
ALL = frozenset({PROC, LOAD, DISK})
WISH = Wish(ALL, "10.0.0.2", ("10.0.0.2", "10.0.0.3"))
HEAD = Head(
    cpus=8,
    mounts=("/", "/boot", "/home", "/srv", "/proc"),
    running=(
        Running("ssh.service", "sshd"),
        Running("cron.service", "cron"),
        Running("slurmctld.service", "slurmctld"),
        Running("dhcpd.service", "dhcpd", enabled=False),
        Running("nfs-mountd.service", "rpc.mountd"),
    ),
    kernel_threads=("nfsd",),
)


def site(more: str = "") -> Wish | None:
    return wish_of(parse_site(PAIR_SITE + more, Path("site.toml")), "head1")


def test_the_default_watch_list_asks_all_three_tables() -> None:
    found = site(
        "\n".join(
            GROUP.replace("{hosts}", "[]").replace("{monitor}", one).replace('"p"', f'"s{n}"')
            if n == 0
            else "[[watch]]\n" + GROUP.split("[[watch]]\n")[1].replace("{monitor}", one).replace('"p"', f'"s{n}"')
            for n, one in enumerate(
                ("netsnmp-proc.monitor", "netsnmp-loadaverage.monitor", "netsnmp-freespace.monitor")
            )
        )
    )  # fmt: skip
    assert found == Wish(ALL, "10.0.0.2", ("10.0.0.2", "10.0.0.3"))


@pytest.mark.parametrize(
    ("hosts", "monitor", "tables"),
    [
        ('["head1"]', "netsnmp-proc.monitor", {PROC}),
        ('["HEAD1.cluster.example"]', "netsnmp-loadaverage.monitor", {LOAD}),
        ('["10.0.0.2"]', "netsnmp-freespace.monitor", {DISK}),
        ('["head2"]', "netsnmp-proc.monitor", None),
        ('["node1"]', "netsnmp-proc.monitor", None),
        ("[]", "icmp", None),
    ],
)
def test_only_what_looks_at_this_head_counts(
    hosts: str, monitor: str, tables: set[str] | None
) -> None:
    found = site(GROUP.replace("{hosts}", hosts).replace("{monitor}", monitor))
    assert (None if found is None else found.tables) == tables


def test_what_is_watched_by_default() -> None:
    found = wanted(WISH, HEAD, Existing(), new=True)
    assert found == Wanted(
        procs=("sshd", "cron", "slurmctld", "rpc.mountd", "nfsd"),
        load=(32, 16, 16),
        disks=("/", "/home"),
        listen="10.0.0.2",
        listen_loopback=True,
        fresh=True,
    )


def test_what_moves_with_the_role_is_no_line_for_processes_but_one_for_disks() -> None:
    wish = WISH._replace(
        moving=("slurmctld", "nfs-server.service"), mounts=("/srv/", "/home"), healed=("dhcpd",)
    )
    found = wanted(wish, HEAD, Existing(), new=True)
    assert found.procs == ("sshd", "cron", "dhcpd", "rpc.mountd")
    assert found.disks == ("/", "/home", "/srv")
    assert "dhcpd.service" in units_asked(wish)


def test_nothing_is_asked_that_the_watch_list_does_not_ask() -> None:
    found = wanted(WISH._replace(tables=frozenset({LOAD})), HEAD, Existing(), new=False)
    assert found == Wanted(load=(32, 16, 16))


def test_lines_of_the_administrator_stay_and_are_not_doubled() -> None:
    there = existing(
        [
            "proc sshd 4 1",
            "PROC\tcron",
            "disk /home/ 5%",
            "load 12",
            "agentaddress udp:161",
            "# proc nfsd",
        ]
    )
    assert there == Existing(
        frozenset({"sshd", "cron"}), frozenset({"/home"}), load=True, addresses=("udp:161",)
    )
    found = wanted(WISH, HEAD, there, new=False)
    assert found == Wanted(procs=("slurmctld", "rpc.mountd", "nfsd"), disks=("/",), fresh=True)
    assert wanted(WISH, HEAD, replace_all_disks(there), new=False).disks == ()


def replace_all_disks(there: Existing) -> Existing:
    return there._replace(all_disks=True)


@pytest.mark.parametrize(
    ("line", "new", "listen", "unheard"),
    [
        ("agentaddress  127.0.0.1,[::1]", False, "10.0.0.2", False),  # as Debian delivers it
        ("agentaddress udp:127.0.0.1:161", False, "10.0.0.2", False),
        ("agentaddress 10.0.0.2", False, "", False),
        ("agentaddress udp:10.0.0.2:161,tcp:161", False, "", False),
        ("agentaddress 161", False, "", False),
        ("agentaddress 0.0.0.0:161", False, "", False),
        ("agentaddress 192.0.2.7,127.0.0.1", False, "", True),
        ("agentaddress unix:/run/snmpd", False, "", True),
        ("# nothing", False, "", False),  # snmpd listens everywhere
        ("# nothing", True, "10.0.0.2", False),
    ],
)
def test_where_it_listens_is_the_administrators_choice(
    line: str, new: bool, listen: str, unheard: bool
) -> None:
    found = wanted(WISH, HEAD, existing([line]), new=new)
    assert (found.listen, found.unheard) == (listen, unheard)
    assert found.listen_loopback is (line.startswith("#") and new)


def test_names_that_no_line_can_hold_are_left_out() -> None:
    head = HEAD._replace(
        running=(Running("ssh.service", "a b"), Running("cron.service", "x\nproc evil")),
        kernel_threads=(),
    )
    wish = WISH._replace(mounts=("/a b", "/ok\ndisk /evil", "/srv"))
    found = wanted(wish, head, Existing(), new=True)
    assert (found.procs, found.disks) == ((), ("/", "/home", "/srv"))
    with pytest.raises(ValueError, match="address"):
        wanted(WISH._replace(address="10.0.0.2\nproc x"), head, Existing(), new=True)


def test_the_files() -> None:
    key = Secret("k" * 64 + "\n")
    community = community_of(key).reveal()
    text = lines_file(wanted(WISH, HEAD, Existing(), new=True), "/etc/snmp/x.conf").decode()
    lines = [one for one in text.splitlines() if one and not one.startswith("#")]
    assert lines == [
        "agentaddress udp:10.0.0.2:161",
        "agentaddress udp:127.0.0.1:161",
        "view haoscar included .1.3.6.1.4.1.2021",
        "view haoscar included .1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2",
        "includeFile /etc/snmp/x.conf",
        "proc sshd",
        "proc cron",
        "proc slurmctld",
        "proc rpc.mountd",
        "proc nfsd",
        "load 32 16 16",
        "disk / 10%",
        "disk /home 10%",
        "repeat 5 .1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2 = 1",
    ]
    assert community not in text
    access = access_file(WISH, key, fresh=True).reveal()
    assert access.count(f"rocommunity {community} ") == 3  # loopback and both heads
    assert access.count("rwuser") == 1
    assert credentials_file(key).reveal() == f"community = {community}\n"
    assert access_file(WISH, key, fresh=False, own=False).reveal().count("\n") == 1
    assert "rwuser" not in access_file(WISH, key, fresh=False).reveal()


def test_the_community_is_the_same_on_both_heads_and_does_not_give_the_key_away() -> None:
    one, other = Secret("a" * 64 + "\n"), Secret("b" * 64 + "\n")
    assert community_of(one) == community_of(Secret("a" * 64))
    assert community_of(one) != community_of(other)
    assert len(community_of(one).reveal()) == 40
    assert community_of(one).reveal() not in repr(credentials_file(one))
