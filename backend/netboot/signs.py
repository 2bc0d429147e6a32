"""Signs of booting: what a machine with a waiting ticket asks the head for before it can say hello.

They are for whoever watches, and decide nothing: anybody on the private network can send them.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address

from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE, BootSign
from backend.clone.events import InstallEvent
from backend.clone.installs import Installs
from backend.clone.ticket import TicketState
from backend.discovery.dhcp_packet import Reject, parse_frame, visible
from backend.discovery.machine_kind import Kind, identify
from backend.errors import HaoscarError
from backend.model.addresses import Mac
from backend.model.site import Site, Standby
from backend.system.boot_requests import DHCP

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks at the ticket of a machine that repeats itself
CARRIED = (KERNEL_FILE, INSTALLER_FILE)
_ETHERNET = bytes(12) + b"\x08\x00"  # dhcp_packet reads frames; addresses in them do not matter
_READ_REQUEST = b"\x00\x01"  # RFC 1350
_BY_KIND = {
    Kind.ROM: (BootSign.ASKED, "its firmware asks for an address and a boot loader"),
    Kind.HTTP_BOOT: (BootSign.ASKED, "its firmware asks for an address and a boot loader"),
    # In many cards the firmware is iPXE; what it fetches tells whether it has been answered.
    Kind.IPXE: (BootSign.ASKED, "iPXE asks for an address"),
    Kind.INSTALLER: (BootSign.KERNEL, "the installer asks for an address"),
    Kind.OPERATING_SYSTEM: (BootSign.SYSTEM, "an operating system asks for an address"),
}


class BootSigns:
    """Notes the first sign of each kind with the installation it belongs to; in one thread."""

    def __init__(
        self, installs: Installs, site: Callable[[], Site], clock: Callable[[], float] = time.time
    ) -> None:
        self._installs = installs
        self._site = site
        self._clock = clock
        self._noted: dict[Mac, tuple[float, set[BootSign]]] = {}  # with the time of arming
        self._looked: dict[tuple[Mac, BootSign], float] = {}

    def packet(self, source: IPv4Address, port: int, packet: bytes) -> None:
        """Take a UDP packet with its IPv4 header, to the DHCP or the TFTP server."""
        if port == DHCP:
            self._dhcp(packet)
        elif (standby := self._at(source)) is not None and (name := tftp_file(packet)):
            self._fetched(standby, name, "TFTP")

    def http(self, client: str, path: str, mac: str) -> None:
        """Take an HTTP request: a file, or the boot script, which says its MAC address."""
        if path == "/boot.ipxe":
            standby = next((one for one in self._site().standbys if one.mac == mac.lower()), None)
        else:
            standby = self._at(IPv4Address(client))
        if standby is not None and path.startswith("/boot"):
            self._fetched(standby, path.rpartition("/")[2], "HTTP")

    def _dhcp(self, packet: bytes) -> None:
        request = parse_frame(_ETHERNET + packet, Counter[Reject]())
        if request is not None and any(one.mac == request.mac for one in self._site().standbys):
            found = _BY_KIND.get(identify(request).kind)
            if found is not None:
                self._note(request.mac, *found)

    def _fetched(self, standby: Standby, name: str, how: str) -> None:
        sign = BootSign.KERNEL if name.rpartition("/")[2] in CARRIED else BootSign.LOADER
        if standby.mac is not None:
            self._note(standby.mac, sign, f"{name} by {how}")

    def _at(self, address: IPv4Address) -> Standby | None:
        return next((one for one in self._site().standbys if one.address == address), None)

    def _note(self, mac: Mac, sign: BootSign, text: str) -> None:
        """Write a sign down, unless it is known or the machine has no ticket that waits for it."""
        now = self._clock()
        if not 0 <= now - self._looked.get((mac, sign), -EVERY) < EVERY:
            self._looked[mac, sign] = now
            try:
                self._write(mac, sign, text, now)
            except (HaoscarError, OSError) as problem:
                log.warning("sign %s of %s was not noted: %s", sign, mac, problem)

    def _write(self, mac: Mac, sign: BootSign, text: str, now: float) -> None:
        ticket = self._installs.ticket(mac)
        if ticket is None or ticket.state is not TicketState.ARMED:
            return
        armed, signs = self._noted.get(mac, (0.0, set()))
        if armed != ticket.armed:
            signs = set()
        if sign not in signs:
            self._noted[mac] = (ticket.armed, signs | {sign})
            self._installs.record(mac, InstallEvent(now, sign, text=text))


def tftp_file(packet: bytes) -> str:
    """Return the file that a TFTP read request in an IPv4 packet asks for, or nothing. Pure."""
    payload = packet[4 * (packet[0] & 0x0F) + 8 :] if packet else b""
    if not payload.startswith(_READ_REQUEST) or b"\0" not in payload[2:]:
        return ""
    return visible(payload[2:].partition(b"\0")[0])
