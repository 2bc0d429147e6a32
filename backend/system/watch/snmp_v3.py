"""SNMP v3 (authPriv) with pysnmp's engine: one for all, made when it is needed first."""

from __future__ import annotations

import importlib
from typing import Any

from backend.system.watch import ciphers
from backend.system.watch.credentials import Login
from backend.system.watch.errors import CannotLook, Closed, Silent
from backend.system.watch.snmp_v2c import MISSING, Name, Pairs, plain

_AUTHENTICATION = {
    "sha": "USM_AUTH_HMAC96_SHA",
    "sha224": "USM_AUTH_HMAC128_SHA224",
    "sha256": "USM_AUTH_HMAC192_SHA256",
    "sha384": "USM_AUTH_HMAC256_SHA384",
    "sha512": "USM_AUTH_HMAC384_SHA512",
}
_PRIVACY = {
    "aes": "USM_PRIV_CFB128_AES",
    "aes128": "USM_PRIV_CFB128_AES",
    "aes192": "USM_PRIV_CFB192_AES",
    "aes256": "USM_PRIV_CFB256_AES",
}
_WRONG = {
    "wrongDigest": "the authentication key is wrong",
    "unknownUserName": "it does not know the user",
    "unsupportedSecurityLevel": "the user may not ask so",
    "decryptionError": "the privacy key is wrong",
    "authorizationError": "the user may not read this",
    "notInTimeWindow": "its clock does not fit",
}


class V3:
    """Asks with GETBULK through one engine; targets and users are kept."""

    def __init__(self) -> None:
        self._api: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._users: dict[Login, Any] = {}
        self._targets: dict[tuple[tuple[str, int], int], Any] = {}

    def load(self) -> Any:
        """Import what is needed and return it; raises CannotLook."""
        if not ciphers.ready():
            raise CannotLook(ciphers.MISSING)
        try:
            return importlib.import_module("pysnmp.hlapi.v3arch.asyncio")
        except ImportError as error:
            raise CannotLook(MISSING) from error

    def _begin(self) -> None:
        if self._api is not None:
            return
        api = self.load()
        self._engine = api.SnmpEngine()
        self._context = api.ContextData()
        self._api = api

    def _user(self, login: Login) -> Any:
        if login not in self._users:
            api = self._api
            self._users[login] = api.UsmUserData(
                login.user,
                login.auth_key,
                login.priv_key,
                authProtocol=getattr(api, _AUTHENTICATION[login.auth]),
                privProtocol=getattr(api, _PRIVACY[login.priv]),
            )
        return self._users[login]

    async def _target(self, where: tuple[str, int], seconds: int) -> Any:
        if (where, seconds) not in self._targets:
            made = await self._api.UdpTransportTarget.create(where, timeout=seconds / 3, retries=2)
            self._targets[(where, seconds)] = made
        return self._targets[(where, seconds)]

    async def bulk(
        self, where: tuple[str, int], login: Login, single: Name,
        names: list[Name], rows: int, seconds: float,
    ) -> Pairs:  # fmt: skip
        """Return names and values; raises Closed, Silent, CannotLook."""
        self._begin()
        api = self._api
        target = await self._target(where, max(1, round(seconds)))
        all_names = [single, *names] if single else names
        wanted = [api.ObjectType(api.ObjectIdentity(name)) for name in all_names]
        problem, status, _index, pairs = await api.bulk_cmd(
            self._engine, self._user(login), target, self._context,
            1 if single else 0, rows, *wanted, lookupMib=False,
        )  # fmt: skip
        if problem:
            raise _failure(where[0], type(problem).__name__, str(problem))
        if int(status):
            raise CannotLook(f"The SNMP agent of {where[0]} refuses: error {int(status)}.")
        return [(tuple(name), plain(value)) for name, value in pairs]

    def close(self) -> None:
        """Close the engine's socket."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = self._api = None


def _failure(address: str, kind: str, text: str) -> Exception:
    if kind == "RequestTimedOut":
        return Silent()
    if kind in ("Closed", "ConnectionRefused"):
        return Closed(text)
    why = next((told for name, told in _WRONG.items() if name.lower() == kind.lower()), text)
    return CannotLook(
        f"The SNMP agent of {address} refuses: {why}. Correct the file with the keys."
    )
