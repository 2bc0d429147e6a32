"""Which mounts a real rsync copies: in a mount namespace, so that nothing on the host changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
REPOSITORY = Path(__file__).resolve().parents[2]

# The bind mount of /etc on /export is on the same device: --one-file-system alone would enter it.
MOUNTS = """
set -e
cd "$1"
mkdir -p etc home proc export/etc data 'home/u [1]*'
mount -t tmpfs none home
mount -t tmpfs none proc
mount -t tmpfs none data
mount --bind etc export/etc
mkdir -p 'home/u [1]*' home/lost+found
mount -t tmpfs none 'home/u [1]*'
echo 1 > etc/file; ln etc/file etc/hard; echo 2 > home/file; echo 3 > 'home/u [1]*/file'
echo 4 > proc/file; echo 5 > data/file; echo 6 > .dot
exec "$2" -c "$3" "$1" "$4"
"""

# Only here a tmpfs counts as a disk: two of the four, by name.
FETCH = """
import json
import sys
from pathlib import Path
from backend.imaging import mounts
from backend.imaging.excludes import exclusions_for
from backend.imaging.rsync import Copy, Transport, copy_command, count_command, parse_totals
from backend.system.runner import LocalRunner
root, out = sys.argv[1:]
text = Path("/proc/self/mountinfo").read_text()
own = [line.replace("- tmpfs none", "- ext4 /dev/vdb")
       if " " + root + "/home" in line else line for line in text.splitlines()]
choice = mounts.choose_mounts(mounts.parse_mountinfo("\\n".join(own)), root)
copy = Copy(root, tuple(one.target for one in choice.included), Path(out),
            exclusions_for(choice, root=root))
Path(out).mkdir()
totals = parse_totals(LocalRunner().run(count_command(copy, Transport())).stdout)
LocalRunner().run(copy_command(copy, Transport()))
names = sorted(str(path.relative_to(out)) for path in Path(out).rglob("*"))
print(json.dumps({"names": names, "size": totals.transferred,
                  "hard": Path(out, "etc/file").stat().st_nlink}))
"""


def test_own_mounts_are_copied_and_others_leave_an_empty_directory(tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    golden.mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", MOUNTS, "sh",
         str(golden), sys.executable, FETCH, str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["names"] == [
        ".dot", "data", "etc", "etc/file", "etc/hard", "export", "export/etc",
        "home", "home/file", "home/u [1]*", "home/u [1]*/file", "proc",
    ]  # fmt: skip
    assert found["hard"] == 2
    assert found["size"] == 4 * 2
