"""Strict JSON for frozen dataclasses: every field, nothing else, of exactly its type."""

import dataclasses
import enum
import json
import types
import typing
from typing import Any, TypeVar

from backend.errors import InvalidInput
from backend.reports import error

T = TypeVar("T")
LIMIT = 1 << 20  # characters


def _bad(where: str, what: str) -> InvalidInput:
    text = f"The disk layout is damaged at {where or 'its top'}: {what}."
    return InvalidInput(error("layout.file", text, "Fetch the image again."))


def encode(value: object) -> dict[str, Any]:
    """Return a dataclass as what json.dumps takes."""
    assert dataclasses.is_dataclass(value)
    assert not isinstance(value, type)
    return dataclasses.asdict(value)


def decode(kind: type[T], text: str | bytes, version: int) -> T:
    """Read one ``kind`` from JSON text whose ``format`` is ``version``; raises InvalidInput."""
    if len(text) > LIMIT:
        raise _bad("", "it is too long")
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise _bad("", "it is not JSON") from problem
    if not isinstance(data, dict):
        raise _bad("", "it is not an object")
    if type(data.get("format")) is not int or data.pop("format") != version:
        raise _bad("format", f"only format {version} is understood")
    value = _value(kind, data, "")
    assert isinstance(value, kind)
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _value(kind: Any, data: object, where: str) -> object:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(one for one in typing.get_args(kind) if one is not type(None))
        return None if data is None else _value(inner, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise _bad(where, "a list is missing")
        inner = typing.get_args(kind)[0]
        return tuple(_value(inner, one, f"{where}[{n}]") for n, one in enumerate(data))
    if dataclasses.is_dataclass(kind):
        return _instance(kind, data, where)
    return _scalar(kind, data, where)


def _scalar(kind: Any, data: object, where: str) -> object:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        if not isinstance(data, str) or data not in {one.value for one in kind}:
            raise _bad(where, f"{ascii(data)[:60]} is not one of its values")
        return kind(data)
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        raise _bad(where, f"{ascii(data)[:60]} is not of type {kind.__name__}")
    return data


def _instance(kind: Any, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise _bad(where, "an object is missing")
    hints = typing.get_type_hints(kind)
    if set(data) != set(hints):
        odd = ", ".join(ascii(name)[:40] for name in sorted(set(data) ^ set(hints))[:5])
        raise _bad(where, f"fields are missing or unknown ({odd})")
    return kind(**{name: _value(hints[name], data[name], f"{where}.{name}") for name in hints})
