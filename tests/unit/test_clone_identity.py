"""What makes the clone a machine of its own, for every way to configure a network."""

import configparser
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone.identity import fstab_by_uuid, hosts_file, identity_steps, standard_fstab
from backend.clone.image_facts import ImageFacts, NetworkSystem
from backend.clone.layout_plan import plan
from backend.clone.network_config import ASIDE, cards_of
from backend.clone.standard_layout import StandardIds, standard_layout
from backend.clone.steps import Move, Remove, Run, Step, Write
from backend.clone.target import TargetDisk
from backend.errors import Refused
from backend.model.layout import Family, Layout
from backend.model.names import InterfaceName
from backend.model.site import Firmware, IpAssignment
from tests import clone_site
from tests import recorded_machines as recorded

GOLDEN = Path(__file__).parent.parent / "golden" / "clone"
IDS = StandardIds(
    *(f"0000000{number}-1111-4222-8333-444444444444" for number in range(1, 6)), "ABCD-0123"
)
STANDARD = standard_layout(recorded.captured("container-nspawn"), IDS)
HOSTS = """127.0.0.1\tlocalhost
127.0.1.1\thead.beo.example\thead
# the cluster
10.0.0.101 node1
10.0.0.2 spare

::1\tlocalhost ip6-localhost ip6-loopback
"""
FACTS = ImageFacts(
    family=Family.DEBIAN,
    host_name="head",
    hosts=HOSTS,
    fstab="10.0.0.9:/export /export nfs defaults 0 0\nUUID=abc / ext4 defaults 0 1\n",
    network=NetworkSystem.NETWORKD,
    network_files=("/etc/systemd/network/10-lan.network",),
    dns=(IPv4Address("10.0.0.1"), IPv4Address("192.0.2.53")),
    renderer="networkd",
    programs=frozenset({"ssh-keygen", "systemctl", "netplan"}),
    server_units=("isc-dhcp-server.service", "haoscar-boot.service"),
    host_keys=("/etc/ssh/ssh_host_rsa_key",),
    stale_files=("/var/lib/systemd/random-seed",),
)
FILES = {
    NetworkSystem.NETWORKD: ("/etc/systemd/network/10-lan.network",),
    NetworkSystem.IFUPDOWN: ("/etc/network/interfaces", "/etc/network/interfaces.d/lan"),
    NetworkSystem.NETPLAN: ("/etc/netplan/50-cloud-init.yaml",),
    NetworkSystem.NETWORK_MANAGER: ("/etc/NetworkManager/system-connections/lan.nmconnection",),
}


def facts_of(system: NetworkSystem) -> ImageFacts:
    return replace(FACTS, network=system, network_files=FILES[system])


def steps_of(
    system: NetworkSystem = NetworkSystem.NETWORKD,
    method: IpAssignment = IpAssignment.STATIC,
    layout: Layout = STANDARD,
    **changes: object,
) -> tuple[Step, ...]:
    site = clone_site.site(method)
    standby = clone_site.standby(**changes)
    return identity_steps(site, standby, layout, facts_of(system), clone_site.inventory()).steps


def as_text(steps: tuple[Step, ...]) -> str:
    lines = []
    for step in steps:
        match step:
            case Write():
                lines.append(f"=== write {step.path} {step.mode:o}")
                lines += step.content.splitlines()
            case Remove():
                lines.append(f"=== remove {step.path}")
            case Move():
                lines.append(f"=== move {step.path} -> {step.target}")
            case Run():
                lines.append(f"=== run {step.argv!r}" + (" may fail" if step.may_fail else ""))
    return "\n".join(lines) + "\n"


GOLDEN_CASES = [
    (system, method)
    for system in FILES
    for method in (IpAssignment.STATIC, IpAssignment.STATIC_DHCP)
]


@pytest.mark.parametrize(("system", "method"), GOLDEN_CASES)
def test_golden_identities(system: NetworkSystem, method: IpAssignment) -> None:
    expected = (GOLDEN / f"identity-{system}-{method}.txt").read_text()
    assert as_text(steps_of(system, method)) == expected


