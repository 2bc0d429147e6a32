"""Step 4 by mouse and keys: network boot is set up, a machine is watched, media are built."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.actions.session import Session, save
from backend.clone.constants import Stage
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.netboot.media import FLOPPY_SIZE
from backend.paths import Paths
from backend.site.store import SiteStore
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.network_boot_head import MAC, SECOND, SITE, Machine, prepare

OPTIONS = ("--setup", "tests.gui.network_boot_head:setup", "--interface", "ens18")
PANEL = "network-boot"
HEADLINE, ADVICE = f"{PANEL}.headline.standby1", f"{PANEL}.advice.standby1"
STAGES, INSTALL = f"{PANEL}.stages.standby1", f"{PANEL}.install.standby1"

OpenPanel = Callable[..., Window]


@pytest.fixture
def open_panel(open_window: OpenWindow, root: Path) -> OpenPanel:
    """A function that opens the window where it was left: at this panel."""

    def start(*options: str) -> Window:
        save(Paths(root), Session(PANEL))
        window = open_window(*OPTIONS, *options)
        window.wait_for(f"{PANEL}.set-up")
        return window

    return start


def armed(root: Path) -> Machine:
    """Return the standby of a head that serves it, with a ticket that waits."""
    paths = prepare(root, served=True)
    Installs(paths).arm(SITE, SITE.standbys[0], 1)
    return Machine(paths)


def test_two_clicks_set_network_boot_up_and_let_the_standby_in(
    open_panel: OpenPanel, root: Path
) -> None:
    paths = prepare(root)
    window = open_panel()
    window.wait_text(HEADLINE, "never been installed")
    assert "Own disk" in window.text(f"{PANEL}.picture")
    before = window.clicks
    window.click(f"{PANEL}.set-up")
    window.wait_for("view.confirm")
    rows = [" ".join(cells) for cells in window.widget("view.changes")["rows"].values()]
    assert any("haoscar-boot.service" in row for row in rows)
    assert any("standby1 (52:54:00:00:00:02) is installed with head v1" in row for row in rows)
    assert not paths.at("/srv/tftp/haoscar/linux").exists()
    assert Machine(paths).ticket is None
    window.click("view.confirm")
    window.wait_text(HEADLINE, "Switch standby1 on now")
    assert window.clicks - before == 2
    assert paths.at("/srv/tftp/haoscar/linux").is_file()
    ticket = Machine(paths).ticket
    assert ticket is not None
    assert (ticket.state, ticket.wipe) == (TicketState.ARMED, False)
    window.wait_text("banner.text", "Network boot is set up.")


def test_declining_changes_nothing(open_panel: OpenPanel, root: Path) -> None:
    paths = prepare(root)
    window = open_panel()
    window.click(f"{PANEL}.set-up")
    window.click("view.cancel")
    window.wait_for(f"{PANEL}.set-up")
    assert not paths.at("/srv/tftp").exists()
    assert Machine(paths).ticket is None


def test_every_stage_is_seen_and_the_window_goes_on_by_itself(
    open_panel: OpenPanel, root: Path
) -> None:
    machine = armed(root)
    window = open_panel()
    window.wait_text(HEADLINE, "Switch standby1 on now")
    assert window.shown(f"{PANEL}.picture")
    machine.boots()
    window.wait_text(HEADLINE, "standby1 is booting")
    window.wait_text(STAGES, "Kernel and installer")
    assert not window.shown(f"{PANEL}.picture")  # it happens, so it need not be explained
    machine.says_hello()
    machine.reaches(Stage.PARTITION)
    machine.reaches(Stage.COPY)
    machine.copies(300_000_000, 1_200_000_000)
    window.wait_text(HEADLINE, "is being installed with head v1")
    window.wait_text(STAGES, "300.0 MB of 1.2 GB")
    machine.copies(600_000_000, 1_200_000_000)
    window.wait_until(
        lambda: re.search(r"600\.0 MB of 1\.2 GB, .*/s, .* left", window.text(STAGES)),
        what="rate and remaining time",
    )
    assert window.enabled(f"{PANEL}.cancel.standby1")
    assert not window.enabled(INSTALL)
    machine.runs_from_its_disk()
    window.wait_until(lambda: window.shown("complete.title"), what="step 5")
    window.wait_text("window.last", "standby1 runs from its own disk (/dev/vda1) since")


def test_an_installation_that_ended_before_leads_on_by_a_button(
    open_panel: OpenPanel, root: Path
) -> None:
    machine = armed(root)
    machine.says_hello()
    machine.runs_from_its_disk()
    window = open_panel()
    window.wait_text(HEADLINE, "standby1 runs from its own disk (/dev/vda1) since")
    window.wait_for(f"{PANEL}.complete.standby1")
    assert not window.shown("complete.title")
    window.click(f"{PANEL}.complete.standby1")
    window.wait_until(lambda: window.shown("complete.title"), what="step 5")


def test_a_failure_says_what_to_do_and_can_be_tried_again(
    open_panel: OpenPanel, root: Path
) -> None:
    machine = armed(root)
    machine.boots()
    machine.says_hello()
    machine.reaches(Stage.PARTITION)
    machine.reaches(Stage.COPY)
    window = open_panel()
    window.wait_text(HEADLINE, "is being installed")
    machine.fails("the copy to / failed (rsync exit code 11)", "No space left on device")
    window.wait_text(HEADLINE, "The installation of standby1 failed at: Copy of the image.")
    window.wait_text(ADVICE, "The copy to / failed (rsync exit code 11).")
    assert "press Install again" in window.text(ADVICE)
    assert "failed" in window.text(STAGES)
    window.wait_text(f"{PANEL}.log.standby1", "No space left on device")
    assert window.text(INSTALL) == "Install again"
    window.click(INSTALL)
    window.wait_for("ask.only-a-blank-disk")
    window.key("Escape")  # the safe answer
    window.wait_until(lambda: not window.shown("ask.cancel"))
    assert not window.shown("view.confirm")
    window.click(INSTALL)
    window.click("ask.overwrite-its-disk")
    window.click("view.confirm")
    window.wait_text(HEADLINE, "Switch standby1 on now")
    ticket = machine.ticket
    assert ticket is not None
    assert (ticket.state, ticket.wipe) == (TicketState.ARMED, True)


def test_a_running_installation_can_be_cancelled(open_panel: OpenPanel, root: Path) -> None:
    machine = armed(root)
    machine.says_hello()
    machine.reaches(Stage.PARTITION)
    window = open_panel()
    window.click(f"{PANEL}.cancel.standby1")
    window.click("view.confirm")
    window.wait_text(HEADLINE, "The installation of standby1 was cancelled.")
    ticket = machine.ticket
    assert ticket is not None
    assert ticket.state is TicketState.DISARMED
    assert not window.enabled(f"{PANEL}.cancel.standby1")


def test_the_picture_follows_the_way(open_panel: OpenPanel, root: Path) -> None:
    prepare(root)
    window = open_panel()
    for way, words in (("uefi", "iPXE, by TFTP"), ("floppy", "on the floppy"), ("usb", "GRUB")):
        window.click(f"{PANEL}.way.{way}")
        window.wait_text(f"{PANEL}.picture", words)
    assert "Take the stick out" in window.text(f"{PANEL}.words")


def test_a_floppy_image_is_built_where_one_says(open_panel: OpenPanel, root: Path) -> None:
    prepare(root, served=True)
    target = root / "floppy.img"
    window = open_panel()
    window.click(f"{PANEL}.floppy")
    window.click("ask.image-file")
    window.wait_until(lambda: "filedialog" in window.focus(), what="the file chooser listens")
    window.key("ctrl+slash", "BackSpace")
    window.type(str(target))
    window.key("Return")
    window.click("view.confirm")
    window.wait_text("view.sentence", f"{target} is ready: 1.5 MB, starts under BIOS.")
    assert target.stat().st_size == FLOPPY_SIZE
    window.click("view.close")
    window.wait_for(f"{PANEL}.floppy")


def test_a_device_is_named_with_what_is_on_it_and_not_written_by_mistake(
    open_panel: OpenPanel, root: Path
) -> None:
    prepare(root, served=True)
    window = open_panel()
    window.click(f"{PANEL}.floppy")
    window.wait_for("ask.overwrite-dev-sdb")
    window.key("Escape")
    window.wait_until(lambda: not window.shown("ask.cancel"))
    window.click(f"{PANEL}.floppy")
    window.click("ask.overwrite-dev-sdb")
    window.wait_for("view.confirm")
    rows = [" ".join(cells) for cells in window.widget("view.changes")["rows"].values()]
    assert any("Write /dev/sdb (Cruzer, 4000.0 MB)" in row for row in rows)
    assert any('vfat "HOLIDAY"' in row for row in rows)
    window.click("view.cancel")
    window.wait_for(f"{PANEL}.floppy")


def test_what_the_steps_before_left_undone_is_said(open_panel: OpenPanel, root: Path) -> None:
    paths = prepare(root, image_too=False)
    window = open_panel()
    window.click(f"{PANEL}.set-up")
    window.wait_for("view.confirm")
    window.click("view.confirm")
    window.wait_text(HEADLINE, "never been installed")
    assert Machine(paths).ticket is None
    window.wait_text("banner.text", "Network boot is set up.")
    window.click(INSTALL)
    window.wait_text("banner.text", "There is no image head.")


def test_two_standbys_have_a_page_each_and_the_busy_one_comes_to_the_front(
    open_panel: OpenPanel, root: Path
) -> None:
    machine = armed(root)
    paths = Paths(root)
    two = SITE.with_standby(SECOND)
    paths.site_file.write_bytes(SiteStore(paths).render(two))
    assert SECOND.mac is not None
    Installs(paths).arm(two, SECOND, 1)
    second = Machine(paths, SECOND.mac)
    window = open_panel()
    window.wait_text(HEADLINE, "Switch standby1 on now")
    second.says_hello()
    window.wait_text(f"{PANEL}.headline.standby2", "standby2 is being installed")
    assert not window.shown(HEADLINE)
    second.runs_from_its_disk()
    window.wait_text(f"{PANEL}.headline.standby2", "runs from its own disk")
    assert not window.shown("complete.title")  # the other one is still expected
    machine.says_hello()
    window.wait_text(HEADLINE, "is being installed")
    machine.runs_from_its_disk()
    window.wait_until(lambda: window.shown("complete.title"), what="step 5")


def test_enter_does_the_next_step(open_panel: OpenPanel, root: Path) -> None:
    prepare(root, served=True)
    window = open_panel()
    window.wait_for(INSTALL)
    window.key("Return")
    window.wait_for("view.confirm")
    window.key("Return")
    window.wait_text(HEADLINE, "Switch standby1 on now")
    assert Installs(Paths(root)).ticket(MAC) is not None
