"""The agent's numbers in the Prometheus text format (exposition format 0.0.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Sample = tuple[str, str, str, Iterable[tuple[Mapping[str, str], float]]]


def http_response(request: bytes, status: Mapping[str, Any]) -> bytes:
    """Return the answer to one HTTP request whose header is complete."""
    words = request.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or words[0] != b"GET" or words[1].split(b"?")[0] != b"/metrics":
        return NOT_FOUND
    body = text(status).encode()
    return HEADER + b"Content-Length: %d\r\n\r\n" % len(body) + body


def text(status: Mapping[str, Any]) -> str:
    """Return all metrics of a status (see status.py)."""
    lines = []
    for name, kind, help_text, samples in _samples(status):
        lines.append(f"# HELP haoscar_{name} {help_text}")
        lines.append(f"# TYPE haoscar_{name} {kind}")
        lines.extend(f"haoscar_{name}{_labels(labels)} {value:g}" for labels, value in samples)
    return "\n".join(lines) + "\n"


def _samples(status: Mapping[str, Any]) -> Iterable[Sample]:
    none: dict[str, str] = {}
    yield "active", "gauge", "1 on the head that serves.", [(none, status["role"] == "active")]
    yield "term", "counter", "The term of the role; it only grows.", [(none, status["term"])]
    yield (
        "lease_remaining_seconds", "gauge", "How long this head may serve without a renewal.",
        [(none, max(0, status["lease_remaining_us"]) / 1e6)],
    )  # fmt: skip
    yield (
        "serving_alone", "gauge", "1 while the other head's promise is in use.",
        [(none, bool(status["serving_alone"]))],
    )  # fmt: skip
    yield (
        "voter_granting", "gauge", "1 for each voter that has granted within two leases.",
        [({"voter": one["name"]}, one["state"] == "granting") for one in status["voters"]],
    )  # fmt: skip
    yield (
        "link_loss_ratio", "gauge", "The part of a member's messages that did not arrive.",
        [(_link(one), one["loss"]) for one in status["links"] if one["loss"] is not None],
    )  # fmt: skip
    yield (
        "link_jitter_seconds", "gauge", "How unevenly a member's messages arrive.",
        [(_link(one), one["jitter_us"] / 1e6) for one in status["links"] if one["jitter_us"] is not None],
    )  # fmt: skip
    counters = status["counters"]
    yield (
        "events_total", "counter", "What has happened since the agent's start.",
        [({"event": name}, counters[name]) for name in sorted(counters)],
    )  # fmt: skip
    refused = status["refused"]
    yield (
        "refused_packets_total", "counter", "Packets that were thrown away, by reason.",
        [({"reason": name}, refused[name]) for name in sorted(refused)],
    )  # fmt: skip


def _link(one: Mapping[str, Any]) -> dict[str, str]:
    return {"member": one["member"], "network": one["network"]}


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + inside + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
