"""Asks one monitor that is built in, once: python -m tests.lab.watch_look MONITOR HOST [WORD ...]"""

import asyncio
import json
import sys

from backend.watch.monitors.registry import Monitors
from backend.watch.results import Result
from backend.watch.settings import Head, Service, Settings

LIMIT = 20.0  # seconds


def look(monitor: str, host: str, *words: str) -> Result:
    """Return what the monitor says of the host."""
    settings = Settings("c", Head("head1", (host,)), Head("head2", ()), "", "", "", "", ())
    service = Service("heads", "x", ("head1",), monitor, words, limit=LIMIT)

    async def work() -> Result:
        monitors = Monitors(settings)
        try:
            return await monitors.check(service, service.hosts)
        finally:
            await monitors.close()

    return asyncio.run(work())


if __name__ == "__main__":
    found = look(*sys.argv[1:])
    said = {"outcome": found.outcome.value, "summary": found.summary, "detail": found.detail}
    print(json.dumps(said))  # noqa: T201 - the test reads it
