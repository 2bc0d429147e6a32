"""The files that snmpd is given, as text. Pure."""

import hashlib
import hmac

from backend.model.addresses import parse_address
from backend.model.secrets import Secret
from backend.rendering import render
from backend.snmpd.needs import Wish
from backend.snmpd.wanted import LEAST_FREE, Wanted

VIEW = "haoscar"
USER = "haoscar_internal"  # snmpd's own questions, within its own process


def community_of(key: Secret) -> Secret:
    """Return the community of this cluster: made from the agents' key, which it does not give away.

    So both heads have the same one, and nothing more has to be kept anywhere.
    """
    return Secret(_made(key, b"snmp community"))


def lines_file(wanted: Wanted, access: str) -> bytes:
    """Return what snmpd watches; ``access``: the file that says who may ask, included by this one."""
    return render(
        "snmpd/haoscar.conf.j2",
        wanted=wanted, least_free=LEAST_FREE, view=VIEW, access=access,
    ).encode()  # fmt: skip


def access_file(wish: Wish, key: Secret, *, fresh: bool, own: bool = True) -> Secret:
    """Return who may ask; secret. Not ``own``: somebody else has said that already."""
    here = ("127.0.0.1", *(str(parse_address(one)) for one in wish.askers))
    askers = dict.fromkeys(here if own else ())
    text = render(
        "snmpd/haoscar-access.conf.j2",
        community=community_of(key).reveal(), askers=tuple(askers), view=VIEW,
        user=USER if fresh else "", passphrase=_made(key, b"snmp internal user"),
    )  # fmt: skip
    return Secret(text)


def credentials_file(key: Secret) -> Secret:
    """Return what the watch process reads; secret."""
    return Secret(f"community = {community_of(key).reveal()}\n")


def _made(key: Secret, purpose: bytes) -> str:
    return hmac.new(key.reveal().strip().encode(), purpose, hashlib.sha256).hexdigest()[:40]
