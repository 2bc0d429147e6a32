"""A head for the window of step 3: two real networks of its own, with somebody else on the wires.

The functions are for ``--setup`` of tests/gui/window.py. Everything vanishes with the process.
"""

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from tests.unit.actions.test_standby import IMAGE

CLONE_NEWNET = 0x40000000
FILES = {
    "etc/hostname": "head\n",
    "etc/hosts": "127.0.0.1 localhost\n10.9.1.1 head.cluster.lan head\n10.9.1.11 node001\n",
    "etc/network/interfaces": "",
    "var/lib/haoscar/images/serverimage/v1/image.json": IMAGE.to_json().decode(),
}
NEIGHBOUR = "10.9.1.254"  # answers ARP on the private wire
GATEWAY, USER = "172.16.5.2", "172.16.5.99"  # and these on the public one
CARDS = (("eth0", "10.9.1.1", (NEIGHBOUR,)), ("eth1", "172.16.5.1", (GATEWAY, USER)))


def head(root: Path) -> dict[str, Any]:
    """Return a head with an image; eth0 is private, eth1 has the default route."""
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():  # a window that is opened again finds what the first one has left
            file.write_text(text)
    _networks()
    return {}


def without_image(root: Path) -> dict[str, Any]:
    """Return a head whose image was not fetched yet."""
    found = head(root)
    (root / "var/lib/haoscar/images/serverimage/v1/image.json").unlink()
    (root / "var/lib/haoscar/images/serverimage/v1").rmdir()
    return found


def without_network(root: Path) -> dict[str, Any]:
    """Return a head that is on no network at all."""
    found = head(root)
    _leave()
    return found


def _networks() -> None:
    """Leave this machine's network for two wires of our own; the far ends live in a thread."""
    _leave()
    ready, far = threading.Event(), []

    def elsewhere() -> None:
        _leave()
        far.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        ready.set()
        plugged.wait()
        with IPRoute() as kernel:
            for card, _here, there in CARDS:
                _addresses(kernel, card, *there)
        answering.set()

    plugged, answering = threading.Event(), threading.Event()
    threading.Thread(target=elsewhere, daemon=True).start()
    ready.wait(10)
    with IPRoute() as kernel:
        kernel.link("set", index=kernel.link_lookup(ifname="lo")[0], state="up")
        for card, here, _there in CARDS:
            peer = {"ifname": card, "net_ns_fd": far[0]}
            kernel.link("add", ifname=card, kind="veth", peer=peer)
            _addresses(kernel, card, here)
        kernel.route("add", dst="0.0.0.0/0", gateway=GATEWAY)
    plugged.set()
    answering.wait(10)


def _addresses(kernel: IPRoute, card: str, *addresses: str) -> None:
    index = kernel.link_lookup(ifname=card)[0]
    for address in addresses:
        kernel.addr("add", index=index, address=address, prefixlen=24)
    kernel.link("set", index=index, state="up")


def _leave() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
