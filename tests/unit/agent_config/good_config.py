"""A configuration that is right, and what is said of it after a change."""

from __future__ import annotations

from backend.agent.config import understand
from tests.unit import changed_json
from tests.unit.changed_json import Change, texts

GOOD = {
    "version": 1,
    "cluster": "beowulf",
    "me": "head1",
    "key_file": "/etc/haoscar/agent.key",
    "state_directory": "/var/lib/haoscar-agent",
    "run_directory": "/run/haoscar-agent",
    "networks": [
        {"name": "private", "interface": "eth0"},
        {"name": "public", "interface": "eth1"},
    ],
    "members": [
        {"id": 1, "name": "head1", "role": "head", "addresses": {"private": "10.0.0.2", "public": "192.0.2.2"}},
        {"id": 2, "name": "head2", "role": "head", "addresses": {"private": "10.0.0.3"}},
        {"id": 9, "name": "n2", "role": "witness", "addresses": {"private": "10.7.0.102"}},
        {"id": 3, "name": "n1", "role": "witness", "addresses": {"private": "10.0.0.101"}},
        {"id": 4, "name": "n3", "role": "witness", "addresses": {"private": "10.0.0.103"}},
    ],
    "virtual_ips": [
        {"address": "10.0.0.1", "network": "private", "prefix": 24},
        {"address": "192.0.2.10", "network": "public", "prefix": 24},
    ],
    "resources": [
        {"name": "home", "kind": "mount", "exclusive": True, "options": {"device": "/dev/sdb1", "directory": "/home"}},
        {"name": "exports", "kind": "unit", "options": {"unit": "nfs-server"}, "after": ["home"], "check_every": 0},
    ],
    "fencing": {"agent": "fence_ipmilan", "options": {"ip": "10.0.0.9", "lanplus": 1}},
}  # fmt: skip
HEAD1, HEAD2, WITNESS = ("members", 0), ("members", 1), ("members", 2)


def changed(*changes: Change) -> str:
    """Return the good file with changes, as text."""
    return changed_json.changed(GOOD, *changes)


def said(text: str) -> list[tuple[str, str]]:
    """Return weight and text of each problem."""
    return texts(understand(text).problems)
