"""Dependencies: Perl's precedence, and what counts as well."""

import contextlib
import itertools
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.watch.core.depend import BadExpression, named_hosts, parse
from tests.unit.watch.core.world import World, service

NAMES = ("g:a", "g:b", "g:c")


def value(text: str, *well: str) -> bool:
    return parse(text).holds(lambda one: one in well)


def test_a_list_without_signs_means_all():
    assert value("g:a g:b", "g:a", "g:b")
    assert not value("g:a g:b", "g:a")
    assert value("")


TEXTS = (
    "g:a || g:b && g:c", "! g:a && g:b", "(g:a || g:b) && !g:c", "!(g:a && g:b) || g:c", "not g:a || g:b",
    "not g:a and g:b", "g:a and g:b || g:c", "g:a or g:b and g:c", "not not g:a", "!!g:a && !g:b", "not (g:a or g:b)",
    "g:a && g:b || g:c && g:a or g:b",
)  # fmt: skip


@pytest.mark.programs
def test_it_means_what_perl_makes_of_it():
    cases = []
    for text in TEXTS:
        for values in itertools.product((0, 1), repeat=3):
            words = text
            for name, one in zip(NAMES, values, strict=True):
                words = words.replace(name, str(one))
            cases.append((text, values, words))
    program = "".join(f"$x = ({words}); print $x ? 1 : 0, qq(\\n);\n" for _, _, words in cases)
    said = subprocess.run(
        ["perl", "-e", program], capture_output=True, text=True, check=True, timeout=20
    ).stdout.split()
    for (text, values, _), perl in zip(cases, said, strict=True):
        well = [name for name, one in zip(NAMES, values, strict=True) if one]
        assert value(text, *well) == (perl == "1"), (text, values)


@pytest.mark.parametrize(
    "text", ["g:a &&", "&& g:a", "(g:a", "g:a)", "a", "g:a; g:b", "g:a | g:b", "(" * 100, "! " * 100 + "g:a", "g:a !"]
)  # fmt: skip
def test_what_is_no_expression(text):
    with pytest.raises(BadExpression):
        parse(text)


@given(st.text(alphabet="g:ab &|!() andorт\x00", max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(BadExpression):
        parse(text).holds(lambda _: True)


def test_hosts_that_a_summary_names():
    assert named_hosts((), "node1: no answer, node-2.example.org.") == ("node1", "no", "answer", "node-2.example.org")  # fmt: skip
    assert named_hosts(("a1",), "") == ("a1",)


def test_dependencies_of_dependencies_count_and_unchecked_is_well():
    services = (service("a"), service("b", alert_depend="g:a"), service("c", alert_depend="g:b"))
    world = World(*services)
    assert world.fails("c") == ["mail"]
    world.fails("a")
    assert world.fails("c") == []
    assert world.shown("c")["depends_not_well"] == ["g:b"]
    world.well("a")
    assert world.fails("c") == ["mail"]


def test_a_failure_that_is_silenced_says_so_and_sends_no_up_alert():
    world = World(service("a"), service("b", alert_depend="g:a"))
    world.fails("a")
    assert world.fails("b") == []
    assert "nobody is told" in world.sentences[0]
    assert world.well("b") == []


def test_rings_and_unknown_services_do_no_harm():
    world = World(service("a", alert_depend="g:b"), service("b", alert_depend="g:a g:none"))
    assert world.fails("a") == ["mail"]


def test_an_expression_that_cannot_be_read_is_named_and_left_out():
    world = World(service("a", alert_depend="g:b &&"))
    assert "not understood" in world.sentences[0]
    assert world.fails("a") == ["mail"]
