"""The agent's one file: what is in it, that it is reproducible, and that any Python 3.9 runs it."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend.agentfile import build as building
from backend.agentfile.build import (
    LARGEST,
    START,
    build,
    digest_of,
    examine,
    libraries,
    sources,
    write,
)
from backend.agentfile.generate import as_json
from backend.cli.app import App
from backend.cli.main import build_parser, run
from backend.cli.output import Output
from backend.errors import HaoscarError, InvalidInput

ROOT = Path(__file__).resolve().parents[3]


def pythons() -> list[str]:
    """Return the Pythons from 3.9 on that can be started here, the system's first."""
    names = ["/usr/bin/python3", *(f"python3.{minor}" for minor in range(9, 15))]
    found = {}
    for path in filter(None, map(shutil.which, names)):
        words = [path, "-I", "-c", "import sys; print(*sys.version_info[:2])"]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        version = tuple(map(int, ended.stdout.split()))  # empty: a name that starts nothing
        if version >= (3, 9):
            found.setdefault(version, path)
    return list(found.values())


@pytest.fixture(scope="module")
def content() -> bytes:
    return build()


@pytest.fixture
def agent(tmp_path, content) -> Path:
    """Return the built file, and beside it a good configuration of a witness."""
    write(tmp_path / "haoscar-agent.pyz")
    (tmp_path / "key").write_bytes(b"k" * 32)
    (tmp_path / "key").chmod(0o600)
    document = {
        "version": 1, "cluster": "c", "me": "n1", "key_file": str(tmp_path / "key"),
        "state_directory": str(tmp_path / "state"), "run_directory": str(tmp_path / "run"),
        "networks": [{"name": "private"}],
        "members": [
            {"id": 1, "name": "h1", "role": "head", "addresses": {"private": "10.0.0.2"}},
            {"id": 2, "name": "h2", "role": "head", "addresses": {"private": "10.0.0.3"}},
            {"id": 3, "name": "n1", "role": "witness", "addresses": {"private": "10.0.0.4"}},
        ],
    }  # fmt: skip
    (tmp_path / "agent.json").write_bytes(as_json(document))
    return tmp_path / "haoscar-agent.pyz"


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def test_the_same_modules_give_the_same_bytes(content, tmp_path, monkeypatch):
    assert build() == content
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    copy = tmp_path / "backend"
    for name, text in sources().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text)
        os.utime(tmp_path / name, (1, 1))
        (tmp_path / name).chmod(0o600)
    monkeypatch.setattr(building.backend, "__file__", str(copy / "__init__.py"))
    assert build() == content


def test_it_holds_the_agent_and_nothing_else(content):
    assert len(content) < LARGEST
    found = names(content)
    assert found == sorted(found)
    wanted = {"__main__.py", "backend/__init__.py", "backend/system/__init__.py"}
    for folder in ("agent", "periods", "system/agent", "system/watch", "watch"):
        files = (ROOT / "backend" / folder).rglob("*.py")
        wanted |= {str(one.relative_to(ROOT)) for one in files}
    others = {one for one in found if one.startswith(("pyasn1/", "pysnmp/"))}
    assert set(found) - others == wanted
    assert {"pyasn1/__init__.py", "pysnmp/__init__.py", "pysnmp/smi/mibs/SNMPv2-SMI.py"} <= others
    assert {Path(one).suffix for one in others} <= {".py", ".rst"}  # .rst: their licences


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(building, "LIBRARIES", ("haoscar_has_none",))
    with pytest.raises(HaoscarError, match="haoscar_has_none is not installed"):
        build()


