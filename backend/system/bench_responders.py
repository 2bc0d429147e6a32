"""What the monitoring bench's checks ask: ``bench_responders.py '{"tcp": [...], "http": ...}'``.

It accepts TCP connections, and answers HTTP, DNS and NTP as shortly as a real server may. It says
``ready`` when it listens. Standard library only and run with ``-I``.
"""

import json
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable

SINCE_1900 = 2_208_988_800  # seconds until 1970
ADDRESS = bytes((192, 0, 2, 80))  # that every name has
BODY = b"all is well\n"
WEB = (
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)


def dns(question: bytes) -> bytes:
    """Return the answer to a question for an address."""
    head = struct.pack("!2s5H", question[:2], 0x8580, 1, 1, 0, 0)
    return head + question[12:] + struct.pack("!3HIH", 0xC00C, 1, 1, 60, 4) + ADDRESS


def ntp(question: bytes) -> bytes:
    """Return the time, as a server of the second stratum."""
    now = time.time() + SINCE_1900
    stamp = struct.pack("!II", int(now), int(now % 1 * (1 << 32)))
    return struct.pack("!BBbb", 0x24, 2, 6, -20) + bytes(20) + question[40:48] + stamp + stamp


class Responders:
    """All of them, in one loop."""

    def __init__(self) -> None:
        self._loop = selectors.DefaultSelector()

    def datagrams(self, port: int, answer: Callable[[bytes], bytes]) -> None:
        """Answer datagrams at a port."""
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.bind(("0.0.0.0", port))  # noqa: S104 - in a network namespace of the bench

        def read() -> None:
            data, sender = end.recvfrom(2048)
            if len(data) >= 12:
                end.sendto(answer(data), sender)

        self._loop.register(end, selectors.EVENT_READ, read)

    def connections(self, port: int, answer: bytes) -> None:
        """Accept connections at a port; with an ``answer`` a request is waited for."""
        end = socket.create_server(("0.0.0.0", port), backlog=128)  # noqa: S104

        def accept() -> None:
            peer, _ = end.accept()
            peer.settimeout(1.0)

            def read() -> None:
                self._loop.unregister(peer)
                with peer:
                    try:
                        if peer.recv(4096) and answer:
                            peer.sendall(answer)
                    except OSError:
                        pass  # whoever asked has gone

            self._loop.register(peer, selectors.EVENT_READ, read)

        self._loop.register(end, selectors.EVENT_READ, accept)

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            for key, _ in self._loop.select():
                key.data()


def main() -> None:
    """Read the ports, and serve."""
    ports = json.loads(sys.argv[1])
    served = Responders()
    for port in ports["tcp"]:
        served.connections(port, b"")
    served.connections(ports["http"], WEB)
    served.datagrams(ports["dns"], dns)
    served.datagrams(ports["ntp"], ntp)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    served.serve()


if __name__ == "__main__":
    main()
