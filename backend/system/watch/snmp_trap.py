"""Sending SNMP notifications with pysnmp: v2c, or v3 as confirmed ones (informs)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from backend.system.watch import ciphers
from backend.system.watch.credentials import Login, LoginFile
from backend.system.watch.errors import CannotLook
from backend.system.watch.not_delivered import NotDelivered
from backend.system.watch.waiting import within

LIMIT = 10.0  # seconds
ANSWER_LIMIT, TRIES = 2.0, 3  # seconds for each answer to an inform, and how often it is sent
_AUTH = {
    "sha": "USM_AUTH_HMAC96_SHA", "sha224": "USM_AUTH_HMAC128_SHA224",
    "sha256": "USM_AUTH_HMAC192_SHA256", "sha384": "USM_AUTH_HMAC256_SHA384",
    "sha512": "USM_AUTH_HMAC384_SHA512",
}  # fmt: skip
_PRIVACY = {
    "aes": "USM_PRIV_CFB128_AES", "aes128": "USM_PRIV_CFB128_AES",
    "aes192": "USM_PRIV_CFB192_AES", "aes256": "USM_PRIV_CFB256_AES",
}  # fmt: skip
PUBLIC = Login(community="public")  # a community is no secret once a trap has carried it


def login_of(own: str, usual: str) -> Login:
    """Return as whom a notification is sent; raises NotDelivered.

    ``own`` is the receiver's own file. Of the ``usual`` one only a user of v3 is taken: a trap of
    v2c carries its community in the clear, and the one that opens our snmpd must not be in it.
    """
    try:
        if own:
            return LoginFile(own).read()
        login = LoginFile(usual).read() if usual else PUBLIC
    except CannotLook as problem:
        raise NotDelivered(str(problem).rstrip(".")) from None
    return login if login.user else PUBLIC


class Sender:
    """Sends notifications; pysnmp is loaded with the first one. For one event loop."""

    def __init__(self) -> None:
        self._engine: Any = None

    async def send(
        self, place: tuple[str, int], login: Login, oid: str,
        values: tuple[tuple[str, object], ...], *, inform: bool,
    ) -> None:  # fmt: skip
        """Send one; raises NotDelivered. A trap that nobody takes is not noticed, an inform is.

        For v3 it is always an inform: then the receiver's engine counts, and it need not be told
        ours, nor do we have to remember how often we were started.
        """
        kind = "inform" if inform or login.user else "trap"
        try:
            await within(LIMIT, self._send(place, login, oid, values, kind))
        except asyncio.TimeoutError:
            self.close()
            raise NotDelivered(f"{place[0]} did not confirm it within {LIMIT:.0f} s") from None
        except NotDelivered:
            self.close()  # a fresh one asks the receiver for its engine again
            raise

    def close(self) -> None:
        """Close the socket."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(Exception):  # pysnmp's own ways of ending vary
                engine.close_dispatcher()

    async def _send(
        self, place: tuple[str, int], login: Login, oid: str,
        values: tuple[tuple[str, object], ...], kind: str,
    ) -> None:  # fmt: skip
        if not ciphers.ready() and login.user:
            raise NotDelivered(ciphers.MISSING.rstrip("."), final=True)
        try:
            from pysnmp.error import PySnmpError
            from pysnmp.hlapi.v3arch import asyncio as snmp
        except ImportError as problem:
            text = f"SNMP needs Python 3.10 or later and pysnmp: {problem}"
            raise NotDelivered(text, final=True) from None

        if self._engine is None:
            self._engine = snmp.SnmpEngine()
        transport = snmp.Udp6TransportTarget if ":" in place[0] else snmp.UdpTransportTarget
        try:
            target = await transport.create(place, timeout=ANSWER_LIMIT, retries=TRIES - 1)
            error, status, _, _ = await snmp.send_notification(
                self._engine, _credentials(snmp, login), target, snmp.ContextData(), kind,
                *_bindings(snmp, oid, values), lookupMib=False,
            )  # fmt: skip
        except (PySnmpError, OSError) as problem:
            raise NotDelivered(f"{place[0]}: {problem}") from None
        if error or status:
            raise NotDelivered(f"{place[0]} did not take it: {error or status}")


def _bindings(snmp: Any, oid: str, values: tuple[tuple[str, object], ...]) -> list[Any]:
    from pysnmp.proto.rfc1902 import Integer32, ObjectIdentifier, OctetString

    def typed(value: object) -> Any:
        if isinstance(value, int):
            return Integer32(value)
        if type(value) is not str:
            return ObjectIdentifier(str(value))
        return OctetString(value.encode("utf-8", "backslashreplace"))

    first = ("1.3.6.1.6.3.1.1.4.1.0", ObjectIdentifier(oid))  # snmpTrapOID.0
    rest = [(name, typed(value)) for name, value in values]
    return [snmp.ObjectType(snmp.ObjectIdentity(name), value) for name, value in (first, *rest)]


def _credentials(snmp: Any, login: Login) -> Any:
    if not login.user:
        return snmp.CommunityData(login.community, mpModel=1)
    return snmp.UsmUserData(
        login.user,
        authKey=login.auth_key, authProtocol=getattr(snmp, _AUTH[login.auth]),
        privKey=login.priv_key, privProtocol=getattr(snmp, _PRIVACY[login.priv]),
    )  # fmt: skip
