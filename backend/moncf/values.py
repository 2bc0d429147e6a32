"""Values as mon 1.3.6 writes them, as the texts that the watch list reads; None: mon refuses it. Pure."""

import re

from backend.errors import InvalidInput
from backend.model.periods import Period

TIMEVAL = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?[dhms])\s*", re.ASCII | re.IGNORECASE)
EVERY = re.compile(r"(\S+)(?:\s+(observe_detail|ignore_summary|summary|strict))?", re.ASCII | re.IGNORECASE)  # fmt: skip
AFTER = re.compile(r"([0-9]+)|(?:([0-9]+)\s+)?([0-9]+[hms])", re.ASCII)


def timeval(text: str) -> str | None:
    """Return a span of time, such as 1.5h; mon knows no weeks."""
    found = TIMEVAL.fullmatch(text)
    return found[1] if found else None


def is_zero(text: str) -> bool:
    """Whether a span of time, with or without words after it, is none at all."""
    return re.match(r"[0.]+[a-z]", text, re.IGNORECASE) is not None


def alert_every(text: str) -> str | None:
    """Return how often an alert is repeated; ``summary`` was the default once."""
    found = EVERY.fullmatch(text)
    pause = timeval(found[1]) if found else None
    if found is None or pause is None:
        return None
    repeat = (found[2] or "").lower()
    return f"{pause} {repeat}" if repeat not in ("", "summary") else pause


def alert_after(text: str) -> str | None:
    """Return after which failures there is an alert; here mon takes whole numbers, and no days.

    None failures are as good as nothing said: an empty text.
    """
    found = AFTER.fullmatch(text)
    if found is None:
        return None
    if found[1] is not None:
        return found[1] if int(found[1][:9]) else ""
    return " ".join(filter(None, (found[2], found[3])))


def max_alerts(text: str) -> str | None:
    """Return the number of alerts; mon takes 0 for as many as there are: an empty text."""
    if not re.fullmatch("[0-9]+", text):
        return None
    return text.lstrip("0")


def truth(text: str) -> str | None:
    """Return yes or no as mon reads ``unack_summary``; its manual has it without a value, too."""
    if not text or re.search("y", text, re.IGNORECASE) or text == "1":
        return "yes"
    return "no" if re.search("n", text, re.IGNORECASE) or text == "0" else None


def is_malformed(text: str) -> bool:
    """Whether this is no period."""
    try:
        Period.parse(text)
    except InvalidInput:
        return True
    return False
