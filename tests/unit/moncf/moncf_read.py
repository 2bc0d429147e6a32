"""Reading a mon.cf, and what is said of it."""

from pathlib import Path

import pytest

from backend.errors import InvalidInput
from backend.model.watchlist_checks import Machines
from backend.moncf.convert import Conversion, convert
from backend.moncf.findings import LEFT

EXAMPLES = Path(__file__).parents[2] / "golden" / "moncf"  # of Debian's package mon 1.3.6-4
MACHINES = Machines(("head1", "head2"))


def read(text: str | bytes, *there: str, everything: bool = True, **more) -> Conversion:
    content = text if isinstance(text, bytes) else text.encode()

    def exists(path: str) -> bool:
        return path in there or (everything and not there)

    return convert(content, "mon.cf", MACHINES, exists, **more)


def wrong(text: str | bytes, *there: str, **more) -> list[tuple[int | None, str]]:
    """Return lines and words of all mistakes."""
    with pytest.raises(InvalidInput) as caught:
        read(text, *there, **more)
    for one in caught.value.reports:
        assert one.place is not None
        assert one.place.source == "mon.cf"
        assert str(one).isprintable()
    return [(one.place.line, one.text) for one in caught.value.reports if one.place]


def left(found: Conversion) -> list[tuple[int | None, str]]:
    assert all(one.remedy for one in found.reports if one.code == LEFT)
    prefix = "Not carried over: "
    return [
        (one.place.line, one.text.removeprefix(prefix).removesuffix("."))
        for one in found.reports
        if one.place is not None and one.code == LEFT
    ]


def watch(*lines: str, before: str = "") -> str:
    """Return a file with one service of the given lines; its interval is line 5 without ``before``."""
    body = "".join(f"    {one}\n" for one in lines)
    return f"{before}hostgroup g head1 head2\n\nwatch g\n  service s\n    interval 1m\n    monitor x.monitor\n{body}"  # fmt: skip


def service(*lines: str, before: str = ""):
    return read(watch(*lines, before=before)).watch.services[0]


def example(name: str, missing: bool = False) -> Conversion:
    content = (EXAMPLES / name).read_bytes()
    return convert(content, name, MACHINES, lambda _: not missing, allow_missing=missing)
