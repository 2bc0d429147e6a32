"""What is wrong with the configuration of fencing, found before it is needed; nothing is run."""

from __future__ import annotations

import re

from backend.agent.settings import Fencing

_AGENT = re.compile(r"fence_[a-z0-9_]{1,48}")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SECRETS = ("passw", "passphrase", "secret", "token", "hexadecimal_kg")  # parts of option names
_OURS = ("action", "option")
_TALKATIVE = ("verbose", "verbose_level", "debug", "debug_file", "quiet", "version", "help")
# They cut a machine off from its storage or only report: it would go on answering for the
# virtual IP while this head believes that it is off.
_NO_POWER = (
    "fence_ack_manual", "fence_brocade", "fence_cisco_mds", "fence_compute", "fence_evacuate",
    "fence_heuristics_ping", "fence_ifmib", "fence_kdump", "fence_mpath", "fence_sanbox2",
    "fence_sanlock", "fence_scsi",
)  # fmt: skip
_PARAMETER = re.compile(r'<parameter\s+name="([^"]{1,64})"')
_ACTION = re.compile(r'<action\s+name="([^"]{1,32})"([^>]{0,200})>')


def problems(fencing: Fencing) -> tuple[str, ...]:
    """Return every problem as a sentence; empty when there is none.

    Whether the program is there and root's own: programs.program_problem of ``path``; whether the
    credentials are: programs.secrets_problem; what the program itself knows: metadata_problems.
    """
    found = []
    if not _AGENT.fullmatch(fencing.agent):
        found.append(
            f"{ascii(fencing.agent)[:80]} is not the name of a fence agent: write it without a "
            "path, as in fence_ipmilan."
        )
    elif fencing.agent in _NO_POWER:
        found.append(
            f"{fencing.agent} does not switch a machine off; use an agent that does, such as "
            "fence_ipmilan or fence_redfish."
        )
    if not 1 <= fencing.limit <= 600:
        found.append(f"The limit of {fencing.limit:g} s is not between 1 and 600 s.")
    path = fencing.credentials_file
    if path and (not path.startswith("/") or not path.isprintable()):
        found.append(f"credentials_file: {ascii(path)[:200]} is no absolute path.")
    names = [name.lower().replace("-", "_") for name, _ in fencing.options]
    found += [f"options: {name} is there twice." for name in sorted(_repeated(names))]
    for name, value in fencing.options:
        found += _option_problems(name, value)
    return tuple(found)


def warnings(fencing: Fencing) -> tuple[str, ...]:
    """Return what is allowed and should be known."""
    if fencing.agent == "fence_dummy":
        return ("fence_dummy switches nothing off: it is good for rehearsals only.",)
    return ()


def metadata_problems(fencing: Fencing, metadata: str) -> tuple[str, ...]:
    """Return what the agent's own description (its output for action=metadata) speaks against.

    The agents themselves ignore an option they do not know, with a warning nobody reads.
    """
    actions = dict(_ACTION.findall(metadata))
    if not actions:
        return (f"{fencing.agent} does not describe itself; it may be broken.",)
    found = []
    if "off" not in actions or "status" not in actions:
        found.append(f"{fencing.agent} cannot switch off, or cannot tell the state; use another.")
    if 'automatic="1"' in actions.get("on", ""):
        found.append(f"{fencing.agent} cuts off storage, it does not switch a machine off.")
    known = {name.lower().replace("-", "_") for name in _PARAMETER.findall(metadata)}
    for name, _ in fencing.options:
        if name.lower().replace("-", "_") not in known:
            found.append(f"options: {fencing.agent} does not know {name}; correct or remove it.")
    return tuple(found)


def _option_problems(name: str, value: str) -> list[str]:
    plain = name.lower().replace("-", "_")
    if not _OPTION.fullmatch(name):
        return [f"options: {ascii(name)[:80]} is not the name of an option."]
    if any(part in plain for part in _SECRETS) and not plain.endswith("_script"):
        return [f"options: {name} is a secret; put the line {name}=... into credentials_file."]
    if plain in _OURS:
        return [f"options: {name} is set by the failover agent; remove it."]
    if plain in _TALKATIVE:
        return [f"options: {name} would write secrets or nothing into the log; remove it."]
    if not value.isprintable() or len(value) > 1024:
        return [
            f"options: the value of {name} has characters that cannot be printed, or is too long."
        ]
    return []


def _repeated(names: list[str]) -> set[str]:
    return {one for one in names if names.count(one) > 1}
