"""Messages, a configuration and a post office for the tests of alerts."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.periods import Period
from backend.watch.alerts.post import AlertPost, Message, Places
from backend.watch.results import MONITOR, Outcome, Result
from backend.watch.settings import DOWN, Alert, AlertPeriod, Head, Service, Settings

WALL = 1_763_800_000.0


def service(name: str = "web", *alerts: Alert, group: str = "nodes") -> Service:
    periods = (AlertPeriod(Period.parse("wd {Sun-Sat}"), "all", alerts),)
    return Service(group, name, ("head1", "head2"), "tcp", description="The web", periods=periods)


def settings(*services: Service, **more: object) -> Settings:
    me, other = Head("head1", ("10.0.0.2",)), Head("head2", ("10.0.0.3",))
    values: dict[str, object] = {
        "cluster": "beowulf", "me": me, "other": other, "key_file": "", "state_directory": "",
        "run_directory": "", "agent_socket": "", "services": services, **more,
    }  # fmt: skip
    return Settings(**values)  # type: ignore[arg-type]


def message(
    alert: Alert, run: str = DOWN, *, of: Service | None = None, wall: float = WALL,
    summary: str = "head2", detail: str = "connection refused\n", previous: str = "",
    outcome: Outcome = Outcome.FAILED, code: int = 1, source: str = MONITOR, acknowledged: str = "",
) -> Message:  # fmt: skip
    result = Result(outcome, code, summary, detail, ("head2",), 0.1, source)
    return Message(
        of or service("web", alert), alert._replace(run=run), run, result, ("head1", "head2"),
        wall, 3600.0, WALL - 60, previous, WALL - 120, WALL, acknowledged,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def office(
    configuration: Settings, places: Places | None = None
) -> AsyncIterator[tuple[AlertPost, list[str]]]:
    said: list[str] = []
    post = AlertPost(configuration, said.append, places or Places())
    running = asyncio.ensure_future(post.run())
    try:
        yield post, said
    finally:
        await post.close()
        await asyncio.wait_for(running, 5)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


def certificate(directory: Path, name: str) -> tuple[str, str]:
    """Write a certificate of its own for a name or an address; returns both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = directory / f"{name}.pem", directory / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(pem), str(secret)
