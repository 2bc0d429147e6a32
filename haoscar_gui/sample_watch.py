"""The watch list of the made-up head, and its watch process as it answers in the pictures."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backend.model.periods import Period
from backend.model.recovery import Escalation, Recovery, RecoveryKind, parse_options
from backend.model.watchlist import (
    Alert,
    AlertPeriod,
    WatchedService,
    WatchList,
    default_watch_list,
)
from backend.model.watchlist_values import Duration

GROUP = default_watch_list().groups[0].name
SERVICE = f"{GROUP}:nfs_home"  # that the pictures show more of
HEALED = Recovery(
    RecoveryKind.UNIT, parse_options("unit=nfs-server.service"), escalate=Escalation.TAKEOVER
)


def sample_watch() -> WatchList:
    """Return the original's three services, and four of a cluster's own."""
    watch = default_watch_list()
    always = AlertPeriod(
        when=Period.parse("wd {Sun-Sat}"), alerts=(Alert("mail", parameters="root"),)
    )
    hours = replace(always, when=Period.parse("wd {Mon-Fri} hr {8am-6pm}"))
    for name, monitor, words, interval, period, recovery in (
        ("nfs_home", "nfs", "/home", "10s", always, HEALED),
        ("slurm", "slurm", "", "30s", always, None),
        ("web_portal", "http", "", "1m", hours, None),
        ("time_sync", "ntp", "", "5m", always, None),
    ):
        watch = watch.with_service(WatchedService(
            GROUP, type(GROUP)(name), monitor, words, interval=Duration.parse(interval), periods=(period,),
            recovery=recovery,
        ))  # fmt: skip
    return watch


STATES = (  # service, state, seconds ago since, summary, seconds until the next check
    ("process_server", "ok", 7300.0, "", 2.0),
    ("loadaverage_server", "ok", 7290.0, "", 734.0),
    ("freespace_server", "failed", 4210.0, "oscarserver1: /home is 94 % full, 90 % are allowed", 2990.0),
    ("nfs_home", "ok", 640.0, "", 6.0),
    ("slurm", "unknown", 95.0, "scontrol is not installed on oscarserver1", 17.0),
    ("web_portal", "failed", 310.0, "oscarserver1 answers 503 Service Unavailable", 41.0),
    ("time_sync", "disabled", 86_400.0, "", None),
)  # fmt: skip
HISTORY = (  # seconds ago, sentence
    (7300.0, "is ok"),
    (652.0, "has failed: oscarserver1: the export cannot be written: Input/output error"),
    (651.0, "is restarted on oscarserver1: unit nfs-server.service (1 of 3 in 1 h)"),
    (640.0, "is ok again after 12 s: the restart has healed it"),
)
SHARES: Mapping[str, float] = {"day": 0.99983, "week": 0.999974, "month": 0.999961}
DETAIL = """\
haoscar       10.0.0.1:/home   written and synced in 3.1 ms
oscarserver1  10.0.0.2:/home   written and synced in 2.8 ms
"""


class SampleWatch:
    """Answers as the watch process of a head that stands by."""

    def __init__(self) -> None:
        self._began = time.time()

    def answer(self, question: bytes) -> bytes | None:
        """Answer one question; None while it is not complete."""
        if not question.endswith(b"\n"):
            return None
        asked = json.loads(question)
        found = {
            "status": self._status, "test": self._test, "history": self._history,
            "availability": self._availability,
        }.get(str(asked.get("command")))  # fmt: skip
        answer = found(str(asked.get("service"))) if found else {"sentence": "It was told."}
        return json.dumps({"ok": True, **answer}).encode() + b"\n"

    def _status(self, _service: str) -> dict[str, Any]:
        return {
            "me": "haoscar", "active": False, "by": "oscarserver1", "copy": False,
            "why": "oscarserver1 serves", "connected": True,
            "services": [self._service(*one) for one in STATES],
        }  # fmt: skip

    def _service(
        self, name: str, state: str, ago: float, summary: str, coming: float | None
    ) -> dict[str, Any]:
        known = name == "web_portal"
        return {
            "ref": f"{GROUP}:{name}", "state": state, "since": self._began - ago, "summary": summary,
            "last_check": self._began - 1.0, "running": False, "held": "",
            "next_check": None if coming is None else time.time() + coming,
            "consecutive_failures": int(ago // 600) if state == "failed" else 0,
            "acknowledged": {"by": "root", "text": "new certificate is ordered"} if known else None,
            "recovery": "",
        }  # fmt: skip

    def _test(self, service: str) -> dict[str, Any]:
        return {
            "service": service, "by": "oscarserver1", "outcome": "ok", "took": 0.4,
            "summary": "2 exports can be written", "detail": DETAIL,
        }  # fmt: skip

    def _history(self, service: str) -> dict[str, Any]:
        name = service.partition(":")[2]
        return {"history": [
            {"time": self._began - ago, "service": service, "kind": "state",
             "sentence": f"{name} {sentence}", "by": "oscarserver1"}
            for ago, sentence in HISTORY
        ]}  # fmt: skip

    def _availability(self, service: str) -> dict[str, Any]:
        return {"availability": {service: {key: {"share": one} for key, one in SHARES.items()}}}
