"""``haoscar screenshots``: pictures of a made-up head, in which nothing is of this machine."""

import os
import subprocess
import sys
import tempfile
import tkinter as tk
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from backend.actions.status_follow import FollowStatus
from backend.actions.status_recovery import Recovery, standing
from backend.netboot.server import tell_boot_server
from backend.paths import Paths
from haoscar_gui import sample_machine
from haoscar_gui.sample_machine import SampleSockets
from haoscar_gui.screenshots import alone
from tests.gui.driver import Display, run_cli

T = TypeVar("T")
CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESSES = """\
from backend.system import links
from backend.system.runner import LocalRunner
from haoscar_gui.sample_machine import own_network
own_network(LocalRunner())
for link in links.snapshot().links:
    for one in link.addresses:
        print(link.name, one.address)
"""
BROKEN = """\
import sys
from haoscar_gui.scripts import cli
from haoscar_gui.screenshots import Photographer
def broken(self):
    CALLBACK
    raise ValueError("half a page")
Photographer._help = broken
sys.argv[1:] = ["screenshots", sys.argv[1], "--looks", "light", "--page", "help"]
sys.exit(cli())
"""


def test_pictures_of_a_page_are_taken(tmp_path: Path) -> None:
    done = run_cli("screenshots", str(tmp_path / "shots"), "--page", "start", "--json")
    assert done.returncode == 0, done.stderr
    sizes = {
        file.name: tuple(int.from_bytes(file.read_bytes()[at : at + 4]) for at in (16, 20))
        for file in (tmp_path / "shots").iterdir()
    }
    assert sizes == {
        "start-light.png": (1024, 768), "start-dark.png": (1024, 768),
        "start-light-200.png": (2048, 1536), "start-dark-200.png": (2048, 1536),
    }  # fmt: skip
    assert all(file.stat().st_size > 10_000 for file in (tmp_path / "shots").iterdir())


@pytest.mark.parametrize("later", [False, True])
def test_a_page_that_fails_ends_it_at_once(display: Display, tmp_path: Path, later: bool) -> None:
    """Also when it fails in one of its callbacks: half a page must not pass for a picture."""
    instead = "return self._shell.root.after(10, lambda: 1 / 0)" if later else "pass"
    words = ["-c", BROKEN.replace("CALLBACK", instead), str(tmp_path)]
    done = subprocess.run(
        [*alone(), sys.executable, "-P", *words],
        env={**os.environ, "DISPLAY": display.name, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode not in (0, -9), done.stdout
    assert ("ZeroDivisionError" if later else "half a page") in done.stderr
    assert not list(tmp_path.glob("*.png"))


def test_the_networks_in_them_are_the_samples() -> None:
    command = [*alone(), sys.executable, "-c", ADDRESSES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[1:-1] == ["eth0 10.0.0.1", "eth1 192.0.2.11"]


def test_the_agent_and_the_boot_server_of_the_sample_answer(
    display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_machine, "SSH_PORT", 0)  # any: this machine has its own
    root = tk.Tk(screenName=display.name)
    with tempfile.TemporaryDirectory(prefix="haoscar-gui-") as directory:
        paths = Paths(Path(directory))
        SampleSockets(root, paths).serve()
        with ThreadPoolExecutor(1) as pool:

            def asked(question: Callable[[], T]) -> T:
                answer = pool.submit(question)
                while not answer.done():
                    root.update()
                return answer.result()

            news = asked(FollowStatus(paths).look)
            asked(lambda: tell_boot_server(paths))
        root.destroy()
    assert news.problem is None
    assert news.status is not None
    assert standing(news.status, news.events).state is Recovery.HEALTHY
