"""The Prometheus page."""

from typing import Any

from backend.agent import metrics

STATUS: dict[str, Any] = {
    "role": "active", "term": 7, "lease_remaining_us": 285_000, "serving_alone": False,
    "voters": [{"name": "head1", "state": "granting"}, {"name": "node1", "state": "silent"}],
    "links": [
        {"member": "head2", "network": "private", "loss": 0.25, "jitter_us": 40},
        {"member": "node1", "network": "private", "loss": None, "jitter_us": None},
    ],
    "counters": {"takeovers": 2}, "refused": {"forged": 3},
}  # fmt: skip


def test_every_line_is_a_comment_or_a_sample() -> None:
    lines = metrics.text(STATUS).splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples["haoscar_active"] == "1"
    assert samples["haoscar_term"] == "7"
    assert samples["haoscar_lease_remaining_seconds"] == "0.285"
    assert samples['haoscar_voter_granting{voter="head1"}'] == "1"
    assert samples['haoscar_voter_granting{voter="node1"}'] == "0"
    assert samples['haoscar_link_loss_ratio{member="head2",network="private"}'] == "0.25"
    assert 'haoscar_link_loss_ratio{member="node1",network="private"}' not in samples
    assert samples['haoscar_refused_packets_total{reason="forged"}'] == "3"
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {name.split("{")[0] for name in samples} <= named


def test_names_cannot_break_out_of_a_label() -> None:
    evil = {**STATUS, "voters": [{"name": 'x"} 1\nhaoscar_active 0', "state": "silent"}]}
    assert metrics.text(evil).count("\nhaoscar_active ") == 1


def test_http_answers_one_path_only() -> None:
    page = metrics.http_response(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", STATUS)
    head, _, body = page.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert f"Content-Length: {len(body)}".encode() in head
    for request in (b"GET / HTTP/1.1\r\n\r\n", b"POST /metrics HTTP/1.1\r\n\r\n", b"\r\n\r\n"):
        assert metrics.http_response(request, STATUS) == metrics.NOT_FOUND
