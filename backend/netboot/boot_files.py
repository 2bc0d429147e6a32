"""What the boot server answers over HTTP, and the boot entries that follow the tickets."""

import logging
from pathlib import Path

from backend.clone.constants import INSTALLER_FILE, KERNEL_FILE, BootMode
from backend.clone.installs import Installs
from backend.clone.keys import PublicKey
from backend.errors import HaoscarError, InvalidInput
from backend.model.addresses import Mac
from backend.model.site import Site, Standby
from backend.netboot.entries import (
    BootMachine,
    boot_machine,
    ipxe_script,
    ipxe_unknown,
    pxelinux_entry,
)
from backend.netboot.loaders import LOCAL_EFI, SNPONLY
from backend.netboot.tftp import boot_entry_path, read_tftp_facts
from backend.paths import Paths
from backend.system.files import read_if_there, write_atomically
from backend.system.http_server import Request, Response

log = logging.getLogger(__name__)

BINARY = "application/octet-stream"
HELLO_PATH = "/hello"


class BootEntries:
    """Which machine installs and which boots from its disk, as the tickets say."""

    def __init__(self, paths: Paths, installs: Installs, key: PublicKey) -> None:
        self._paths = paths
        self._installs = installs
        self._key = key

    def mode(self, mac: Mac) -> BootMode:
        """Return what this machine is told now; a damaged ticket is none."""
        try:
            ticket = self._installs.ticket(mac)
        except InvalidInput:  # "installs show" names it; the other machines' entries go on
            return BootMode.LOCAL
        return BootMode.LOCAL if ticket is None else ticket.mode

    def ipxe(self, site: Site, mac: Mac) -> str:
        """Return the iPXE script of a machine; everybody unknown goes on to its own disk."""
        standby = next((one for one in site.standbys if one.mac == mac), None)
        if standby is None:
            return ipxe_unknown()
        return ipxe_script(self._machine(site, standby), self.mode(mac))

    def write(self, site: Site) -> list[str]:
        """Write every pxelinux entry that is not as it must be; returns the names of those standbys.

        Only below our own TFTP directory, and only when network boot has been set up.
        """
        changed = []
        facts = read_tftp_facts(self._paths)
        for standby in site.standbys:
            if standby.mac is None:
                continue
            path = boot_entry_path(self._paths, facts, standby.mac)
            if not path.parent.is_dir():
                continue
            mode = self.mode(standby.mac)
            content = pxelinux_entry(self._machine(site, standby), mode).encode()
            if read_if_there(path) != content:
                write_atomically(path, content)
                log.info("boot entry of %s (%s): %s", standby.name, standby.mac, mode)
                changed.append(str(standby.name))
        return changed

    def _machine(self, site: Site, standby: Standby) -> BootMachine:
        return boot_machine(site, standby, self._key)


def served_file(paths: Paths, name: str) -> Path | None:
    """Return a file that booting machines may fetch by name, or None; nothing of it is secret."""
    if name in (KERNEL_FILE, INSTALLER_FILE, LOCAL_EFI, SNPONLY):
        path = paths.installer / name
        if path.is_file():
            return path
    return None


def parse_hello(body: bytes) -> tuple[Mac, PublicKey]:
    """Return what an installer says of itself; raises InvalidInput."""
    fields = dict(
        line.partition("=")[::2]
        for line in body.decode("ascii", "replace").split("\n")
        if "=" in line
    )
    if set(fields) != {"mac", "key"}:
        raise InvalidInput.of("hello.fields", "A hello has the lines mac= and key=.")
    return Mac.parse(fields["mac"]), PublicKey.parse(fields["key"])


def answer(request: Request, paths: Paths, site: Site, entries: BootEntries) -> Response:
    """Return the answer to a request that is no hello; never raises HaoscarError."""
    if request.method not in ("GET", "HEAD"):
        return Response(405, "This path is only read.\n")
    if request.path == "/boot.ipxe":
        try:
            return Response(200, entries.ipxe(site, Mac.parse(request.query.get("mac", ""))))
        except HaoscarError as problem:
            log.warning("boot.ipxe of %s: %s", request.client, problem)
            return Response(200, ipxe_unknown())
    if request.path.startswith("/boot/"):
        path = served_file(paths, request.path.removeprefix("/boot/"))
        if path is not None:
            return Response(200, file=path, kind=BINARY)
    return Response(404, "There is nothing of that name.\n")
