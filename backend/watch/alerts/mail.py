"""The alert ``mail``: the message itself, and who may get it. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from backend.watch.alerts.message import (
    Message,
    identity,
    keyword,
    lines,
    one_line,
    summary_of,
    verdict,
    when,
)  # fmt: skip
from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY
from backend.watch.settings import STARTUP, UP, Settings

MOST_ADDRESSES = 50
LONGEST_SUBJECT = 160  # characters
_LOCAL = r"[A-Za-z0-9_+][A-Za-z0-9._+=-]{0,63}"  # no quoting, no comments, and no leading hyphen
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62})){0,15}"
_ADDRESS = re.compile(rf"{_LOCAL}(@{_DOMAIN})?")


def problems(words: tuple[str, ...]) -> list[str]:
    """Say what is wrong with the parameters of a mail."""
    if not words:
        return ["mail: no address is given. Write at least one, such as root@localhost."]
    found = [
        f"mail: {one_line(word, 80)!r} is no mail address. Write name@domain, or the name of a local user."
        for word in words
        if not _ADDRESS.fullmatch(word) or len(word) > 254
    ]
    if len(words) > MOST_ADDRESSES:
        found.append(f"mail: more than {MOST_ADDRESSES} addresses. Use a mailing list.")
    return found


def sender(settings: Settings) -> str:
    """Return who it is from."""
    given = settings.mail_from
    return given if given and _ADDRESS.fullmatch(given) else f"root@{settings.me.name}"


def build(settings: Settings, message: Message) -> EmailMessage:
    """Return the mail; nothing that a monitor printed can become a header or an address."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(sender(settings))
    mail["To"] = tuple(_address(word) for word in message.alert.words)
    mail["Subject"] = subject(message)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.wall, timezone.utc))
    # The same at every try: who gets it twice is shown it once.
    mail["Message-ID"] = f"<{identity(settings.cluster, message)}.haoscar@{settings.me.name}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    mail["X-HAOSCAR-Service"] = one_line(message.service.ref, 140)
    mail["X-HAOSCAR-Event"] = message.run
    mail.set_content(body(settings, message), charset="utf-8", cte="quoted-printable")
    return mail


def for_sendmail(mail: EmailMessage) -> bytes:
    """Return it with the line ends of this system, which the program turns into those of mail."""
    return mail.as_bytes(policy=mail.policy.clone(linesep="\n"))


def subject(message: Message) -> str:
    """Return the subject: it tells the whole story on a telephone."""
    said = f"{keyword(message)} {message.service.ref}"
    about = summary_of(message)
    return one_line(f"{said}: {about}" if about else said, LONGEST_SUBJECT)


def body(settings: Settings, message: Message) -> str:
    """Return the text."""
    service, result = message.service, message.result
    facts = [
        ("Group", service.group),
        ("Service", service.name),
        ("Description", service.description),
        ("Hosts", " ".join(message.hosts)),
        ("Failed hosts", " ".join(result.failed_hosts)),
        ("Time noticed", when(message.wall)),
        ("Failed since", when(message.first_failed) if message.first_failed > 0 else ""),
        ("Next alert", _next(message)),
        ("Exit code", "" if message.run == STARTUP else str(result.code)),
        ("Told by", f"{settings.me.name} of {settings.cluster}"),
    ]
    shown = "\n".join(f"{name:<12} : {one_line(text, 2000)}" for name, text in facts if text)
    parts = [f"{verdict(message)}.", shown]
    if message.run == UP and result.summary:
        parts.append("The last failure was:")
    if result.summary:
        parts.append(one_line(result.summary, LONGEST_SUMMARY))
    if result.detail.strip():
        parts.append(lines(result.detail.rstrip(), LONGEST_DETAIL))
    return "\n\n".join(parts) + "\n"


def _next(message: Message) -> str:
    if message.run in (UP, STARTUP):
        return ""
    return f"in {message.every:.0f} s" if message.every > 0 else "when it fails again"


def _address(text: str) -> Address:
    name, _, domain = text.partition("@")
    return Address(username=name, domain=domain)
