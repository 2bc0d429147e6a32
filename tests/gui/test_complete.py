"""Step 5 with real clicks and keys: witnesses, the virtual IP, the agents, a drill."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.actions.agent_client import SOCKET
from backend.addressing import places
from backend.paths import Paths
from backend.rollout.places import CONFIG, PROGRAM
from tests.gui.complete_world import KEYS, NAMES
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window

WORLD = ("--setup", "tests.gui.complete_world:setup", "--interface", "eth1")
SITE = """\
version = 1
[cluster]
name = "beowulf"
domain = "cluster.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
[primary]
name = "head1"
private_address = "10.0.0.1"
[[image]]
name = "head"
client = "head1"
[[standby]]
name = "head2"
image = "head"
address = "10.0.0.3"
"""
NODES = "".join(
    f'[[node]]\nname = "node{n}"\naddress = "10.0.0.10{n}"\n' for n in range(1, 5)
)  # fmt: skip
VIRTUAL = (
    SITE.replace('network = "10.0.0.0/24"\n', 'network = "10.0.0.0/24"\nvirtual_ip = "10.0.0.1"\n')
    .replace('"10.0.0.1"\n[[image]]', '"10.0.0.2"\n[[image]]')
)  # fmt: skip
Opened = Callable[..., Window]


@pytest.fixture
def opened(open_window: OpenWindow, root: Path) -> Opened:
    """Open the page with a site file, and what a test wishes of the pretended cluster."""

    def start(site: str = SITE + NODES, **wishes: object) -> Window:
        (root / "etc/haoscar/site.toml").write_text(site)
        (root / "wishes.json").write_text(json.dumps(wishes))
        window = open_window(*WORLD)
        window.click("rail.complete")
        window.wait_for("complete.complete")
        window.wait_until(lambda: window.widget("complete.members")["rows"])
        window.clicks = window.keys = 0
        return window

    return start


def members(root: Path, path: str) -> set[str]:
    """Return on which of the pretended machines a file is."""
    return {one for one in NAMES if (root / "members" / one / path.lstrip("/")).exists()}


def site(root: Path) -> str:
    return (root / "etc/haoscar/site.toml").read_text()


def part(window: Window, name: str) -> str:
    return str(window.widget("complete.members")["rows"][name][1])


def choose(window: Window, name: str, value: str) -> None:
    """Choose in an open list, as a person does."""
    choices = window.widget(name)["choices"]
    steps = choices.index(value) - choices.index(window.value(name))
    window.click(name)
    window.wait_until(lambda: "popdown" in window.focus(), what="the list is open")
    window.key(*["Down" if steps > 0 else "Up"] * abs(steps), "Return")
    window.wait_until(lambda: window.value(name) == value, what=f"{name} is {value}")


def install(window: Window, *, measurable: bool = True) -> None:
    """Install, the address being virtual; the drill that is proposed then is declined."""
    window.click("complete.complete")
    window.click("ask.trust-these-keys")
    window.click("view.confirm")
    if measurable:
        decline_drill(window)
    else:
        window.wait_text("banner.text", "The agent is well on:")


def decline_drill(window: Window) -> None:
    """Wait until a drill is proposed, which is when the agents are installed, and decline it."""
    window.wait_until(lambda: drill_proposed(window), what="the drill is proposed")
    window.key("Escape")
    window.wait_for("complete.drill")


def drill_proposed(window: Window) -> bool:
    found = window.widgets().get("view.changes", {}).get("rows", {}).values()
    return any("asked to hand over" in cell for row in found for cell in row)


def test_everything_is_proposed_and_six_clicks_make_and_prove_a_pair(
    opened: Opened, root: Path
) -> None:
    window = opened()
    rows = window.widget("complete.members")["rows"]
    assert {name: cells[1] for name, cells in rows.items()} == {
        "head1": "head", "head2": "head", "node1": "☑ witness", "node2": "☐ compute node",
        "node3": "☑ witness", "node4": "☑ witness",
    }  # fmt: skip
    assert rows["node2"][3] == "▲ does not answer"
    assert (
        window.text("complete.votes") == "Two heads and 3 witnesses vote: any 2 of them may fail."
    )
    assert window.value("complete.virtual-private") == "yes"
    assert not window.enabled("complete.drill")

    window.click("complete.complete")
    window.wait_for("view.confirm")
    assert '+virtual_ip = "10.0.0.1"' in window.text("view.diff")
    assert "virtual_ip" not in site(root)
    window.click("view.confirm")
    window.wait_text("complete.time-left", "It goes back in")
    assert members(root, PROGRAM) == set()
    window.click("complete.keep")  # and the installation goes on by itself
    window.click("ask.trust-these-keys")
    window.wait_for("view.confirm")
    assert not (root / "var/lib/haoscar/virtual-ip/pending.json").exists()
    assert 'virtual_ip = "10.0.0.1"' in site(root)
    groups = [
        cells[0] for key, cells in window.widget("view.changes")["rows"].items() if "g" in key
    ]
    assert groups == [
        "This head", "node1 (witness, 10.0.0.101)", "node3 (witness, 10.0.0.103)",
        "node4 (witness, 10.0.0.104)", "head1 (head, 10.0.0.2)", "head2 (head, 10.0.0.3)",
    ]  # fmt: skip
    assert members(root, CONFIG) == set()
    window.click("view.confirm")
    window.wait_text("window.last", "The agent is well on: node1, node3, node4, head1, head2.")
    window.wait_until(lambda: drill_proposed(window), what="the drill is proposed")
    assert members(root, CONFIG) == set(NAMES) - {"node2"}
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("status.title"), what="the status")
    window.wait_text("banner.text", "Passed: 10.0.0.1 did not answer")
    assert window.clicks == 6
    assert window.keys == 0
    window.click("rail.complete")
    window.wait_text("complete.verdict", "✔ Passed: 10.0.0.1 did not answer")
    assert (root / "var/lib/haoscar/last-drill.json").exists()


def _texts(window: Window) -> list[str]:
    """Return what the view of the changes says."""
    rows = window.widget("view.changes")["rows"].values()
    return [*(cell for row in rows for cell in row), window.text("view.diff")]


def test_it_all_works_with_the_keyboard_alone(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL + NODES)
    window.key("Return")  # the panel's main action
    window.wait_for("ask.trust-these-keys")
    window.key("shift+Tab", "space")
    window.wait_for("view.confirm")
    window.key("Return")
    decline_drill(window)
    assert members(root, PROGRAM) == set(NAMES) - {"node2"}
    assert window.clicks == 0


def test_all_host_keys_are_asked_about_at_once_and_once(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL + NODES)
    window.click("complete.complete")
    window.wait_for("ask.trust-these-keys")
    window.key("Escape")
    window.wait_text("window.last", "The host keys were not confirmed. Nothing was changed.")
    known = root / "var/lib/haoscar/known_hosts"
    assert not known.exists()
    install(window)
    assert len(known.read_text().splitlines()) == 4  # head1 is this machine
    assert all(key.base64 in known.read_text() for host, key in KEYS.items() if host[-1] in "34")
    window.click("complete.complete")
    window.wait_text("banner.text", "Nothing to do: head1, head2, node1, node3, node4 have")


def test_the_address_goes_back_when_nobody_keeps_it(opened: Opened, root: Path) -> None:
    window = opened(seconds=3)
    window.click("complete.complete")
    window.click("view.confirm")
    window.wait_text("complete.time-left", "It goes back in 2 s.")
    window.wait_text("window.last", "The address went back")
    window.wait_until(lambda: not window.shown("complete.keep"))
    window.wait_until(lambda: window.shown("complete.virtual-private"))
    assert site(root) == SITE + NODES
    assert members(root, PROGRAM) == set()
    assert not window.shown("ask.trust-these-keys")  # nothing goes on by itself


def test_the_address_goes_back_at_once_on_request(opened: Opened, root: Path) -> None:
    window = opened()
    window.click("complete.complete")
    window.click("view.confirm")
    window.click("complete.go-back")
    window.wait_text("window.last", "The address went back")
    assert site(root) == SITE + NODES
    window.wait_until(lambda: window.value("complete.virtual-private") == "yes")


def test_a_change_that_waits_is_asked_about_by_another_window_too(
    opened: Opened, open_window: OpenWindow, root: Path
) -> None:
    window = opened()
    window.click("complete.complete")
    window.click("view.confirm")
    window.wait_for("complete.keep")
    window.kill()
    window = open_window(*WORLD)  # resumes where it was
    window.wait_text("complete.time-left", "It goes back in")
    window.click("complete.keep")
    window.wait_until(lambda: not window.shown("complete.keep"))
    window.wait_text("complete.address-private", "10.0.0.1 is the virtual IP")
    assert not places.pending_file(Paths(root)).exists()


def test_who_votes_can_be_chosen_with_mouse_and_keys(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL + NODES)
    assert not window.enabled("complete.witness")
    window.click_row("complete.members", "node3", times=2)
    window.wait_until(lambda: part(window, "node3") == "☐ compute node")
    window.click("complete.witness")
    window.wait_until(lambda: part(window, "node3") == "☑ witness")
    window.click_row("complete.members", "node4")
    window.key("Return")
    window.wait_until(lambda: part(window, "node4") == "☐ compute node")
    assert "With one witness less it is the same." in window.text("complete.votes")
    window.click_row("complete.members", "head2")
    assert not window.enabled("complete.witness")
    window.key("Return")
    assert part(window, "head2") == "head"
    window.click("complete.again")
    window.click_row("complete.members", "node3", times=2)
    window.wait_until(lambda: part(window, "node3") == "☐ compute node")
    install(window)
    assert members(root, PROGRAM) == {"head1", "head2", "node1"}


def test_without_witnesses_one_says_what_a_standby_shall_do(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL)
    window.wait_text("complete.votes", "Nobody votes besides the heads")
    choose(window, "complete.without", "serve, at the risk of two active heads")
    install(window, measurable=False)
    assert 'takeover_without_witness = "risk"' in site(root)
    assert "witnesses = []" in site(root)


def test_a_password_is_asked_for_only_where_keys_do_not_let_in(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL + NODES, password="10.0.0.103")
    window.click("complete.complete")
    window.click("ask.trust-these-keys")
    window.wait_for("secret.entry")
    window.key("Escape")
    window.wait_text("banner.text", "No password was given. Nothing was changed.")
    assert members(root, PROGRAM) == set()
    window.click("complete.complete")
    window.wait_for("secret.entry")
    window.type("hidden")
    window.key("Return")
    window.click("view.confirm")
    window.wait_for("secret.entry")  # of the drill that is proposed; it is kept nowhere
    window.key("Escape")
    window.wait_for("complete.drill")
    assert "hidden" not in window.said()
    for file in root.rglob("*"):
        assert not file.is_file() or b"hidden" not in file.read_bytes()


def test_the_agents_can_be_taken_away_again(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL + NODES)
    assert not window.enabled("complete.remove")
    install(window)
    window.click("complete.remove")
    window.click("view.confirm")
    window.wait_text("banner.text", "Nothing of the agent is left on:")
    assert members(root, PROGRAM) == set()
    window.wait_until(lambda: not window.enabled("complete.drill"))


def test_another_fault_and_the_way_back(opened: Opened) -> None:
    window = opened(VIRTUAL + NODES)
    install(window)
    choose(window, "complete.fault", "power loss")
    assert not window.enabled("complete.back")
    choose(window, "complete.fault", "agent frozen")
    window.click("complete.back")
    window.click("complete.drill")
    window.wait_for("view.confirm")
    shown = " ".join(_texts(window))
    assert "is stopped (SIGSTOP)" in shown
    assert "Afterwards head1 becomes active again" in shown
    window.click("view.confirm")
    window.wait_text("banner.text", "Passed: ", 30)


def test_a_drill_that_took_too_long_is_a_failure_on_its_page_and_in_the_banner(
    opened: Opened,
) -> None:
    window = opened(VIRTUAL + NODES, gap_ms=306)
    install(window)
    window.click("complete.drill")
    window.click("view.confirm")
    window.wait_text("banner.text", "✖ Failed: 10.0.0.1 did not answer node1 for 306 ms", 30)
    window.wait_until(lambda: window.shown("status.title"), what="the status")
    window.wait_until(lambda: window.text("status.last-drill").startswith("✖ Failed: "))
    window.click("banner.details")
    window.wait_text("view.sentence", "✖ Failed: ")
    window.key("Escape")
    window.click("rail.complete")
    window.wait_text("complete.verdict", "✖ Failed: ")
    window.wait_text("rail.complete.state", "✖ failed")
    window.point_at("rail.complete.state")
    window.wait_text("tooltip", "The last drill did not pass. Failed: 10.0.0.1 did not answer")


def test_a_drill_that_is_refused_says_why(opened: Opened, root: Path) -> None:
    window = opened(VIRTUAL)
    install(window, measurable=False)
    window.click("complete.drill")
    window.wait_text("banner.text", "This site has no witness: nobody could measure.")


def test_before_there_is_a_standby_it_says_what_comes_first(
    open_window: OpenWindow, root: Path
) -> None:
    window = open_window(*WORLD)
    window.click("rail.complete")
    window.wait_text("complete.problem", "no site file yet: no standby has been defined")
    assert not window.enabled("complete.complete")
    window.key("Escape")
    window.wait_until(lambda: window.shown("home.next"))
    assert not (root / SOCKET.lstrip("/")).exists()