def written(steps: tuple[Step, ...]) -> dict[str, str]:
    return {step.path: step.content for step in steps if isinstance(step, Write)}


@pytest.mark.parametrize("system", FILES)
@pytest.mark.parametrize("method", list(IpAssignment))
def test_virtual_addresses_are_never_configured(
    system: NetworkSystem, method: IpAssignment
) -> None:
    steps = steps_of(system, method)
    for path, content in written(steps).items():
        assert "10.0.0.200" not in content, path
        assert "192.0.2.100" not in content, path


@pytest.mark.parametrize("system", FILES)
def test_the_golden_clients_own_configuration_is_set_aside(system: NetworkSystem) -> None:
    moved = {step.path: step.target for step in steps_of(system) if isinstance(step, Move)}
    assert moved == {path: ASIDE + path for path in FILES[system]}


def test_dynamic_and_static_dhcp_ask_the_head() -> None:
    for method in (IpAssignment.STATIC_DHCP, IpAssignment.DYNAMIC_DHCP):
        text = written(steps_of(method=method))["/etc/systemd/network/05-haoscar-private.network"]
        assert "DHCP=ipv4" in text
        assert "10.0.0.2" not in text


def test_a_replicant_keeps_name_and_addresses_and_is_warned_about() -> None:
    site = clone_site.site(IpAssignment.REPLICANT)
    found = identity_steps(site, clone_site.standby(), STANDARD, FACTS, clone_site.inventory())
    assert not {"/etc/hostname", "/etc/hosts"} & set(written(found.steps))
    assert not any(isinstance(step, Move) for step in found.steps)
    assert "identity.replicant" in {one.code for one in found.notes}
    assert written(found.steps)["/etc/machine-id"] == ""


def test_a_public_card_without_an_own_address_is_up_and_empty() -> None:
    text = written(steps_of(public_address=None))["/etc/systemd/network/05-haoscar-public.network"]
    assert "MACAddress=52:54:00:00:00:03" in text
    assert "Address=1" not in text
    assert "DHCP=no" in text


def test_one_default_gateway_and_where_it_belongs() -> None:
    files = written(steps_of())
    private, public = (
        files[f"/etc/systemd/network/05-haoscar-{role}.network"] for role in ("private", "public")
    )
    assert ("Gateway" in private, "Gateway=192.0.2.1" in public) == (False, True)
    files = written(steps_of(gateway=IPv4Address("10.0.0.254")))
    assert "Gateway=10.0.0.254" in files["/etc/systemd/network/05-haoscar-private.network"]
    assert "Gateway" not in files["/etc/systemd/network/05-haoscar-public.network"]
    with pytest.raises(Refused, match="on none of its networks"):
        steps_of(gateway=IPv4Address("172.16.0.1"))


def test_cards_are_found_by_mac_and_refused_when_missing() -> None:
    one = "\n".join(line for line in clone_site.INVENTORY.split("\n") if ":03" not in line)
    machine = clone_site.inventory(one)
    with pytest.raises(Refused, match="second network card"):
        cards_of(clone_site.site(), clone_site.standby(), machine, FACTS)
    alone = identity_steps(
        clone_site.site(), clone_site.standby(public_address=None), STANDARD, FACTS, machine
    )
    assert "identity.no-public-card" in {note.code for note in alone.notes}
    with pytest.raises(Refused, match="no network card"):
        cards_of(
            clone_site.site(), clone_site.standby(),
            clone_site.inventory(clone_site.INVENTORY.replace(":02", ":09")), FACTS,
        )  # fmt: skip


