"""Step 2 with real clicks: fields, errors under them, fetching, cancelling, SSH, the catalogue."""

import os
from pathlib import Path

import pytest

from backend.model.names import ImageName
from backend.model.site import ImageSource, IpAssignment, PostInstall
from backend.paths import Paths
from backend.system.known_hosts import KnownHosts
from backend.wiring import Wiring
from tests.clone_site import site
from tests.gui.conftest import OpenWindow
from tests.gui.driver import Window
from tests.gui.plain_head import HOST_KEY, NAMES, PASSWORD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network of its own")
SETUP = "tests.gui.plain_head"
OWN = os.uname().nodename
LABELS = {
    "name": "serverimage", "client": OWN, "user": "", "ip_assignment": "static",
    "post_install": "beep",
}  # fmt: skip


@pytest.fixture(autouse=True)
def ready(root: Path) -> None:
    """Let every package be there, so that step 2 is the next one."""
    (root / "run" / "packages").write_text("\n".join(NAMES))


def write_site(root: Path, *sources: ImageSource) -> Path:
    """Write a site file that names these images."""
    described = site()
    for one in sources:
        described = described.with_image(one)
    store = Wiring(Paths(root)).store()
    store.file.write_bytes(store.render(described))
    return store.file


def step2(open_window: OpenWindow, setup: str = "head") -> Window:
    """Open a window at step 2, with its fields filled in."""
    window = open_window("--setup", f"{SETUP}:{setup}", "--interface", "eth0")
    window.key("alt+2")
    window.wait_for("fetch-image.fetch")
    window.wait_until(
        lambda: window.value("fetch-image.client") != "", what="the client is proposed"
    )
    return window


def error_at(window: Window, key: str) -> str:
    return window.text(f"fetch-image.{key}.error")


def images(root: Path) -> list[str]:
    """Return the versions and the cut fetches that lie on the disk."""
    found = (root / "var/lib/haoscar/images").glob("*/v*")
    return sorted(f"{one.parent.name}/{one.name}" for one in found)


def test_the_originals_fields_defaults_and_help(open_window: OpenWindow) -> None:
    window = step2(open_window)
    assert window.text("fetch-image.title") == "Fetch a System Installation Suite Image"
    assert {key: window.value(f"fetch-image.{key}") for key in LABELS} == LABELS
    assert window.widget("fetch-image.ip_assignment")["choices"] == list(IpAssignment)
    assert window.widget("fetch-image.post_install")["choices"] == list(PostInstall)
    assert window.text("fetch-image.reset") == "Reset"
    assert window.text("fetch-image.fetch") == "Fetch Image"
    for key in LABELS:
        window.click(f"fetch-image.{key}.help")
        window.wait_until(lambda: window.shown("help.text"))
        assert len(window.text("help.text")) > 80
        window.key("Escape")
        window.wait_until(lambda: not window.shown("help.text"))


@pytest.mark.parametrize("by", ["button", "key"])
def test_reset_puts_the_defaults_back(open_window: OpenWindow, by: str) -> None:
    window = step2(open_window)
    window.fill("fetch-image.name", "two words")
    window.fill("fetch-image.client", "golden")
    window.fill("fetch-image.user", "admin")
    window.choose("fetch-image.ip_assignment", "replicant")
    window.choose("fetch-image.post_install", "kexec")
    assert "✖" in error_at(window, "name")
    if by == "button":
        window.click("fetch-image.reset")
    else:
        window.key("ctrl+r")
    window.wait_until(lambda: window.value("fetch-image.name") == "serverimage")
    assert {key: window.value(f"fetch-image.{key}") for key in LABELS} == LABELS
    assert "✖" not in error_at(window, "name")
    window.key("ctrl+q")
    window.wait_until(lambda: window.shown("home.next"))


