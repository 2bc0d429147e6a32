"""``haoscar macs``: from the arguments to the site file, the list and what is printed."""

import argparse
import dataclasses
import functools
import json
from ipaddress import IPv4Address, IPv4Network

import pytest

from backend.change.plan import Plan, WriteFile
from backend.cli import main as cli
from backend.cli.app import App
from backend.cli.commands import macs as command
from backend.cli.output import Output
from backend.discovery.mac_collecting import CollectMacs
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName
from backend.model.site import ImageSource, Network, Node, Primary, Site, Standby
from backend.system import packets
from backend.system.packets import Batch, Frame
from backend.wiring import Wiring
from tests.fakes.dhcp_frames import DISCOVER, frame

OWN, A, B, C = (Mac(f"52:54:00:00:00:0{n}") for n in range(4))
ROM = ((60, b"PXEClient:Arch:00000:UNDI:002001"), (93, b"\0\0"))
SITE = Site(
    HostName("cluster"),
    DomainName("example.org"),
    Network(InterfaceName("eth1"), IPv4Network("10.0.0.0/24")),
    Primary(HostName("head"), IPv4Address("10.0.0.1")),
    standbys=tuple(
        Standby(HostName(name), ImageName("image"), IPv4Address("10.0.0.2"), 24)
        for name in ("standby1", "standby2")
    ),
    nodes=(Node(HostName("node001"), mac=B),),
)


def parse(*words: str) -> argparse.Namespace:
    """Parse the words as ``haoscar macs`` would."""
    parser = cli.Parser(top=True)
    command.register(parser.add_subparsers(parser_class=cli.Parser))
    return parser.parse_args(["macs", *words])


class Store:
    """A site file in memory; what is applied becomes what is loaded."""

    def __init__(self, site: Site | None) -> None:
        self.site = site

    def exists(self) -> bool:
        return self.site is not None

    def load(self) -> Site:
        assert self.site is not None
        return self.site

    def write_step(self, site: Site) -> WriteFile:
        self.offered = site
        return WriteFile(command.Path("/etc/haoscar/site.toml"), b"", "the site")


class Head:
    """A head with a site in memory, files below a directory, and a wire with recorded frames."""

    def __init__(self, root, monkeypatch, site=SITE) -> None:
        self.store = Store(site)
        self.plans: list[Plan] = []
        self.frames: list[bytes] = []
        self.interfaces: list[str] = []
        self.root = root
        monkeypatch.setattr(packets, "own_cards", lambda: frozenset([OWN]))
        listening = functools.partial(CollectMacs, listen=self._listen)
        monkeypatch.setattr(command, "CollectMacs", listening)
        monkeypatch.setattr(App, "apply", lambda app, plan: self._apply(plan))
        monkeypatch.setattr(Wiring, "store", lambda wiring: self.store)

    def _listen(self, interface, on_batch, cancelled) -> None:
        self.interfaces.append(interface)
        on_batch(Batch(()))
        on_batch(Batch(tuple(Frame(100.0 + n, data) for n, data in enumerate(self.frames))))
        assert cancelled()

    def _apply(self, plan: Plan) -> None:
        self.plans.append(plan)
        self.store.site = self.store.offered

    def run(self, *words: str) -> int:
        args = parse(*words)
        wiring = Wiring.rooted_at(self.root)
        return cli.run(args, App(wiring, args.json, args.yes, args.verbose, Output(args.json)))

    def hear(self, *frames: bytes) -> None:
        self.frames = list(frames)
        assert self.run("collect", "--until-count", str(len(frames))) == 0

    @property
    def cards(self) -> list[Mac | None]:
        return [standby.mac for standby in self.store.load().standbys]


@pytest.fixture
def head(tmp_path, monkeypatch) -> Head:
    return Head(tmp_path, monkeypatch)


def request(mac: Mac, *options: tuple[int, bytes]) -> bytes:
    return frame(mac.raw, DISCOVER, *options)


def test_collect_shows_each_machine_once_and_keeps_the_list(head, capsys):
    head.frames = [request(A, *ROM), request(OWN), request(A, *ROM), request(B)]
    assert head.run("collect", "--until-count", "2") == 0
    shown = capsys.readouterr().out
    assert head.interfaces == ["eth1"]
    assert shown.count(A) == 1
    assert "network boot ROM, x86 BIOS" in shown
    assert "QEMU/KVM" in shown
    assert "node001" in shown
    assert OWN not in shown
    assert "2 machines heard, 2 in the list" in shown
    assert head.run("list") == 0
    assert capsys.readouterr().out.count("52:54:00") == 2


