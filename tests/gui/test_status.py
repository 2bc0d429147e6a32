"""Cluster status: real agents in namespaces, a real window, real clicks."""

import os
import tkinter as tk
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.actions.status_drill import LastDrill, keep
from backend.drill.phases import Phase
from backend.lab.failover.agents import CONTROL, RUN, Agents, Program
from backend.lab.failover.places import HEADS
from backend.lab.failover.scene import Scene
from backend.lab.failover.world import World
from backend.paths import Paths
from panels.widgets.drawing import Drawing, Laid, Measure, Shape
from panels.widgets.theme import Theme
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Display, Window
from tests.lab.agents_with_service import WithService

BUTTONS = ("switchover", "drill", "maintenance", "close")
QUICK = 5.0  # seconds until the window shows what has happened


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two heads and three witnesses."""
    if os.geteuid() != 0:
        pytest.skip("needs root")

    def agents(world: World) -> Agents:
        return WithService(world, Program.of(None))

    with Scene.open(Paths(tmp_path_factory.mktemp("world")), agents) as made:
        yield made


@pytest.fixture
def pair(scene: Scene, root: Path) -> Scene:
    """Return the pair, well, with this window's machine as head-a."""
    scene.settle()
    directory = root / "run/haoscar-agent"
    directory.mkdir()
    (root / "etc/haoscar/agent.json").touch()
    (directory / "control").symlink_to(scene.world.machines[HEADS[0]].root / RUN / CONTROL)
    return scene


def opened(open_window: OpenWindow, *options: str) -> Window:
    window = open_window("--interface", "eth0", *options)
    window.click("rail.status")
    window.wait_until(lambda: window.shown("status.title"), what="the page")
    return window


def well(window: Window) -> None:
    window.wait_text("status.state", "healthy: ", 10.0)


def role(scene: Scene, name: str) -> str:
    assert isinstance(scene.engine, Agents)
    return str(scene.engine.ask(name, command="status")["role"])


def test_a_switchover_by_mouse_moves_the_roles(pair: Scene, open_window: OpenWindow) -> None:
    before, after = pair.active, pair.standby
    window = opened(open_window)
    well(window)
    assert f"healthy: {before} serves, {after} stands by" in window.text("status.state")
    window.longest_gap()
    window.click("status.switchover")
    window.wait_for("view.confirm")
    assert role(pair, before) == "active"  # nothing has happened yet
    rows = window.widget("view.changes")["rows"].values()
    assert any(before in cell for row in rows for cell in row)
    window.click("view.confirm")
    window.wait_text("view.sentence", f"{after} is active now")
    assert (role(pair, before), role(pair, after)) == ("standby", "active")
    window.click("view.close")
    window.wait_text("status.state", f"healthy: {after} serves, {before} stands by", 10.0)
    serving = next(
        part for part in window.text("status.pair").split("; ") if part.startswith(after)
    )
    assert "active" in serving
    assert "10.77.0.10, 192.0.2.10" in serving
    assert window.longest_gap() < 100


def test_the_window_shows_a_loss_and_its_end(pair: Scene, open_window: OpenWindow) -> None:
    window = opened(open_window)
    well(window)
    other = HEADS[1]
    pair.power_cut(other)
    # Either it was the standby, and nobody could take over, or head-a has taken over from it.
    window.wait_text("status.state", f"alert / hold: {other} does not answer", 10.0)
    assert f"{other}: silent for" in window.text("status.pair")
    assert "link private, silent; link public, silent; " in window.text("status.pair")
    pair.power_on(other)
    well(window)
    events = window.widget("status.events")["rows"].values()
    assert any("decision" in row for row in events)


def test_a_service_that_stops_is_started_again_before_ones_eyes(
    pair: Scene, open_window: OpenWindow
) -> None:
    if role(pair, HEADS[0]) != "active":
        pair.engine.switch_over(HEADS[1])
    window = opened(open_window)
    well(window)
    assert window.widget("status.services")["rows"]["home"][1] == "✔ running"
    (pair.world.machines[HEADS[0]].disk / "home").unlink()
    window.wait_text("status.state", "restart locally: starting again on head-a: home", QUICK)
    assert window.widget("status.services")["rows"]["home"][1].startswith("▲ ")
    well(window)


def test_maintenance_is_switched_on_for_a_while_and_off(
    pair: Scene, open_window: OpenWindow
) -> None:
    window = opened(open_window)
    well(window)
    window.click("status.maintenance")
    window.click("ask.4-h")
    window.click("view.confirm")
    window.wait_text("view.sentence", "Maintenance is on; it ends by itself in 4 h")
    window.click("view.close")
    window.wait_text("status.state", "alert / hold: maintenance, 240 min more", QUICK)
    window.wait_text("status.maintenance", "Maintenance off")
    window.click("status.maintenance")
    window.click("view.confirm")
    window.click("view.close")
    well(window)
    assert window.text("status.maintenance") == "Maintenance on..."


