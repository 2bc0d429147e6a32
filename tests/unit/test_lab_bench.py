"""The measurement of the copy: what is read from the guest, and what is given to it."""

import subprocess

import pytest

from backend.clone.installer import scripts
from backend.errors import HaoscarError
from backend.lab.bench import CopyBench, results
from backend.rendering import render

SERIAL = """\
[   7.79] haoscar: network eth0 52:54:00:77:02:01 10.77.0.240/24
[  30.00] haoscar: bench round=1 way=product seconds=20.00\r
[  50.00] haoscar: bench round=1 way=bare seconds=18.00
[  70.00] haoscar: bench round=2 way=bare seconds=16.00
[  90.00] haoscar: bench round=2 way=product seconds=22.00
"""


def test_the_ratio_is_that_of_the_medians() -> None:
    found = results(SERIAL, 200_000_000)
    assert found == CopyBench(200_000_000, (20.0, 22.0), (18.0, 16.0))
    assert found.ratio == pytest.approx(17 / 21)
    assert found.rate(20.0) == pytest.approx(10.0)
    assert found.as_dict() == {
        "bytes": 200_000_000,
        "ratio": 0.81,
        "product": {"seconds": [20.0, 22.0], "mb_per_s": [10.0, 9.09], "median_mb_per_s": 9.52},
        "bare": {"seconds": [18.0, 16.0], "mb_per_s": [11.11, 12.5], "median_mb_per_s": 11.76},
    }


@pytest.mark.parametrize("lines", [1, 2, 4])
def test_a_guest_that_did_not_measure_to_the_end_is_said(lines: int) -> None:
    with pytest.raises(HaoscarError, match="did not measure"):
        results("\n".join(SERIAL.splitlines()[:lines]), 1)


@pytest.mark.programs
def test_the_measuring_fits_behind_the_installers_own_functions() -> None:
    measuring = render(
        "lab/bench-copy.sh.j2",
        rounds=3,
        source=":a/",
        module="a",
        disk="/dev/vda",
        product="-a",
        bare="-a",
    )
    text = scripts()["steps.sh"] + measuring
    script = text + "\ndeclare -F hello connect by_product by_daemon measure copy"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [
        "hello", "connect", "by_product", "by_daemon", "measure", "copy"
    ]  # fmt: skip