def test_of_several_cards_the_named_or_the_connected_one_is_public() -> None:
    third = "card\tmac=52:54:00:00:00:04\tname=eth2\tlink={}\tpredicted=enp9s0\nend"
    site, standby = clone_site.site(), clone_site.standby()
    both = clone_site.inventory(clone_site.INVENTORY.replace("end", third.format(1)))
    with pytest.raises(Refused, match=r"not clear.*eth1.*eth2"):
        cards_of(site, standby, both, FACTS)
    named = clone_site.standby(public_interface=InterfaceName("enp9s0"))
    assert cards_of(site, named, both, FACTS)[1].mac == "52:54:00:00:00:04"
    idle = clone_site.inventory(clone_site.INVENTORY.replace("end", third.format(0)))
    assert cards_of(site, standby, idle, FACTS)[1].mac == "52:54:00:00:00:03"


def test_names_of_the_primary_are_used_where_no_other_card_can_have_them() -> None:
    cards = cards_of(clone_site.site(), clone_site.standby(), clone_site.inventory(), FACTS)
    assert [one.name for one in cards] == ["ens18", "public0"]  # eth1 is the kernel's own name
    clash = clone_site.inventory(clone_site.INVENTORY.replace("enp0s4,ens4", "ens18"))
    names = [one.name for one in cards_of(clone_site.site(), clone_site.standby(), clash, FACTS)]
    assert names == ["private0", "public0"]


def test_an_unknown_network_system_is_refused() -> None:
    facts = replace(FACTS, network=NetworkSystem.UNKNOWN)
    with pytest.raises(Refused, match="not known what configures"):
        identity_steps(
            clone_site.site(), clone_site.standby(), STANDARD, facts, clone_site.inventory()
        )


def test_connection_files_are_private_and_well_formed() -> None:
    steps = steps_of(NetworkSystem.NETWORK_MANAGER)
    files = [one for one in steps if isinstance(one, Write) and "system-connections" in one.path]
    assert len(files) == 2
    for one in files:
        assert one.mode == 0o600
        parser = configparser.ConfigParser()
        parser.read_string(one.content)
        assert parser["ipv4"]["method"] == "manual"
    assert files[0].content == written(steps)[files[0].path]
    assert written(steps) == written(steps_of(NetworkSystem.NETWORK_MANAGER))


def test_hosts_keeps_everything_but_the_golden_clients_own_line() -> None:
    lines = hosts_file(HOSTS, "head", clone_site.site(), clone_site.standby()).splitlines()
    assert lines[1].split() == ["127.0.1.1", "standby1.beo.example", "standby1"]
    assert "# the cluster" in lines
    assert "10.0.0.101 node1" in lines
    assert "10.0.0.2\tstandby1.beo.example standby1 spare" in lines
    assert "10.0.0.1\thead.beo.example head" in lines
    assert sum("127.0.1.1" in line for line in lines) == 1


def test_hosts_without_a_name_line_gets_none_and_loses_the_golden_name() -> None:
    text = "127.0.0.1 localhost head head.old.example\n::1 localhost head\n10.0.0.1 head\n"
    lines = hosts_file(text, "head", clone_site.site(), clone_site.standby()).splitlines()
    assert lines == [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost",
        "10.0.0.1 head",
        "10.0.0.2\tstandby1.beo.example standby1",
    ]


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("127.0.1\n\t #:abchead"), max_size=80))
def test_hosts_of_any_shape_give_a_file_where_the_names_resolve(text: str) -> None:
    site, standby = clone_site.site(), clone_site.standby()
    lines = hosts_file(text, "head", site, standby).splitlines()
    own = [line.split() for line in lines if line.split()[:1] == ["10.0.0.2"]]
    assert any("standby1" in words for words in own)
    loopback = [line.partition("#")[0].split() for line in lines if line.startswith("127.")]
    assert not any("head" in words for words in loopback)


