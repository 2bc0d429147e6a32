"""The status of a healthy pair as the agents give it, to be spoilt by tests."""

from typing import Any

NAMES = ("head1", "head2")


def status(me: str = "head1", *, active: bool = True, witnesses: int = 1, **more: Any) -> dict[str, Any]:  # fmt: skip
    """Return what a head answers; ``more`` replaces keys."""
    peer = NAMES[me == "head1"]
    voters = [{"name": name, "head": True, "state": "granting"} for name in NAMES]
    voters += [
        {"name": f"node{n}", "head": False, "state": "granting"} for n in range(1, witnesses + 1)
    ]
    return {
        "ok": True,
        "me": me,
        "role": "active" if active else "standby",
        "term": 7,
        "lease_us": 300_000,
        "maintenance_seconds": 0.0,
        "promised": False,
        "serving_alone": False,
        "health": {"fit": True, "maintenance": False, "stopping": False, "active": active},
        "peer": {"name": peer, "alive": True},
        "voters": voters if active else [{**one, "state": "not asked"} for one in voters],
        "resources": [],
        "virtual_ips": [
            {"address": "10.0.0.1", "network": "private"},
            {"address": "192.0.2.10", "network": "public"},
        ],
        **more,
    }
