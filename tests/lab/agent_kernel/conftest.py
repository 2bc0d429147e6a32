"""Fixtures of the tests with gates: a head in a namespace, its gate, its addresses, and a prober."""

import contextlib
from collections.abc import Iterator

import pytest

from backend.system.agent.addresses import Addresses, Renewer
from backend.system.agent.bpf_gate import DeadlineGate
from backend.system.agent.gate import Gate
from backend.system.agent.netlink import KernelError
from tests.lab.agent_kernel.world import (
    VIPS,
    Prober,
    World,
    built,
    realtime,
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with built() as one:
        yield one


@pytest.fixture(autouse=True)
def _inside_head(world: World) -> Iterator[None]:
    with world.inside("head"), realtime():
        yield


@pytest.fixture(params=[Gate, DeadlineGate], ids=["nftables", "bpf"])
def kind(request: pytest.FixtureRequest) -> type[Gate]:
    return request.param


@pytest.fixture
def gate(kind: type[Gate]) -> Iterator[Gate]:
    """A gate on the head, closed."""
    one = kind(VIPS)
    one.install()
    assert getattr(one, "refusal", "") == ""
    try:
        yield one
    finally:
        with contextlib.suppress(KernelError):
            one.remove()
        one.shut()


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    """The virtual IPs on the head, renewed."""
    one = Addresses(VIPS)
    one.add()
    failures: list[str] = []
    renewer = Renewer(one, failures.append)
    renewer.start()
    try:
        yield one
        assert not failures
    finally:
        renewer.stop()
        one.remove()
        one.close()


@pytest.fixture
def prober(world: World) -> Iterator[Prober]:
    one = Prober(world)
    try:
        yield one
    finally:
        one.close()