def test_standard_fstab_keeps_what_is_not_on_a_disk() -> None:
    text = "UUID=x / ext4 x 0 1\nnas:/home /home nfs4 rw 0 0\n/dev/sdb1 /x ext4 d 0 0\n/swap.img none swap sw 0 0\n"
    assert standard_fstab(STANDARD, text).splitlines()[1:] == [
        f"UUID={IDS.root_file_system} / ext4 errors=remount-ro 0 1",
        "UUID=ABCD-0123 /boot/efi vfat umask=0077,nofail 0 2",
        "nas:/home /home nfs4 rw 0 0",
    ]


def test_fstab_by_disk_name_is_rewritten_to_uuids() -> None:
    layout = recorded.captured("fstab-by-name")
    text = recorded.load("fstab-by-name")["outputs"]["cat /etc/fstab"]
    fitted = plan(layout, TargetDisk("/dev/sda", 9 << 30, 512), Firmware.BIOS).layout
    new = fstab_by_uuid(fitted, text)
    assert "/dev/vda" in text
    assert "/dev/vda" not in new
    for uuid in (layout.file_systems[0].uuid, layout.swaps[0].uuid):
        assert f"UUID={uuid}\t" in new
    facts = replace(FACTS, fstab=text)
    site, standby = clone_site.site(), clone_site.standby()
    found = identity_steps(site, standby, fitted, facts, clone_site.inventory())
    assert written(found.steps)["/etc/fstab"] == new


def test_fstab_by_uuid_stays_as_it_is() -> None:
    layout = recorded.captured("lab-lvm-bios")
    text = recorded.load("lab-lvm-bios")["outputs"]["cat /etc/fstab"]
    facts = replace(FACTS, fstab=text)
    site, standby = clone_site.site(), clone_site.standby()
    found = identity_steps(site, standby, layout, facts, clone_site.inventory())
    assert "/etc/fstab" not in written(found.steps)


def test_servers_that_answer_other_machines_are_off_and_it_is_said() -> None:
    found = identity_steps(
        clone_site.site(), clone_site.standby(), STANDARD, FACTS, clone_site.inventory()
    )
    off = [one.argv[2] for one in found.steps if isinstance(one, Run) and "disable" in one.argv]
    assert off == ["isc-dhcp-server.service", "haoscar-boot.service"]
    assert any("isc-dhcp-server.service" in str(note) for note in found.notes)


def test_keys_and_machine_id_are_new() -> None:
    steps = steps_of()
    assert (
        next(s for s in steps if isinstance(s, Write) and s.path == "/etc/machine-id").content == ""
    )
    removed = {step.path for step in steps if isinstance(step, Remove)}
    assert {"/etc/ssh/ssh_host_rsa_key", "/var/lib/systemd/random-seed"} <= removed
    made = [step.argv for step in steps if isinstance(step, Run) and step.argv[0] == "ssh-keygen"]
    assert [argv[argv.index("-t") + 1] for argv in made] == ["ed25519", "ecdsa"]
    assert all(argv[argv.index("-N") + 1] == "" for argv in made)


def test_swap_files_are_made_again() -> None:
    layout = recorded.captured("ubuntu2404-default")
    found = identity_steps(
        clone_site.site(), clone_site.standby(), layout, FACTS, clone_site.inventory(),
        swap_files=(("/swap.img", 4 << 30), ("bad", 1), ("/x\ny", 5)),
    )  # fmt: skip
    argvs = [step.argv for step in found.steps if isinstance(step, Run)]
    assert ("fallocate", "-l", str(4 << 30), "/swap.img") in argvs
    assert ("mkswap", "/swap.img") in argvs
    assert not any("bad" in argv or "/x\ny" in argv for argv in argvs)


def test_every_difference_from_the_image_is_explained() -> None:
    found = identity_steps(
        clone_site.site(), clone_site.standby(), STANDARD, FACTS, clone_site.inventory()
    )
    touched = found.touched()
    assert {"/etc/hostname", "/etc/hosts", "/etc/fstab", "/etc/machine-id"} <= set(touched)
    assert "/etc/ssh/ssh_host_ed25519_key.pub" in touched
    assert "/etc/systemd/network/10-lan.network" in touched
    assert all(touched.values())
