"""Which machines answer at a TCP port, all asked at once; nothing is said to them."""

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Callable, Iterable

BATCH = 64  # sockets that are open at the same time
STEP = 0.1  # seconds between two looks whether it was cancelled


def answering(
    addresses: Iterable[str], port: int, limit: float, cancelled: Callable[[], bool] = lambda: False
) -> set[str]:
    """Return the addresses that take a connection within ``limit`` seconds (for each 64 of them)."""
    waiting = list(dict.fromkeys(addresses))
    found: set[str] = set()
    while waiting and not cancelled():
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        found |= _ask(batch, port, limit, cancelled)
    return found


def _ask(batch: list[str], port: int, limit: float, cancelled: Callable[[], bool]) -> set[str]:
    found: set[str] = set()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for address in batch:
            end = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            end.setblocking(False)
            if end.connect_ex((address, port)) in (0, errno.EINPROGRESS):
                selector.register(end, selectors.EVENT_WRITE, (end, address))
        deadline = time.monotonic() + limit
        while selector.get_map() and not cancelled():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            for key, _events in selector.select(min(left, STEP)):
                end, address = key.data
                selector.unregister(end)
                if not end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    found.add(address)
    return found
