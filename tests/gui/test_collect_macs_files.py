"""MAC addresses from and to files, with the window's own file chooser."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from backend.discovery.mac_files import MacFormat
from backend.paths import Paths
from tests.fakes.mac_head import SITE, A, C, write_site
from tests.gui.driver import Window
from tests.gui.macs_head import Wire
from tests.gui.macs_window import (
    PANEL,
    OpenPanel,
    cards,
    heard,
    open_panel,
    wire,
)

__all__ = ["open_panel", "wire"]  # the fixtures of this file
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for network namespaces")


def chooser(window: Window, title: str) -> bool:
    """Tell whether the file chooser of this title is open."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"],
        env={**os.environ, "DISPLAY": window.display.name}, capture_output=True, timeout=20,
        check=False,
    )  # fmt: skip
    return found.returncode == 0


def choose(window: Window, title: str, path: Path) -> None:
    """Type a path into the file chooser."""
    window.wait_until(lambda: chooser(window, title), what=f"the chooser {title!r}")
    window.key("ctrl+slash", "BackSpace")
    window.type(str(path))
    window.key("Return")
    window.wait_until(lambda: not chooser(window, title), what="the chooser is gone")


FORMATS = {
    "OSCAR 5": (MacFormat.CURRENT, True),
    "OSCAR 4 (2005)": (MacFormat.OSCAR_2005, False),
    "OSCAR 2, 3 (2003)": (MacFormat.OSCAR_2003, False),
    "MAC.info (OSCAR 1.1)": (MacFormat.MAC_INFO, True),
}


@pytest.mark.parametrize("label", FORMATS)
def test_the_historical_formats_survive_export_and_import(
    open_panel: OpenPanel, root: Path, wire: Wire, tmp_path: Path, label: str
) -> None:
    form, bound = FORMATS[label]
    standbys = (replace(SITE.standbys[0], mac=C), SITE.standbys[1])
    window = open_panel(site=replace(SITE, standbys=standbys))
    wire.machines((A, "pxe-uefi"))
    heard(window, A)
    window.click(f"{PANEL}.collect")
    window.choose(f"{PANEL}.format", label)
    file = tmp_path / "macs"
    window.click(f"{PANEL}.export")
    choose(window, "Export MACs to file", file)
    window.wait_until(file.exists)
    assert (A in file.read_text()) is (form is not MacFormat.MAC_INFO)
    assert file.read_text().startswith("# Saved OSCAR") is (form is not MacFormat.MAC_INFO)
    window.click(f"{PANEL}.remove-all")
    heard(window)
    write_site(Paths(root))
    window.click(f"{PANEL}.import")
    choose(window, "Import MACs from file", file)
    if bound:
        window.click("view.confirm")
        window.wait_text("view.sentence", "addresses:")
        window.click("view.close")
    else:
        window.wait_text("banner.text", "addresses:")
    expected = {MacFormat.CURRENT: [A], MacFormat.MAC_INFO: []}.get(form, [A, C])
    heard(window, *expected)
    assert cards(root) == [C if bound else None, None]


def test_bad_files_are_refused_line_by_line_or_as_a_whole(
    open_panel: OpenPanel, wire: Wire, tmp_path: Path
) -> None:
    window = open_panel()
    wire.machines((C, "pxe-uefi"))
    heard(window, C)
    window.click(f"{PANEL}.collect")
    rubbish, mixed = tmp_path / "rubbish", tmp_path / "mixed"
    rubbish.write_bytes(bytes(range(256)))
    mixed.write_bytes(b"\xef\xbb\xbf52-54-00-00-00-01\r\nrubbish\r\n52:54:00:00:00:01\r\n")
    window.click(f"{PANEL}.import")
    choose(window, "Import MACs from file", rubbish)
    window.wait_text("banner.text", "The file rubbish is not a text file.")
    heard(window, C)
    window.click(f"{PANEL}.import")
    choose(window, "Import MACs from file", mixed)
    window.wait_for("view.confirm")
    shown = [cells[-1] for cells in window.widget("view.changes")["rows"].values()]
    assert "mixed:2: 'rubbish' is not a MAC address." in shown
    assert f"mixed:3: {A} is in line 1 too." in shown
    window.click("view.confirm")
    window.wait_text("view.details", "mixed:2: 'rubbish' is not a MAC address.")
    window.click("view.close")
    heard(window, C, A)
