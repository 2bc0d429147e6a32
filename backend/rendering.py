"""Jinja templates: strict, with the template's name and line in every error.

Values that reach a template are typed (HostName, Mac, IPv4Address ...): they were validated when
they were parsed, so nothing needs quoting here, and a plain string that carries a control
character or a newline is refused all the same.
"""

import functools
from typing import Any

import jinja2

from backend.errors import HaoscarError


def _finalize(value: Any) -> Any:
    """Refuse a value that would break out of its line."""
    if value is None:
        raise ValueError("a template printed None")
    text = str(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError(f"a control character in {text[:40]!r} would reach a configuration file")
    return text


def block(text: str) -> str:
    """Mark text of our own making, with newlines, as fit for a template; never for input."""
    return _Block(text)


class _Block(str):
    """Text that the program itself made."""

    __slots__ = ()


def _finalize_or_block(value: Any) -> Any:
    return value if isinstance(value, _Block) else _finalize(value)


@functools.cache
def environment() -> jinja2.Environment:
    """Return the one Jinja environment of this process."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("templates", ""),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # configuration files, not HTML; report templates escape by |e
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize_or_block,
    )


def render(template: str, **values: Any) -> str:
    """Return the rendered template; raises HaoscarError with its name and line."""
    try:
        return environment().get_template(template).render(**values)
    except (jinja2.TemplateError, ValueError) as problem:
        line = getattr(problem, "lineno", None)
        where = f"templates/{template}" + (f":{line}" if line else "")
        raise HaoscarError.of(
            "template.failed", f"The template {where} could not be rendered: {problem}."
        ) from problem