def test_collect_as_json_prints_a_line_for_each_news(head, capsys):
    head.frames = [request(A, *ROM)]
    assert head.run("collect", "--json", "--interface", "br0", "--until-count", "1") == 0
    (line,) = capsys.readouterr().out.splitlines()
    heard = json.loads(line)
    assert (heard["mac"], heard["kind"], heard["firmware"]) == (A, "rom", "bios")
    assert (heard["boots_from_network"], heard["node"]) == (True, None)
    assert heard["vendor"].startswith("QEMU")
    assert head.interfaces == ["br0"]


def test_collect_without_a_site_asks_for_the_interface(tmp_path, monkeypatch, capsys):
    head = Head(tmp_path, monkeypatch, site=None)
    assert head.run("collect") == cli.EXIT_INVALID
    assert "--interface" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("--seconds", "0"), ("--until-count", "x"), ("--seconds", "nan")]
)
def test_collect_refuses_nonsense_numbers(head, words):
    with pytest.raises(SystemExit):
        head.run("collect", *words)


def test_assign_writes_the_site_through_a_plan(head, capsys):
    assert head.run("assign", "52-54-00-00-00-01", "standby2") == 0
    assert head.cards == [None, A]
    assert [plan.title for plan in head.plans] == [f"Assign {A} to standby2"]
    assert head.run("assign", C, "standby2") == 0
    assert "belongs to standby2" in capsys.readouterr().out
    assert head.run("list", "--json") == 0
    assert [one["mac"] for one in json.loads(capsys.readouterr().out)] == [A]  # returned


def test_assigning_a_compute_node_needs_its_own_word_and_yes_is_not_enough(head, capsys):
    assert head.run("assign", B, "standby1", "--yes") == cli.EXIT_REFUSED
    assert "--yes-node-is-mine" in capsys.readouterr().err
    assert head.plans == []
    assert head.run("assign", B, "standby1", "--yes-node-is-mine") == 0
    assert head.cards == [B, None]


def test_own_card_and_bad_address_are_refused(head):
    assert head.run("assign", OWN, "standby1") == cli.EXIT_REFUSED
    assert head.run("assign", "52:54", "standby1") == cli.EXIT_INVALID
    assert head.plans == []


def test_assign_all_takes_the_list_oldest_first_without_compute_nodes(head, capsys):
    head.hear(request(B), request(C), request(A))
    assert head.run("assign-all") == 0
    assert head.cards == [C, A]
    assert "Left out" in capsys.readouterr().out
    assert len(head.plans) == 1
    assert head.run("assign-all") == 0
    assert len(head.plans) == 1  # nothing to change, nothing written


def test_delete_returns_the_card_to_the_list(head, capsys):
    head.run("assign", C, "standby1")
    assert head.run("delete", "standby1") == 0
    assert head.cards == [None, None]
    capsys.readouterr()
    head.run("list", "--json")
    assert [one["mac"] for one in json.loads(capsys.readouterr().out)] == [C]


def test_declined_change_leaves_the_list_alone(head, monkeypatch):
    def declined(app, plan):
        raise cli.Cancelled

    head.run("assign", C, "standby1")
    monkeypatch.setattr(App, "apply", declined)
    assert head.run("delete", "standby1") == cli.EXIT_CANCELLED
    assert not (head.root / "var/lib/haoscar/macs.json").read_text().count(C)


def test_remove_and_remove_all(head, capsys):
    head.hear(request(A), request(C))
    assert head.run("remove", A, B) == 0
    assert "not in the list" in capsys.readouterr().out
    assert head.run("remove") == cli.EXIT_INVALID
    assert head.run("remove", "--all") == 0
    capsys.readouterr()
    head.run("list", "--json")
    assert json.loads(capsys.readouterr().out) == []


def test_export_and_import_keep_bindings_and_free_addresses(head, tmp_path, capsys):
    head.hear(request(A, *ROM))
    head.run("assign", C, "standby2")
    file = tmp_path / "mac-addresses"
    assert head.run("export", str(file)) == 0
    lines = file.read_text().splitlines()
    assert lines[1:] == [f"{A}\t# ", f"{B}\t# node001", f"{C}\t# standby2"]
    head.run("remove", "--all")
    head.store.site = SITE
    capsys.readouterr()
    assert head.run("import", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"read": 3, "rejected": [], "bound": 2, "free": 1}
    assert head.cards == [None, C]
    head.run("list", "--json")
    assert [one["mac"] for one in json.loads(capsys.readouterr().out)] == [A]


