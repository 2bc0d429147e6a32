"""One try to deliver one alert: builds it, and hands it to the way that it goes."""

from __future__ import annotations

from typing import NamedTuple

from backend.system.watch import alert_programs, http_post, smtp_client, syslog_socket
from backend.system.watch.not_delivered import NotDelivered
from backend.system.watch.private_file import read_private
from backend.system.watch.snmp_trap import Sender, login_of
from backend.watch.alerts import mail, program, syslog, trap, webhook
from backend.watch.alerts.message import Message
from backend.watch.results import harmless
from backend.watch.settings import Settings

LONGEST_TRY = 90.0  # seconds; each way has a shorter limit of its own


class Places(NamedTuple):
    """Where this machine has what alerts need."""

    sendmail: str = "/usr/sbin/sendmail"
    journal: str = syslog_socket.JOURNAL
    log: str = syslog_socket.LOG
    program_limit: float = alert_programs.LIMIT


class Receipt(NamedTuple):
    """That it was delivered."""

    note: str = ""  # what somebody should hear all the same
    code: int = 0  # of a program


class Courier:
    """Delivers, once; for one event loop."""

    def __init__(self, settings: Settings, places: Places) -> None:
        self._settings = settings
        self._places = places
        self._traps = Sender()
        self._ways = {
            "mail": self._mail,
            "webhook": self._webhook,
            "syslog": self._syslog,
            "snmp-trap": self._trap,
        }

    async def deliver(self, message: Message) -> Receipt:
        """Deliver it; raises NotDelivered."""
        return await self._ways.get(message.alert.program, self._program)(message)

    def close(self) -> None:
        """Close what is kept open."""
        self._traps.close()

    async def _mail(self, message: Message) -> Receipt:
        built = mail.build(self._settings, message)
        if not self._settings.smtp:
            argv = (self._places.sendmail, "-t", "-i")
            return await self._run((argv[0],), argv[1:], {}, mail.for_sendmail(built))
        try:
            host, port = trap.host_and_port(self._settings.smtp, smtp_client.PORT)
        except ValueError as problem:
            raise NotDelivered(f"the SMTP server {problem}", final=True) from None
        server = smtp_client.Server(host, port, self._settings.me.name)
        recipients = message.alert.words
        envelope = smtp_client.Mail(mail.sender(self._settings), recipients, bytes(built))
        refused = await smtp_client.send(server, envelope)
        # Others have it already, so it is not sent again: that would be a second mail for them.
        told = "; ".join(f"{who}: {why}" for who, why in refused.items())
        return Receipt(harmless(f"not taken for {told}", 300) if refused else "")

    async def _webhook(self, message: Message) -> Receipt:
        hook, _ = webhook.parse(message.alert.words)
        try:
            url = hook.url or read_private(hook.url_file).strip()
            address = webhook.read_url(url)
            own = webhook.read_headers(read_private(hook.header_file)) if hook.header_file else ()
        except ValueError as problem:
            raise NotDelivered(str(problem).rstrip(".")) from None
        if own and not (address.tls or address.local):
            raise NotDelivered("what is in the header file would cross the network unencrypted")
        place = http_post.Place(address.host, address.port, address.path, address.tls, hook.ca_file)
        body = webhook.build(self._settings, message)
        answer = await http_post.post(place, webhook.headers(own), body)
        if not 200 <= answer.status < 300:
            said = harmless(f"{answer.status} {answer.reason}".strip(), 100)
            moved = "; redirections are not followed" if 300 <= answer.status < 400 else ""
            raise NotDelivered(f"{address.host} answered {said}{moved}", code=answer.status)
        return Receipt()

    async def _syslog(self, message: Message) -> Receipt:
        for_journal = syslog.for_journal(self._settings, message)
        for_log = syslog.for_log(message)
        syslog_socket.send(for_journal, for_log, self._places.journal, self._places.log)
        return Receipt()

    async def _trap(self, message: Message) -> Receipt:
        target, _ = trap.parse(message.alert.words)
        login = login_of(target.login_file, self._settings.snmp_file)
        told = trap.build(self._settings, message)
        place = (target.host, target.port)
        await self._traps.send(place, login, told.oid, told.values, inform=target.inform)
        return Receipt()

    async def _program(self, message: Message) -> Receipt:
        call = program.build(message)
        return await self._run(call.places, call.arguments, call.environment, call.text)

    async def _run(
        self, places: tuple[str, ...], arguments: tuple[str, ...],
        environment: dict[str, str], text: bytes,
    ) -> Receipt:  # fmt: skip
        path = alert_programs.find_program(places)
        limit = self._places.program_limit
        ended = await alert_programs.run_alert((path, *arguments), environment, text, limit)
        said = harmless(ended.output.strip().replace("\n", " | "), 200)
        after = f": {said}" if said else ""
        if ended.too_long:
            raise NotDelivered(f"{path} was stopped after {limit:.0f} s{after}", code=ended.code)
        if ended.code < 0:
            raise NotDelivered(f"{path} was ended by signal {-ended.code}{after}", code=ended.code)
        if ended.code:
            raise NotDelivered(f"{path} ended with {ended.code}{after}", code=ended.code)
        return Receipt()
