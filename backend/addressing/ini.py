"""Lines of a file with [sections] and key=value, as NetworkManager and systemd-networkd read it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from backend.addressing.text import Line, lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value."""

    section: str
    number: int  # of the section in the file, from 0: sections of one name may be several
    key: str
    value: str  # without the blanks around it
    line: Line
    value_start: int  # in characters of the whole text
    continued: bool = False  # by a backslash at its end


def entries(text: str) -> Iterator[Entry]:
    """Yield every key of a text; lines that are none are skipped, as the real readers do."""
    section, number = "", -1
    continuing = False
    for line in lines(text):
        content = line.text.strip()
        if continuing:
            continuing = content.endswith("\\")
            continue
        if not content or content.startswith(("#", ";")):
            continue
        if content.startswith("[") and content.endswith("]"):
            section, number = content[1:-1], number + 1
            continue
        key, equals, value = line.text.partition("=")
        if not equals:
            continue
        blanks = len(value) - len(value.lstrip())
        start = line.start + len(key) + 1 + blanks
        continuing = content.endswith("\\")
        yield Entry(section, number, key.strip(), value.strip(), line, start, continuing)
