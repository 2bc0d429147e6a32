"""What is remembered about labs, and how their processes are recognised."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInput, Refused
from backend.lab import host, state
from backend.lab.cluster import VirtualCluster, clear, sweep
from backend.paths import Paths
from backend.system.processes import ProcessId, children, namespace_pid

NOBODY = ProcessId(os.getpid(), 1)  # our pid, but not our start time


def a_lab(paths: Paths, name: str = "ab12", reaper: ProcessId = NOBODY) -> state.LabState:
    directory = state.labs_directory(paths) / name
    directory.mkdir(parents=True)
    lab = state.LabState(name, directory, Path("/root"), state.boot_id(), 5.0, reaper, "")
    lab.save()
    return lab


def test_this_process_is_recognised_and_another_start_time_is_not() -> None:
    here = ProcessId.of(os.getpid())
    assert here is not None
    assert here.alive
    assert not NOBODY.alive
    assert NOBODY.send(signal.SIGKILL) is False  # or this test would be its own end
    assert here.cpu_seconds() > 0
    assert here.memory_bytes() > 0


def test_a_pid_that_does_not_exist() -> None:
    assert ProcessId.of(2**22 + 1) is None
    assert ProcessId(2**22 + 1, 5).wait(0.1)
    assert namespace_pid(2**22 + 1) == []


def test_we_are_among_our_parents_children() -> None:
    assert os.getpid() in children(os.getppid())
    assert namespace_pid(os.getpid())[-1] == os.getpid()


def test_state_survives_saving(tmp_path: Path) -> None:
    lab = a_lab(Paths(tmp_path))
    lab.nodes["head1"] = ProcessId(7, 8)
    lab.save()
    assert state.load(lab.directory) == lab
    assert lab.directory.joinpath("state.json").stat().st_mode & 0o777 == 0o600


@given(st.one_of(st.binary(max_size=60), st.sampled_from([b"{}", b"[]", b'{"name": 1}', b"null"])))
def test_any_rubbish_is_invalid_input_and_nothing_else(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "state.json").write_bytes(content)
        with pytest.raises(InvalidInput):
            state.load(Path(name))


def test_a_lab_of_an_earlier_boot_is_dead(tmp_path: Path) -> None:
    here = ProcessId.of(os.getpid())
    assert here is not None
    lab = a_lab(Paths(tmp_path), reaper=here)
    assert lab.alive
    lab.boot = "another"
    assert not lab.alive


def test_what_a_killed_lab_has_left_is_swept_and_a_running_one_is_not(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    here = ProcessId.of(os.getpid())
    assert here is not None
    dead, running = a_lab(paths, "dead"), a_lab(paths, "live", here)
    (dead.directory / "head1/upper").mkdir(parents=True)
    assert sweep(paths) == ["dead"]
    assert not dead.directory.exists()
    assert running.directory.exists()


def test_a_running_lab_is_never_cleared(tmp_path: Path) -> None:
    here = ProcessId.of(os.getpid())
    assert here is not None
    lab = a_lab(Paths(tmp_path), reaper=here)
    with pytest.raises(Exception, match="still runs"):
        clear(lab)
    assert lab.directory.exists()


def test_attaching_to_no_lab_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="haoscar lab up"):
        VirtualCluster.attach(Paths(tmp_path))
    a_lab(Paths(tmp_path))
    with pytest.raises(Refused, match="not running"):
        VirtualCluster.attach(Paths(tmp_path), "ab12")


def test_missing_programs_are_all_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    absent = {"systemd-nspawn", "mmdebstrap"}
    monkeypatch.setattr(host, "_find", lambda name: None if name in absent else f"/usr/bin/{name}")
    with pytest.raises(Refused, match="apt-get install mmdebstrap systemd-container"):
        host.check_host(building=True)
    absent.remove("systemd-nspawn")
    host.check_host(building=False)  # the root is there: mmdebstrap is not needed


def test_without_root_the_lab_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    with pytest.raises(Refused, match="Use sudo"):
        host.check_host(building=False)
