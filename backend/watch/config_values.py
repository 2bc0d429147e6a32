"""Readers of single values of the watch process's configuration: a typed value, or Wrong."""

from __future__ import annotations

import re
from typing import Callable, TypeVar

from backend.agent import config_values as read
from backend.agent.config_json import Value
from backend.agent.config_values import Wrong, shown
from backend.periods import BadPeriod, Period
from backend.watch.core.depend import BadExpression, parse

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:-]{0,252}[A-Za-z0-9_.])?")
MAIL = re.compile(r"[A-Za-z0-9._%+=-]{1,64}(?:@[A-Za-z0-9.-]{1,253})?")
SMTP = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?):([1-9][0-9]{0,4})")
PROGRAM = re.compile(r"/?[A-Za-z0-9_][^\s\x00]{0,254}")
BLANKS = re.compile(r"[\t\n\r\f\v]")
MOST_WORDS, MOST_HOSTS = 500, 10_000

T = TypeVar("T")
tag = read.matching(
    TAG, "a name", "Use letters, digits, underscores, dots and hyphens, 64 at most."
)
host = read.matching(HOST, "a host name or address", 'Write it as "head1" or "10.0.0.2".')
program = read.matching(PROGRAM, "a program", 'Write a name, or a path from the root: "mail".')


def optional(reader: Callable[[Value], str]) -> Callable[[Value], str]:
    """Return a reader that takes "" for none."""

    def judge(value: Value) -> str:
        return "" if value.data == "" else reader(value)

    return judge


def items(reader: Callable[[Value], T], most: int) -> Callable[[Value], tuple[T, ...]]:
    """Return a reader of a list."""

    def judge(value: Value) -> tuple[T, ...]:
        if not isinstance(value.data, list):
            raise Wrong(f"{shown(value)} is not a list.", 'Write it as ["one", "two"].')
        if len(value.data) > most:
            raise Wrong(f"It has {len(value.data)} entries, more than {most}.", "Take some out.")
        return tuple(reader(one) for one in value.data)

    return judge


hosts = items(host, MOST_HOSTS)
words = items(read.text, MOST_WORDS)
addresses = items(read.address, 8)


def period(value: Value) -> Period:
    """Read a period as Perl's Time::Period reads it, which knows line ends; raises Wrong."""
    if isinstance(value.data, str) and BLANKS.sub("", value.data).isprintable():
        text = value.data
    else:
        text = read.text(value)
    try:
        return Period.parse(text)
    except BadPeriod as problem:
        raise Wrong(problem.troubles[0].text, problem.troubles[0].remedy) from None


def expression(value: Value) -> str:
    """Read a dependency; raises Wrong."""
    found = read.text(value)
    try:
        parse(found)
    except BadExpression as problem:
        rule = "Write group:service, joined by && or ||, with ! and brackets."
        raise Wrong(f"{shown(value)}: {problem}.", rule) from None
    return found


def codes(value: Value) -> tuple[int, int]:
    """Read the lowest and the highest exit code; raises Wrong."""
    found = items(read.whole(0, 255), 2)(value)
    if len(found) != 2 or found[0] > found[1]:
        raise Wrong("These are no exit codes.", "Write the lowest and the highest: [1, 255].")
    return found[0], found[1]


def environment(value: Value) -> tuple[tuple[str, str], ...]:
    """Read variables for a monitor and its alerts; raises Wrong."""
    if not isinstance(value.data, dict):
        raise Wrong(f"{shown(value)} is not an object.", 'Write it as {"NAME": "value"}.')
    for name in value.data:
        if not VARIABLE.fullmatch(name):
            rule = "Use capital letters, digits and underscores."
            raise Wrong(f"{ascii(name)[:60]} is no name of a variable.", rule)
    return read.options(value)


def sender(value: Value) -> str:
    """Read the address that mails come from, or "" for root at this host; raises Wrong."""
    found = read.text(value)
    if found and not MAIL.fullmatch(found):
        raise Wrong(f"{shown(value)} is no mail address.", 'Write it as "haoscar@example.org".')
    return found


def server(value: Value) -> str:
    """Read a mail server with its port, or "" for none; raises Wrong."""
    found = read.text(value)
    right = SMTP.fullmatch(found)
    if found and (right is None or int(right[2]) > 65535):
        raise Wrong(f"{shown(value)} is no server with a port.", 'Write it as "mail.site:25".')
    return found
