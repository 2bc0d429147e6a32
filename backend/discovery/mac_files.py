"""MAC address files: the four formats of OSCAR's history, and CSV; read and written without loss.

What a file says is never guessed silently: every line becomes an entry, a comment, or a report with
its line number. Pure. The formats are described in docs/mac-files.md.
"""

import csv
import enum
import io
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from backend.discovery.macs import Machine
from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, host_part
from backend.reports import Place, Report, Severity, error, info

SIZE_LIMIT = 16 << 20  # bytes
LINES_LIMIT = 200_000
HEADER = "# Saved OSCAR MAC Addresses"
CSV_FIELDS = (
    "mac", "client", "first_heard", "last_heard", "times_heard",
    "kind", "architecture", "host_name", "uuid",
)  # fmt: skip
CSV_MAC = ("mac", "mac address", "mac_address", "hwaddr", "address")
CSV_CLIENT = ("client", "node", "name", "host", "hostname")

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.-]{11,17}")
_SPREADSHEET_FORMULA = ("=", "+", "-", "@")


class MacFormat(enum.StrEnum):
    """How a file is written."""

    OSCAR_2003 = "oscar-2003"  # header, one address a line
    OSCAR_2005 = "oscar-2005"  # header with the time, one address a line
    CURRENT = "oscar"  # header with the time, address <tab> # client
    MAC_INFO = "mac-info"  # OSCAR 1.1: node, address
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One address, the machine it is bound to, and what else is known (written to CSV only)."""

    mac: Mac
    node: HostName | None = None
    machine: Machine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MacFile:
    """What was read: entries in the file's order; reports for the lines and parts left out."""

    entries: tuple[Entry, ...]
    reports: tuple[Report, ...]

    @property
    def rejected(self) -> tuple[Report, ...]:
        """The lines (or bindings) that were not taken; the other reports only inform."""
        return tuple(one for one in self.reports if one.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class _Line:
    """The fields of one line, not yet checked."""

    number: int
    mac: str
    node: str
    node_is_certain: bool  # a column of its own, not a comment that may say anything


def read_macs(data: bytes, source: str) -> MacFile:
    """Read a file of any of the formats; raises InvalidInput for what is no text or too big."""
    text = _decode(data, source)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > LINES_LIMIT:
        raise _unreadable(source, f"has more than {LINES_LIMIT} lines")
    builder = _Builder(source)
    for line in _csv_lines(lines, builder) if _is_csv(lines) else _plain_lines(lines, builder):
        builder.take(line)
    return MacFile(tuple(builder.entries), tuple(builder.reports))


def write_macs(entries: Iterable[Entry], form: MacFormat, now: float) -> bytes:
    """Return the file, entries in their order; MAC_INFO leaves out those that are bound to nothing.

    ``now`` is the time for the header, in seconds since the epoch.
    """
    if form is MacFormat.CSV:
        return _write_csv(entries)
    if form is MacFormat.MAC_INFO:
        lines = [f"{one.node} {one.mac}" for one in entries if one.node is not None]
    elif form is MacFormat.CURRENT:
        lines = [_header(now), *(f"{one.mac}\t# {one.node or ''}" for one in entries)]
    else:
        header = HEADER if form is MacFormat.OSCAR_2003 else _header(now)
        lines = [header, *(str(one.mac) for one in entries)]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


class _Builder:
    """Checks line after line: addresses, names, and that nothing is said twice."""

    def __init__(self, source: str) -> None:
        self.entries: list[Entry] = []
        self.reports: list[Report] = []
        self._source = source
        self._lines: dict[Mac, int] = {}
        self._nodes: dict[HostName, int] = {}

    def take(self, line: _Line) -> None:
        """Turn a line into an entry, or say why not."""
        place = Place(self._source, line.number)
        try:
            mac = Mac.parse(line.mac, place)
        except InvalidInput as problem:
            self.reports.extend(problem.reports)
            return
        if mac in self._lines:
            self.reject(
                line.number, "macfile.duplicate", f"{mac} is in line {self._lines[mac]} too."
            )
            return
        self._lines[mac] = line.number
        self.entries.append(Entry(mac, self._node(line, mac)))

    def reject(self, number: int, code: str, text: str, remedy: str = "") -> None:
        """Leave something of a line out, and say so."""
        self.reports.append(error(code, text, remedy, Place(self._source, number)))

    def _node(self, line: _Line, mac: Mac) -> HostName | None:
        if not line.node:
            return None
        place = Place(self._source, line.number)
        try:
            node = HostName.parse(host_part(DomainName.parse(line.node, place)), place)
        except InvalidInput as problem:
            if line.node_is_certain:
                self.reports.extend(problem.reports)
            else:
                text = f"The comment behind {mac} is no machine's name; the address was taken."
                self.reports.append(info("macfile.comment", text, "", place))
            return None
        if node in self._nodes:
            self.reject(
                line.number,
                "macfile.second-card",
                f"{node} has an address in line {self._nodes[node]} already;"
                f" {mac} was taken without a machine.",
                "A machine boots from one card: delete one of the two lines.",
            )
            return None
        self._nodes[node] = line.number
        return node


def _decode(data: bytes, source: str) -> str:
    if len(data) > SIZE_LIMIT:
        raise _unreadable(source, f"is bigger than {SIZE_LIMIT >> 20} MiB")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # Notepad's "Unicode"
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # old comments; addresses are ASCII anyway
    if _CONTROL.search(text):
        raise _unreadable(source, "is not a text file")
    return text


def _unreadable(source: str, why: str) -> InvalidInput:
    return InvalidInput(
        error(
            "macfile.unreadable",
            f"The file {source} {why}.",
            "Give a text file with one MAC address a line; docs/mac-files.md shows the formats.",
            Place(source),
        )
    )


def _is_csv(lines: Sequence[str]) -> bool:
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return not {",", ";"}.isdisjoint(first.partition("#")[0])


def _plain_lines(lines: Sequence[str], builder: _Builder) -> Iterator[_Line]:
    """Read the formats with one address a line; a second word before any # is the machine."""
    for number, line in enumerate(lines, 1):
        content, _, comment = line.partition("#")
        words = content.split(None, 2)
        if len(words) == 1:
            yield _Line(number, words[0], comment.strip(), node_is_certain=False)
        elif len(words) == 2:
            if _ADDRESS.fullmatch(words[0]) and not _ADDRESS.fullmatch(words[1]):
                words.reverse()  # as in /etc/ethers
            yield _Line(number, words[1], words[0], node_is_certain=True)
        elif words:
            text = f"{ascii(content.strip())[:60]} is more than an address and a name."
            builder.reject(
                number, "macfile.line", text, "Write one machine a line: node001 00:16:3e:12:34:56"
            )


def _csv_lines(lines: Sequence[str], builder: _Builder) -> Iterator[_Line]:
    """Read CSV: with a heading the columns are found by name, without one they are address, client."""
    heading = next(line for line in lines if line.strip() and not line.startswith("#"))
    separator = "," if "," in heading else ";"
    mac_at, client_at, is_first = 0, 1, True
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            row = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as problem:
            builder.reject(number, "macfile.line", f"This is no CSV line: {problem}.")
            continue
        row = [value.strip() for value in row]
        names = [value.lower() for value in row]
        if is_first and not {*names}.isdisjoint(CSV_MAC):
            mac_at = next(at for at, name in enumerate(names) if name in CSV_MAC)
            client_at = next((at for at, name in enumerate(names) if name in CSV_CLIENT), len(row))
        else:
            mac = row[mac_at] if mac_at < len(row) else ""
            client = row[client_at] if client_at < len(row) else ""
            yield _Line(number, mac, client, node_is_certain=True)
        is_first = False


def _header(now: float) -> str:
    return f"{HEADER}; {time.asctime(time.localtime(now))}"


def _write_csv(entries: Iterable[Entry]) -> bytes:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for entry in entries:
        writer.writerow([entry.mac, entry.node or "", *_facts(entry.machine)])
    return output.getvalue().encode("utf-8")


def _facts(machine: Machine | None) -> list[object]:
    if machine is None:
        return [""] * (len(CSV_FIELDS) - 2)
    facts = [
        _moment(machine.first_heard),
        _moment(machine.last_heard),
        machine.times_heard,
        machine.kind or "",
        machine.architecture or "",
        machine.host_name or "",
        machine.uuid or "",
    ]
    return [_harmless(str(fact)) for fact in facts]


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _harmless(text: str) -> str:
    """Keep a spreadsheet from calculating what a machine on the wire called itself."""
    return f"'{text}" if text.startswith(_SPREADSHEET_FORMULA) else text
