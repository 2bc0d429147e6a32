"""Mail over SMTP to a real server on loopback: taken, encrypted, refused, hanging, away."""

import asyncio
import email
import socket
import ssl
from email import policy

import pytest

from backend.system.watch import smtp_client
from backend.system.watch.not_delivered import NotDelivered
from backend.watch.alerts import outbox
from backend.watch.settings import DOWN, Alert
from tests.unit.watch.alerts.mail_server import MailServer, mail_server
from tests.unit.watch.alerts.world import certificate, message, office, settings, until

BOTH = Alert("mail", DOWN, ("root@example.org", "admin@example.org"))
MAIL = smtp_client.Mail("root@head1", ("root@example.org",), b"Subject: x\r\n\r\n.dot\r\n")


def site(server: MailServer):
    return settings(smtp=f"127.0.0.1:{server.port}", mail_from="haoscar@example.org")


def test_a_mail_arrives_with_its_envelope_and_no_header_of_the_monitor():
    async def run() -> None:
        async with mail_server(MailServer()) as server, office(site(server)) as (post, said):
            post.send(message(BOTH, summary="x\r\nBcc: evil@example.org", detail="\r\n.\r\nQUIT\r\n.two\n"))  # fmt: skip
            await until(lambda: server.taken)
            (taken,) = server.taken
            assert taken.sender == "haoscar@example.org"
            assert taken.recipients == ["root@example.org", "admin@example.org"]
            told = email.message_from_bytes(taken.data, policy=policy.default)
            assert "Bcc" not in told
            assert ".\nQUIT\n" in told.get_content().replace("\r", "")
            assert said == []

    asyncio.run(run())


def test_starttls_is_used_when_offered(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path, "mail.example.org"))

    async def run() -> None:
        async with mail_server(MailServer(tls=context)) as server:
            await smtp_client.send(smtp_client.Server("127.0.0.1", server.port, "head1"), MAIL)
            assert [one.encrypted for one in server.taken] == [True]
            assert server.taken[0].data.endswith(b"..dot\r\n")  # stuffed, as it stands on the wire

    asyncio.run(run())


def test_one_refused_address_is_said_and_the_others_have_their_mail_once():
    async def run() -> None:
        refuse = {"admin@example.org": "550 no such user\x1b[31m"}
        async with mail_server(MailServer(refuse)) as server, office(site(server)) as (post, said):
            post.send(message(BOTH))
            await until(lambda: said)
            assert "admin@example.org: 550 no such user\\x1b[31m" in said[0]
            assert post.counts() == {"delivered": 1}
            assert len(server.taken) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("server", "part"),
    [
        (MailServer(answer_data="451 later"), "451 later"),
        (MailServer({"root@example.org": "550 unknown"}), "550 unknown"),
    ],
)
def test_a_refusal_is_told(server, part):
    async def run() -> None:
        async with mail_server(server):
            with pytest.raises(NotDelivered, match=part):
                await smtp_client.send(smtp_client.Server("127.0.0.1", server.port, "h"), MAIL)

    asyncio.run(run())


def test_a_server_that_hangs_costs_its_limit_and_leaves_no_connection():
    async def run() -> None:
        async with mail_server(MailServer(silent=True)) as server:
            began = asyncio.get_running_loop().time()
            with pytest.raises(NotDelivered, match="did not finish"):
                await smtp_client.send(
                    smtp_client.Server("127.0.0.1", server.port, "h"), MAIL, limit=0.3
                )
            assert asyncio.get_running_loop().time() - began < 2.0
            await until(lambda: not server.open_now)

    asyncio.run(run())


def test_a_server_that_is_away_is_tried_again_until_it_is_back(monkeypatch):
    monkeypatch.setattr(outbox, "PAUSES", (0.05, 0.1))

    async def run() -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
        async with office(settings(smtp=f"127.0.0.1:{port}")) as (post, said):
            post.send(message(BOTH))
            await until(lambda: said)
            assert "refused" in said[0]
            assert post.snapshot()[0]["tries"] >= 1
            server = MailServer()
            listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
            try:
                await until(lambda: server.taken)
            finally:
                listening.close()
            await until(lambda: len(said) == 2)
            assert said[1].endswith("is delivered again.")

    asyncio.run(run())


def test_a_wrong_server_in_the_configuration_is_given_up_at_once():
    async def run() -> None:
        async with office(settings(smtp="mail:x")) as (post, said):
            post.send(message(BOTH))
            await until(lambda: said)
            assert "given up" in said[0]
            assert "port" in said[0]

    asyncio.run(run())
