"""SNMP v2c questions and answers with pysnmp's message types (RFC 1901, 3416)."""

from __future__ import annotations

import importlib
import random
from typing import Any

from backend.system.watch import udp
from backend.system.watch.credentials import Login
from backend.system.watch.errors import CannotLook

Name = tuple[int, ...]
Pairs = list[tuple[Name, object]]
MISSING = (
    "SNMP cannot be asked: the Python package pysnmp (7.1 or later) is not there. Install it for "
    "the python3 that runs the watch list."
)
_ERRORS = {1: "the answer is too big", 5: "a general error", 6: "no access", 16: "an authorization error"}  # fmt: skip


class V2c:
    """Asks with GETBULK; keeps nothing but the imported modules."""

    def __init__(self) -> None:
        self._api: Any = None
        self._encoder: Any = None
        self._decoder: Any = None

    def load(self) -> None:
        """Import what is needed; raises CannotLook."""
        if self._api is None:
            try:
                self._encoder = importlib.import_module("pyasn1.codec.ber.encoder")
                self._decoder = importlib.import_module("pyasn1.codec.ber.decoder")
                self._api = importlib.import_module("pysnmp.proto.api.v2c")
            except ImportError as error:
                raise CannotLook(MISSING) from error

    async def bulk(
        self, where: tuple[str, int], login: Login, single: Name,
        names: list[Name], rows: int, seconds: float,
    ) -> Pairs:  # fmt: skip
        """Return names and values; raises Closed, Silent, CannotLook."""
        self.load()
        number = random.SystemRandom().randrange(1, 1 << 31)
        question = self._question(login.community, number, single, names, rows)

        def answer(data: bytes) -> tuple[int, Pairs] | None:
            try:
                return self._answer(data, number)
            except Exception:  # noqa: BLE001 - anything may come, and pyasn1 raises anything
                return None

        status, pairs = await udp.ask(where, question, answer, seconds=seconds)
        if status:
            why = _ERRORS.get(status, f"error {status}")
            raise CannotLook(f"The SNMP agent of {where[0]} refuses: {why}.")
        return pairs

    def _question(
        self, community: str, number: int, single: Name,
        names: list[Name], rows: int,
    ) -> bytes:  # fmt: skip
        api = self._api
        pdu = api.GetBulkRequestPDU()
        api.apiBulkPDU.set_defaults(pdu)
        api.apiBulkPDU.set_request_id(pdu, number)
        api.apiBulkPDU.set_non_repeaters(pdu, 1 if single else 0)
        api.apiBulkPDU.set_max_repetitions(pdu, rows)
        all_names = [single, *names] if single else names
        api.apiBulkPDU.set_varbinds(pdu, [(name, api.null) for name in all_names])
        message = api.Message()
        api.apiMessage.set_defaults(message)
        api.apiMessage.set_community(message, community.encode())
        api.apiMessage.set_pdu(message, pdu)
        return self._encoder.encode(message)  # type: ignore[no-any-return]

    def _answer(self, data: bytes, number: int) -> tuple[int, Pairs] | None:
        api = self._api
        message, _rest = self._decoder.decode(data, asn1Spec=api.Message())
        pdu = api.apiMessage.get_pdu(message)
        if not pdu.isSameTypeWith(api.ResponsePDU(), matchConstraints=False):
            return None
        if int(api.apiPDU.get_request_id(pdu)) != number:
            return None
        status = int(api.apiPDU.get_error_status(pdu))
        return status, [(tuple(name), plain(value)) for name, value in api.apiPDU.get_varbinds(pdu)]


def plain(value: Any) -> object:
    """Return a value of pysnmp as text or a whole number; None for everything else."""
    kind = type(value).__name__
    if kind == "OctetString":
        return bytes(value)[:4096].decode("utf-8", "backslashreplace")
    if kind in ("Integer", "Integer32", "Gauge32", "Counter32", "Counter64", "Unsigned32", "TimeTicks"):  # fmt: skip
        return int(value)
    return None  # noSuchObject, noSuchInstance, endOfMibView, or of no use here
