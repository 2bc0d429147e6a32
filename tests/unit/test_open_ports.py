"""Which machines answer at a port: real sockets on the loopback, nothing else."""

import socket
import time
from collections.abc import Iterator

import pytest

from backend.system.open_ports import answering

pytestmark = pytest.mark.programs


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen(200)
        yield listener.getsockname()[1]


def test_who_listens_answers_and_who_does_not_does_not(port: int) -> None:
    began = time.monotonic()
    assert answering(["127.0.0.1", "127.0.0.2", "127.0.0.3"], port, 5.0) == {"127.0.0.2"}
    assert time.monotonic() - began < 4.0  # a refusal is an answer, too


def test_more_than_one_batch_and_the_same_one_twice(port: int) -> None:
    many = [f"127.0.1.{n}" for n in range(1, 100)]
    assert answering([*many, "127.0.0.2", "127.0.0.2"], port, 5.0) == {"127.0.0.2"}


def test_what_is_no_address_of_this_world_is_left_out(port: int) -> None:
    assert answering(["255.255.255.255", "127.0.0.2"], port, 1.0) == {"127.0.0.2"}


def test_it_can_be_cancelled(port: int) -> None:
    assert answering(["127.0.0.2"], port, 5.0, lambda: True) == set()
