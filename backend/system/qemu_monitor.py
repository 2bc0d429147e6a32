"""QEMU's control socket (QEMU Machine Protocol: JSON lines over a Unix socket)."""

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from backend.errors import CommandFailed


class QemuMonitor:
    """One connection to a running QEMU; a context manager."""

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:  # by way of /proc: a socket's address has room for 107 characters only
            self._socket.connect(f"/proc/self/fd/{directory}/{path.name}")
            self._lines = self._socket.makefile("rb")
            self._read()  # the greeting
            self.execute("qmp_capabilities")
        except (OSError, ValueError) as problem:
            self._socket.close()
            raise CommandFailed.of(
                "lab.monitor", f"The machine's monitor {path} does not answer: {problem}."
            ) from problem
        finally:
            os.close(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def execute(self, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Run one command and return its result; raises CommandFailed."""
        request: dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = dict(arguments)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            while True:
                answer = self._read()
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise CommandFailed.of(
                        "lab.monitor", f"QEMU refused {name}: {answer['error'].get('desc', '')}"
                    )
        except OSError as problem:
            raise CommandFailed.of(
                "lab.monitor", f"The machine's monitor broke off during {name}: {problem}."
            ) from problem

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise ConnectionError("it was closed")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("it said something that is no object")
        return answer
