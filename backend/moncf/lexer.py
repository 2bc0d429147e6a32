"""A mon.cf as logical lines: comments are dropped, continued lines joined, exactly as mon does it. Pure.

A comment that begins with ``#haoscar:`` is kept as a note: it says what mon has no words for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backend.errors import HaoscarError, InvalidInput
from backend.moncf.findings import Findings
from backend.reports import Place, info

LARGEST = 4 * 1024 * 1024  # bytes
MOST_LINES = 50_000
LONGEST = 100_000  # characters of a line with those that continue it
SPACES = " \t\n\r\f\v"  # what Perl's \\s is
COMMENT = re.compile(r"\s*#", re.ASCII)
NOTE = re.compile(r"\s*#haoscar:(.*)", re.ASCII | re.DOTALL)
CONTINUED = re.compile(r"(.*)\\\s*", re.ASCII)
M4 = re.compile(r"(?:dnl\b|(?:define|include|sinclude|changequote|divert|undefine|ifdef)\()")


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line without the space around it; an empty one ends a record."""

    number: int  # where it begins, from 1
    text: str
    note: bool = False


def read_lines(content: bytes, findings: Findings, name: str = "") -> list[Line]:
    """Return the lines; raises InvalidInput for what is no mon.cf at all."""
    text = _decoded(content, findings)
    physical = text.removesuffix("\n").split("\n")
    if len(physical) > MOST_LINES:
        text = f"It has more than {MOST_LINES} lines."
        raise _no_file(findings, text, "Is this the right file? If it is, import it in parts.")
    lines = list(_logical(physical, findings))
    first = next((one for one in lines if not one.note and M4.match(one.text)), None)
    if first is not None or name.endswith(".m4"):
        place = findings.place(first.number if first is not None else 1)
        raise InvalidInput.of(
            "moncf.m4", "This is written for m4, which mon runs first.",
            "Run it yourself, then import the result: m4 mon.m4 > mon.cf", place,
        )  # fmt: skip
    return lines


def _decoded(content: bytes, findings: Findings) -> str:
    if len(content) > LARGEST:
        text = f"It is larger than {LARGEST // 1024 // 1024} MiB."
        raise _no_file(findings, text, "Is this the right file?")
    if b"\0" in content:
        raise _no_file(findings, "This is no text file.", "Give the path of a mon.cf.")
    try:
        return content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        text = "This line is not UTF-8; the file was read as Latin-1."
        findings.reports.append(info("moncf.latin-1", text, "", findings.place(line)))
        return content.decode("latin-1")


def _no_file(findings: Findings, text: str, remedy: str) -> HaoscarError:
    return InvalidInput.of("moncf.no-file", text, remedy, Place(findings.source))


def _logical(physical: list[str], findings: Findings) -> Iterator[Line]:
    parts: list[str] = []  # of a line that goes on
    began = 0
    for number, line in enumerate(physical, 1):
        if COMMENT.match(line):
            note = NOTE.fullmatch(line)
            if note is not None:
                yield from _sound(Line(number, note[1].strip(SPACES), note=True), findings)
            continue
        began = began if parts else number
        part = line.lstrip(SPACES) if parts else line
        found = CONTINUED.fullmatch(part)
        if found is not None:
            parts.append(found[1])
            continue
        text = "".join((*parts, part)).strip(SPACES)
        parts = []
        yield from _sound(Line(began, text), findings)
    what = "".join(parts).strip(SPACES)
    if what:
        findings.left(began, what, "The file ends after its backslash, so mon leaves it out, too.")


def _sound(line: Line, findings: Findings) -> Iterator[Line]:
    if len(line.text) > LONGEST:
        text = f"This line has more than {LONGEST} characters."
        findings.wrong(line.number, text, "Shorten it.")
        return
    bad = next((one for one in line.text if not (one.isprintable() or one in "\t\r\f\v")), None)
    if bad is None:
        yield line
        return
    text = f"This line has the control character U+{ord(bad):04X}."
    findings.wrong(line.number, text, "Take it out.", "moncf.control")
