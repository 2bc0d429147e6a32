"""How mon parts a line into arguments (Perl's Text::ParseWords), and how the site file does. Pure."""

import re
import shlex

SPACE = re.compile(r"\s+", re.ASCII)
CONTROLS = re.compile(r"[\t\n\r\f\v]")  # space that the site file does not take
DOUBLE = re.compile(r'"([^\\"]*(?:\\.[^\\"]*)*)"', re.DOTALL)
SINGLE = re.compile(r"'([^\\']*(?:\\.[^\\']*)*)'", re.DOTALL)
UNQUOTED = re.compile(r"(?:\\.|[^\\\"'\s])+", re.ASCII | re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def quotewords(line: str) -> tuple[str, ...] | None:
    """Return what quotewords('\\s+', 0, line) returns in Perl, None where a quotation has no end.

    Unlike a shell, backslashes vanish inside double quotes, and stay inside single ones.
    """
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        space = SPACE.match(line, at)
        if space is not None:
            words.append(word or "")
            word, at = None, space.end()
            continue
        part = _part(line, at)
        if part is None:
            return None
        text, at = part
        word = (word or "") + text
    if word is not None:
        words.append(word)
    return tuple(words)


def _part(line: str, at: int) -> tuple[str, int] | None:
    if line[at] == '"':
        found = DOUBLE.match(line, at)
        return (ESCAPED.sub(r"\1", found[1]), found.end()) if found else None
    if line[at] == "'":
        found = SINGLE.match(line, at)
        return (found[1], found.end()) if found else None
    found = UNQUOTED.match(line, at)
    return (ESCAPED.sub(r"\1", found[0]), found.end()) if found else None


def for_site(text: str) -> str:
    """Return mon's arguments as the site file quotes them; raises ValueError for an open quotation."""
    words = quotewords(text)
    if words is None:
        raise ValueError(text)
    plain = CONTROLS.sub(" ", text)
    return plain if _shell(plain) == words else _joined(words)


def for_mon(parameters: str) -> str:
    """Return parameters of the site file as mon reads them; where it can be, the text is the same."""
    words = tuple(shlex.split(parameters))
    hosts_follow = not words or words[-1] != ";;"
    misread = parameters.endswith("\\") or (parameters.endswith(";;") and hosts_follow)
    if quotewords(parameters) == words and not misread:
        return parameters
    if hosts_follow:
        return _joined(words)
    return " ".join(filter(None, (_joined(words[:-1]), ";;")))


def _shell(text: str) -> tuple[str, ...] | None:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return None


def _joined(words: tuple[str, ...]) -> str:
    return " ".join(one if PLAIN.fullmatch(one) or one == ";;" else _quoted(one) for one in words)


def _quoted(word: str) -> str:
    """Return a word between quotes that both read alike."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