def test_a_missing_module_is_named(tmp_path, monkeypatch):
    (tmp_path / "agent").mkdir()
    (tmp_path / "__init__.py").touch()
    (tmp_path / "system").mkdir()
    (tmp_path / "system/__init__.py").touch()
    monkeypatch.setattr(building.backend, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(HaoscarError, match="not complete"):
        build()


def test_the_digest_tells_builds_apart(content):
    found = examine(content, Path("f"))
    members = {**sources(), **libraries(), "__main__.py": START}
    assert found.digest == digest_of(members)
    assert found.version.endswith(f"+{found.digest[:12]}")
    assert found.size == len(content)
    members["backend/agent/errors.py"] += b"\n"
    assert digest_of(members) != found.digest
    # Names and contents cannot be shifted against each other.
    assert digest_of({"a": b"bc"}) != digest_of({"ab": b"c"})


@pytest.mark.parametrize("where", ["shebang", "name", "text", "digest", "end", "more"])
def test_a_changed_file_is_refused(content, where):
    at = {
        "shebang": 0, "name": content.index(b"backend/agent/errors.py"),
        "text": content.index(b"class AgentError"), "digest": content.index(b'DIGEST = "') + 10,
        "end": len(content) - 1, "more": len(content),
    }[where]  # fmt: skip
    with pytest.raises(InvalidInput, match="no agent that this program built"):
        examine(content[:at] + b"~" + content[at + 1 :], Path("f"))


def test_other_files_are_refused(content):
    packed = io.BytesIO()
    packed.write(building.SHEBANG)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big", b"0" * 10_000_000)
    for other in (b"", b"PK", building.SHEBANG, packed.getvalue(), content[:-30], b"x" * 6_000_000):
        with pytest.raises(InvalidInput, match="no agent that this program built"):
            examine(other, Path("f"))


def command(*words: str) -> int:
    return run(build_parser().parse_args(["agent", *words]), App(json=True, out=Output(True)))


def test_the_commands_build_and_check(tmp_path, content, capsys):
    file = tmp_path / "x.pyz"
    assert command("build", "--output", str(file)) == 0
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o777 == 0o755
    assert command("check", str(file)) == 0
    assert '"current": true' in capsys.readouterr().out
    file.write_bytes(content + b"\n")
    assert command("check", str(file)) == 4
    assert command("check", str(tmp_path / "none")) == 1
    assert command("build", "--output", str(tmp_path)) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.programs
def test_every_python_here_runs_it(agent):
    found = pythons()
    assert found
    for python in found:
        words = [python, "-I", str(agent), "check", "--config", "agent.json"]
        (agent.parent / "key").chmod(0o600)
        ended = subprocess.run(words, cwd=agent.parent, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (0, "ok\n"), ended.stderr
        (agent.parent / "key").chmod(0o644)
        ended = subprocess.run(words, cwd=agent.parent, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert "others than its owner may use" in ended.stdout


@pytest.mark.programs
def test_it_is_a_program_and_knows_its_build(agent, content):
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    ended = subprocess.run(
        [str(agent), "--version"], env=env, capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"haoscar-agent {examine(content, agent).version}\n"


@pytest.mark.programs
def test_what_a_witness_reads_costs_no_memory_later(agent):
    """Neither the reader of the configuration nor anything heavy stays in a witness."""
    script = f"""
import sys
sys.path.insert(0, {str(agent)!r})
import backend.agent.main
from backend.agent.config_apart import load_apart
assert load_apart({str(agent.parent / "agent.json")!r}).settings.myself.name == "n1"
heavy = {{"argparse", "asyncio", "dataclasses", "difflib", "inspect", "ipaddress", "logging", "pathlib",
          "subprocess", "tempfile", "threading", "backend.agent.config", "backend.agent.daemon",
          "backend.periods", "backend.watch", "pyasn1", "pysnmp"}}
print(sorted(heavy & set(sys.modules)))
"""
    ended = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.stdout == "[]\n", ended.stderr


@pytest.mark.programs
def test_pysnmp_works_inside_it_and_comes_from_there(agent):
    """It reads its MIB modules from files, unless the build has taught it to read the archive."""
    script = f"""
import sys
sys.path.insert(0, {str(agent)!r})
import pysnmp
from pysnmp.hlapi.v3arch.asyncio import SnmpEngine
assert pysnmp.__file__.startswith({str(agent)!r}), pysnmp.__file__
builder = SnmpEngine().get_mib_builder()
builder.load_modules("SNMP-USER-BASED-SM-MIB", "SNMPv2-TC")
print(builder.import_symbols("SNMPv2-TC", "DisplayString")[0].__name__)
"""
    for python in pythons():
        words = [python, "-I", "-c", script]
        ended = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False)
        older = "3.9" in subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout  # fmt: skip
        assert older or ended.stdout == "DisplayString\n", ended.stderr[-2000:]


@pytest.mark.programs
def test_nothing_in_it_needs_more_than_python_3_9(tmp_path):
    for name, text in {**sources(), "__main__.py": START}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text)
    start = "import sys, vermin; sys.exit(vermin.main())"
    words = [sys.executable, "-c", start, "-t=3.9-", "--no-tips", "--violations", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # The same program finds what it should find.
    (tmp_path / "newer.py").write_text("match 1:\n    case _:\n        pass\n")
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode != 0


@pytest.mark.programs
def test_an_installed_package_builds_the_same(tmp_path, content):
    private = tmp_path / "site/haoscar_gui/_lib"
    shutil.copytree(ROOT / "haoscar_gui", private.parent, ignore=shutil.ignore_patterns("_lib"))
    for name in ("backend", "panels", "templates"):
        shutil.copytree(ROOT / name, private / name, ignore=shutil.ignore_patterns("__pycache__"))
    words = [sys.executable, "-P", "-m", "haoscar_gui", "agent", "build", "--output", "a.pyz"]
    env = {"PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(words, cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "a.pyz").read_bytes() == content
