"""Handing a mail to an SMTP server; smtplib waits in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from backend.system.watch.not_delivered import NotDelivered, reason

PORT = 25
LIMIT = 30.0  # seconds for the whole conversation
PATIENCE = 10.0  # seconds for each connection and each answer


class Mail(NamedTuple):
    """A mail with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes  # with CRLF at the ends of lines


class Server(NamedTuple):
    """Who takes it, and as whom we greet it."""

    host: str
    port: int
    greeting: str  # our host name: asking the resolver for it could take longer than the mail


async def send(server: Server, mail: Mail, limit: float = LIMIT) -> Mapping[str, str]:
    """Return who was refused while others were not, each with the reason; raises NotDelivered."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Mapping[str, str]] = loop.create_future()
    session = _Session(server, mail)

    def work() -> None:
        try:
            report = _report(outcome, session.run())
        except Exception as problem:  # noqa: BLE001 - told in the loop's thread
            report = _report(outcome, problem)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(report)

    threading.Thread(target=work, name="smtp", daemon=True).start()
    try:
        return await asyncio.wait_for(outcome, limit)
    except asyncio.TimeoutError:
        raise NotDelivered(f"{server.host} did not finish within {limit:.0f} s") from None
    except smtplib.SMTPException as problem:
        raise NotDelivered(f"{server.host} did not take it: {_words(problem)}") from None
    except ssl.SSLError as problem:
        raise NotDelivered(
            f"{server.host}: its TLS does not work: {problem.reason or problem}"
        ) from None
    except OSError as problem:
        raise NotDelivered(f"{server.host}: {reason(problem)}") from None
    finally:
        session.abort()


def _report(
    outcome: asyncio.Future[Mapping[str, str]], found: Mapping[str, str] | Exception
) -> Callable[[], None]:
    def settle() -> None:
        if outcome.done():
            return
        if isinstance(found, Exception):
            outcome.set_exception(found)
        else:
            outcome.set_result(found)

    return settle


class _Session:
    """One conversation, in a thread."""

    def __init__(self, server: Server, mail: Mail) -> None:
        self._server = server
        self._mail = mail
        self._over = False
        self._client = _Client(server)

    def run(self) -> dict[str, str]:
        client = self._client
        client.connect(self._server.host, self._server.port)
        if self._over:
            client.close()
            raise OSError("given up")
        try:
            client.ehlo_or_helo_if_needed()
            if client.has_extn("starttls"):
                client.starttls(context=_opportunistic())
                client.ehlo()
            mail = self._mail
            refused = client.sendmail(mail.sender, list(mail.recipients), mail.data)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()  # it has been taken, whatever follows
        finally:
            client.close()
        return {who: _answer(*why) for who, why in refused.items()}

    def abort(self) -> None:
        """Wake the thread where it waits for the server."""
        self._over = True
        end: socket.socket | None = getattr(self._client, "sock", None)
        if end is not None:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Client(smtplib.SMTP):
    """Knows its server's name before it connects, so that its socket can be seen meanwhile."""

    def __init__(self, server: Server) -> None:
        super().__init__(local_hostname=server.greeting, timeout=PATIENCE)
        self._host = server.host  # STARTTLS names it


def _opportunistic() -> ssl.SSLContext:
    """Encrypt as mail servers do among themselves, whoever the other end is.

    A server may leave STARTTLS out altogether, and then the mail goes as it is: refusing a
    certificate of the site's own would only lose the alert. No password is ever sent.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _words(problem: smtplib.SMTPException) -> str:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{who}: {_answer(*why)}" for who, why in problem.recipients.items())
    if isinstance(problem, smtplib.SMTPResponseException):
        return _answer(problem.smtp_code, problem.smtp_error)
    return str(problem) or type(problem).__name__


def _answer(code: int, text: object) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {words}"