WRONG = {
    "name": ("two words", '"quoted"', "größe", "-x", "$(touch x)", "a;b", "../up", "x" * 65),
    "client": ("two words", "größe", "-oProxyCommand=x", "a`id`", "host:22"),
    "user": ("Root", "jürgen", "-l", "a$b", "x" * 33),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_is_wrong_is_said_under_its_field_when_it_is_left(
    open_window: OpenWindow, root: Path, key: str
) -> None:
    window = step2(open_window)
    for text in WRONG[key]:
        window.fill(f"fetch-image.{key}", text)
        window.key("Tab")
        window.wait_text(f"fetch-image.{key}.error", "✖")
        assert "is not " in error_at(window, key)
        others = [one for one in LABELS if one != key]
        assert not [one for one in others if "✖" in error_at(window, one)]
    window.click("fetch-image.fetch")  # stays usable, and leads to the field
    field = window.widget(f"fetch-image.{key}")["path"]
    window.wait_until(lambda: window.focus() == field, what="the wrong field has the keyboard")
    assert not window.shown("view.confirm")
    assert images(root) == []
    good = {"name": "new.image_1", "client": "golden.example", "user": "admin"}[key]
    window.fill(f"fetch-image.{key}", good)
    window.key("Tab")
    window.wait_until(lambda: "✖" not in error_at(window, key))


def test_everything_wrong_is_said_at_once_and_the_first_gets_the_keyboard(
    open_window: OpenWindow,
) -> None:
    window = step2(open_window)
    for key in ("user", "client", "name"):
        window.fill(f"fetch-image.{key}", "a b")
    window.key("Return")
    for key in ("user", "client", "name"):
        window.wait_text(f"fetch-image.{key}.error", "✖")
    assert window.focus() == window.widget("fetch-image.name")["path"]


def test_what_will_change_is_shown_and_declined_nothing_is(
    open_window: OpenWindow, root: Path
) -> None:
    file = write_site(root)
    before = file.read_bytes()
    window = step2(open_window)
    window.click("fetch-image.fetch")
    window.wait_for("view.confirm")
    rows = [" ".join(row) for row in window.widget("view.changes")["rows"].values()]
    assert any("Image serverimage v1 in " in row for row in rows)
    assert any("Change /etc/haoscar/site.toml" in row for row in rows)
    assert any("/data is left out: a network file system" in row for row in rows)
    assert '+name = "serverimage"' in window.text("view.diff")
    assert '+post_install = "beep"' in window.text("view.diff")
    window.key("Escape")
    window.wait_for("fetch-image.fetch")
    assert images(root) == []
    assert file.read_bytes() == before


def test_a_fetch_shows_bytes_and_files_then_leads_to_step_3(
    open_window: OpenWindow, root: Path
) -> None:
    file = write_site(root)
    before = file.read_bytes()
    (root / "run" / "slow").touch()
    window = step2(open_window)
    window.click("fetch-image.fetch")
    window.click("view.confirm")
    window.wait_text("view.numbers", "20.0 MB of 30.0 MB")
    window.wait_text("view.numbers", "67 %")
    window.wait_text("rail.fetch-image.state", "running 67 %")
    assert images(root) == ["serverimage/v1.partial"]
    (root / "run" / "slow").unlink()
    window.wait_until(lambda: window.shown("add-standby.title"), what="step 3 is open")
    window.wait_text("banner.text", "Image serverimage v1: ")
    assert images(root) == ["serverimage/v1"]
    source = Wiring(Paths(root)).store().load().image("serverimage")
    assert source == ImageSource(ImageName("serverimage"), OWN, post_install=PostInstall.BEEP)
    window.click("banner.undo")
    window.click("view.confirm")
    window.wait_until(lambda: file.read_bytes() == before, what="the site is as it was")
    window.wait_text("view.sentence", "Undone: ")
    window.key("alt+2")
    window.wait_text("fetch-image.name.error", "serverimage has 1 version; this makes v2.")
    rows = window.widget("fetch-image.images")["rows"]
    assert rows["serverimage v1"][4] == OWN


def test_cancel_stops_the_copy_and_the_next_fetch_goes_on_there(
    open_window: OpenWindow, root: Path
) -> None:
    (root / "run" / "slow").touch()
    window = step2(open_window)
    window.click("fetch-image.fetch")
    window.click("view.confirm")
    window.wait_text("view.numbers", "67 %")
    window.click("view.cancel")
    window.wait_text("banner.text", "Cancelled. What was copied is kept")
    window.wait_text("fetch-image.name.error", "was cut short; this goes on where it stopped")
    assert images(root) == ["serverimage/v1.partial"]
    window.wait_until(
        lambda: "serverimage cut short" in window.widget("fetch-image.images")["rows"]
    )
    (root / "run" / "slow").unlink()
    window.click("fetch-image.fetch")
    window.wait_for("view.confirm")
    rows = [" ".join(row) for row in window.widget("view.changes")["rows"].values()]
    assert any("cut short lies there" in row for row in rows)
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("add-standby.title"), what="step 3 is open")
    assert images(root) == ["serverimage/v1"]


def test_what_the_site_remembers_is_proposed_unless_something_was_typed(
    open_window: OpenWindow, root: Path
) -> None:
    write_site(
        root,
        ImageSource(ImageName("serverimage"), OWN, None, post_install=PostInstall.REBOOT),
        ImageSource(ImageName("other"), "golden", None, IpAssignment.REPLICANT, PostInstall.SHELL),
    )
    window = step2(open_window)
    assert window.value("fetch-image.post_install") == "reboot"
    assert "Proposed" in error_at(window, "post_install")
    window.choose("fetch-image.post_install", "kexec")
    window.fill("fetch-image.name", "other")
    window.key("Tab")
    window.wait_until(lambda: window.value("fetch-image.client") == "golden")
    assert window.value("fetch-image.ip_assignment") == "replicant"
    assert window.value("fetch-image.post_install") == "kexec"


def fetched(open_window: OpenWindow, setup: str = "head") -> Window:
    """Return a window at step 2 with one image in the catalogue, which is chosen."""
    window = step2(open_window, setup)
    window.click("fetch-image.fetch")
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("add-standby.title"), what="step 3 is open")
    window.key("alt+2")
    window.click_row("fetch-image.images", "serverimage v1")
    return window