def test_import_names_rejected_lines_and_takes_the_rest(head, tmp_path, capsys):
    file = tmp_path / "macs"
    file.write_text(f"{A} # standby1\nrubbish\n{A}\n")
    assert head.run("import", str(file)) == 0
    said = capsys.readouterr()
    assert "macs:2" in said.err
    assert "macs:3" in said.err
    assert "1 addresses read, 2 lines rejected" in said.out
    assert head.cards == [A, None]


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", b"rubbish\n"])
def test_import_of_rubbish_changes_nothing(head, tmp_path, content):
    file = tmp_path / "macs"
    file.write_bytes(content)
    assert head.run("import", str(file)) == cli.EXIT_INVALID
    assert head.run("import", str(tmp_path / "nothere")) == cli.EXIT_INVALID
    assert head.run("import", str(tmp_path)) == cli.EXIT_INVALID
    assert head.plans == []
    assert not (head.root / "var/lib/haoscar/macs.json").exists()


def test_import_without_a_site_keeps_the_addresses(tmp_path, monkeypatch, capsys):
    head = Head(tmp_path, monkeypatch, site=None)
    file = tmp_path / "macs"
    file.write_text(f"node001 {A}\n")
    assert head.run("import", str(file)) == 0
    assert "without their machines" in capsys.readouterr().out
    head.run("list", "--json")
    assert json.loads(capsys.readouterr().out)[0]["mac"] == A


def test_export_formats_and_overwriting(head, tmp_path, capsys):
    head.hear(request(A))
    file = tmp_path / "macs.csv"
    assert head.run("export", str(file)) == 0
    assert file.read_text().startswith("mac,client,")
    assert head.run("export", str(file), "--json") == cli.EXIT_REFUSED  # nobody can be asked
    assert head.run("export", str(file), "--yes", "--format", "oscar-2003") == 0
    assert file.read_text() == f"# Saved OSCAR MAC Addresses\n{A}\n{B}\n"
    capsys.readouterr()
    assert head.run("export", "-", "--format", "mac-info") == 0
    shown = capsys.readouterr().out
    assert f"node001 {B}\n" in shown
    assert "left out" in shown


def test_damaged_list_is_said_not_overwritten(head, capsys):
    head.hear(request(A))
    file = head.root / "var/lib/haoscar/macs.json"
    file.write_text("{")
    head.frames = [request(B)]
    assert head.run("collect", "--until-count", "1") == cli.EXIT_INVALID
    assert file.read_text() == "{"


def test_site_is_a_value_and_was_not_changed_by_the_tests():
    assert dataclasses.asdict(SITE)["standbys"][0]["mac"] is None


def test_listening_that_is_refused_writes_nothing(head, monkeypatch, capsys):
    def refused(interface, on_batch, cancelled):
        raise cli.Refused.of("sniffer.not-root", "Only root may listen.", "Use sudo.")

    monkeypatch.setattr(command, "CollectMacs", functools.partial(CollectMacs, listen=refused))
    assert head.run("collect") == cli.EXIT_REFUSED
    assert "Use sudo" in capsys.readouterr().err
    assert not (head.root / "var").exists()


def test_with_the_real_site_file_and_journal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packets, "own_cards", lambda: frozenset([OWN]))
    wiring = Wiring.rooted_at(tmp_path)
    file = wiring.paths.site_file
    file.parent.mkdir(parents=True)
    image = ImageSource(ImageName("image"), "head")
    addresses = ("10.0.0.2", "10.0.0.3")
    standbys = tuple(
        dataclasses.replace(one, address=IPv4Address(text))
        for one, text in zip(SITE.standbys, addresses, strict=True)
    )
    site = dataclasses.replace(SITE, images=(image,), standbys=standbys)
    file.write_bytes(b"# ours\n" + wiring.store().render(site))

    def run(*words: str) -> int:
        args = parse(*words, "--yes")
        return cli.run(args, App(wiring, yes=True, out=Output()))

    assert run("assign", A, "standby2") == 0, capsys.readouterr()
    assert run("assign", B, "standby1") == cli.EXIT_REFUSED
    assert run("assign", B, "standby1", "--yes-node-is-mine") == 0
    assert [one.mac for one in wiring.store().load().standbys] == [B, A]
    assert file.read_text().startswith("# ours\n")
    assert run("delete", "standby1") == 0
    assert [one.mac for one in wiring.store().load().standbys] == [None, A]
