"""The wheel: one name in site-packages, everything the program needs inside, and it starts."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that the checkout gets no build directory."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    listed = [
        "haoscar_gui",
        "panels",
        "backend",
        "templates",
        "setup.py",
        "setup.cfg",
        "README.md",
        "LICENSE",
    ]
    source.mkdir()
    subprocess.run(["cp", "-a", *(str(ROOT / one) for one in listed), str(source)], check=True)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(place), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=120)
    (found,) = place.glob("*.whl")
    return found


def test_one_name_and_every_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"haoscar_gui"}
    for folder in ("panels", "backend", "templates"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".j2", ".sh"}:
                assert f"haoscar_gui/_lib/{path.relative_to(ROOT)}" in names


def test_nothing_in_templates_is_of_a_kind_that_the_wheel_leaves_out() -> None:
    kinds = {one.suffix for one in (ROOT / "templates").rglob("*") if one.is_file()}
    assert kinds <= {".py", ".pyc", ".j2", ".sh"}


def test_it_starts_beside_a_foreign_backend(wheel: Path, tmp_path: Path) -> None:
    """Other distributions ship a package called backend, too."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "site" / "backend").mkdir()
    (tmp_path / "site" / "backend" / "__init__.py").write_text("raise SystemExit('foreign')\n")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "haoscar_gui", "--version"],
        env={"PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("HA-OSCAR ")