def test_verify_says_that_all_is_well_and_then_what_is_not(
    open_window: OpenWindow, root: Path
) -> None:
    window = fetched(open_window)
    window.click("fetch-image.verify")
    window.wait_text("banner.text", "Image serverimage v1 is as it was fetched")
    motd = root / "var/lib/haoscar/images/serverimage/v1/tree/etc/motd"
    before = motd.stat()
    motd.write_bytes(b"WELCOME\n")
    os.utime(motd, ns=(before.st_atime_ns, before.st_mtime_ns))
    window.click("fetch-image.verify")
    window.wait_text("view.sentence", "Image serverimage v1 has 1 differences.")
    assert "Do not install from it" in window.text("view.sentence")
    assert "etc/motd: the content is" in window.text("view.log")


def test_delete_asks_deletes_and_the_catalogue_follows(open_window: OpenWindow, root: Path) -> None:
    window = fetched(open_window)
    window.click("fetch-image.delete")
    window.wait_for("view.confirm")
    window.key("Escape")
    window.wait_for("fetch-image.delete")
    assert images(root) == ["serverimage/v1"]
    window.click("fetch-image.delete")
    window.click("view.confirm")
    window.wait_text("view.sentence", "Deleted serverimage, v1.")
    assert images(root) == []
    window.click("view.close")
    window.wait_until(lambda: window.widget("fetch-image.images")["rows"] == {})
    assert not window.enabled("fetch-image.delete")
    assert not window.enabled("fetch-image.verify")
    assert error_at(window, "name") == ""


def test_a_cut_fetch_and_a_damaged_version_can_only_be_deleted(
    open_window: OpenWindow, root: Path
) -> None:
    for name in ("cut/v1.partial/tree", "bad/v1/tree"):
        (root / "var/lib/haoscar/images" / name).mkdir(parents=True)
    window = step2(open_window)
    for key in ("bad v1", "cut cut short"):
        window.click_row("fetch-image.images", key)
        window.wait_for("fetch-image.delete")
        assert not window.enabled("fetch-image.verify")
        window.click("fetch-image.delete")
        window.click("view.confirm")
        window.wait_text("view.sentence", "Deleted ")
        window.click("view.close")
        window.wait_until(lambda key=key: key not in window.widget("fetch-image.images")["rows"])
    assert images(root) == []


def asked(window: Window, again: str = "") -> str:
    """Wait until a secret can be typed, in another dialog than that one; returns its entry."""

    def ready() -> bool:
        entry = window.widgets().get("secret.entry", {}).get("path", "")
        return bool(entry) and entry != again and window.focus() == entry

    window.wait_until(ready, what="a secret is asked for")
    return window.focus()


def test_a_golden_client_is_trusted_by_its_key_and_a_password_is_asked_for(
    open_window: OpenWindow, root: Path
) -> None:
    window = step2(open_window, "with_golden_client")
    window.fill("fetch-image.client", "golden")
    window.click("fetch-image.fetch")
    window.click("ask.do-not-trust")
    window.wait_text("fetch-image.client.error", "The host key was not confirmed.")
    known = KnownHosts(root / "var/lib/haoscar/known_hosts")
    assert known.keys("golden", 22) == ()

    window.click("fetch-image.fetch")
    window.click("ask.trust-this-key")
    first = asked(window)
    assert known.keys("golden", 22) == (HOST_KEY,)
    window.type("wrong")
    window.key("Return")
    asked(window, again=first)
    window.type(PASSWORD)
    window.click("secret.ok")
    window.wait_for("view.confirm")
    window.click("view.confirm")
    window.wait_until(lambda: window.shown("add-standby.title"), what="step 3 is open")
    assert images(root) == ["serverimage/v1"]
    holders = [
        one for one in root.rglob("*") if one.is_file() and PASSWORD in one.read_text("latin-1")
    ]
    assert holders == []
    assert PASSWORD not in window.said()


def test_who_gives_no_password_is_back_at_the_panel(open_window: OpenWindow, root: Path) -> None:
    window = step2(open_window, "with_golden_client")
    window.fill("fetch-image.client", "golden")
    window.fill("fetch-image.user", "admin")
    window.click("fetch-image.fetch")
    window.click("ask.trust-this-key")
    window.click("secret.cancel")
    window.wait_text("banner.text", "No password was given")
    window.wait_for("fetch-image.fetch")
    assert window.value("fetch-image.user") == "admin"
    assert images(root) == []


def test_a_client_that_is_not_there_is_said_under_its_field(
    open_window: OpenWindow, root: Path
) -> None:
    window = step2(open_window, "with_golden_client")
    window.fill("fetch-image.client", "nowhere.example")
    window.click("fetch-image.fetch")
    window.wait_text("fetch-image.client.error", "No SSH connection to nowhere.example.")
    assert images(root) == []