def test_a_drill_asks_which_fault_and_escape_means_none(
    pair: Scene, open_window: OpenWindow
) -> None:
    terms = [role(pair, name) for name in HEADS]
    window = opened(open_window)
    well(window)
    window.click("status.drill")
    window.wait_for("ask.planned")
    for fault in ("agent-killed", "agent-frozen", "power-loss", "cancel"):
        assert window.enabled(f"ask.{fault}")
    window.key("Escape")
    window.wait_until(lambda: not window.shown("ask.planned"))
    window.wait_for("status.drill")
    assert [role(pair, name) for name in HEADS] == terms


def test_an_agent_that_stands_still_is_shown_as_it_was(
    pair: Scene, open_window: OpenWindow
) -> None:
    window = opened(open_window)
    well(window)
    pair.freeze(HEADS[0])
    try:
        window.wait_text("status.problem", "The agent did not answer", QUICK)
        window.wait_text("status.pair", "as it was ", QUICK)
        window.wait_until(lambda: not window.enabled("status.switchover"))
        assert window.enabled("status.close")
    finally:
        pair.thaw()
    well(window)
    assert not window.shown("status.problem")
    assert window.enabled("status.switchover")
    assert "as it was" not in window.text("status.pair")


def test_everything_is_in_the_window_and_the_keyboard_reaches_it(
    pair: Scene, open_window: OpenWindow, display: Display
) -> None:
    window = opened(open_window)
    well(window)
    for name in ("state", "pair", "decision", "verdict", "tabs", *BUTTONS):
        window.wait_until(lambda name=name: window.shown(f"status.{name}"), what=name)
        found = window.widget(f"status.{name}")
        assert found["x"] + found["width"] <= display.width, name
        assert found["y"] + found["height"] <= display.height, name
    paths = {window.widget(f"status.{name}")["path"] for name in (*BUTTONS, "tabs")}
    seen = set()
    for _ in range(40):
        window.key("Tab")
        seen.add(window.focus())
    assert paths <= seen
    window.key("Escape")
    window.wait_until(lambda: window.shown("home.next"))


def test_a_machine_without_an_agent_says_so_and_where_to_get_one(
    open_window: OpenWindow, root: Path
) -> None:
    window = opened(open_window)
    window.wait_text("status.problem", "No failover agent is installed on this machine. Install it")
    assert not window.enabled("status.switchover")
    window.wait_for("status.install")
    window.key("Return")  # the main action, when there is no other
    window.wait_until(lambda: window.shown("complete.title"))
    window.click("rail.status")
    (root / "etc/haoscar/agent.json").touch()
    window.wait_text("status.problem", "systemctl start haoscar-agent.service")
    assert not window.shown("status.install")
    (root / "etc/haoscar/agent.json").unlink()
    window.click("status.install")
    window.wait_until(lambda: window.shown("complete.title"))


def test_the_last_drill_is_shown_in_words_and_bars(open_window: OpenWindow, root: Path) -> None:
    phases = (Phase("detect", 0, 160), Phase("decide", 160, 163), Phase("take over", 163, 171))
    title = "agent-frozen: head-a was active, head-b stood by"
    keep(
        Paths(root),
        LastDrill("2026-03-01T12:34:56+01:00", title, "Passed: well.", phases, 171, 400, True),
    )
    window = opened(open_window)
    window.wait_until(lambda: "Away for" in window.text("status.last-drill"))
    assert window.text("status.last-drill") == (
        f"✔ Passed: well. 2026-03-01 12:34, {title}. Away for 171 ms, within the 400 ms promised: detect 160 ms,"
        " decide 3 ms, take over 8 ms."
    )


class _Look:
    """What a drawing needs of a panel's context."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme


def _lay_out(numbers: tuple[int, ...], measure: Measure, width: int) -> Laid:
    shapes = {
        f"bar-{place}": Shape("line", (0, place * 10, number, place * 10), {"fill": "accent"})
        for place, number in enumerate(numbers)
    }
    return Laid(shapes, measure.line * 4)


def test_only_what_has_changed_is_drawn_again(display: Display) -> None:
    tk_root = tk.Tk(screenName=display.name)
    try:
        theme = Theme(tk_root)
        drawing: Drawing[tuple[int, ...]] = Drawing(tk_root, _Look(theme), _lay_out)  # type: ignore[arg-type]
        drawing.pack(fill="x")
        tk_root.geometry("400x200")
        drawing.show((10, 20, 30), "three")
        tk_root.update()
        canvas = drawing.canvas
        items = canvas.find_all()
        assert len(items) == 3
        touched: list[str] = []
        coords = canvas.coords
        canvas.coords = lambda item, *new: touched.append(str(item)) or coords(item, *new)  # type: ignore
        drawing.show((10, 25, 30), "three")
        drawing.show((10, 25, 30), "three")
        assert touched == [str(items[1])]
        assert canvas.find_all() == items
        assert coords(items[1])[2] == 25
        drawing.show((10, 25, 30, 40), "four")
        assert canvas.find_all()[:3] == items
        drawing.show((10,), "one")
        assert canvas.find_all() == items[:1]
        assert str(drawing.words["text"]) == "one"
        assert canvas.itemcget(items[0], "fill") == theme.accent
        theme.toggle()
        tk_root.update()
        [item] = canvas.find_all()
        assert canvas.itemcget(item, "fill") == theme.accent
        assert str(canvas["background"]) == theme.background
    finally:
        tk_root.destroy()
