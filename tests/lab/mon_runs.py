"""mon 1.3.6 itself in the foreground, with directories and ports of its own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.mon_reads import Mon

# Finds what its call number says; the numbers, and on which hosts it was called, stay on the disk.
MONITOR = """#!/bin/sh
key=$MON_GROUP.$MON_SERVICE
n=0
[ -f "{books}/$key.calls" ] && read n < "{books}/$key.calls"
n=$((n + 1))
echo "$*" >> "{books}/$key.hosts"
at=0
line="0|fine|"
if [ -f "{stories}/$key" ]; then
    while IFS= read -r one; do
        at=$((at + 1))
        [ $at = $n ] && line=$one
    done < "{stories}/$key"
fi
echo $n > "{books}/$key.calls"
IFS='|'; set -f; hosts="$*"; IFS=' '; hosts="$*"; IFS='|'
set -- $line
[ "$2" = HOSTS ] && set -- "$1" "$hosts" "$3"
printf '%s\\n' "$2"
[ -n "$3" ] && printf '%s\\n' "$3"
exit $1
"""

# Writes one line about each alert: when, its kind and code, its arguments, the text.
ALERT = """#!/bin/sh
text=$(tr '\\n' '~')
[ "$1 $3 $5 $7" = "-s -g -h -t" ] || exit 9
service=$2 group=$4 hosts=$6 at=$8
shift 8
printf '%s|%s|%s|%s|%s|%s\\n' "$at" "$MON_ALERTTYPE" "$MON_RETVAL" "$hosts" "$*" "$text" >> "{books}/$group.$service.alerts"
"""


def programs(into: Path, stories: Path) -> tuple[Path, Path, Path]:
    """Write a monitor and an alert; return their directories, and that of what they write."""
    places = monitors, alerts, books = into / "mon.d", into / "alert.d", into / "books"
    for place in places:
        place.mkdir(parents=True)
    for file, text in ((monitors / "scripted.monitor", MONITOR), (alerts / "rec.alert", ALERT)):
        file.write_text(text.replace("{books}", str(books)).replace("{stories}", str(stories)))
        file.chmod(0o755)
    return places


class Running:
    """mon while it runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.port = process, port

    def acknowledge(self, group: str, service: str) -> str:
        """Acknowledge a failure as one of mon's clients; return its answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(f"ack {group} {service} seen\nquit\n".encode())
            return client.makefile().readline().strip()

    def trap(self, group: str, service: str, code: int, summary: str) -> None:
        """Report as a remote service does."""
        said = {"pro": "0.3807", "usr": "x", "pas": "x", "typ": "trap", "spc": "0", "seq": "1", "grp": group, "svc": service, "hst": "a1", "sta": code, "tsp": int(time.time()), "sum": summary, "dtl": ""}  # fmt: skip
        text = "".join(f"{key}='{value}'\n" for key, value in said.items())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), ("127.0.0.1", self.port))


@contextmanager
def running(mon: Mon, file: Path, into: Path, monitors: Path, alerts: Path) -> Iterator[Running]:
    """Run mon with a configuration; it is stopped at the end."""
    for name in ("state", "log"):
        (into / name).mkdir()
    auth = into / "auth.cf"
    auth.write_text("command section\nack: all\nquit: all\ntrap section\n* * *\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["perl", "-I", mon.root / "usr/share/perl5", mon.root / "usr/sbin/mon", "-c", file, "-A", auth, "-a", alerts, "-s", monitors, "-D", into / "state", "-L", into / "log", "-P", into / "pid", "-p", port, "-t", port, "-i", 1]  # fmt: skip
    with (into / "mon.log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        end = time.monotonic() + 20
        while not (into / "pid").exists():  # it writes this when its ports are open
            assert process.poll() is None, (into / "mon.log").read_text()
            assert time.monotonic() < end, "mon does not open its ports"
            time.sleep(0.02)
        yield Running(process, port)
    finally:
        process.terminate()
        process.wait(20)
