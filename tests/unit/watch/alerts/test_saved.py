"""Alerts survive a restart and a failover, and what is read back is believed in nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some

from backend.watch.alerts import saved
from backend.watch.alerts.post import AlertPost
from backend.watch.settings import DOWN, UP, Alert, Settings
from tests.unit.watch.alerts.world import message, service, settings

PAGE = Alert("page.alert", DOWN, ("-x",))
SPREAD = Alert("trap.alert", DOWN, ("10.0.0.9",))
WEB = service("web", PAGE, Alert("page.alert", UP, ("-x",)))
SITE = settings(WEB._replace(redistribute=SPREAD))


def post(site: Settings = SITE) -> tuple[AlertPost, list[str]]:
    said: list[str] = []
    return AlertPost(site, said.append), said


def one_saved() -> dict[str, object]:
    office, _ = post()
    office.send(message(PAGE, of=WEB, previous="before\n"))
    (entry,) = json.loads(json.dumps(office.remember()))
    return entry  # type: ignore[no-any-return]


def test_what_waits_is_told_to_the_other_head_and_is_the_same_there():
    here, _ = post()
    here.send(message(PAGE, of=WEB, previous="before\n"))
    here.send(message(PAGE, UP, of=WEB))
    here.send(message(SPREAD, of=WEB))
    told = json.loads(json.dumps(here.remember()))
    there, said = post()
    assert there.recall(told) == 3
    assert there.recall(told) == 0  # once is enough
    again = json.loads(json.dumps(there.remember()))
    for entry in (*told, *again):
        del entry["age"]
    assert again == told
    assert said == []


def test_how_long_it_has_waited_goes_with_it():
    clock = [100.0]
    here = AlertPost(SITE, print, clock=lambda: clock[0])
    here.send(message(PAGE, of=WEB))
    clock[0] = 700.0
    told = here.remember()
    there = AlertPost(SITE, print, clock=lambda: 5.0)
    there.recall(told)
    assert there.snapshot()[0]["waiting"] == 600.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("program", "/tmp/evil"), ("words", ["-y"]), ("words", "-x"), ("run", "startup"),
        ("run", 7), ("service", "nodes:other"), ("service", None), ("hosts", "head1"),
        ("hosts", ["x" * 256]), ("wall", "1"), ("wall", True), ("wall", -1), ("wall", 1e30),
        ("every", float("nan")), ("age", float("inf")), ("previous", 1), ("result", []),
        ("previous", "x" * 20_000),
    ],
)  # fmt: skip
def test_nothing_is_run_that_this_heads_configuration_does_not_have(key, value):
    office, said = post()
    assert office.recall([{**one_saved(), key: value}]) == 0
    assert office.snapshot() == []
    assert len(said) == 1
    assert "1 alerts" in said[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("outcome", "great"), ("code", 1.5), ("code", True), ("code", 1 << 40), ("summary", None),
        ("summary", "x" * 401), ("detail", 1), ("failed_hosts", None), ("took", "0"),
    ],
)  # fmt: skip
def test_a_wrong_result_is_not_taken(key, value):
    entry = one_saved()
    result = entry["result"]
    assert isinstance(result, dict)
    office, _ = post()
    assert office.recall([{**entry, "result": {**result, key: value}}]) == 0


def test_control_characters_are_made_visible_again():
    entry = one_saved()
    result = entry["result"]
    assert isinstance(result, dict)
    office, _ = post()
    evil = {**entry, "hosts": ["a\x1b[2J"], "result": {**result, "summary": "b\x1b[2J"}}
    assert office.recall([evil]) == 1
    told = json.dumps(office.remember())
    assert "a\\\\x1b[2J" in told
    assert "b\\\\x1b[2J" in told


JSON = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner),
    max_leaves=12,
)


@examples(max_examples=200)
@given(JSON, some.sampled_from(sorted(one_saved())))
def test_no_json_breaks_it(value, key):
    office, _ = post()
    office.recall(value)
    office.recall([value, {**one_saved(), key: value}])


def test_more_than_fits_is_left_out():
    entry = one_saved()
    found, lost = saved.read(SITE, [{**entry, "wall": float(number)} for number in range(1500)])
    assert (len(found), lost) == (1000, 500)
    assert saved.read(SITE, None) == ([], 0)
