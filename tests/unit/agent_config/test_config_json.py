"""The agent's configuration as JSON: what is none is said with its line, and nothing raises."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.config import understand
from backend.agent.config_json import NotJson, read_json
from backend.agentfile.generate import as_json
from tests.unit.agent_config.good_config import GOOD


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("", 1, "it ends too early"),
        ("{", 1, "a key in double quotes is missing"),
        ("{\n'a': 1}", 2, "a key in double quotes is missing"),
        ('{"a": 1,\n}', 2, 'a comma before a "}"'),
        ('{"a"\n1}', 2, "no colon after the key 'a'"),
        ('{"a": 1\n"b": 2}', 2, "after the value of 'a' a comma"),
        ('{"a": [1\n2]}', 2, "in a list a comma"),
        ('{"a": [1,\n]}', 2, "expecting value at ']}'"),
        ('{"a": \n\nnope}', 3, "expecting value at 'nope}'"),
        ('{"a": "x\ny"}', 1, "invalid control character"),
        ('{"a": NaN}', 1, "NaN is no number"),
        ('{"a": -Infinity}', 1, "-Infinity is no number"),
        ('{"a": 1}\n{}', 2, "something behind the end"),
        ('{"a": ' + "1" * 5000 + "}", 1, "thousands of digits"),
        ("[" * 100_000, 1, "nested more than 16 times"),
        ('{"a":' * 100_000, 1, "nested more than 16 times"),
        ('{"a": 1} // why', 1, "something behind the end"),
    ],
)
def test_what_is_no_json(text, line, shown):
    with pytest.raises(NotJson, match="This is not JSON") as caught:
        read_json(text)
    assert shown in str(caught.value)
    assert caught.value.line == line
    assert understand(text).settings is None


def test_a_key_given_twice():
    found = understand(as_json(GOOD).decode().replace('"me"', '"cluster": "x",\n "me"', 1))
    (problem,) = found.problems
    assert problem.text == "The key 'cluster' is given twice, first in line 3."
    assert problem.line == 4
    assert found.settings is None


@pytest.mark.parametrize("text", ["[]", "7", '"x"', "null", "{}", '{"version": 1}', '{"x": {}}'])
def test_other_documents_are_no_configuration(text):
    found = understand(text)
    assert found.settings is None
    assert found.problems[0].weight == "error"


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


def unlined(value):
    if isinstance(value.data, dict):
        return {name: unlined(one) for name, one in value.data.items()}
    return [unlined(one) for one in value.data] if isinstance(value.data, list) else value.data


@settings(max_examples=150, deadline=None)
@given(plain, st.sampled_from([None, 1]))
def test_it_reads_what_the_standard_library_reads(document, indent):
    text = json.dumps(document, indent=indent)
    value, repeated = read_json(text)
    assert unlined(value) == json.loads(text)
    assert repeated == []


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), plain)
def test_anything_in_any_key_is_settings_or_an_error(key, value):
    document = {**copy.deepcopy(GOOD), key: value}
    found = understand(json.dumps(document))
    assert (found.settings is None) == any(one.weight == "error" for one in found.problems)
    for one in found.problems:
        assert one.sentence("/f").isprintable()
