"""The installer's probing of disks: what bash makes of blkid's answers."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "templates/installer/inventory.sh"


@pytest.mark.programs
@pytest.mark.parametrize(
    ("said", "code", "found"),
    [
        ("", 2, ""),
        ("gpt\\n", 0, "gpt"),
        ("ext4\\ndos\\n", 0, "ext4,dos"),
        ("LVM2_member\\n", 0, "LVM2_member"),
        ("", 8, "several"),
    ],
)
def test_a_disk_with_anything_on_it_is_not_blank(said: str, code: int, found: str) -> None:
    script = f"""
. "$1"
blkid() {{ printf '{said}'; return {code}; }}
signature /dev/sda
printf '%s' "$REPLY"
"""
    result = subprocess.run(
        ["bash", "-c", script, "bash", str(SCRIPT)], capture_output=True, text=True, check=True
    )
    assert result.stdout == found
    assert result.stderr == ""
