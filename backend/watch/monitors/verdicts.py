"""What the end of a monitor of another project says. Pure."""

from __future__ import annotations

from backend.agent.resources import kinds as resources
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, How, visible
from backend.system.watch.programs import KEPT, Ran
from backend.watch.monitors.findings import Finding, cannot, failed, ok, unknown
from backend.watch.results import LONGEST_DETAIL, LONGEST_SUMMARY, Outcome, Result, harmless

_NOT_RUN = (126, 127)  # of a shell that could not run what it was told to
_PLUGIN_OK, _PLUGIN_FAILED = (0,), (1, 2)


def trouble(name: str, ran: Ran) -> str:
    """Say why a run counts for nothing; "": it ended by itself."""
    said = first_line(ran.errors) or first_line(ran.output)
    more = f": {said}" if said else "."
    if ran.how is How.NOT_STARTED:
        return f"{name} could not be started: {ran.why}. Install it, or correct its name."
    if ran.how is How.TIMED_OUT:
        return f"{name} did not end in time and was stopped after {ran.seconds:.0f} s{more}"
    if ran.how is How.STUCK:
        return f"{name} hangs in the kernel and cannot be stopped{more}"
    if ran.how is not How.EXITED:
        return f"{name} was killed by signal {ran.code}{more}"
    return ""


def of_mon(name: str, ran: Ran, hosts: tuple[str, ...]) -> Result:
    """Return the result of a monitor of mon: 0 is well, anything else has failed."""
    why = trouble(name, ran)
    if not why and ran.code in _NOT_RUN:
        said = first_line(ran.errors) or first_line(ran.output)
        why = f"{name} could not be run (exit code {ran.code}): {said or 'it said nothing'}"
    if why:
        return cannot(why, everything(ran))
    summary = first_line(ran.output)
    rest = text_of(ran.output).partition("\n")[2]
    if ran.errors:
        rest = f"{rest.rstrip()}\n(standard error)\n{text_of(ran.errors)}".lstrip("\n")
    outcome = Outcome.FAILED if ran.code else Outcome.OK
    bad: tuple[str, ...] = ()
    if ran.code:
        named = set(summary.replace(",", " ").split())
        bad = tuple(host for host in hosts if host in named) or hosts
    return Result(
        outcome, ran.code, harmless(summary, LONGEST_SUMMARY),
        harmless(rest, LONGEST_DETAIL, lines=True), bad,
    )  # fmt: skip


def of_plugin(name: str, host: str, ran: Ran) -> Finding:
    """Return the finding of a Nagios plugin: a warning has failed, too; what it measures is left out."""
    why = trouble(name, ran)
    if why:
        return unknown(host, why)
    said = without_numbers(text_of(ran.output)) or text_of(ran.errors).strip()
    if ran.code in _PLUGIN_OK:
        return ok(host, said or "well")
    if ran.code in _PLUGIN_FAILED:
        word = "a warning" if ran.code == 1 else "critical"
        return failed(host, said or f"{name} says nothing but {word}")
    return unknown(host, said or f"{name} ended with exit code {ran.code} and said nothing")


def of_ocf(host: str, resource: Resource, ran: Ran) -> Finding:
    """Return the finding of an OCF resource agent's monitor action."""
    text = visible(ran.output + ran.errors)[-4000:] or ran.why
    ended = Ended(resource.name, ran.how, ran.code, text, ran.seconds)
    meaning = resources.meaning(resource, resources.Verb.CHECK, ended)
    if meaning.outcome is resources.Outcome.DONE:
        return ok(host, "it runs")
    if meaning.outcome is resources.Outcome.UNKNOWN:
        return unknown(host, meaning.why)
    return failed(host, meaning.why)


def without_numbers(text: str) -> str:
    """Return a plugin's text without its performance data: what follows | on the first line, and
    all from the next | on."""
    first, _, rest = text.partition("\n")
    return "\n".join((first.partition("|")[0].strip(), rest.partition("|")[0].strip())).strip()


def text_of(raw: bytes) -> str:
    """Return output as text."""
    cut = "\n(...)" if len(raw) >= KEPT else ""
    return raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n") + cut


def first_line(raw: bytes) -> str:
    """Return the first line."""
    return text_of(raw).partition("\n")[0].strip()[: 2 * LONGEST_SUMMARY]


def everything(ran: Ran) -> str:
    """Return all that a program said."""
    return "\n".join(text_of(raw).strip() for raw in (ran.output, ran.errors) if raw)
