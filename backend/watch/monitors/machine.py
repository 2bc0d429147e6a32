"""What is looked at on the active head itself: units, files, a mounted export, Slurm, DHCP."""

from __future__ import annotations

import os
import re

from backend.system.agent.program import How
from backend.system.watch import dhcp, files
from backend.system.watch.errors import Busy, CannotLook, Silent
from backend.system.watch.programs import Ran
from backend.watch.monitors import dhcp_message
from backend.watch.monitors.findings import Finding, failed, ok, unknown
from backend.watch.monitors.look import Look, here
from backend.watch.results import Outcome, Result

ACTIVE = ("active", "reloading", "refreshing")
BETWEEN = ("activating", "deactivating", "maintenance")
_ENDINGS = ("service", "socket", "target", "mount", "automount", "swap", "timer", "path", "slice", "scope", "device")  # fmt: skip
_PING = re.compile(r"Slurmctld\((\S{1,40})\) at (\S{1,253}) is (UP|DOWN)")


async def check_units(look: Look) -> Result:
    """Check whether systemd units are active."""
    return await here(look, _units)


def full_name(unit: str) -> str:
    """Return a unit's name with its ending, as systemctl completes it."""
    return unit if unit.rpartition(".")[2] in _ENDINGS and "." in unit else f"{unit}.service"


async def _units(look: Look, host: str, _address: str) -> Finding:
    names = tuple(full_name(one) for one in look.given.words)
    bad, lost = [], []
    for unit in await look.tools.units.states(names, look.seconds):
        if unit.load in ("not-found", "error", "bad-setting"):
            lost.append(f"{unit.name} is not there ({unit.load})")
        elif unit.active in BETWEEN:
            lost.append(f"{unit.name} is {unit.active}")
        elif unit.active not in ACTIVE:
            bad.append(f"{unit.name} is {unit.active}")
    if bad:
        return failed(host, "; ".join(bad + lost))
    if lost:
        return unknown(host, "; ".join(lost))
    return ok(host, f"{', '.join(names)}: active")


async def check_files(look: Look) -> Result:
    """Check how old files are."""
    return await here(look, _files)


async def _files(look: Look, host: str, _address: str) -> Finding:
    most = look.given.span("older")
    found = [await _file(look, host, path, most) for path in look.given.words]
    bad = [one.text for one in found if one.outcome is Outcome.FAILED]
    lost = [one.text for one in found if one.outcome is Outcome.UNKNOWN]
    if bad:
        return failed(host, "; ".join(bad + lost))
    if lost:
        return unknown(host, "; ".join(lost))
    return ok(host, f"younger than {most:.0f} s: {', '.join(look.given.words)}")


async def _file(look: Look, host: str, path: str, most: float) -> Finding:
    try:
        changed = await look.tools.aside.call(
            f"file {path}", look.seconds, lambda: files.changed(path)
        )
    except (FileNotFoundError, NotADirectoryError):
        return failed(host, f"{path} is not there")
    except OSError as error:
        return unknown(host, f"{path} cannot be looked at: {error.strerror}")
    except (Silent, Busy):
        return unknown(host, f"{path} cannot be looked at: its file system hangs")
    age = files.now() - changed
    if age > most:
        return failed(host, f"{path} is {age:.0f} s old; allowed are {most:.0f} s")
    return ok(host, path)


async def check_nfs(look: Look) -> Result:
    """Check whether a mounted export can be written."""
    return await here(look, _nfs)


async def _nfs(look: Look, host: str, _address: str) -> Finding:
    directory = look.given.words[0]
    kind = files.mounted(directory)
    if not kind:
        return failed(host, f"nothing is mounted at {directory}")
    name = f".haoscar-watch-{look.me.name}-{os.getpid()}"
    try:
        ran = await look.tools.programs.run(
            f"write to {directory}", ("write",), look.seconds,
            child=lambda: files.write_and_read(directory, name),
        )  # fmt: skip
    except Busy as busy:
        return failed(host, f"a write to {directory} hangs since {busy.since:.0f} s")
    if ran.how in (How.TIMED_OUT, How.STUCK):
        return failed(host, f"nothing could be written to {directory} within {look.seconds:.3g} s")
    if ran.how is How.NOT_STARTED or ran.code:
        return failed(host, f"{directory} cannot be written: {ran.why or 'the child failed'}")
    return ok(host, f"{directory} ({kind}): written and read in {ran.seconds:.3f} s")


async def check_slurm(look: Look) -> Result:
    """Check whether the Slurm controllers answer."""
    return await here(look, _slurm)


async def _slurm(look: Look, host: str, _address: str) -> Finding:
    ran = await look.tools.programs.run("scontrol ping", ("scontrol", "ping"), look.seconds)
    return judge_slurm(host, ran, every=look.given.yes("all"))


def judge_slurm(host: str, ran: Ran, *, every: bool) -> Finding:
    """Return what ``scontrol ping`` says. Pure."""
    output = ran.output.decode("utf-8", "backslashreplace")
    states = {f"{found[2]} ({found[1]})": found[3] for found in _PING.finditer(output)}
    if ran.how is How.NOT_STARTED:
        return unknown(host, f"scontrol could not be started ({ran.why}). Install Slurm's client.")
    if ran.how is not How.EXITED or not states:
        said = ran.errors.decode("utf-8", "backslashreplace").strip()[:300]
        return unknown(host, f"scontrol ping did not tell the state of a controller. {said}")
    down = [name for name, state in states.items() if state == "DOWN"]
    if len(down) == len(states) or (every and down):
        return failed(host, f"slurmctld is down at {', '.join(down)}")
    return ok(host, "; ".join(f"slurmctld at {name} is {state}" for name, state in states.items()))


async def check_dhcp(look: Look) -> Result:
    """Check whether a DHCP server answers on a network of this head."""
    return await here(look, _dhcp)


async def _dhcp(look: Look, host: str, _address: str) -> Finding:
    card = dhcp.Card(look.given.words[0])
    server, mac = look.given.options["server"], look.given.options["mac"]
    asked = dhcp_message.Asked(int.from_bytes(os.urandom(4), "big"), card.mac, card.address)
    client = bytes.fromhex(mac.replace(":", "")) if mac else dhcp_message.stand_in(card.mac)
    questions = (dhcp_message.inform(asked), dhcp_message.discover(asked, client))

    def answer(data: bytes) -> str | None:
        found = dhcp_message.server_of(data, asked.number)
        return found if found and server in ("", found) else None

    try:
        found = await dhcp.ask(card, questions, answer, look.seconds)
    except Silent:
        who = server or "no DHCP server"
        return failed(host, f"{who} {'does not answer' if server else 'answers'} on {card.name}")
    except CannotLook as error:
        return unknown(host, str(error))
    return ok(host, f"{found} answers on {card.name}")
