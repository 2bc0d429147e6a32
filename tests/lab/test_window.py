"""A head of the virtual cluster shows a window on a display of this machine, and leaves nothing."""

import os
import secrets
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import HaoscarError, Refused
from backend.lab.cluster import VirtualCluster
from backend.lab.containers import LabNode
from backend.lab.topology import Topology
from backend.lab.window import AUTHORITY, HeadWindow
from backend.paths import Paths
from backend.system.runner import Command
from backend.system.x_display import Display

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
COOKIE = secrets.token_bytes(16)
PROGRAM = """
import socket, tkinter
window = tkinter.Tk()
tkinter.Label(window, text="shown").pack()
window.update()
print(window.winfo_server(), window.winfo_screenwidth(), socket.gethostname())
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the cookie, for this machine's own name."""
    file = tmp_path_factory.mktemp("x") / "authority"
    parts = (os.uname().nodename.encode(), b"", b"MIT-MAGIC-COOKIE-1", COOKIE)
    packed = b"".join(struct.pack(">H", len(one)) + one for one in parts)
    file.write_bytes(struct.pack(">H", 256) + packed)
    return file


@pytest.fixture(scope="module")
def number(authority: Path) -> Iterator[int]:
    """An X server that wants the cookie, also by TCP."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-auth", authority, "-listen", "tcp", "-screen", "0", "801x601x24"],
        pass_fds=(writing,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            yield int(said.readline())
    finally:
        server.terminate()
        server.wait(10)


def show(head: LabNode, display: Display) -> str:
    """Run a program with a window on the head, as HeadWindow runs the wizard."""
    window = HeadWindow(head, display)
    window._let_in()
    environment = {"DISPLAY": display.name, "XAUTHORITY": str(AUTHORITY)}
    command = Command(("/usr/bin/python3", "-c", PROGRAM), env=environment)
    result = head.runner.run(command, check=False)
    return result.stdout + result.stderr


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_window_by_the_socket_and_over_ssh(
    host: str, number: int, authority: Path, tmp_path: Path
) -> None:
    display = Display.of({"DISPLAY": f"{host}:{number}.0", "XAUTHORITY": str(authority)})
    before = sorted(tmp_path.iterdir())
    one_head = Topology((Topology().nodes[0],))
    with (
        display.socket(tmp_path) as socket,
        VirtualCluster.start(Paths(), topology=one_head, display=socket) as lab,
    ):
        head = lab.node("head1")
        assert "801 head1" in show(head, display)
        stranger = Display(display.number)
        assert "801" not in show(head, stranger)  # the cookie is what lets it in
        assert not (head.disk / "run").exists()  # nothing of it on the disk that is cloned
    assert sorted(tmp_path.iterdir()) == before


def test_the_wizard_ends_with_its_window_and_a_bad_end_is_told(
    number: int, authority: Path
) -> None:
    display = Display.of({"DISPLAY": f":{number}", "XAUTHORITY": str(authority)})
    one_head = Topology((Topology().nodes[0],))
    with (
        display.socket(Path("/")) as socket,
        VirtualCluster.start(Paths(), topology=one_head, display=socket) as lab,
    ):
        head = lab.node("head1")
        with HeadWindow(head, display).open():
            head.runner.run(Command.of("true"))
        left = head.runner.run(Command.of("pgrep", "-f", "haoscar_gui|bin/haoscar"), check=False)
        assert left.stdout == ""
        window = HeadWindow(head, Display(number))  # without a cookie
        with window.open(), pytest.raises(HaoscarError, match="exit code"):
            assert not window.wait(30), "it must not end well"


def test_a_display_over_ssh_that_is_gone_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Refused, match="does not answer"),
        Display(59000, "localhost").socket(tmp_path),
    ):
        pass
